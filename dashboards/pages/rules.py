"""The rules: the settings in force, other ones tried on what is stored, and brought into force.

Two steps: whoever may try asks for a trial, which runs apart and is kept for them; a manager who
answers for what would change then confirms just what was tried, having read what it would weigh.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from alerts import history, trials
from alerts.history import AlertFilter
from alerts.trials import SettingsVersion, TrialRecord
from core.errors import CarewatchError
from dashboards.actions import NoSuchPage
from dashboards.auth.access import Visitor, having
from dashboards.views import trial as trialview
from dashboards.views.desk import MANY, DeskView, desk_of
from dashboards.views.rules import RuleInForce, cards

router = APIRouter(prefix="/rules", include_in_schema=False)
AtDesk = Annotated[DeskView, Depends(desk_of)]
Trying = Annotated[Visitor, Depends(having("try"))]
Tuning = Annotated[Visitor, Depends(having("tune"))]
# The report styles itself and runs nothing.
REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"


async def fields_of(request: Request) -> Mapping[str, str]:
    """Return the fields of the form that was sent."""
    form = await request.form()
    return {name: value for name, value in form.items() if isinstance(value, str)}


Fields = Annotated[Mapping[str, str], Depends(fields_of)]


@router.get("")
def page(desk: AtDesk) -> HTMLResponse:
    """Show each rule with its parameters, the versions of the settings, and one's own trials."""
    with desk.site.pool.connection() as conn:
        now = trials.in_force(conn)
        week = history.alerts(conn, AlertFilter(since=desk.week, limit=MANY))
        found = trials.versions(conn)
        mine = trials.trials_of(conn, desk.who.person) if desk.who.may("try") else []
    return desk.page(
        "rules.html",
        here="rules",
        cards=cards(history.rulebook(), now.settings),
        raised=Counter(alert.rule for alert in desk.records.visible(week)),
        in_force=now,
        versions=found,
        trials=mine,
    )


@router.get("/try/{rule}")
def ask_about_rule(rule: str, desk: AtDesk, who: Trying) -> HTMLResponse:
    """Show the form that changes one rule's parameters, to try them."""
    with desk.site.pool.connection() as conn:
        card = _card(rule, cards(history.rulebook(), trials.in_force(conn).settings))
    return _form(desk, card=card)


@router.get("/versions/{number}/try")
def ask_about_version(number: int, desk: AtDesk, who: Trying) -> HTMLResponse:
    """Show the form that brings an older version back, to try it."""
    with desk.site.pool.connection() as conn:
        found = [one for one in trials.versions(conn) if one.number == number]
    if not found:
        raise NoSuchPage(f"settings: there is no version {number}")
    return _form(desk, version=found[0])


@router.post("/try/{rule}")
def try_rule(rule: str, desk: AtDesk, who: Trying, fields: Fields) -> Response:
    """Try other values of a rule's parameters on the days named."""
    change = trialview.change_of(rule, fields, desk.directory)
    since, until = trialview.span_of(fields, desk.directory.timezone, desk.now)
    seats = trialview.seats_of(fields)
    with desk.site.pool.connection() as conn:
        wanted = trials.request_of_change(
            conn, change, since=since, until=until, seats=seats, scope=who.scope
        )
        id = trials.ask(conn, who.person, wanted, desk.now)
    return _started(desk, id)


@router.post("/versions/{number}/try")
def try_version(number: int, desk: AtDesk, who: Trying, fields: Fields) -> Response:
    """Try an older version of the settings on the days named."""
    since, until = trialview.span_of(fields, desk.directory.timezone, desk.now)
    seats = trialview.seats_of(fields)
    with desk.site.pool.connection() as conn:
        wanted = trials.request_of_version(
            conn, number, since=since, until=until, seats=seats, scope=who.scope
        )
        id = trials.ask(conn, who.person, wanted, desk.now)
    return _started(desk, id)


@router.get("/trials/{id}")
def trial(id: str, desk: AtDesk, who: Trying) -> HTMLResponse:
    """Show how far a trial is, or what came out; for who may, the second step."""
    record = _record(desk, id)
    with desk.site.pool.connection() as conn:
        version = trials.in_force(conn).version
    changed = {one.rule for one in record.request.differences}
    return desk.page(
        "trial.html",
        here="rules",
        trial=record,
        rows=trialview.rows(record.summary, changed) if record.summary else [],
        is_stale=version != record.request.tried_on,
        answers=trials.may_enable(record.request, who.scope, desk.directory),
    )


@router.get("/trials/{id}/report")
def report(id: str, desk: AtDesk, who: Trying) -> HTMLResponse:
    """Show the whole report of a trial."""
    with desk.site.pool.connection() as conn:
        text = trials.report_of(conn, id, who.person)
    if text is None:
        raise NoSuchPage(f"trial {id}: there is no report")
    return HTMLResponse(text, headers={"content-security-policy": REPORT_POLICY})


@router.post("/trials/{id}/stop")
def stop(id: str, desk: AtDesk, who: Trying) -> Response:
    """Give a trial up."""
    with desk.site.pool.connection() as conn:
        trials.stop(conn, id, who.person)
    return RedirectResponse(f"/rules/trials/{id}", 303)


@router.post("/trials/{id}/enable")
def enable(
    id: str,
    desk: AtDesk,
    who: Tuning,
    note: Annotated[str, Form()] = "",
    confirm: Annotated[str, Form()] = "",
) -> Response:
    """Bring just what was tried into force."""
    if confirm != "yes":
        raise CarewatchError("settings: confirm that you have read what they would weigh")
    record = _record(desk, id)
    with desk.site.pool.connection() as conn:
        trials.enable_trial(
            conn,
            record,
            person=who.person,
            note=note,
            scope=who.scope,
            directory=desk.directory,
        )
    return RedirectResponse("/rules", 303)


def _form(
    desk: DeskView, *, card: RuleInForce | None = None, version: SettingsVersion | None = None
) -> HTMLResponse:
    today = desk.now.astimezone(ZoneInfo(desk.directory.timezone)).date()
    return desk.page(
        "try.html",
        here="rules",
        card=card,
        version=version,
        areas=list(desk.directory.areas),
        agencies=list(desk.directory.agencies),
        care_levels=trialview.CARE_LEVELS,
        seats=desk.site.settings.seats,
        since=today - trialview.USUAL,
        until=today - timedelta(days=1),
        today=today,
    )


def _card(rule: str, found: list[RuleInForce]) -> RuleInForce:
    card = next((one for one in found if one.rule.name == rule), None)
    if card is None:
        raise NoSuchPage(f"rule {rule}: there is none of this name")
    return card


def _started(desk: DeskView, id: str) -> Response:
    trials.start(trials.Errand(desk.site.settings.database_url, id))
    return RedirectResponse(f"/rules/trials/{id}", 303)


def _record(desk: DeskView, id: str) -> TrialRecord:
    with desk.site.pool.connection() as conn:
        record = trials.trial(conn, id, desk.who.person)
    if record is None:
        raise NoSuchPage(f"trial {id}: there is none of yours with this id")
    return record
