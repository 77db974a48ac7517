"""Strangers at HTTP ingestion: web pages, rebound names, proxies, who shows no secret."""

import asyncio
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from dashboards.app import create_app
from dashboards.settings import DashboardSettings
from devices.credentials import issue
from ingest.http.callers import Access
from ingest.http.push import SPILLED, push_router

pytestmark = pytest.mark.edge

SOS = {"id": "s-1", "at": "2026-11-02T09:00:00+08:00"}
PATH = "/ingest/v1/wangji/sos/btn-1"
TRACKER = "/ingest/push/x?id=btn-1&lat=35.2&lon=115.4&alarm=sos&timestamp=1793000000"
FIREFOX = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:52.0) Gecko/20100101 Firefox/52.0"}
HOME = ("127.0.0.1", 40_000)
PIECE = 16_384  # bytes
PUBLIC = "http://127.0.0.1:8800"
TERMINAL = {"user-agent": "tracker/1.0"}


class House:
    """The whole application as `carewatch dashboards` makes it, trusting its own machine."""

    def __init__(self, client: TestClient, conn: psycopg.Connection, secret: str) -> None:
        self.client = client
        self.conn = conn
        self.bearer = {"authorization": f"Bearer {secret}"}

    @property
    def presses(self) -> int:
        return len(self.conn.execute("SELECT FROM reading WHERE kind = 'sos'").fetchall())


@pytest.fixture
def house(database_url: str) -> Iterator[House]:
    settings = DashboardSettings(
        database_url=database_url, secret="k", public_url=PUBLIC, hosts=("gate",), demo=True
    )
    access = Access(networks=("127.0.0.0/8",), proxies=("10.0.0.1",), public_url=PUBLIC)
    app = create_app(settings, [push_router(database_url, access)])
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("INSERT INTO device (id, kind) VALUES ('btn-1', 'sos')")
        secret = issue(conn, "btn-1")
        with TestClient(app, base_url=PUBLIC, client=HOME, headers=TERMINAL) as client:
            yield House(client, conn, secret)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"referer": "https://evil.example/"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
        {"sec-fetch-site": "same-site", "sec-fetch-dest": "image"},
    ],
)
def test_no_page_of_another_site_raises_an_sos_whatever_it_shows(
    house: House, headers: dict[str, str]
) -> None:
    for shown in ({}, house.bearer):
        asked = headers | shown | FIREFOX
        assert house.client.get(TRACKER, headers=asked).status_code == 403
        assert house.client.post(PATH, json=SOS, headers=asked).status_code == 403
        assert house.client.put("/ingest/push/x", data=SOS, headers=asked).status_code == 403
    assert house.presses == 0


@pytest.mark.parametrize(
    "headers",
    [
        FIREFOX,  # an image or a link whose page hides its address
        {"sec-fetch-site": "none", "sec-fetch-mode": "navigate"},
        {"sec-fetch-site": "same-origin"},  # a name rebound to us is its own origin
        {"upgrade-insecure-requests": "1"},
        {"cookie": "lang=zh"},
    ],
)
def test_a_browser_is_not_trusted_for_its_place(house: House, headers: dict[str, str]) -> None:
    assert house.client.get(TRACKER, headers=headers).status_code == 401
    assert house.client.post(PATH, json=SOS, headers=headers).status_code == 401
    assert house.presses == 0
    assert house.client.post(PATH, json=SOS, headers=headers | house.bearer).status_code == 200


def test_a_terminal_of_the_trusted_network_needs_nothing(house: House) -> None:
    assert house.client.post(PATH, json=SOS).status_code == 200
    assert house.client.post(PATH, json=SOS, headers={"host": "gate:8800"}).status_code == 200
    assert house.presses == 1


def test_a_rebound_name_reaches_neither_ingestion_nor_a_page(house: House) -> None:
    rebound = {"host": "evil.example:8800"}
    for path in (PATH, "/sign-in", "/api/v1/board", "/metrics", "/healthz", "/static/x/base.css"):
        answer = house.client.request("POST" if path == PATH else "GET", path, headers=rebound)
        assert answer.status_code == 421, path
        assert "CAREWATCH_HTTP_HOSTS" in answer.text
    assert house.presses == 0


def test_a_proxy_lends_its_address_to_nobody(house: House) -> None:
    for name in ("x-forwarded-for", "forwarded", "x-real-ip", "via"):
        asked = house.client.post(PATH, json=SOS, headers={name: "127.0.0.1"})
        assert asked.status_code == 401, name
    assert house.presses == 0


def test_behind_a_named_proxy_the_callers_own_address_counts(house: House) -> None:
    proxy = TestClient(house.client.app, base_url=PUBLIC, client=("10.0.0.1", 1), headers=TERMINAL)
    for hops, status in (("127.0.0.1, 9.9.9.9", 401), ("9.9.9.9, 127.0.0.1", 200)):
        answer = proxy.post(PATH, json=SOS, headers={"x-forwarded-for": hops})
        assert answer.status_code == status, hops
    assert proxy.post(PATH, json=SOS).status_code == 401  # the proxy itself is no terminal


class Refused:
    """One request that shows nothing or something wrong: its answer, and how much was read."""

    def __init__(self, database_url: str, headers: list[tuple[bytes, bytes]]) -> None:
        self.read = 0
        self.said: list[Any] = []
        self._scope = {
            "type": "http",
            "method": "POST",
            "path": PATH,
            "query_string": b"",
            "headers": [(b"host", b"127.0.0.1"), *headers],
            "client": ("9.9.9.9", 1),
        }
        asyncio.run(self._ask(database_url))

    async def _ask(self, database_url: str) -> None:
        app = FastAPI()
        app.include_router(push_router(database_url))
        async with app.router.lifespan_context(app):
            await app(self._scope, self._receive, self._send)

    async def _receive(self) -> dict[str, Any]:
        self.read += PIECE
        return {"type": "http.request", "body": b"x" * PIECE, "more_body": True}

    async def _send(self, message: Any) -> None:
        self.said.append(message)


@pytest.mark.parametrize("shown", [[], [(b"authorization", b"Bearer wrong")]])
@pytest.mark.parametrize(
    ("waits", "most"), [([], SPILLED + PIECE), ([(b"expect", b"100-continue")], 0)]
)
def test_the_body_of_who_shows_no_secret_is_not_read(
    database_url: str,
    shown: list[tuple[bytes, bytes]],
    waits: list[tuple[bytes, bytes]],
    most: int,
) -> None:
    refused = Refused(database_url, shown + waits)
    assert refused.said[0]["status"] == 401
    assert (b"connection", b"close") in refused.said[0]["headers"]
    assert refused.read <= most
