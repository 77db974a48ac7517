"""The supervisor restarts what falls and leaves nobody behind."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from core.errors import CarewatchError
from deploy.stack import supervisor
from deploy.stack.supervisor import Child, Supervisor, Tended
from tests.waiting import until


@pytest.fixture
def sleeper(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Children that run a script of ours instead of the `carewatch` command."""
    script = tmp_path / "sleeper"
    script.write_text('#!/bin/sh\necho "$$" >> "$PIDS"\nexec sleep 600\n')
    script.chmod(0o755)
    monkeypatch.setattr(supervisor.sys, "executable", str(script))
    return tmp_path


def pids(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_child_that_falls_is_restarted_and_all_end_with_the_supervisor(sleeper: Path) -> None:
    file = sleeper / "pids"
    ward = Supervisor([Child("one", ["x"], {"PIDS": str(file)})], logs=sleeper / "logs")
    ward.start()
    until(lambda: len(pids(file)) == 1)
    os.kill(pids(file)[0], signal.SIGKILL)
    watching = threading.Thread(target=ward.watch)
    watching.start()
    until(lambda: len(pids(file)) == 2)
    ward.stopping.set()
    watching.join()
    ward.stop()
    assert len(pids(file)) == 2
    assert not any(alive(pid) for pid in pids(file))


def test_children_die_with_a_killed_supervisor(sleeper: Path) -> None:
    file = sleeper / "pids"
    parent = os.fork()
    if parent == 0:
        ward = Supervisor([Child("one", ["x"], {"PIDS": str(file)})], logs=sleeper / "logs")
        ward.start()
        time.sleep(600)
        sys.exit()
    until(lambda: len(pids(file)) == 1)
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    until(lambda: not alive(pids(file)[0]))


class Stubborn:
    """A part that has fallen, and does not start while its disk is full."""

    name, url = "database", ""

    def __init__(self) -> None:
        self.is_full = True
        self.runs = False
        self.tries = 0

    def has_fallen(self) -> bool:
        return not self.runs

    def start(self) -> None:
        self.tries += 1
        if self.is_full:
            raise CarewatchError("no room")
        self.runs = True


def test_a_part_that_does_not_start_is_tried_again_and_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1_000.0
    monkeypatch.setattr(supervisor.time, "monotonic", lambda: now)
    part = Stubborn()
    tended = Tended(part)
    for _ in range(200):  # ten seconds: tried after 0.5, then 1, 2 and 4 seconds
        tended.tend()
        now += 0.05
    assert part.tries == 4
    part.is_full = False
    for _ in range(200):
        tended.tend()
        now += 0.05
    assert part.runs
    assert part.tries == 5
