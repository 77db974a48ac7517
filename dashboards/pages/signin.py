"""Signing in and out."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Cookie, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from dashboards.auth.access import COOKIE, words_of
from dashboards.auth.known_browsers import COOKIE as KNOWN
from dashboards.auth.sessions import SESSION, end_session, nobody_signs_in
from dashboards.auth.sign_in import Refusal, SignInDesk, remember, sign_in_desk_of
from dashboards.site import Site, network_asking, site_of
from dashboards.texts import Words

router = APIRouter(include_in_schema=False)


@router.get("/sign-in")
def form(
    site: Annotated[Site, Depends(site_of)],
    words: Annotated[Words, Depends(words_of)],
    next: str = "/desk",
) -> Response:
    """Show the form; on a fresh installation, how the first sign-in is made."""
    with site.pool.connection() as conn:
        fresh = nobody_signs_in(conn)
    return _form(site, words, next, fresh=fresh)


@router.post("/sign-in")
async def sign_in(
    request: Request,
    site: Annotated[Site, Depends(site_of)],
    desk: Annotated[SignInDesk, Depends(sign_in_desk_of)],
    words: Annotated[Words, Depends(words_of)],
    name: Annotated[str, Form()],
    secret: Annotated[str, Form()],
    next: Annotated[str, Form()] = "/desk",
    known: Annotated[str | None, Cookie(alias=KNOWN)] = None,
) -> Response:
    """Begin a session and go where the visitor wanted to."""
    network, now = network_asking(request, site), datetime.now(UTC)
    begun = await desk.sign_in(name, secret, network=network, known=known, now=now)
    if isinstance(begun, Refusal):
        return _form(site, words, next, wrong=begun.value, status=begun.status)
    answer = RedirectResponse(_inside(next), 303)
    answer.set_cookie(
        COOKIE,
        begun.cookie,
        max_age=int(SESSION.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=site.settings.secure,
    )
    remember(answer, begun, site)
    return answer


@router.post("/sign-out")
def sign_out(
    site: Annotated[Site, Depends(site_of)],
    carewatch_session: Annotated[str | None, Cookie()] = None,
) -> Response:
    """End the session."""
    if carewatch_session:
        with site.pool.connection() as conn:
            end_session(conn, carewatch_session)
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(COOKIE)
    return answer


def _form(
    site: Site,
    words: Words,
    next: str,
    *,
    wrong: str = "",
    status: int = 200,
    fresh: bool = False,
) -> Response:
    return site.page(
        "signin.html", words, status=status, wrong=wrong, next=_inside(next), fresh=fresh
    )


def _inside(next: str) -> str:
    """Return a page of ours only: "//elsewhere" and "https://..." lead to the desk."""
    inside = next.startswith("/") and not next.startswith(("//", "/\\"))
    return next if inside else "/desk"
