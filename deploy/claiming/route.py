"""`POST /ingest/v1/claim`: where a device exchanges its claim code for a secret of its own.

A code has 128 random bits, so nobody who guesses is slowed down, and the right one always gets in.
No page in a browser is answered, and nothing that was asked or given is logged.
"""

from datetime import UTC, datetime

import anyio.to_thread
import msgspec
import psycopg
import structlog
from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from core.addresses import client_address, network_of
from core.database import connect, first_line
from core.errors import CarewatchError
from core.origins import is_browser, is_foreign
from dashboards.bodies import json_of
from deploy.claiming.exchange import Claim, Claimed, Refused, exchange
from ingest.http.bodies import body_up_to

PATH = "/ingest/v1/claim"
LARGEST = 4096  # bytes of a request
AT_ONCE = 2  # claims; the others wait, and hold up no message and no page
STATUS = {
    "bad_request": 400,
    "unknown_code": 401,
    "code_revoked": 403,
    "code_expired": 403,
    "code_full": 403,
    "revoked": 403,
    "taken": 409,
}
FORM = Refused(
    "bad_request", 'send {"code": "...", "serial": "...", "nonce": "..."} as JSON, at most 4 KiB'
)

log = structlog.get_logger()


class Places(msgspec.Struct, frozen=True):
    """Where services are. Never logged: URLs hold passwords."""

    database_url: str
    control_url: str | None  # None: the broker's accounts are exported by hand
    device_mqtt_url: str  # what devices are told of the broker; "" = nothing
    public_url: str
    proxies: tuple[str, ...] = ()


def claim_router(places: Places) -> APIRouter:
    """Return the route, to be served beside the pages."""
    router = APIRouter()
    limiter = anyio.CapacityLimiter(AT_ONCE)

    async def claim(request: Request) -> Response:
        if is_browser(request.headers) or is_foreign(request.headers, places.public_url):
            return _answer(403, {"error": "other_site", "mend": "a device asks, no browser"})
        try:
            asked = _read(await body_up_to(LARGEST, request))
        except ClientDisconnect:
            return Response(status_code=400)
        if asked is None:
            return _answer(400, FORM)
        peer = request.client.host if request.client else ""
        forwarded = request.headers.getlist("x-forwarded-for")
        address = network_of(client_address(peer, forwarded, places.proxies))
        return await anyio.to_thread.run_sync(_exchanged, places, asked, address, limiter=limiter)

    router.add_api_route(
        PATH, claim, methods=["POST"], summary="Exchange a claim code for a device's own secret"
    )
    return router


def _exchanged(places: Places, asked: Claim, address: str) -> Response:
    try:
        with connect(places.database_url, "carewatch claims") as conn:
            given = exchange(
                conn,
                asked,
                now=datetime.now(UTC),
                address=address,
                control_url=places.control_url,
            )
    except (psycopg.OperationalError, CarewatchError) as error:
        log.error("a claim could not be served", why=first_line(error))
        again = {"error": "away", "mend": "database or broker do not answer; ask again"}
        return _answer(503, again, {"retry-after": "10"})
    if isinstance(given, Refused):
        log.warning("claim refused", why=given.error, network=address)
        return _answer(STATUS[given.error], given)
    log.info("device claimed", device=given.device, repeated=given.repeated, network=address)
    return _answer(200 if given.repeated else 201, told(places, given))


def told(places: Places, given: Claimed) -> dict[str, object]:
    """Return what a device is answered: its account, and where it serves."""
    mqtt = {"username": given.device, "client_id": given.device, "topic": given.topic}
    if places.device_mqtt_url:
        mqtt = {"url": places.device_mqtt_url, **mqtt}
    path = given.topic.removeprefix("carewatch/")
    return {
        "device": given.device,
        "secret": given.secret,
        "mqtt": {**mqtt, "answers": given.answers},
        "http": {"url": f"{places.public_url}/ingest/{path}", "authorization": "Bearer"},
    }


def _read(body: bytes) -> Claim | None:
    if len(body) > LARGEST:
        return None
    try:
        return json_of(body, Claim)
    except CarewatchError:
        return None


def _answer(status: int, said: object, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(said), status, headers, "application/json")
