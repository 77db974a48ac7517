"""(edge) An HTTP door for one device under trial: it answers 503, or hangs up without an answer.

It takes what the service takes, `POST /ingest/v1/SITE/KIND/DEVICE`, with the same three ways to
show the secret. HTTP/1.1 is read here by hand because a server library always answers.
"""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from devices.codecs.contract import HTTP_ROOT
from devices.conformance.recorder import Recorder
from devices.envelope import Envelope, HttpRequest
from devices.topics import CONTRACT_ROOT, contract_topic

AS = "/ingest/as/"  # + secret + the path, for a terminal that knows nothing but an address
LARGEST_HEAD = 32 * 1024  # bytes
LARGEST = 4 * 1024 * 1024  # bytes of a body
WAITING = 30.0  # seconds in which a request must be whole
REASONS = {200: "OK", 401: "Unauthorized", 404: "Not Found", 411: "Length Required"} | {
    413: "Content Too Large",
    503: "Service Unavailable",
}

# (Authorization header, what stands behind /ingest/as/, the path's device) -> whether the secret
# fits; None: there is no register to ask.
Proven = Callable[[str | None, str | None, str], Awaitable[bool | None]]


class Request(msgspec.Struct, frozen=True):
    """One request as it came."""

    method: str
    path: str  # without what stood behind /ingest/as/
    prefix: str | None
    headers: dict[str, str]  # names in lower case
    body: bytes


class OwnHttp:
    """Listens on `host:port` while it is entered. Raises OSError when the port is taken."""

    def __init__(self, host: str, port: int, recorder: Recorder, proven: Proven) -> None:
        self._host, self.port = host, port
        self._recorder = recorder
        self._proven = proven
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> "OwnHttp":
        self._server = await asyncio.start_server(
            self._serve, self._host, self.port, limit=LARGEST_HEAD
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *gone: object) -> None:
        if self._server is not None:
            self._server.close()
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while True:
                async with asyncio.timeout(WAITING):
                    request = await _request(reader)
                status = request if isinstance(request, int) else await self._status(request)
                if status is None:
                    writer.transport.abort()
                    return
                writer.write(_answer(status))
                await writer.drain()
                if isinstance(request, int):
                    return
        except (OSError, EOFError, TimeoutError, ValueError, asyncio.LimitOverrunError):
            pass  # it is gone, or speaks no HTTP: the run tells by what was not heard
        finally:
            self._open.discard(writer)
            writer.close()

    async def _status(self, request: Request) -> int | None:
        """Take a message in; return the status to answer, None to hang up."""
        path = request.path.partition("?")[0]
        topic = CONTRACT_ROOT + path.removeprefix(HTTP_ROOT)
        part = contract_topic(topic)
        if part is None or not path.startswith(HTTP_ROOT):
            return 404
        authorization = request.headers.get("authorization")
        fits = await self._proven(authorization, request.prefix, part.device)
        shown = authorization or request.prefix
        if fits is False or not shown:
            self._recorder.turn_away()
            return 401
        http = HttpRequest(request.method, request.path, request.headers.get("content-type", ""))
        envelope = Envelope("", request.body, self._recorder.now(), http)
        message = self._recorder.hear(envelope, topic=topic, qos=1, road="http")
        trouble = self._recorder.next_trouble("http")
        if trouble is None:
            self._recorder.answered(message, "acknowledged")
            return 200
        self._recorder.provoke(trouble, "http")
        refused = trouble == "refused"
        self._recorder.answered(message, "refused" if refused else "unanswered")
        return 503 if refused else None


async def _request(reader: asyncio.StreamReader) -> Request | int:
    """Return the next request, or the status that refuses it. Raises EOFError, ValueError."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip().split("\r\n")
    method, path, _ = first.split(" ")
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    length = headers.get("content-length", "")
    if not length.isdecimal():
        return 411
    if int(length) > LARGEST:
        return 413
    prefix = None
    if path.startswith(AS):
        prefix, _, rest = path.removeprefix(AS).partition("/")
        path = f"/{rest}"
    return Request(method, path, prefix, headers, await reader.readexactly(int(length)))


def _answer(status: int) -> bytes:
    again = "Retry-After: 1\r\n" if status == 503 else ""
    body = '{"stored":1}' if status == 200 else f'{{"error":"{REASONS[status]}"}}'
    head = f"HTTP/1.1 {status} {REASONS[status]}\r\n{again}Content-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()
