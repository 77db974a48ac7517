"""Clients that would hold a connection for ever, against the real `carewatch dashboards`."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from dashboards.connections import PER_NETWORK
from deploy.stack.local import free_port
from devices.credentials import issue

pytestmark = pytest.mark.system

PATIENCE = 120  # seconds until a test gives up; the service's own limits are 10 s and 15 s
PATH = "/ingest/v1/wangji/sos/btn-1"


class Pages:
    """A real dashboards process, its log, and the secret of btn-1."""

    def __init__(self, database_url: str, secret: str, directory: Path) -> None:
        self.port, self.log, self.secret = free_port(), directory / "log", secret
        kept = {name: text for name, text in os.environ.items() if not name.startswith("CAREWATCH")}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "deploy", "dashboards"],
                env=kept
                | {
                    "CAREWATCH_DATABASE_URL": database_url,
                    "CAREWATCH_HTTP_PORT": str(self.port),
                    "CAREWATCH_DATA_DIR": str(directory),
                },
                stdout=log,
                stderr=log,
            )
        until(self.answers)

    def answers(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/healthz", timeout=5).is_success
        except httpx.HTTPError:
            return False

    def press(self, id: str) -> int:
        """Send a press as a terminal does; the answer's status."""
        said = {"id": id, "at": "2026-11-02T09:00:00+08:00"}
        headers = {"authorization": f"Bearer {self.secret}"}
        url = f"http://127.0.0.1:{self.port}{PATH}"
        return httpx.post(url, json=said, headers=headers, timeout=30).status_code

    def talk(self, said: str = "") -> socket.socket:
        """A connection on which so much has been said."""
        client = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        client.sendall(said.encode())
        client.setblocking(False)
        return client

    def head(self, length: int) -> str:
        shown = f"authorization: Bearer {self.secret}\r\n"
        return f"POST {PATH} HTTP/1.1\r\nhost: localhost\r\n{shown}content-length: {length}\r\n\r\n"


@pytest.fixture
def pages(database_url: str, tmp_path: Path) -> Iterator[Pages]:
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("INSERT INTO device (id, kind) VALUES ('btn-1', 'sos')")
        secret = issue(conn, "btn-1")
    pages = Pages(database_url, secret, tmp_path)
    yield pages
    pages.process.terminate()
    pages.process.wait(timeout=30)


def until(holds: object, seconds: float = PATIENCE) -> None:
    """Wait until something holds; an AssertionError when it does not come."""
    end = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.3)


def is_ended(client: socket.socket, drip: bytes = b"") -> bool:
    """Send one more byte; True when the service has ended the connection."""
    try:
        if drip:
            client.send(drip)
        return client.recv(65_536) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def test_no_client_holds_a_connection_by_being_slow(pages: Pages) -> None:
    slow = {
        "silent": (pages.talk(), b""),
        "headers by the byte": (pages.talk("GET / HTTP/1.1\r\nx: "), b"x"),
        "a body by the byte": (pages.talk(pages.head(4_000_000) + '{"id": "'), b"x"),
        "a body that stops": (pages.talk(pages.head(100) + '{"id": "'), b""),
    }
    waiting = dict(slow)

    def all_ended() -> bool:
        for name, (client, drip) in list(waiting.items()):
            if is_ended(client, drip):
                del waiting[name]
        return not waiting

    until(all_ended)
    assert pages.press("after") == 200
    assert "Traceback" not in pages.log.read_text()


def test_a_client_gone_in_the_middle_of_its_body_leaves_no_trace(pages: Pages) -> None:
    for head in (pages.head(5_000), pages.head(5_000).replace(PATH, "/api/v1/session")):
        pages.talk(head + '{"id": "').close()
    assert pages.press("after") == 200
    pages.process.terminate()
    pages.process.wait(timeout=30)
    assert "Traceback" not in pages.log.read_text()


def test_one_network_holds_so_many_connections_and_no_more(pages: Pages) -> None:
    until(lambda: pages.press("before") == 200)
    crowd = [pages.talk() for _ in range(PER_NETWORK + 20)]
    until(lambda: sum(map(is_ended, crowd[PER_NETWORK:])) == 20)
    for client in crowd:
        client.close()
    until(pages.answers)
    assert pages.press("after") == 200
