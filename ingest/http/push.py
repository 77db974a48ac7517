"""HTTP for devices that can't speak MQTT: the contract's path and the vendors' own push paths.

A 2xx answer means stored and committed, here as at the broker; a family's own answer also means
that what was refused is kept with its reason (devices/codecs/http_answers.py). Elsewhere a refused
message is answered with its named reason. Who may send: ingest/http/callers.py. The secret is
looked at before the body is read, and no page of another site is answered.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

import anyio.to_thread
import msgspec
import psycopg
import structlog
from fastapi import APIRouter, Request, Response
from psycopg_pool import ConnectionPool, PoolTimeout
from starlette.requests import ClientDisconnect

from core.addresses import client_address
from core.database import conninfo
from core.origins import is_foreign
from core.outage_log import OutageLog
from devices.codecs import ALL_CODECS
from devices.codecs.answers import PressAnswer, encoded
from devices.codecs.http_answers import NEVER, HttpReply, asks_stamp, reply, says_stamp
from devices.envelope import Envelope, HttpRequest
from devices.readings import Reason, SosPressed
from ingest import metrics
from ingest.admission.admit import MAX_BYTES, Admitted
from ingest.admission.containment import contained
from ingest.answers import answers_of
from ingest.feed import passing
from ingest.http.bodies import body_up_to
from ingest.http.callers import Access, Caller, SenderProof, is_bare, let_in, proof_of
from ingest.http.rates import Rates
from ingest.lanes.counters import settled
from ingest.lanes.register import Register
from ingest.store.counts import keep
from ingest.store.quality import keep_repeats, repeats_of
from ingest.store.save import AdmittedMessage, Arrivals, save
from ingest.store.stamps import keep_stamp, stamp_of

METHODS = ["POST", "PUT", "GET"]
CONTRACT = "/ingest/v1/{site}/{kind}/{device}"
ANSWERS = "/ingest/v1/{site}/answer/{device}"
OURS = ("/ingest/as/{shown}/{rest:path}", "/ingest/push/{rest:path}")
STATUS = {Reason.TOO_LARGE: 413, Reason.UNKNOWN_TOPIC: 404, Reason.UNKNOWN_KIND: 404}

NOBODY_ELSE = Access()
CONNECTIONS = 4  # to the database
HEAVY = 64 * 1024  # bytes; a larger message is read behind the others, one at a time
THREADS = 2 * CONNECTIONS  # of ingestion alone: no page and no sign-in takes one from it
SPILLED = 64 * 1024  # bytes read from who is refused, so that the answer reaches a small sender

T = TypeVar("T")

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
TOO_MANY = HttpAnswer(
    429,
    b'{"error":"too_many: this device sends more than 5 messages a second; send it again later"}',
    headers={"retry-after": "10"},
)
OTHER_SITE = HttpAnswer(403, b'{"error":"a page of another site sends nothing here"}')
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
        self._outage = OutageLog(log, slot="http")  # by several threads: a line more does no harm
        self._pool = ConnectionPool(
            conninfo(database_url, "carewatch ingest http"),
            min_size=0,
            max_size=CONNECTIONS,
            timeout=5,
            kwargs={"autocommit": True},
            open=False,
        )

    def caller(self, seen: SenderProof) -> Caller | HttpAnswer:
        """Return who sends, or what a sender that is not let in is answered."""
        return self._with_database(lambda conn: let_in(conn, seen, self._access) or UNAUTHORISED)

    def take(self, envelope: Envelope, caller: Caller, *, hurried: bool = False) -> HttpAnswer:
        """Admit, store and commit a message, and return what became of it.

        Of a device that sends too much (`hurried`) only a press is kept; the rest it must send
        again.
        """

        def kept(conn: psycopg.Connection) -> HttpAnswer:
            with passing(conn) as received_at:
                stamped = msgspec.structs.replace(envelope, received_at=received_at)
                return self._keep(conn, caller, stamped, hurried)

        return self._with_database(kept)

    def _with_database(self, work: Callable[[psycopg.Connection], T]) -> T | HttpAnswer:
        try:
            with self._pool.connection() as conn:
                done = work(conn)
            self._outage.back()
            return done
        except (psycopg.Error, PoolTimeout) as error:
            self._outage.away(type(error).__name__)
            return AWAY

    def heard(self, device: str, caller: Caller) -> HttpAnswer:
        """Return what has been said to a device about its presses, latest first."""
        if not caller.may_speak_for(device):
            return FOREIGN
        found = self._with_database(lambda conn: answers_of(conn, device))
        if isinstance(found, HttpAnswer):
            return found
        said = [PressAnswer("coming", each.press, each.at) for each in found]
        return HttpAnswer(200, b'{"answers":[' + b",".join(map(encoded, said)) + b"]}")

    def open(self) -> None:
        """Open the connections, before the first message; the database may come later."""
        self._pool.open()

    def close(self) -> None:
        """Give the connections back."""
        self._pool.close()

    def _keep(
        self, conn: psycopg.Connection, caller: Caller, envelope: Envelope, hurried: bool
    ) -> HttpAnswer:
        if self._register is None:
            self._register = Register.load(conn)
        admitted = contained(envelope, self._register.refreshed(conn, envelope.received_at))
        if admitted.rejections and caller.device is not None:
            admitted = msgspec.structs.replace(admitted, device=caller.device)
        if any(not caller.may_speak_for(reading.device) for reading in admitted.readings):
            return FOREIGN
        if hurried and not any(isinstance(each, SosPressed) for each in admitted.readings):
            metrics.POSTPONED.labels(admitted.family).inc()
            return TOO_MANY
        messages = settled(conn, [AdmittedMessage(envelope, admitted)])
        arrivals = save(conn, messages)  # away: answered so, sent again, and counted then
        keep(conn, metrics.count_received(messages) + metrics.count_outcomes(messages, arrivals))
        keep_repeats(conn, repeats_of(messages, arrivals))
        return _answer(conn, envelope, admitted, arrivals)


def _answer(
    conn: psycopg.Connection, envelope: Envelope, admitted: Admitted, arrivals: Arrivals
) -> HttpAnswer:
    own = _own_answer(conn, envelope, admitted.family, arrivals)
    if own is not None:
        return HttpAnswer(200, own.body, own.content_type)
    outcome = arrivals.outcomes[0]
    if outcome == "rejected":
        first = arrivals.rejections[0]
        return HttpAnswer(STATUS.get(first.reason, 400), msgspec.json.encode(first))
    summary = {"outcome": outcome, "rejections": arrivals.rejections, "ignored": admitted.ignored}
    presses = [each.id for each in admitted.readings if isinstance(each, SosPressed)]
    heard = {"answer": "received", "presses": presses} if presses else {}
    return HttpAnswer(200, msgspec.json.encode({**summary, **heard}))


def _own_answer(
    conn: psycopg.Connection, envelope: Envelope, family: str, arrivals: Arrivals
) -> HttpReply | None:
    """Return what the family's clients wait for. Raises psycopg.Error."""
    asking = asks_stamp(family, envelope)
    stamp = NEVER if asking is None else stamp_of(conn, asking)
    own = reply(family, envelope, arrivals.rejections, stamp)
    said = says_stamp(family, envelope)
    if own is not None and said is not None:
        keep_stamp(conn, said)
    return own


