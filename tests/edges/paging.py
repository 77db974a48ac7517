"""A whole alerts process in this one: real database, real receivers, a clock that can run fast."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import psycopg

from alerts.clock import Clock, SystemClock
from alerts.service import AlertsService
from alerts.settings import AlertsSettings
from deploy.town.loading import load_town
from deploy.town.townfile import parse_town
from devices.envelope import Envelope
from devices.readings import DoorMoved, Reading, SosPressed
from ingest.admission.admit import Admitted
from ingest.store.save import AdmittedMessage, save
from tests.clock import utc_now

_ids = itertools.count(1)


class FastClock:
    """The machine's clock, running `speed` times as fast from its making on."""

    def __init__(self, speed: float) -> None:
        self._began = utc_now()
        self._began_at = time.monotonic()
        self._speed = speed

    def run(self, speed: float) -> None:
        """Go on from here at another speed."""
        self._began, self._began_at = self.now(), time.monotonic()
        self._speed = speed

    def now(self) -> datetime:
        passed = (time.monotonic() - self._began_at) * self._speed
        return self._began + timedelta(seconds=passed)

    def seconds_until(self, moment: datetime) -> float:
        return (moment - self.now()).total_seconds() / self._speed


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Who called was killed: that is what these tests do."""


class Phones:
    """A web server: every path is a phone. Keeps what came, answers as it is told to."""

    def __init__(self, clock: Clock | None = None) -> None:
        time_of: Clock = clock or SystemClock()
        self.came: list[tuple[datetime, str, dict[str, Any]]] = []  # when, path, page
        self.statuses: dict[str, int] = {}  # by path; 204 where none is set
        self.delays: dict[str, float] = {}  # seconds before the answer, by path
        self.before_answer: Callable[[dict[str, Any]], object] = lambda page: None
        phones = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                at = time_of.now()
                length = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(length)
                if len(body) < length:
                    return  # the caller was killed in the middle of a word
                page = msgspec.json.decode(body or b"{}")
                phones.came.append((at, self.path, page))
                time.sleep(phones.delays.get(self.path, 0))
                phones.before_answer(page)
                self.send_response(phones.statuses.get(self.path, 204))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                phones.came.append((time_of.now(), self.path, {}))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                return

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def rang(self, path: str | None = None) -> list[dict[str, Any]]:
        """The pages that came, to one phone or to all."""
        return [page for _, to, page in self.came if path in (None, to)]

    def seconds(self, since: datetime) -> list[tuple[str, float]]:
        """Which phone rang when, in seconds since a moment, to the tenth."""
        return [(path, round((at - since).total_seconds(), 1)) for at, path, _ in self.came]


def load(conn: psycopg.Connection, text: str, at: datetime | None = None) -> None:
    """Load a town file's text, now or as if it had been at `at`."""
    (before,) = conn.execute("SELECT coalesce(max(arrival), 0) FROM inbox").fetchone() or (0,)
    load_town(conn, parse_town(text), remove_many=True)
    if at is not None:
        conn.execute(
            "UPDATE inbox SET body = jsonb_set(body, '{at}', to_jsonb(%s::text))"
            " WHERE type = 'town_changed' AND arrival > %s",
            (at.isoformat(), before),
        )


def press(device: str, at: datetime | None = None, press: str = "short") -> SosPressed:
    """A button is pressed now."""
    now = at or utc_now()
    return SosPressed(
        device=device,
        id=f"press-{next(_ids)}",
        observed_at=now,
        received_at=now,
        press=press,  # type: ignore[arg-type]
    )


def door(device: str, at: datetime | None = None, *, is_open: bool = True) -> DoorMoved:
    """A door is opened or closed now."""
    now = at or utc_now()
    return DoorMoved(
        device=device, id=f"door-{next(_ids)}", observed_at=now, received_at=now, open=is_open
    )


def store(conn: psycopg.Connection, *readings: Reading) -> None:
    """Store readings as ingest does, in one batch."""
    messages = [
        AdmittedMessage(
            Envelope("carewatch/v1/t/x/x", b"{}", each.received_at), Admitted("contract", (each,))
        )
        for each in readings
    ]
    save(conn, messages)


@contextmanager
def working(
    database_url: str, clock: Clock | None = None, **settings: Any
) -> Iterator[AlertsService]:
    """The alerts process, at work until the block ends."""
    service = AlertsService(
        AlertsSettings(
            database_url=database_url,
            secret="a key for tests",
            public_url="http://127.0.0.1:8800",
            **{"lang": "en", **settings},
        ),
        clock,
    )
    thread = threading.Thread(target=service.run)
    thread.start()
    try:
        yield service
    finally:
        service.stop()
        thread.join()
