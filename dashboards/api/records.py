"""Records by API: visits, readings, rejections, ledger and attendance."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Depends, Query
from fastapi import Path as PathParameter
from fastapi.responses import Response
from msgspec.structs import asdict

from alerts import history as alerts_history
from alerts import trials
from alerts.types import VisitRecord, VisitStage
from dashboards.actions import NoSuchPage
from dashboards.api.answer import as_json, csv_file, described
from dashboards.auth.access import Visitor, having
from dashboards.auth.sessions import log_access
from dashboards.pages.ledger import rows_of, wanted_of
from dashboards.pages.vendor import desk_of_vendor
from dashboards.scope import sees_visit
from dashboards.views import attendance as months
from dashboards.views import ledger as ledgers
from dashboards.views.attendance import ResidentMonth
from dashboards.views.desk import DeskView, desk_of
from dashboards.views.inspector import FilterOfMessages, asked_devices
from dashboards.views.ledger import LedgerFilter, LedgerRow, Totals
from dashboards.views.moments import MONTH, aware
from dashboards.views.rejection import as_error, faults_of, names_of, rejection_for
from devices.explanation import Expected, Got
from devices.readings import FaceSeen, Reading
from devices.subject import Subject
from devices.veil import Names, masked_of, veiled
from ingest import history as ingest_history
from ingest.history import HourCount, Rejected

router = APIRouter(prefix="/api/v1", tags=["records"])
MOST = 10_000
FACES_A_MONTH = 1_000_000
AtDesk = Annotated[DeskView, Depends(desk_of)]
Limit = Annotated[int, Query(ge=1, le=MOST)]
RejectionNumber = Annotated[int, PathParameter(ge=0, lt=2**63)]


class ApiError(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a message."""

    part: str  # payload, topic or sender
    pointer: str  # RFC 6901, into the payload
    expected: Expected
    got: Got
    rule: str
    help: str  # the page that says how to mend it


class ApiRejection(msgspec.Struct, frozen=True, kw_only=True):
    """A message, or a part of one, that could not be read."""

    n: int
    received_at: datetime
    family: str
    rejected: str
    detail: str
    device: str  # "" where nobody could tell
    topic: str
    payload_b64: str  # as it came, with names, places and secrets overwritten
    errors: list[ApiError]
    replayed_at: datetime | None


class LedgerPage(msgspec.Struct, frozen=True):
    """The rows and the sums over these very rows."""

    filter: LedgerFilter
    made_at: datetime
    totals: Totals
    rows: list[LedgerRow]


class VisitHistory(msgspec.Struct, frozen=True):
    """A visit, and what it was thought to be before."""

    visit: VisitRecord
    revisions: list[tuple[datetime, VisitRecord]]


@router.get("/visits", openapi_extra=described(list[VisitRecord]))
def visits(
    desk: AtDesk,
    since: datetime | None = None,
    until: datetime | None = None,
    client: str | None = None,
    caregiver: str | None = None,
    state: Annotated[list[VisitStage] | None, Query()] = None,
    limit: Limit = MOST,
) -> Response:
    """List visits whose window begins between two moments, by start; without any, today's."""
    zone = ZoneInfo(desk.directory.timezone)
    midnight = desk.now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    first = aware(since) or midnight
    with desk.site.pool.connection() as conn:
        found = alerts_history.visits_between(
            conn, first, aware(until) or first + timedelta(days=1)
        )
    return as_json(
        [
            visit
            for visit in found
            if sees_visit(desk.who.scope, desk.directory, visit)
            and client in (None, visit.client)
            and caregiver in (None, visit.caregiver, visit.came)
            and (not state or visit.state in state)
        ][:limit]
    )


@router.get("/visits/{id}", openapi_extra=described(VisitHistory))
def visit(id: str, desk: AtDesk) -> Response:
    """Return one visit with all its revisions."""
    with desk.site.pool.connection() as conn:
        found = alerts_history.visit(conn, id)
        if found is None or not sees_visit(desk.who.scope, desk.directory, found):
            raise NoSuchPage(f"visit {id}: there is none with this id")
        return as_json(VisitHistory(found, alerts_history.visit_revisions(conn, id)))


@router.get("/readings", openapi_extra=described(list[Reading]))
def readings(
    desk: AtDesk,
    who: Annotated[Visitor, Depends(having("look"))],
    device: str | None = None,
    kind: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: Limit = 100,
) -> Response:
    """List readings, newest first. Asking for one device's is logged: it is a person's trail."""
    with desk.site.pool.connection() as conn:
        if device is not None:
            log_access(conn, who.person or "demo", "trail", str(Subject("device", device)))
        found = ingest_history.readings(
            conn,
            device=device,
            devices=desk.records.devices(),
            kind=kind,
            since=aware(since),
            until=aware(until),
            limit=limit,
        )
    return as_json(found)


