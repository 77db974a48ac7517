"""Settings that were tried come into force: only just these, and only by who answers for them."""

from datetime import datetime

import psycopg

from alerts.plans.setting_changes import SettingsChange, changed, compared, covers
from alerts.plans.versions import InForce, enable, in_force, versions
from alerts.trials import requests as trials
from alerts.types import TownSettings
from core.errors import CarewatchError
from devices.directory import Directory
from devices.scope import Scope


def request_of_change(
    conn: psycopg.Connection,
    change: SettingsChange,
    *,
    since: datetime,
    until: datetime,
    seats: int,
    scope: Scope,
) -> trials.Request:
    """Return a change of the settings in force, to be tried.

    Raises CarewatchError for bad values.
    """
    now = in_force(conn)
    return _request(now, changed(now.settings, change), since, until, seats, scope)


def request_of_version(
    conn: psycopg.Connection,
    number: int,
    *,
    since: datetime,
    until: datetime,
    seats: int,
    scope: Scope,
) -> trials.Request:
    """Return an older version of the settings, to be tried.

    Raises CarewatchError where there is none.
    """
    older = next((one for one in versions(conn) if one.number == number), None)
    if older is None:
        raise CarewatchError(f"settings: there is no version {number}")
    return _request(in_force(conn), older.settings, since, until, seats, scope, number)


def enable_trial(
    conn: psycopg.Connection,
    record: trials.TrialRecord,
    *,
    person: str,
    note: str,
    scope: Scope,
    directory: Directory,
) -> int:
    """Bring what a trial tried into force; the new version of the settings.

    Raises CarewatchError where it is not done, where the person does not answer for all that
    changes, and where another version came into force since.
    """
    if record.summary is None or record.enabled_as is not None:
        raise CarewatchError("settings: only a trial that is done can be enabled, and once")
    if not may_enable(record.request, scope, directory):
        raise CarewatchError("settings: they change a part of the town that is not yours")
    request = record.request
    with conn.transaction():
        version = enable(conn, request.settings, tried_on=request.tried_on, by=person, note=note)
        trials.mark_enabled(conn, record.id, version)
    return version


def may_enable(request: trials.Request, scope: Scope, directory: Directory) -> bool:
    """Return True if whoever answers for `scope` answers for all that would change. Pure."""
    return all(covers(scope, directory, one.part) for one in request.differences)


def _request(
    now: InForce,
    wanted: TownSettings,
    since: datetime,
    until: datetime,
    seats: int,
    scope: Scope,
    restores: int | None = None,
) -> trials.Request:
    differences = compared(now.settings, wanted)
    if not differences:
        raise CarewatchError("settings: these are in force already; change a value to try it")
    if since >= until:
        raise CarewatchError("trial: its first day must not lie behind its last")
    return trials.Request(
        settings=wanted,
        tried_on=now.version,
        differences=differences,
        since=since,
        until=until,
        seats=seats,
        scope=scope,
        restores=restores,
    )
