"""`make test-hours`: the tests without a browser, by machines whose clocks show other moments.

libfaketime moves the wall clock of every process that a run starts, PostgreSQL and Mosquitto among
them, and leaves the monotonic clock alone, as on a machine whose clock is simply wrong. A moment
begins a minute before what it is about, so that the change comes while the tests run; those that
ask for now come first.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as xml
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple

import libfaketime

from tests.bench.shutdown import end_in_order
from tests.clock import utc_now

HOME = Path(__file__).parent
# Running services first: they are what the moment is about.
ROOMS = ("dashboards", "edges", "system", "deploy", "ingest", "alerts", "devices", "histories")
LIBRARY = Path(libfaketime.__file__).parent / "vendor/libfaketime/src/libfaketime.so.1"
LIMIT = 30 * 60.0  # seconds of one run, after which it hangs; a whole one takes 6 minutes
STUCK = 300  # seconds of one test, after which its stacks are written to the log


class Moment(NamedTuple):
    """One setting of the machine's clock and of two zones, and how much is run under it."""

    name: str
    begins: str  # UTC
    machine: str = "UTC"  # TZ
    town: str = "Asia/Shanghai"  # of the towns that run in tests
    whole: bool = False  # with what is killed under load


LA = "America/Los_Angeles"
MOMENTS = (
    Moment("the town's New Year", "2026-12-31 15:59", whole=True),
    Moment("New Year", "2026-12-31 23:59", whole=True),
    Moment("after the town's midnight, a month's last day", "2027-01-31 16:01"),
    Moment("a month's end", "2027-01-31 23:59"),
    Moment("28 February, and none to follow", "2027-02-28 15:59"),
    Moment("28 February, and one to follow", "2028-02-28 15:59"),
    Moment("29 February ends", "2028-02-29 15:59", whole=True),
    Moment("29 February, early", "2028-02-29 00:30"),
    Moment("morning, midnight in Los Angeles", "2027-02-28 07:59", machine=LA),
    Moment("the clocks of the town go forward", "2027-03-14 09:59", LA, LA, whole=True),
    Moment("the clocks of the town go back", "2027-11-07 08:59", LA, LA),
    Moment("midnight in Kiritimati", "2027-04-30 09:59", machine="Pacific/Kiritimati"),
)


class Run(NamedTuple):
    """What came of the tests at one moment."""

    moment: Moment
    minutes: float
    passed: int = 0
    skipped: int = 0
    fallen: tuple[str, ...] = ()  # tests, or what else went wrong

    def line(self) -> str:
        """Return the run's row of the table."""
        part = "all" if self.moment.whole else "all but chaos"
        where = f"{self.moment.begins} {self.moment.machine:20} {self.moment.town:20}"
        counts = f"{self.passed:5} {self.skipped:7} {len(self.fallen):6}"
        return f"{where} {part:13} {counts} {self.minutes:7.1f}  {self.moment.name}"


HEAD = (
    f"{'begins (UTC)':16} {'machine':20} {'town':20} {'part':13} {'passed':>5} {'skipped':>7}"
    f" {'fallen':>6} {'minutes':>7}"
)