class PushDoor:
    """Answers the requests of devices, each on a thread of ingestion's own."""

    def __init__(self, intake: Intake, access: Access) -> None:
        self._intake, self._access = intake, access
        self._threads, self._behind = anyio.CapacityLimiter(THREADS), anyio.CapacityLimiter(1)
        self._rates = Rates()

    async def push(self, request: Request) -> Response:
        """Take a message in."""
        try:
            return _response(await self._taken(request))
        except ClientDisconnect:  # hung up in the middle of its body: it will send it again
            return Response(status_code=400)

    async def heard(self, request: Request) -> Response:
        """Say what was said to a device about its presses."""
        caller = await self._caller(request)
        if isinstance(caller, HttpAnswer):
            return _response(await _refused(request, caller))
        device = request.path_params["device"]
        return _response(await self._run(self._intake.heard, device, caller))

    async def _taken(self, request: Request) -> HttpAnswer:
        caller = await self._caller(request)
        if isinstance(caller, HttpAnswer):
            return await _refused(request, caller)
        http, _ = _asked(request, self._access)
        envelope = Envelope("", await body_up_to(MAX_BYTES, request), datetime.now(UTC), http)
        hurried = caller.device is not None and not self._rates.allows(caller.device)
        taking = partial(self._intake.take, envelope, caller, hurried=hurried)
        is_behind = hurried or len(envelope.payload) > HEAVY
        lane = self._behind if is_behind else self._threads
        return await anyio.to_thread.run_sync(taking, limiter=lane)

    async def _caller(self, request: Request) -> Caller | HttpAnswer:
        """Return who sends, by the head of the request alone, or what is answered instead."""
        if is_foreign(request.headers, self._access.origin):
            return OTHER_SITE
        _, seen = _asked(request, self._access)
        return await self._run(self._intake.caller, seen)

    async def _run(self, work: Callable[..., T], *values: object) -> T:
        return await anyio.to_thread.run_sync(work, *values, limiter=self._threads)


