"""How alarms are answered, and what the records say, as figures and files to keep."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Depends
from fastapi.responses import Response

from alerts import history
from alerts.history import LATE, Answering, Answers
from dashboards.api.answer import as_json, csv_file, described
from dashboards.views.desk import DeskView, desk_of
from dashboards.views.moments import aware
from dashboards.views.spreadsheet import spreadsheet

router = APIRouter(prefix="/api/v1", tags=["figures"])
LONGEST = timedelta(days=92)
COLUMNS = (*Answering.__struct_fields__, "waited_seconds", "late")


class AnsweringPage(msgspec.Struct, frozen=True):
    """Shares and medians over the alarms (P1 and P2) of a stretch of time, and each of them."""

    since: datetime
    until: datetime
    figures: Answers
    alarms: list[Answering]


@router.get("/answering", openapi_extra=described(AnsweringPage))
def answering(
    desk: Annotated[DeskView, Depends(desk_of)],
    since: datetime | None = None,
    until: datetime | None = None,
    format: Literal["json", "csv"] = "json",
) -> Response:
    """Raise, sent, delivered, answered, arrived, resolved for each alarm; the last week if not
    told otherwise. Shares answered within 60 s and 180 s, the late ones one by one, the share of
    false alarms and who answered how many. The CSV holds the alarms, each with the seconds it
    waited (so far) and whether that is late."""
    last = aware(until) or desk.now
    first = max(aware(since) or desk.week, last - LONGEST)
    with desk.site.pool.connection() as conn:
        alarms = desk.records.answered(conn, first, last)
    if format == "csv":
        rows = (_row(alarm, desk.now) for alarm in alarms)
        return csv_file(spreadsheet(COLUMNS, rows).encode(), f"answering-{last:%Y-%m-%d}.csv")
    return as_json(AnsweringPage(first, last, history.answers(alarms, desk.now), alarms))


def _row(alarm: Answering, now: datetime) -> list[str]:
    waited = alarm.waited(now)
    held = (getattr(alarm, name) for name in Answering.__struct_fields__)
    return [*map(_cell, held), f"{waited:.0f}", "yes" if waited > LATE else "no"]


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return "" if value is None else str(value)
