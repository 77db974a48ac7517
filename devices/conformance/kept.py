"""(edge) The kept runs of the checklist: the last twenty of a device, in both languages."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
import psycopg
from psycopg.rows import class_row

from devices.conformance.checklist import Lang
from devices.conformance.report import Report
from devices.conformance.run import State

KEPT = 20  # runs of a device


class KeptRun(msgspec.Struct, frozen=True):
    """A run as it is listed."""

    number: int
    device: str
    ended: datetime
    state: State
    version: str


def keep_run(conn: psycopg.Connection, reports: Mapping[Lang, Report], version: str) -> int:
    """Keep a run, told in both languages; return its number. Raises psycopg.Error."""
    report = reports["en"]
    body = msgspec.json.encode(dict(reports)).decode().replace("\\u0000", "\\ufffd")
    with conn.transaction():
        (number,) = conn.execute(
            "INSERT INTO conformance_run (device, ended, state, version, reports)"
            " VALUES (%s, %s, %s, %s, %s) RETURNING number",
            (report.device, report.ended, report.state, version, body),
        ).fetchone() or (0,)
        conn.execute(
            "DELETE FROM conformance_run WHERE device = %s AND number NOT IN"
            " (SELECT number FROM conformance_run WHERE device = %s ORDER BY number DESC LIMIT %s)",
            (report.device, report.device, KEPT),
        )
    return int(number)


def last_runs(conn: psycopg.Connection, devices: Sequence[str]) -> dict[str, KeptRun]:
    """Return the last run of each of these devices that has one."""
    rows = conn.cursor(row_factory=class_row(KeptRun)).execute(
        "SELECT DISTINCT ON (device) number, device, ended, state, version FROM conformance_run"
        " WHERE device = ANY(%s) ORDER BY device, number DESC",
        (list(devices),),
    )
    return {run.device: run for run in rows}


def runs_of(conn: psycopg.Connection, device: str) -> list[KeptRun]:
    """Return a device's kept runs, the newest first."""
    rows = conn.cursor(row_factory=class_row(KeptRun)).execute(
        "SELECT number, device, ended, state, version FROM conformance_run WHERE device = %s"
        " ORDER BY number DESC",
        (device,),
    )
    return rows.fetchall()


def report_of(conn: psycopg.Connection, number: int, lang: Lang) -> Report | None:
    """Return what a run has found, in a language; None where there is no such run."""
    row = conn.execute(
        "SELECT reports -> %s FROM conformance_run WHERE number = %s", (lang, number)
    ).fetchone()
    return None if row is None else msgspec.convert(row[0], Report)
