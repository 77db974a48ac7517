"""Signing in and out."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Cookie, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from dashboards.auth.access import COOKIE, words_of
from dashboards.auth.sessions import SESSION, begin_session, end_session, nobody_signs_in
from dashboards.site import Site, site_of
from dashboards.texts import Words

router = APIRouter(include_in_schema=False)


@router.get("/sign-in")
def form(
    site: Annotated[Site, Depends(site_of)],
    words: Annotated[Words, Depends(words_of)],
    next: str = "/desk",
) -> Response:
    """Show the form."""
    return _form(site, words, next)


@router.post("/sign-in")
def sign_in(
    request: Request,
    site: Annotated[Site, Depends(site_of)],
    words: Annotated[Words, Depends(words_of)],
    name: Annotated[str, Form()],
    secret: Annotated[str, Form()],
    next: Annotated[str, Form()] = "/desk",
) -> Response:
    """Begin a session and go where the visitor wanted to."""
    client = request.client.host if request.client else ""
    if not site.throttle.allows(f"name:{name}", f"address:{client}"):
        return _form(site, words, next, wrong="throttled", status=429)
    with site.pool.connection() as conn:
        begun = begin_session(conn, name, secret, datetime.now(UTC))
    if begun is None:
        return _form(site, words, next, wrong="wrong", status=401)
    answer = RedirectResponse(_inside(next), 303)
    answer.set_cookie(
        COOKIE,
        begun[0],
        max_age=int(SESSION.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=site.settings.secure,
    )
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


def _form(site: Site, words: Words, next: str, *, wrong: str = "", status: int = 200) -> Response:
    with site.pool.connection() as conn:
        fresh = nobody_signs_in(conn)
    return site.page(
        "signin.html", words, status=status, wrong=wrong, next=_inside(next), fresh=fresh
    )


def _inside(next: str) -> str:
    """Return a page of ours only: "//elsewhere" and "https://..." lead to the desk."""
    inside = next.startswith("/") and not next.startswith(("//", "/\\"))
    return next if inside else "/desk"
