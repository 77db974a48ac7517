"""A log that can't be written ends nothing, and a thread that falls is not missed in silence."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

FULL = Path("/dev/full")  # takes nothing: no space left on device
SAYS = """
import structlog
from deploy import logs
{configured}
for _ in range(2000):  # more than any buffer holds
    structlog.get_logger().warning("database away", why="x" * 100)
print("at work")
"""
FALLS = """
import sys, threading
from deploy import logs
logs.configure("info")
logs.end_with_any_thread()
def work():
    {fault}
thread = threading.Thread(target=work, name="save life", daemon=True)
thread.start()
thread.join()
"""


def run(script: str, **where: object) -> subprocess.CompletedProcess[str]:
    """Run a script of ours in a process of its own."""
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, timeout=120, **where
    )


@pytest.mark.parametrize("configured", ['logs.configure("info")', "logs.configure_console()"])
def test_a_full_disk_ends_nobody_who_logs(configured: str) -> None:
    with FULL.open("w") as full:
        done = run(SAYS.format(configured=configured), stderr=full)
    assert done.stdout == "at work\n"


def test_a_log_that_nobody_reads_any_more_ends_nobody() -> None:
    script = "import os; os.dup2(os.open('/dev/null', os.O_RDONLY), 2)\n" + SAYS
    assert run(script.format(configured='logs.configure("info")')).stdout == "at work\n"


def test_a_process_ends_with_the_thread_that_falls() -> None:
    script = FALLS.format(fault='raise RuntimeError("王淑兰 pressed")')
    done = run(script, stderr=subprocess.PIPE)
    assert done.returncode == 70
    line = json.loads(done.stderr)
    assert (line["event"], line["thread"], line["why"]) == (
        "thread fell",
        "save life",
        "RuntimeError",
    )
    assert line["where"][-1].endswith("work")
    assert "王" not in done.stderr


def test_and_does_so_where_even_the_log_is_full() -> None:
    with FULL.open("w") as full:
        done = run(FALLS.format(fault='raise OSError("no space")'), stderr=full)
    assert done.returncode == 70


def test_a_thread_that_ends_itself_is_no_fall() -> None:
    script = FALLS.format(fault="sys.exit(3)")
    assert run(script, stderr=subprocess.PIPE).returncode == 0
