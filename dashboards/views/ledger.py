"""The ledger: each visit as the evidence shows it, filtered, totalled, and as CSV. Pure.

Nothing here is ever edited: a row is the latest revision of a visit record; what it was thought
to be before stays in its revisions.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from alerts.types import VisitRecord
from dashboards.scope import Scope, sees_visit
from dashboards.views.spreadsheet import spreadsheet
from devices.directory import Directory

COLUMNS = (
    *("visit", "date", "client", "client_name", "area", "agency", "caregiver", "caregiver_name"),
    *("planned_from", "planned_until", "planned_minutes", "arrived", "left", "minutes"),
    *("state", "grade", "came", "evidence", "exceptions", "reason", "revision"),
)
Problem = Literal["no_leave", "overlap", "contradicted", "short", "substitute", "missed"]
SHORT = 0.8  # share of the planned minutes, as in the rule visit_short


class LedgerFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which visits; "" is no condition. `until` is the last local date, itself included."""

    since: date
    until: date
    agency: str = ""
    area: str = ""
    caregiver: str = ""
    client: str = ""
    state: str = ""
    exceptions: bool = False  # only visits with something to look at


class LedgerRow(msgspec.Struct, frozen=True, kw_only=True):
    """One visit."""

    visit: VisitRecord
    client_name: str
    caregiver_name: str
    area: str
    agency: str
    minutes: int | None  # from arrival to leaving; None: one of them is missing
    exceptions: tuple[Problem, ...]


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over the very rows that are shown."""

    visits: int = 0
    done: int = 0
    verified: int = 0  # done and proven by independent evidence, no human touch
    minutes: int = 0
    planned_minutes: int = 0
    exceptions: int = 0


def span_of(wanted: LedgerFilter, timezone: str) -> tuple[datetime, datetime]:
    """Return the moments between which the windows of the wanted visits begin."""
    zone = ZoneInfo(timezone)
    since = datetime.combine(wanted.since, datetime.min.time(), zone)
    return since, datetime.combine(wanted.until + timedelta(days=1), datetime.min.time(), zone)


def rows(
    visits: Iterable[VisitRecord], directory: Directory, scope: Scope, wanted: LedgerFilter
) -> list[LedgerRow]:
    """Return the visits that fit and that the scope shows, by start."""
    seen = [visit for visit in visits if sees_visit(scope, directory, visit)]
    clashing = overlapping(seen)
    found = (_row(visit, directory, visit.id in clashing) for visit in seen)
    return [row for row in found if _fits(row, directory, wanted)]


def overlapping(visits: Iterable[VisitRecord]) -> set[str]:
    """Return ids of visits in which one caregiver was in two homes at once."""
    by_carer: dict[str, list[VisitRecord]] = {}
    for visit in visits:
        carer = visit.came or visit.caregiver
        if carer and visit.began and visit.ended:
            by_carer.setdefault(carer, []).append(visit)
    clashes: set[str] = set()
    for own in by_carer.values():
        own.sort(key=lambda visit: visit.began or visit.start)
        for earlier, later in pairwise(own):
            if earlier.ended and later.began and later.began < earlier.ended:
                clashes |= {earlier.id, later.id}
    return clashes


def totals(found: Sequence[LedgerRow]) -> Totals:
    """Return the sums of these rows."""
    done = [row for row in found if row.visit.state == "done"]
    return Totals(
        visits=len(found),
        done=len(done),
        verified=sum(row.visit.grade == "verified" for row in done),
        minutes=sum(row.minutes or 0 for row in found),
        planned_minutes=sum(row.visit.minutes for row in found),
        exceptions=sum(bool(row.exceptions) for row in found),
    )


def as_csv(found: Sequence[LedgerRow], timezone: str) -> str:
    """Return the rows for a spreadsheet, in local times."""
    zone = ZoneInfo(timezone)
    return spreadsheet(COLUMNS, (_cells(row, zone) for row in found))


def _row(visit: VisitRecord, directory: Directory, clashes: bool) -> LedgerRow:
    client = directory.clients.get(visit.client)
    carer = directory.caregivers.get(visit.came or visit.caregiver)
    minutes = None
    if visit.began and visit.ended:
        minutes = round((visit.ended - visit.began).total_seconds() / 60)
    return LedgerRow(
        visit=visit,
        client_name=client.name if client else "",
        caregiver_name=carer.name if carer else "",
        area=(client.area if client else None) or "",
        agency=(carer.agency if carer else None) or (client.agency if client else None) or "",
        minutes=minutes,
        exceptions=tuple(_problems(visit, minutes, clashes)),
    )


def _problems(visit: VisitRecord, minutes: int | None, clashes: bool) -> Iterable[Problem]:
    if visit.state == "missed":
        yield "missed"
    if visit.state == "unverified" or (visit.state == "done" and visit.ended is None):
        yield "no_leave"
    if clashes:
        yield "overlap"
    if visit.grade == "contradicted":
        yield "contradicted"
    if minutes is not None and visit.state == "done" and minutes < visit.minutes * SHORT:
        yield "short"
    if visit.came and visit.caregiver and visit.came != visit.caregiver:
        yield "substitute"


def _fits(row: LedgerRow, directory: Directory, wanted: LedgerFilter) -> bool:
    visit = row.visit
    return (
        (not wanted.agency or row.agency == wanted.agency)
        and (not wanted.area or wanted.area in directory.area_path(row.area))
        and (not wanted.caregiver or wanted.caregiver in (visit.caregiver, visit.came))
        and (not wanted.client or visit.client == wanted.client)
        and (not wanted.state or visit.state == wanted.state)
        and (not wanted.exceptions or bool(row.exceptions))
    )


def _cells(row: LedgerRow, zone: ZoneInfo) -> list[str]:
    visit = row.visit

    def local(at: datetime | None) -> str:
        return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}" if at else ""

    return [
        *(visit.id, f"{visit.start.astimezone(zone):%Y-%m-%d}", visit.client, row.client_name),
        *(row.area, row.agency, visit.came or visit.caregiver or "", row.caregiver_name),
        *(local(visit.start), local(visit.end), str(visit.minutes)),
        *(local(visit.began), local(visit.ended), "" if row.minutes is None else str(row.minutes)),
        *(visit.state, visit.grade, visit.came or ""),
        " ".join(sorted({fact.what for fact in visit.evidence})),
        *(" ".join(row.exceptions), visit.reason, str(visit.revision)),
    ]
