"""EMQX 5 asks here who may connect, and who may say or hear what: from the register, as it is now.

Written after EMQX's manual, "HTTP Authenticator" and "HTTP Authorizer": a POST of JSON, answered
with 200 and `{"result": "allow" | "deny" | "ignore"}`. `ignore` leaves the services' own accounts
to the next authenticator of the chain. Any other status counts as `ignore` there, so that the
chain's end, which denies, holds while the database is away.
"""

import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Literal

import msgspec
import psycopg
from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from psycopg_pool import ConnectionPool, PoolTimeout

from devices.credentials import credential, credential_fits
from devices.device_rights import rights_of
from devices.names import is_reserved
from devices.topics import covers, matches

AUTHENTICATE = "/broker/emqx/authenticate"
AUTHORIZE = "/broker/emqx/authorize"
LARGEST = 200_000  # bytes of a question: MQTT bounds each of its words by 65,535

Result = Literal["allow", "deny", "ignore"]


class Connects(msgspec.Struct, frozen=True):
    """A client that wants to connect; what it does not show may be null."""

    username: str | None = None
    clientid: str | None = None
    password: str | None = None


class Asks(msgspec.Struct, frozen=True):
    """What a connected client wants to do."""

    action: Literal["publish", "subscribe"]
    topic: str
    username: str | None = None
    clientid: str | None = None


def authenticated(conn: psycopg.Connection, client: Connects) -> Result:
    """Return whether a client may connect: a device by its secret, and under its own id alone."""
    device = client.username or ""
    if is_reserved(device):
        return "ignore"
    if client.clientid != device:
        return "deny"
    fits = credential_fits(conn, device, client.password or "")
    return "allow" if fits else "deny"


def authorized(conn: psycopg.Connection, asked: Asks) -> Result:
    """Return whether a device may publish on a topic, or subscribe a filter."""
    device = asked.username or ""
    if is_reserved(device):
        return "ignore"
    known = credential(conn, device.replace("\0", ""))
    if known is None or known.state != "active" or asked.clientid != device:
        return "deny"
    rights = rights_of(known.id, known.topic)
    if asked.action == "publish":
        may = any(matches(each, asked.topic) for each in rights.speaks)
    else:
        may = any(covers(each, asked.topic) for each in rights.hears)
    return "allow" if may else "deny"


def emqx_router(database_url: str, token: str) -> APIRouter:
    """Return the routes, for callers that show this token as a Bearer."""
    pool = ConnectionPool(
        database_url, min_size=0, max_size=4, timeout=5, kwargs={"autocommit": True}, open=False
    )

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[None]:
        pool.open()
        yield
        pool.close()

    router = APIRouter(lifespan=lifespan)

    async def authenticate(request: Request) -> Response:
        return await _answered(request, token, lambda body: _authenticate(pool, body))

    async def authorize(request: Request) -> Response:
        return await _answered(request, token, lambda body: _authorize(pool, body))

    for path, answer in ((AUTHENTICATE, authenticate), (AUTHORIZE, authorize)):
        router.add_api_route(path, answer, methods=["POST"], include_in_schema=False)
    return router


def _authenticate(pool: ConnectionPool, body: bytes) -> dict[str, object]:
    client = msgspec.json.decode(body, type=Connects)
    with pool.connection() as conn:
        return {"result": authenticated(conn, client), "is_superuser": False}


def _authorize(pool: ConnectionPool, body: bytes) -> dict[str, object]:
    asked = msgspec.json.decode(body, type=Asks)
    with pool.connection() as conn:
        return {"result": authorized(conn, asked)}


async def _answered(
    request: Request, token: str, answer: Callable[[bytes], dict[str, object]]
) -> Response:
    shown = request.headers.get("authorization", "").removeprefix("Bearer ")
    if not hmac.compare_digest(shown.encode(), token.encode()):
        return Response(status_code=401)
    if int(request.headers.get("content-length") or LARGEST + 1) > LARGEST:
        return Response(status_code=413)
    try:
        found = await run_in_threadpool(answer, await request.body())
    except msgspec.MsgspecError:
        return Response(status_code=400)
    except (psycopg.Error, PoolTimeout):
        return Response(status_code=503)
    return Response(msgspec.json.encode(found), media_type="application/json")
