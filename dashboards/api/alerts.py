"""Alerts by API: list, one with its story, findings, and what a person does about one."""

from datetime import datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import Response
from msgspec.structs import asdict

from alerts import history
from alerts.history import AlertFilter
from alerts.types import Alert, AlertState, Evidence, Finding, FindingEvent, Severity, StoryLine
from dashboards.actions import VERBS, NoSuchPage, Saying, alert_for, do
from dashboards.api.answer import as_json, asking, described
from dashboards.auth.access import Visitor, having
from dashboards.bodies import json_of
from dashboards.views.desk import DeskView, desk_of
from dashboards.views.moments import aware
from devices.subject import Subject

router = APIRouter(prefix="/api/v1", tags=["alerts"])
MOST = 10_000
ACTIVE: tuple[AlertState, ...] = ("open", "acknowledged")


class ApiAlert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert: the finding that raised it, and what has become of it."""

    id: str
    state: AlertState
    at: datetime  # when it was raised
    rule: str
    subject: str
    event: FindingEvent = "raised"
    severity: Severity
    reason: str
    detail: str
    evidence: tuple[Evidence, ...]
    visit: str | None
    rule_version: int
    settings_version: int  # of the town's settings when it opened
    settings: dict[str, object]
    area: str | None
    agency: str | None
    raised_at: datetime
    observed_at: datetime | None
    received_at: datetime | None
    occurrences: int
    muted: str | None
    next_at: datetime | None
    acked_at: datetime | None
    acked_by: str | None
    arrived_at: datetime | None
    resolved_at: datetime | None
    resolved_by: str | None
    outcome: str | None
    cleared_at: datetime | None
    story: tuple[StoryLine, ...]


class Deed(msgspec.Struct, frozen=True):
    """What goes with an action; all of it may be left out but a resolve's outcome."""

    outcome: str = ""  # helped false_alarm test hospital duplicate other
    note: str = ""


class Done(msgspec.Struct, frozen=True):
    """What came of an action."""

    confirmed: bool  # the engine has carried it out; false: recorded, it will
    alert: ApiAlert


@router.get("/alerts", openapi_extra=described(list[ApiAlert]))
def listed(
    desk: Annotated[DeskView, Depends(desk_of)],
    state: Annotated[list[AlertState] | None, Query()] = None,
    rule: str | None = None,
    area: str | None = None,
    agency: str | None = None,
    subject: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    stale: bool = False,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 1000,
) -> Response:
    """List the newest alerts that fit, oldest first.

    `area` means the area with all below it; `stale` those that have stood, since `raised_at`, for
    more than 24 h.
    """
    states, last = tuple(state) if state else None, aware(until)
    if stale:
        states = tuple(one for one in ACTIVE if states is None or one in states)
        last = min(last or desk.now, history.stale_before(desk.now))
    wanted = AlertFilter(
        states=states,
        rule=rule,
        subject=subject,
        areas=_below(desk, area) if area else None,
        agency=agency,
        since=aware(since),
        until=last,
        limit=limit,
    )
    with desk.site.pool.connection() as conn:
        found = desk.records.alerts(conn, wanted)
    return as_json([shown(alert) for alert in found])


@router.get("/alerts/{id}", openapi_extra=described(ApiAlert))
def one(id: str, desk: Annotated[DeskView, Depends(desk_of)]) -> Response:
    """Return one alert; 404 where there is none, or none that you may see."""
    with desk.site.pool.connection() as conn:
        return as_json(shown(alert_for(conn, id, desk.who, desk.directory)))


@router.get("/findings", openapi_extra=described(list[Finding]))
def findings(
    desk: Annotated[DeskView, Depends(desk_of)], since: datetime, until: datetime | None = None
) -> Response:
    """List every finding made in a stretch of time, in order: what a backtest would print."""
    with desk.site.pool.connection() as conn:
        found = history.findings_between(conn, aware(since) or desk.now, aware(until) or desk.now)
    return as_json(
        [finding for finding, _ in found if desk.records.sees(Subject.parse(finding.subject))]
    )


async def deed_of(request: Request) -> Deed:
    """Return the body, JSON or a form; none at all is an empty one. Raises CarewatchError."""
    if "form" in request.headers.get("content-type", ""):
        form = await request.form()
        return Deed(outcome=str(form.get("outcome", "")), note=str(form.get("note", "")))
    body = await request.body()
    return json_of(body, Deed) if body.strip() else Deed()


@router.post("/alerts/{id}/{verb}", openapi_extra=described(Done) | asking(Deed))
def act(
    id: str,
    verb: str,
    desk: Annotated[DeskView, Depends(desk_of)],
    who: Annotated[Visitor, Depends(having("act"))],
    deed: Annotated[Deed, Depends(deed_of)],
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """Acknowledge, arrive, escalate, note (needs `note`) or resolve (needs `outcome`).

    Answers when the engine has carried it out, or after 3 s with `confirmed` false and 202. Sent
    again with the same `Idempotency-Key`, it is done once.
    """
    if verb not in VERBS:
        raise NoSuchPage(f"{verb}: no such action; there are {', '.join(VERBS)}")
    with desk.site.pool.connection() as conn:
        alert = alert_for(conn, id, who, desk.directory)
    saying = Saying(
        verb=verb,
        person=who.person,
        outcome=deed.outcome,
        note=deed.note,
        idempotency_key=idempotency_key,
    )
    done = do(desk.site.pool, alert, saying)
    with desk.site.pool.connection() as conn:
        now = alert_for(conn, id, who, desk.directory)
    return as_json(Done(done, shown(now)), 200 if done else 202)


def shown(alert: Alert) -> ApiAlert:
    """Return an alert as the API prints it."""
    return msgspec.convert({**asdict(alert), "at": alert.raised_at}, ApiAlert)


def _below(desk: DeskView, area: str) -> tuple[str, ...]:
    paths = ((node.id, desk.directory.area_path(node.id)) for node in desk.directory.areas)
    return tuple(id for id, path in paths if area in path)
