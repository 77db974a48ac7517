"""One trial in a process of its own, so that pages and alerts never wait for it.

It runs with a low priority, one at a time in the whole service, and ends when nobody waits
for it any more: when it is stopped, or when the service that started it has gone.
"""

import os
import subprocess
import sys
import threading
import time
from datetime import datetime
from functools import partial
from typing import NoReturn

import msgspec
import psycopg
import structlog

from alerts.trials import requests as trials
from alerts.trials.report import Summary, summed_up
from alerts.trials.report_page import page
from alerts.trials.stored import WARM_UP, Inputs, stored_trial
from alerts.types import PlanSet, TownSettings
from core.database import connect, first_line
from core.errors import CarewatchError
from core.locks import Lock

PATIENT = 10  # nice: a tenth of what anything else gets, yet it comes to an end on a busy machine
SIGN_OF_LIFE = 1.0  # s
LOOK_EVERY = 512  # stimuli

log = structlog.get_logger()


class Errand(msgspec.Struct, frozen=True):
    """Which trial to run, and where it is written down. Passed on standard input: it is secret."""

    database_url: str
    trial: str


class Progress:
    """How far a trial has come: written by who runs it, read by who tells."""

    def __init__(self) -> None:
        self.share = 0.0

    def passing(self, begin: datetime, end: datetime, heard: Inputs) -> Inputs:
        """Yield the same stimuli, and note every now and then how far they have come."""
        for n, stimulus in enumerate(heard):
            if n % LOOK_EVERY == 0:
                self.share = min(max((stimulus.moment - begin) / (end - begin), 0.0), 1.0)
            yield stimulus


def start(errand: Errand) -> None:
    """Run a trial in a process of its own; returns at once."""
    threading.Thread(target=_oversee, args=(errand,), name="trial", daemon=True).start()


def _oversee(errand: Errand) -> None:
    fault = _carried_out(errand)
    if not fault:
        return
    try:
        with connect(errand.database_url, "carewatch trial") as conn:
            trials.fail(conn, errand.trial, fault)
    except psycopg.Error as error:  # who reads it next finds it lost
        log.warning("trial not marked failed", trial=errand.trial, why=first_line(error))


def _carried_out(errand: Errand) -> str:
    """Run the process to its end and return why nothing came of it; "" if all went well."""
    command = [sys.executable, "-m", "alerts.trials.process"]
    try:
        done = subprocess.run(command, input=msgspec.json.encode(errand), check=False)
    except OSError as error:  # no memory for another process, say
        return f"its process did not start: {error.strerror}"
    return f"its process ended with {done.returncode}" if done.returncode else ""


def run(
    conn: psycopg.Connection, request: trials.Request, progress: Progress
) -> tuple[Summary, str]:
    """Run the trial and return the summary and the whole report.

    The same rows give the same bytes.
    """
    trial, live = stored_trial(
        conn,
        None,
        request.since,
        request.until,
        partial(with_settings, settings=request.settings),
        scope=request.scope,
        passing=partial(progress.passing, request.since - WARM_UP, request.until),
    )
    for _ in trial.findings():
        pass  # they are in trial.alarms
    changes = [str(difference) for difference in request.differences]
    summary = summed_up(
        trial,
        settings={"version": request.tried_on, "changes": changes},
        live=live,
        seats=request.seats,
    )
    raised = [finding for finding in trial.alarms if finding.event == "raised"]
    return summary, page(summary, raised)


def with_settings(plans: PlanSet, settings: TownSettings) -> PlanSet:
    """Return the plans with these settings alone, from the beginning to the end."""
    return msgspec.structs.replace(plans, rules=settings.rules, rules_for=settings.rules_for)


def main() -> None:
    """Run the trial that standard input names."""
    errand = msgspec.json.decode(sys.stdin.buffer.read(), type=Errand)
    os.nice(PATIENT)
    progress = Progress()
    telling = threading.Thread(target=_tell, args=(errand, progress, os.getppid()), daemon=True)
    telling.start()
    with connect(errand.database_url, "carewatch trial") as conn:
        conn.execute("SELECT pg_advisory_lock(%s)", (Lock.TRIAL,))
        request = trials.begin(conn, errand.trial)
        if request is None:
            return
        try:
            summary, report = run(conn, request, progress)
        except CarewatchError as wrong:
            trials.fail(conn, errand.trial, str(wrong))
        else:
            trials.finish(conn, errand.trial, summary, report)


def _tell(errand: Errand, progress: Progress, parent: int) -> NoReturn:
    """Say each second that the trial is alive; end the process where nobody waits for it."""
    try:
        with connect(errand.database_url, "carewatch trial") as conn:
            while os.getppid() == parent and trials.renew(conn, errand.trial, progress.share):
                time.sleep(SIGN_OF_LIFE)
            trials.fail(conn, errand.trial, "the service was ended before it was done")
    except psycopg.Error:
        os._exit(1)  # it would soon count as lost, and run on for nobody
    os._exit(0)


if __name__ == "__main__":
    main()
