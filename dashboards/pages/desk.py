"""The desk: what is open, one alert's story, and what a person does about it.

Nothing here edits an alert: each verb goes into the inbox, and the page waits a moment for the
engine to have carried it out, so that it never shows what has not happened.
"""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from alerts import desk as inbox
from dashboards.actions import Once, Saying, alert_for, do
from dashboards.auth.access import Visitor, having
from dashboards.auth.sessions import log_access
from dashboards.site import Site, site_of
from dashboards.views.desk import DeskView, desk_of

router = APIRouter(prefix="/desk", include_in_schema=False)
LONGEST_MUTE = 31 * 24  # hours
Acting = Annotated[Visitor, Depends(having("act"))]
Muting = Annotated[Visitor, Depends(having("mute"))]
InSite = Annotated[Site, Depends(site_of)]
AtDesk = Annotated[DeskView, Depends(desk_of)]


@router.get("")
def overview(desk: AtDesk) -> HTMLResponse:
    """Show what is open, and everything that an operator keeps an eye on."""
    return desk.overview()


@router.get("/list")
def open_list(desk: AtDesk) -> HTMLResponse:
    """Show the open alerts alone: the page's module fetches them when something changes."""
    return desk.open_list()


@router.get("/alerts/{id}")
def story(id: str, desk: AtDesk, sent: str = "") -> HTMLResponse:
    """Show one alert: who, where, why, what has happened, what comes next."""
    return desk.story(id, sent=sent if sent in ("done", "late") else "")


@router.post("/alerts/{id}/reveal")
def reveal(
    id: str, desk: AtDesk, site: InSite, who: Annotated[Visitor, Depends(having("reveal"))]
) -> HTMLResponse:
    """Show the alert with names and numbers whole; who asks for it is logged."""
    with site.pool.connection() as conn:
        found = alert_for(conn, id, who, desk.directory)
        log_access(conn, who.person, "reveal", found.subject)
    return desk.story(id, reveal=True)


@router.post("/alerts/{id}/mute")
def mute(
    id: str,
    desk: AtDesk,
    site: InSite,
    who: Muting,
    hours: Annotated[int, Form(ge=1, le=LONGEST_MUTE)],
    reason: Annotated[str, Form()],
) -> Response:
    """Mute this rule about this subject for some hours."""
    with site.pool.connection() as conn:
        found = alert_for(conn, id, who, desk.directory)
        inbox.mute(
            conn,
            id=secrets.token_hex(6),
            person=who.person,
            reason=reason,
            until=datetime.now(UTC) + timedelta(hours=hours),
            subject=found.subject,
            rule=found.rule,
        )
    return RedirectResponse(f"/desk/alerts/{id}?sent=done", 303)


@router.post("/mutes/{id}/end")
def unmute(id: str, desk: AtDesk, site: InSite, who: Muting) -> Response:
    """End a mute early."""
    with site.pool.connection() as conn:
        if any(mute.id == id for mute in desk.records.mutes(conn)):
            inbox.unmute(conn, id, who.person)
    return RedirectResponse("/desk", 303)


@router.post("/alerts/{id}/{verb}")
def act(
    id: str,
    verb: str,
    desk: AtDesk,
    site: InSite,
    who: Acting,
    outcome: Annotated[str, Form()] = "",
    note: Annotated[str, Form()] = "",
    once: Once = "",
) -> Response:
    """Acknowledge, arrive, escalate, note or resolve (which asks for an outcome); a form that is
    sent twice is said once."""
    with site.pool.connection() as conn:
        found = alert_for(conn, id, who, desk.directory)
    saying = Saying(verb=verb, person=who.person, outcome=outcome, note=note, idempotency_key=once)
    done = do(site.pool, found, saying)
    return RedirectResponse(f"/desk/alerts/{id}?sent={'done' if done else 'late'}", 303)
