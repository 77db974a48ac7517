"""How alarms are answered, and what the records say, as figures and files to keep."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Depends
from fastapi.responses import Response

from alerts import history
from alerts.history import Answering, Answers
from dashboards.api.answer import as_json, csv_file, described
from dashboards.desking import Desk, desk_of
from dashboards.moments import aware
from dashboards.spreadsheet import spreadsheet

router = APIRouter(prefix="/api/v1", tags=["figures"])
LONGEST = timedelta(days=92)


class AnsweringPage(msgspec.Struct, frozen=True):
    """Shares and medians over the alarms (P1 and P2) of a stretch of time, and each of them."""

    since: datetime
    until: datetime
    figures: Answers
    alarms: list[Answering]


@router.get("/answering", openapi_extra=described(AnsweringPage))
def answering(
    desk: Annotated[Desk, Depends(desk_of)],
    since: datetime | None = None,
    until: datetime | None = None,
    format: Literal["json", "csv"] = "json",
) -> Response:
    """Raise, sent, delivered, answered, arrived, resolved for each alarm; the last week if not
    told otherwise. Shares answered within 60 s and 180 s; the late ones one by one."""
    last = aware(until) or desk.now
    first = max(aware(since) or desk.week, last - LONGEST)
    with desk.room.pool.connection() as conn:
        alarms = desk.alarms(conn, first, last)
    if format == "csv":
        names = Answering.__struct_fields__
        rows = ([_cell(getattr(alarm, name)) for name in names] for alarm in alarms)
        return csv_file(spreadsheet(names, rows).encode(), f"answering-{last:%Y-%m-%d}.csv")
    return as_json(AnsweringPage(first, last, history.answers(alarms, desk.now), alarms))


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return "" if value is None else str(value)
