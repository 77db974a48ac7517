"""The page behind a page's link: no sign-in, one person, one alert, an end.

GET shows and changes nothing: chat programs fetch links to preview them. POST to the same address
acknowledges. That a person has opened the page is said by the page's own module once somebody
really looks at it, never by the GET.
"""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from alerts import desk as inbox
from alerts import history
from alerts.desk import LinkClaim, Refusal
from alerts.types import Alert
from dashboards.actions import NoSuchPage, Once, Saying, do
from dashboards.auth.access import ANYBODY, Visitor, visitor, words_of
from dashboards.auth.sessions import log_access
from dashboards.site import Site, site_of
from dashboards.texts import Words
from dashboards.views.desk import DeskView

router = APIRouter(include_in_schema=False)
STATUS = {
    Refusal.INVALID: 403,
    Refusal.EXPIRED: 410,
    Refusal.OTHER_PERSON: 403,
    Refusal.UNKNOWN_ALERT: 404,
    Refusal.RESOLVED: 410,
}


class Link:
    """One request by a link."""

    def __init__(
        self,
        request: Request,
        token: str,
        site: Annotated[Site, Depends(site_of)],
        words: Annotated[Words, Depends(words_of)],
        who: Annotated[Visitor | None, Depends(visitor)],
    ) -> None:
        self.site, self.words, self.token = site, words, token
        self.wants_page = "text/html" in request.headers.get("accept", "")
        self._key = request.headers.get("idempotency-key", "")[:200]
        self._signed_in = who.person if who and who is not ANYBODY else None

    def read(self) -> tuple[LinkClaim, Alert] | Refusal:
        """Return whose link it is and about what, or why it does not serve."""
        visitor = None if self._signed_in == "local" else self._signed_in
        with self.site.pool.connection() as conn:
            return inbox.read_link(
                conn, self.site.settings.secret, self.token, now=datetime.now(UTC), visitor=visitor
            )

    def refuse(self, why: Refusal) -> Response:
        """Return a plain page that says what to do."""
        status = STATUS[why]
        if not self.wants_page:
            return JSONResponse({"refused": why.value}, status)
        return self.site.page("refusal.html", self.words, status=status, why=why.value, detail="")

    def show(self, claim: LinkClaim, alert: Alert, *, reveal: bool = False) -> Response:
        """Return the alert's page for this person."""
        desk = DeskView(self.site, self.words, Visitor(person=claim.person))
        with self.site.pool.connection() as conn:
            turns = desk.records.turns(conn)
            view = desk.whole_view(conn, alert, reveal=reveal)
        return self.site.page(
            "answer.html",
            self.words,
            view=view,
            link=f"/a/{self.token}",
            you=desk.shown.staff_name(claim.person),
            mine=alert.acked_by == claim.person,
            turns=turns,
            **desk.shown.values(),
        )

    def say(self, verb: str, *, outcome: str = "", note: str = "", once: str = "") -> Response:
        """Do the action and show what has come of it.

        `once` is the key of the form that asks, if any.
        """
        found = self.read()
        if isinstance(found, Refusal):
            return self.refuse(found)
        claim, alert = found
        saying = Saying(
            verb=verb,
            person=claim.person,
            outcome=outcome,
            note=note,
            via="link",
            idempotency_key=self._key or once,
        )
        done = do(self.site.pool, alert, saying)
        if self.wants_page:
            return RedirectResponse(f"/a/{self.token}", 303)
        return Response(
            msgspec.json.encode(self._said(claim, alert.id, done)), media_type="application/json"
        )

    def _said(self, claim: LinkClaim, alert: str, done: bool) -> dict[str, object]:
        with self.site.pool.connection() as conn:
            now = history.alert(conn, alert)
        return {
            "alert": alert,
            "person": claim.person,
            "confirmed": done,
            "state": now.state if now else None,
            "acked_by": now.acked_by if now else None,
            "acked_at": now.acked_at if now else None,
        }


ByLink = Annotated[Link, Depends(Link)]


@router.get("/a/{token}")
@router.head("/a/{token}")
def show(link: ByLink) -> Response:
    """Show the alert. Changes nothing."""
    found = link.read()
    return link.refuse(found) if isinstance(found, Refusal) else link.show(*found)


@router.post("/a/{token}")
def acknowledge(link: ByLink) -> Response:
    """Acknowledge: "I'm going." Once or ten times, it is the same answer."""
    return link.say("acknowledge")


@router.post("/a/{token}/opened")
def opened(link: ByLink) -> Response:
    """Record that somebody is looking at the page, a line in the story and not an answer."""
    found = link.read()
    if isinstance(found, Refusal):
        return link.refuse(found)
    claim, alert = found
    seen = any(line.what == "opened" and line.who == claim.person for line in alert.story)
    if not seen:
        with link.site.pool.connection() as conn:
            inbox.opened(conn, alert.id, claim.person)
    return Response(status_code=204)


@router.post("/a/{token}/reveal")
def reveal(link: ByLink) -> Response:
    """Show the page with names and numbers whole; asking for it is logged."""
    found = link.read()
    if isinstance(found, Refusal):
        return link.refuse(found)
    claim, alert = found
    with link.site.pool.connection() as conn:
        log_access(conn, claim.person, "reveal", alert.subject)
    return link.show(claim, alert, reveal=True)


@router.post("/a/{token}/{verb}")
def act(
    verb: str,
    link: ByLink,
    outcome: Annotated[str, Form()] = "",
    note: Annotated[str, Form()] = "",
    once: Once = "",
) -> Response:
    """Arrive, note, escalate or resolve."""
    if verb not in inbox.LINK_VERBS:
        raise NoSuchPage(f"{verb}: no such action")
    return link.say(verb, outcome=outcome, note=note, once=once)