@router.get("/readings/hours", openapi_extra=described(list[HourCount]))
def hours(desk: AtDesk, since: datetime | None = None, until: datetime | None = None) -> Response:
    """Count the readings of each hour and kind: of the last 24, or between two moments.

    The counts outlive the readings. They are of the whole town: who sees a part of it sees none.
    """
    last = aware(until) or desk.now
    first = aware(since) or last - timedelta(days=1)
    with desk.site.pool.connection() as conn:
        found = ingest_history.hour_counts(conn, first, last)
    return as_json(found if desk.who.scope.whole else [])


@router.get("/rejections", openapi_extra=described(list[ApiRejection]))
def rejections(
    desk: Annotated[DeskView, Depends(desk_of_vendor)],
    device: str = "",
    place: str = "",
    reason: str | None = None,
    family: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: Limit = 100,
) -> Response:
    """List what could not be read, newest first, of the devices that the asker may see.

    Pictures and id numbers are cut out; names, places and secrets are asterisks. `errors` says of
    each fault where it is (a JSON pointer), what was expected and what was got.
    """
    asked = FilterOfMessages(device=device, place=place, verdict="rejected", reason=reason or "")
    with desk.site.pool.connection() as conn:
        found = ingest_history.rejections(
            conn,
            devices=asked_devices(desk, asked),
            reason=reason,
            family=family,
            since=aware(since),
            until=aware(until),
            limit=limit,
        )
    names = names_of(desk)
    return as_json([_shown(one, names) for one in found])


@router.get("/rejections/{n}", openapi_extra=described(ApiRejection))
def rejection(n: RejectionNumber, desk: Annotated[DeskView, Depends(desk_of_vendor)]) -> Response:
    """Return one message that could not be read, if the asker may see its device."""
    with desk.site.pool.connection() as conn:
        return as_json(_shown(rejection_for(conn, n, desk), names_of(desk)))


def _shown(message: Rejected, names: Names) -> ApiRejection:
    own = {
        "rejected": message.reason,
        "detail": masked_of(message.detail, names),
        "topic": masked_of(message.place, names),
        "payload_b64": base64.b64encode(veiled(message.payload, names)).decode(),
        "errors": [as_error(each, names) for each in faults_of(message)],
    }
    return msgspec.convert({**asdict(message), **own}, ApiRejection)


@router.get("/ledger", openapi_extra=described(LedgerPage))
def ledger(
    desk: AtDesk,
    who: Annotated[Visitor, Depends(having("export"))],
    wanted: Annotated[LedgerFilter, Depends(wanted_of)],
    format: Literal["json", "csv"] = "json",
) -> Response:
    """List the ledger's rows; `since` and `until` are local dates, both included.

    Exports are logged.

    The CSV is UTF-8 with BOM; its SHA-256 stands in the header Repr-Digest (RFC 9530).
    """
    rows = rows_of(desk, wanted)
    with desk.site.pool.connection() as conn:
        log_access(conn, who.person, "export", f"ledger {wanted.since}..{wanted.until}")
    if format == "json":
        return as_json(LedgerPage(wanted, datetime.now(UTC), ledgers.totals(rows), rows))
    body = ledgers.as_csv(rows, desk.directory.timezone).encode()
    return csv_file(body, f"ledger-{wanted.since}-{wanted.until}.csv")


@router.get("/attendance", openapi_extra=described(list[ResidentMonth]))
def attendance(
    desk: AtDesk,
    who: Annotated[Visitor, Depends(having("export"))],
    month: Annotated[str | None, Query(pattern=MONTH)] = None,
    format: Literal["json", "csv"] = "json",
) -> Response:
    """List which residents a terminal has seen alive in a month, by default this one."""
    zone = desk.directory.timezone
    named = month or f"{desk.now.astimezone(ZoneInfo(zone)):%Y-%m}"
    since, until = months.month_of(named, zone)
    with desk.site.pool.connection() as conn:
        wanted = months.asked(trials.in_force(conn).settings.rules)
        faces = ingest_history.readings(
            conn, kind="face", since=since, until=until, limit=FACES_A_MONTH
        )
        log_access(conn, who.person, "export", f"attendance {named}")
    seen = (one for one in faces if isinstance(one, FaceSeen))
    found = months.attendance(seen, desk.directory, who.scope, month=named, wanted=wanted)
    if format == "json":
        return as_json(found)
    return csv_file(months.as_csv(found).encode(), f"attendance-{named}.csv")