def main() -> None:
    """Run the moments asked for, print what fell at which, and end with 1 if anything did."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--only", default="", help="moments with this in their row, e.g. 15:59")
    words.add_argument("--workers", default="2", help="tests that run side by side")
    words.add_argument("tests", nargs="*", help="instead of all, e.g. tests/dashboards")
    asked = words.parse_args()
    chosen = [one for one in MOMENTS if asked.only in Run(one, 0).line()]
    if not can_be_moved():
        sys.exit("libfaketime does not move this machine's clock, or not it alone")
    end_in_order()
    logs = Path(mkdtemp(prefix="carewatch-hours-"))
    runs = []
    for number, moment in enumerate(chosen, 1):
        print(f"{number} of {len(chosen)}: {moment.begins} UTC, {moment.name}", flush=True)
        runs.append(run(moment, logs / str(number), asked.workers, asked.tests))
        print("\n".join(f"    fell: {each}" for each in runs[-1].fallen), flush=True)
    print(f"\n{HEAD}", *(one.line() for one in runs), sep="\n")
    print(f"\nThe logs are in {logs}")
    sys.exit(any(one.fallen for one in runs) or not runs)


def shifted(moment: Moment) -> dict[str, str]:
    """Return the environment in which the clock begins at the moment.

    FAKETIME is a difference, not a moment, so that all processes agree. Files keep their true
    times: libfaketime moves those under a semaphore that all processes share, and one that is
    killed while it holds it stops the rest.
    """
    begins = datetime.fromisoformat(f"{moment.begins}+00:00")
    ahead = (begins - utc_now()).total_seconds()
    return {
        **os.environ,
        "LD_PRELOAD": str(LIBRARY),
        "FAKETIME": f"{ahead:+.0f}",
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
        "TZ": moment.machine,
        "TEST_TIMEZONE": moment.town,
    }


def can_be_moved() -> bool:
    """Return True if a process sees another year, sleeps as long as it means to, and no longer."""
    moment = Moment("far away", "2044-04-04 04:04")
    script = "import time; time.sleep(0.2); print(time.time(), time.monotonic())"
    done = subprocess.run(
        [sys.executable, "-c", script], env=shifted(moment), capture_output=True, timeout=60
    )
    if done.returncode != 0:
        return False
    wall, monotonic = map(float, done.stdout.split())
    ahead = wall - datetime.fromisoformat(f"{moment.begins}+00:00").timestamp()
    return abs(ahead) < 60 and abs(monotonic - time.monotonic()) < 60


def run(moment: Moment, log: Path, workers: str, tests: Sequence[str]) -> Run:
    """Run the tests at one moment; what hangs is ended, and has fallen."""
    report, began = log.with_suffix(".xml"), time.monotonic()
    where = tests or [str(HOME / room) for room in ROOMS] + [str(HOME)]
    part = "not browser" if moment.whole else "not browser and not chaos"
    command = [sys.executable, "-m", "pytest", *where, "-m", part, f"--junitxml={report}"]
    command += ["--numprocesses", workers, "--dist", "loadfile", "--no-loadscope-reorder"]
    command += ["-o", f"faulthandler_timeout={STUCK}"]
    with log.with_suffix(".txt").open("w") as out:
        process = subprocess.Popen(
            command, env=shifted(moment), stdout=out, stderr=out, start_new_session=True
        )
        try:
            status: int | None = process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            end(process)
    return counted(moment, (time.monotonic() - began) / 60, status, report)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a run and what it started: in good order, and by force what stays."""
    for how in (signal.SIGINT, signal.SIGKILL):
        if process.poll() is not None:
            return
        os.killpg(process.pid, how)
        with suppress(subprocess.TimeoutExpired):
            process.wait(60)


def counted(moment: Moment, minutes: float, status: int | None, report: Path) -> Run:
    """Return what the report of a run says; without one, or at odds with it, the run has fallen."""
    if status is None or not report.exists():
        why = "hung" if status is None else f"ended with {status}"
        return Run(moment, minutes, fallen=(f"the run {why}: see {report.with_suffix('.txt')}",))
    cases = list(xml.parse(report).iter("testcase"))
    fallen = tuple(fallen_of(cases))
    skipped = sum(case.find("skipped") is not None for case in cases)
    if status != 0 and not fallen:
        fallen = (f"the run ended with {status}: see {report.with_suffix('.txt')}",)
    return Run(moment, minutes, len(cases) - skipped - len(fallen), skipped, fallen)


def fallen_of(cases: Sequence[xml.Element]) -> Iterator[str]:
    for case in cases:
        if case.find("failure") is not None or case.find("error") is not None:
            yield f"{case.get('classname')}::{case.get('name')}"


if __name__ == "__main__":
    main()
