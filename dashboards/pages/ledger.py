"""The ledger page: filters held in the address, exceptions first, totals of the very rows shown."""

import hashlib
from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from alerts import history
from core.errors import CarewatchError
from dashboards.masking import mask_name
from dashboards.views import ledger
from dashboards.views.desk import DeskView, desk_of
from dashboards.views.ledger import LedgerFilter
from dashboards.views.moments import CENTURIES

router = APIRouter(include_in_schema=False)
LONGEST = timedelta(days=92)  # a quarter, the longest that is settled at once
LISTED = 1000  # rows on the page; the CSV holds all


def wanted_of(
    desk: Annotated[DeskView, Depends(desk_of)],
    since: date | None = None,
    until: date | None = None,
    agency: str = "",
    area: str = "",
    caregiver: str = "",
    client: str = "",
    state: str = "",
    exceptions: bool = False,
) -> LedgerFilter:
    """Return the filter in the address; today where no dates are given.

    Raises CarewatchError for dates the wrong way round or more than 92 days apart.
    """
    today = desk.now.astimezone(ZoneInfo(desk.directory.timezone)).date()
    first = since or until or today
    last = until or max(first, today)
    if first.year not in CENTURIES or not timedelta(0) <= last - first <= LONGEST:
        raise CarewatchError(
            f"ledger: from {first} until {last} is not 1 to 92 days; choose others"
        )
    return LedgerFilter(
        since=first,
        until=last,
        agency=agency,
        area=area,
        caregiver=caregiver,
        client=client,
        state=state,
        exceptions=exceptions,
    )


def rows_of(desk: DeskView, wanted: LedgerFilter) -> list[ledger.LedgerRow]:
    """Return the visits that fit, read now."""
    since, until = ledger.span_of(wanted, desk.directory.timezone)
    with desk.site.pool.connection() as conn:
        visits = history.visits_between(conn, since, until)
    return ledger.rows(visits, desk.directory, desk.who.scope, wanted)


@router.get("/ledger")
def page(
    desk: Annotated[DeskView, Depends(desk_of)],
    wanted: Annotated[LedgerFilter, Depends(wanted_of)],
) -> HTMLResponse:
    """Show the table. Names are whole only for who may export them."""
    rows = rows_of(desk, wanted)
    since, until = ledger.span_of(wanted, desk.directory.timezone)
    text = ledger.as_csv(rows, desk.directory.timezone)
    may_export = desk.who.may("export")
    return desk.page(
        "ledger.html",
        here="ledger",
        rows=rows[:LISTED],
        left_out=max(0, len(rows) - LISTED),
        totals=ledger.totals(rows),
        wanted=wanted,
        query=urlencode(as_query(wanted)),
        answering=urlencode({"since": _utc(since), "until": _utc(until)}),
        other_tab=urlencode(as_query(wanted) | {"exceptions": str(not wanted.exceptions).lower()}),
        agencies=list(desk.directory.agencies),
        areas=list(desk.directory.areas),
        states=("planned", "due", "late", "begun", "done", "missed", "unverified", "cancelled"),
        name=(lambda name: name) if may_export else mask_name,
        made_at=datetime.now(UTC),
        digest=hashlib.sha256(text.encode()).hexdigest(),
    )


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def as_query(wanted: LedgerFilter) -> dict[str, str]:
    """Return the filter as the address holds it."""
    values = msgspec.to_builtins(wanted)
    return {key: "true" if value is True else str(value) for key, value in values.items() if value}