def push_router(database_url: str, access: Access = NOBODY_ELSE) -> APIRouter:
    """Return the routes, to be served beside the pages."""
    intake = Intake(database_url, access)

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[None]:
        intake.open()
        yield
        intake.close()

    router, door = APIRouter(lifespan=lifespan), PushDoor(intake, access)
    answered = "What a device was answered, of the last 7 days"
    router.add_api_route(ANSWERS, door.heard, methods=["GET"], summary=answered)
    router.add_api_route(CONTRACT, door.push, methods=["POST"], summary="A message of contract v1")
    for path in (*OURS, *_vendors()):
        router.add_api_route(path, door.push, methods=METHODS, include_in_schema=False)
    return router


def _response(answer: HttpAnswer) -> Response:
    return Response(answer.body, answer.status, answer.headers, answer.content_type)


def _vendors() -> list[str]:
    """Return the paths that vendors' devices post to by themselves, as routes."""
    return [f"{path}{{rest:path}}" for codec in ALL_CODECS for path in codec.paths]


def _asked(request: Request, access: Access) -> tuple[HttpRequest, SenderProof]:
    """Return the request line and what its sender shows.

    A secret in the path goes no further than here.
    """
    path = request.url.path
    prefix = request.path_params.get("shown")
    if prefix is not None:
        path = "/" + request.path_params["rest"]
    peer = request.client.host if request.client else ""
    seen = proof_of(
        client_address(peer, request.headers.getlist("x-forwarded-for"), access.proxies),
        request.headers.get("authorization"),
        prefix,
        _device_of(path),
        bare=is_bare(request.headers, peer, access),
    )
    asked = f"{path}?{request.url.query}" if request.url.query else path
    return HttpRequest(request.method, asked, request.headers.get("content-type", "")), seen


async def _refused(request: Request, answer: HttpAnswer) -> HttpAnswer:
    """Return the answer, after which the connection ends; no more than a little is read before.

    A sender that waits for "100 Continue" has sent nothing and needs to send nothing.
    """
    spilled = 0
    if "expect" not in request.headers:
        async for piece in request.stream():
            spilled += len(piece)
            if spilled > SPILLED:
                break
    return msgspec.structs.replace(answer, headers={**answer.headers, "connection": "close"})


def _device_of(path: str) -> str | None:
    """Return the device that a contract path names, or None."""
    parts = path.removeprefix("/ingest/v1/").split("/")
    return parts[2] if path.startswith("/ingest/v1/") and len(parts) == 3 else None
