"""HTTP for devices that can't speak MQTT: the contract's path and the vendors' own push paths.

A 2xx answer means stored and committed, here as at the broker. A refused message is kept as a
rejection and answered with its named reason. Who may send: ingest/http/callers.py.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import msgspec
import psycopg
import structlog
from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from psycopg_pool import ConnectionPool, PoolTimeout

from core.database import conninfo
from devices.codecs import CODECS
from devices.envelope import Envelope, HttpRequest
from devices.readings import Reason
from ingest import metrics
from ingest.admission.admit import MAX_BYTES, Admitted
from ingest.admission.containment import contained
from ingest.feed import passing
from ingest.http.callers import Access, Caller, SenderProof, let_in, proof_of
from ingest.lanes.counters import settled
from ingest.lanes.register import Register
from ingest.store.counts import keep
from ingest.store.save import AdmittedMessage, Arrivals, save

METHODS = ["POST", "PUT", "GET"]
CONTRACT = "/ingest/v1/{site}/{kind}/{device}"
OURS = ("/ingest/as/{shown}/{rest:path}", "/ingest/push/{rest:path}")
STATUS = {Reason.TOO_LARGE: 413, Reason.UNKNOWN_TOPIC: 404, Reason.UNKNOWN_KIND: 404}
# What a vendor's client wants to read before it counts a message as delivered: OwnTracks booklet
# "HTTP mode"; Overland README "API"; ZKTeco PUSH SDK "uploading".
REPLIES = {
    "owntracks": ("application/json", b"[]"),
    "overland": ("application/json", b'{"result":"ok"}'),
    "zkteco": ("text/plain", b"OK"),
}

NOBODY_ELSE = Access()

log = structlog.get_logger()


class HttpAnswer(msgspec.Struct, frozen=True):
    """What a request is answered."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = {}


UNAUTHORISED = HttpAnswer(
    401,
    b'{"error":"show the device\'s secret (carewatch device add) or the network token"}',
    headers={"www-authenticate": 'Basic realm="carewatch"'},
)
FOREIGN = HttpAnswer(403, b'{"error":"this secret belongs to another device"}')
AWAY = HttpAnswer(
    503,
    b'{"error":"the database does not answer; send it again"}',
    headers={"retry-after": "2"},
)


class Intake:
    """Takes a request's message into the database. Any thread may call it."""

    def __init__(self, database_url: str, access: Access) -> None:
        self._access = access
        self._register: Register | None = None
        self._pool = ConnectionPool(
            conninfo(database_url, "carewatch ingest http"),
            min_size=0,
            max_size=4,
            timeout=5,
            kwargs={"autocommit": True},
            open=False,
        )

    def take(self, envelope: Envelope, seen: SenderProof) -> HttpAnswer:
        """Let the caller in, admit, store, commit, and say what became of it."""
        try:
            with self._pool.connection() as conn:
                caller = let_in(conn, seen, self._access)
                if caller is None:
                    return UNAUTHORISED
                with passing(conn) as received_at:
                    stamped = msgspec.structs.replace(envelope, received_at=received_at)
                    return self._keep(conn, caller, stamped)
        except (psycopg.Error, PoolTimeout) as error:
            log.warning("database away", slot="http", why=type(error).__name__)
            return AWAY

    def open(self) -> None:
        """Open the connections, before the first message; the database may come later."""
        self._pool.open()

    def close(self) -> None:
        """Give the connections back."""
        self._pool.close()

    def _keep(self, conn: psycopg.Connection, caller: Caller, envelope: Envelope) -> HttpAnswer:
        if self._register is None:
            self._register = Register.load(conn)
        admitted = contained(envelope, self._register.refreshed(conn, envelope.received_at))
        if any(not caller.may_speak_for(reading.device) for reading in admitted.readings):
            return FOREIGN
        messages = settled(conn, [AdmittedMessage(envelope, admitted)])
        arrivals = save(conn, messages)  # away: answered so, sent again, and counted then
        keep(conn, metrics.count_received(messages) + metrics.count_outcomes(messages, arrivals))
        return _answer(admitted, arrivals)


def _answer(admitted: Admitted, arrivals: Arrivals) -> HttpAnswer:
    outcome = arrivals.outcomes[0]
    if outcome == "rejected":
        first = arrivals.rejections[0]
        return HttpAnswer(STATUS.get(first.reason, 400), msgspec.json.encode(first))
    if admitted.family in REPLIES:
        content_type, body = REPLIES[admitted.family]
        return HttpAnswer(200, body, content_type)
    summary = {"outcome": outcome, "rejections": arrivals.rejections, "ignored": admitted.ignored}
    return HttpAnswer(200, msgspec.json.encode(summary))


def push_router(database_url: str, access: Access = NOBODY_ELSE) -> APIRouter:
    """Return the routes, to be served beside the pages."""
    intake = Intake(database_url, access)

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[None]:
        intake.open()
        yield
        intake.close()

    router = APIRouter(lifespan=lifespan)

    async def push(request: Request) -> Response:
        envelope, seen = await _read(request)
        answer = await run_in_threadpool(intake.take, envelope, seen)
        return Response(answer.body, answer.status, answer.headers, answer.content_type)

    router.add_api_route(CONTRACT, push, methods=["POST"], summary="A message of contract v1")
    for path in (*OURS, *_vendors()):
        router.add_api_route(path, push, methods=METHODS, include_in_schema=False)
    return router


def _vendors() -> list[str]:
    """Return the paths that vendors' devices post to by themselves, as routes."""
    return [f"{path}{{rest:path}}" for codec in CODECS for path in codec.paths]


async def _read(request: Request) -> tuple[Envelope, SenderProof]:
    """The message and what its sender shows; a secret in the path goes no further than here."""
    received_at = datetime.now(UTC)
    path = request.url.path
    prefix = request.path_params.get("shown")
    if prefix is not None:
        path = "/" + request.path_params["rest"]
    seen = proof_of(
        request.client.host if request.client else "",
        request.headers.get("authorization"),
        prefix,
        _device_of(path),
    )
    asked = f"{path}?{request.url.query}" if request.url.query else path
    http = HttpRequest(request.method, asked, request.headers.get("content-type", ""))
    return Envelope("", await _body(request), received_at, http), seen


async def _body(request: Request) -> bytes:
    """The body, cut behind what admission calls too large."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BYTES:
            break
    return body[: MAX_BYTES + 1]


def _device_of(path: str) -> str | None:
    """Return the device that a contract path names, or None."""
    parts = path.removeprefix("/ingest/v1/").split("/")
    return parts[2] if path.startswith("/ingest/v1/") and len(parts) == 3 else None
