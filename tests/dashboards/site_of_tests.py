"""A running dashboards service on a real database, and the rest of the house as far as needed."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psycopg
import uvicorn
from small_town import SECRET

from alerts.service import AlertsService
from alerts.settings import AlertsSettings
from dashboards.app import create_app
from dashboards.settings import DashboardSettings
from ingest.history import renew_horizon
from tests.clock import utc_now
from tests.waiting import until

KEY = "the signing key of these tests"


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def settings_for(database_url: str, port: int, *, demo: bool = False) -> DashboardSettings:
    """Settings of a service on loopback."""
    return DashboardSettings(
        database_url=database_url, secret=KEY, public_url=f"http://127.0.0.1:{port}", demo=demo
    )


@contextmanager
def serving(settings: DashboardSettings) -> Iterator[str]:
    """The service on its own thread and port; its address. Ends with the block."""
    port = int(settings.public_url.rsplit(":", 1)[1])
    app = create_app(settings)
    config = uvicorn.Config(
        app, host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        until(lambda: server.started and app.state.site.stream.ready)
        yield settings.public_url
    finally:
        app.state.site.stream.end()
        server.should_exit = True
        thread.join(timeout=10)


@contextmanager
def ingest_alive(database_url: str) -> Iterator[threading.Event]:
    """Say what a living ingest process says, until the event is set or the block ends."""
    stop = threading.Event()

    def beat() -> None:
        with psycopg.connect(database_url, autocommit=True) as conn:
            while not stop.is_set():
                for lane in ("life", "bulk"):
                    renew_horizon(conn, "w-1", lane, utc_now())  # type: ignore[arg-type]
                stop.wait(0.2)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(timeout=5)


@contextmanager
def alerts_at_work(database_url: str, public_url: str) -> Iterator[AlertsService]:
    """The real alerts process, on a thread."""
    settings = AlertsSettings(database_url=database_url, secret=KEY, public_url=public_url)
    service = AlertsService(settings)
    thread = threading.Thread(target=service.run, daemon=True)
    thread.start()
    try:
        with psycopg.connect(database_url, autocommit=True) as conn:
            until(lambda: conn.execute("SELECT count(*) FROM checkpoint").fetchone() == (2,))
        yield service
    finally:
        service.stop()
        thread.join(timeout=10)


def signed_in(web: httpx.Client, name: str) -> httpx.Client:
    """The same client with a session's token."""
    answer = web.post("/api/v1/session", json={"name": name, "secret": SECRET})
    web.headers["authorization"] = f"Bearer {answer.json()['token']}"
    return web
