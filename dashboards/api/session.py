"""A program signs in as a person does and gets a token for the header `Authorization: Bearer`."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from dashboards.api.answer import as_json, asking, described
from dashboards.auth.sessions import SESSION, begin_session
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


class Wrong(msgspec.Struct, frozen=True):
    """Why a request was refused."""

    error: str


@router.post("/session", openapi_extra=described(Token) | asking(SignIn))
def begin(
    request: Request,
    site: Annotated[Site, Depends(site_of)],
    body: Annotated[bytes, Depends(raw_body)],
) -> Response:
    """Sign in; 401 for a wrong name or secret, 429 after too many wrong ones."""
    asked = json_of(body, SignIn)
    network = network_asking(request, site)
    if not site.throttle.allows(asked.name, network):
        return as_json(Wrong("too many wrong tries from this network; wait five minutes"), 429)
    now = datetime.now(UTC)
    with site.pool.connection() as conn:
        begun = begin_session(conn, asked.name, asked.secret, now)
    if begun is None:
        site.throttle.failed(asked.name, network)
        return as_json(Wrong("wrong name or secret"), 401)
    return as_json(Token(begun[0], begun[1], now + SESSION))
