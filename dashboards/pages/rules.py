"""The rule settings in force, and how often each rule has raised lately."""

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from alerts import history
from alerts.history import AlertFilter
from dashboards.desking import MANY, Desk, desk_of
from dashboards.rulecards import cards

router = APIRouter(include_in_schema=False)


@router.get("/rules")
def page(desk: Annotated[Desk, Depends(desk_of)]) -> HTMLResponse:
    """Each rule with its parameters: the default, what the town sets, and where it is narrower."""
    with desk.room.pool.connection() as conn:
        rules, scopes = history.rule_settings(conn)
        week = history.alerts(conn, AlertFilter(since=desk.week, limit=MANY))
    raised = Counter(alert.rule for alert in desk.visible(week))
    return desk.page(
        "rules.html", here="rules", cards=cards(history.rulebook(), rules, scopes), raised=raised
    )
