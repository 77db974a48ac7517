"""A real Mosquitto on a free loopback port, with our own limits, that a test may stop and start."""

import getpass
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.shutdown import VANISHING

LIMITS = Path(__file__).parent.parent / "deploy" / "mosquitto" / "conf.d"


def free_port() -> int:
    """A TCP port of the loopback interface that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listening(port: int) -> bool:
    """Whether somebody accepts connections on this loopback port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Broker:
    """One Mosquitto: `start`, `stop` (SIGTERM: it saves first), `kill` (SIGKILL: it does not)."""

    def __init__(self, directory: Path, port: int | None = None) -> None:
        self.directory = directory
        self.port = port or free_port()
        self.process: subprocess.Popen[bytes] | None = None
        directory.mkdir(parents=True, exist_ok=True)
        self.config = directory / "mosquitto.conf"
        self.config.write_text(
            f"include_dir {LIMITS}\n"
            f"listener {self.port} 127.0.0.1\n"
            "allow_anonymous true\n"
            f"persistence_location {directory}/\n"
            f"user {getpass.getuser()}\n"
            "log_dest stderr\nlog_type error\nlog_type warning\n"
        )

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self.process is not None, "the broker is not running"
        return self.process.pid

    def start(self) -> None:
        """Start it and wait until it accepts connections."""
        binary = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        with (self.directory / "mosquitto.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*VANISHING, binary, "-c", str(self.config)], stderr=log
            )
        until = time.monotonic() + 20
        while not listening(self.port):
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError((self.directory / "mosquitto.log").read_text())
            time.sleep(0.02)

    def stop(self) -> None:
        """SIGTERM and wait: it saves its sessions and queues."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL and wait: what it had not saved is gone."""
        self._end(signal.SIGKILL)

    def save(self) -> None:
        """Make it save its sessions and queues now, and wait until it has."""
        assert self.process is not None
        kept = self.directory / "mosquitto.db"
        before = kept.stat().st_mtime_ns if kept.exists() else 0
        self.process.send_signal(signal.SIGUSR1)
        until = time.monotonic() + 20
        while not kept.exists() or kept.stat().st_mtime_ns == before:
            if time.monotonic() > until:
                raise TimeoutError("the broker does not save")
            time.sleep(0.02)

    def _end(self, how: signal.Signals) -> None:
        if self.process is None:
            return
        self.process.send_signal(how)
        self.process.wait(30)
        self.process = None


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A running broker for this test alone."""
    if shutil.which("mosquitto") is None and not Path("/usr/sbin/mosquitto").exists():
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    one = Broker(tmp_path / "broker")
    one.start()
    yield one
    one.stop()
