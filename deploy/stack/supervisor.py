"""Child processes: started in order, restarted when they fall, ended in reverse order.

The embedded parts they stand on are started again too, by the same pauses.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from core.backoff import Backoff
from core.errors import CarewatchError
from deploy.stack.embedded import StackPart
from deploy.stack.local import ended_with_parent

log = structlog.get_logger()

FIRST_PAUSE = 0.5  # seconds before the first restart of a child that fell
LONGEST_PAUSE = 30.0  # seconds; the pause doubles up to here
STEADY = 60.0  # seconds of running after which a fall counts as the first again
GRACE = 15.0  # seconds a child has to end by itself
LOG_LIMIT = 20_000_000  # bytes; a longer log file is begun anew at the next start


def restarts() -> Backoff:
    """Return the pauses before restarts of something that fell."""
    return Backoff(FIRST_PAUSE, LONGEST_PAUSE, steady=STEADY)


@dataclass
class Child:
    """One service: its name, its command line and what is added to its environment."""

    name: str
    command: Sequence[str]  # arguments of the `carewatch` command
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0  # time.monotonic()
    restarts: Backoff = field(default_factory=restarts)
    due: float = 0.0  # time.monotonic() of the next restart


@dataclass
class Tended:
    """An embedded part, and when it is started again should it fall."""

    part: StackPart
    started: float = field(default_factory=time.monotonic)
    restarts: Backoff = field(default_factory=restarts)
    due: float | None = None  # time.monotonic() of the next start; None: it runs

    def tend(self) -> None:
        """Start it again once its pause is over; one that does not start falls once more."""
        if self.due is None:
            if self.part.has_fallen():
                self._fell("it has ended")
            return
        if time.monotonic() < self.due:
            return
        self.started, self.due = time.monotonic(), None
        try:
            self.part.start()
        except CarewatchError as error:
            self._fell(str(error))

    def _fell(self, why: str) -> None:
        pause = self.restarts.pause(time.monotonic() - self.started)
        self.due = time.monotonic() + pause
        log.warning("part fell", part=self.part.name, why=why, restart_in=round(pause, 1))


class Supervisor:
    """Keeps children running until `stop`."""

    def __init__(
        self, children: Sequence[Child], logs: Path | None = None, parts: Sequence[StackPart] = ()
    ) -> None:
        self.children = list(children)
        self.parts = [Tended(part) for part in parts]
        self.logs = logs  # directory for one log file a child; None = our own stderr
        self.stopping = threading.Event()

    def start(self) -> None:
        """Start every child, in order."""
        for child in self.children:
            self._spawn(child)

    def watch(self, seconds: float | None = None) -> None:
        """Restart what falls, until `stop` is asked for or `seconds` have passed."""
        end = None if seconds is None else time.monotonic() + seconds
        while not self.stopping.wait(0.2):
            if end is not None and time.monotonic() >= end:
                return
            for part in self.parts:
                part.tend()
            for child in self.children:
                self._tend(child)

    def stop(self) -> None:
        """End all children: a SIGTERM each, in reverse order, SIGKILL to who stays."""
        self.stopping.set()
        alive = [
            c.process for c in reversed(self.children) if c.process and c.process.poll() is None
        ]
        for process in alive:
            process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + GRACE
        for process in alive:
            try:
                process.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _tend(self, child: Child) -> None:
        if child.process is None:
            if time.monotonic() >= child.due:
                self._spawn(child)
            return
        status = child.process.poll()
        if status is None:
            return
        pause = child.restarts.pause(time.monotonic() - child.started)
        child.due = time.monotonic() + pause
        child.process = None
        log.warning("service fell", service=child.name, status=status, restart_in=round(pause, 1))

    def _spawn(self, child: Child) -> None:
        out = self._log_of(child)
        child.process = subprocess.Popen(
            ended_with_parent([sys.executable, "-m", "deploy", *child.command]),
            env={**os.environ, **child.environment},
            stdout=out,
            stderr=out,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C reaches us alone; we end them in order
        )
        child.started = time.monotonic()
        if out is not None:
            os.close(out)

    def _log_of(self, child: Child) -> int | None:
        if self.logs is None:
            return None
        self.logs.mkdir(parents=True, exist_ok=True)
        path = self.logs / f"{child.name}.log"
        if path.exists() and path.stat().st_size > LOG_LIMIT:
            path.unlink()
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
