"""A program signs in as a person does and gets a token for the header `Authorization: Bearer`."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Cookie, Depends, Request
from fastapi.responses import Response

from dashboards.api.answer import as_json, asking, described
from dashboards.auth.known_browsers import COOKIE
from dashboards.auth.sessions import SESSION
from dashboards.auth.sign_in import Refusal, SignInDesk, remember, sign_in_desk_of
from dashboards.bodies import json_of, raw_body
from dashboards.site import Site, network_asking, site_of

router = APIRouter(prefix="/api/v1", tags=["session"])


class SignIn(msgspec.Struct, frozen=True):
    """A name and its secret."""

    name: str
    secret: str


class Token(msgspec.Struct, frozen=True):
    """What to send in the header from now on."""

    token: str
    person: str
    ends_at: datetime


class Refused(msgspec.Struct, frozen=True):
    """Why a request was refused."""

    error: str


SAID = {
    Refusal.WRONG: "wrong name or secret",
    Refusal.THROTTLED: "too many wrong tries from this network; wait five minutes",
    Refusal.BUSY: "too many sign in just now; try again in a few seconds",
}


@router.post("/session", openapi_extra=described(Token) | asking(SignIn))
async def begin(
    request: Request,
    site: Annotated[Site, Depends(site_of)],
    desk: Annotated[SignInDesk, Depends(sign_in_desk_of)],
    body: Annotated[bytes, Depends(raw_body)],
    known: Annotated[str | None, Cookie(alias=COOKIE, include_in_schema=False)] = None,
) -> Response:
    """Sign in; 401 for a wrong name or secret, 429 after too many wrong ones, 503 in a rush."""
    asked = json_of(body, SignIn)
    network, now = network_asking(request, site), datetime.now(UTC)
    begun = await desk.sign_in(asked.name, asked.secret, network=network, known=known, now=now)
    if isinstance(begun, Refusal):
        return as_json(Refused(SAID[begun]), begun.status)
    answer = as_json(Token(begun.cookie, begun.person, now + SESSION))
    remember(answer, begun, site)
    return answer
