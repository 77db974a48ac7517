"""A rejected message as a line for a shell: quoted, without a secret, and really sent again."""

import os
import shlex
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import uvicorn
from fastapi import FastAPI
from site_of_tests import free_port

from dashboards.views.copy_as import by_http, by_mqtt
from devices import registry
from devices.credentials import credentials, issue
from devices.directory import Device, RegisterChange
from devices.envelope import Envelope, HttpRequest
from ingest.history import Rejected, rejections
from ingest.http.push import push_router
from ingest.service import Service
from ingest.settings import IngestSettings
from tests.clock import utc_now
from tests.guarded_brokers import by_files
from tests.waiting import until

TOPIC = "carewatch/v1/wangji/door/door-1"
PAYLOADS = (
    b"open",
    b'it\'s "$(touch owned)" `touch owned` $HOME \\ ; & | *',
    b"@/etc/hostname",
    b"-n",
    b'{"id": "1",\n "open": "\xe5\xbc\x80"}\n',
    b"\x00\x01\xff\xfe{\x1b[2J",
    bytes(range(256)) * 100,
    "王集".encode("gb18030"),
    b"[",
)


def envelope(payload: bytes, topic: str = TOPIC, http: HttpRequest | None = None) -> Envelope:
    return Envelope("" if http else topic, payload, utc_now(), http)


def test_no_line_holds_a_secret() -> None:
    path = "/osm?id=7&token=s3cret&lat=35.2"
    line = by_http(envelope(b"", http=HttpRequest("GET", path)), "p-1")
    assert "s3cret" not in line
    assert "35.2" not in line
    assert '-u p-1:"$DEVICE_SECRET"' in line
    assert '-P "$DEVICE_SECRET"' in by_mqtt(envelope(b"x"), "door-1")


def test_a_line_is_words_to_the_shell_whatever_topic_and_payload_say() -> None:
    topic = "x'; touch /tmp/owned; echo '$(id)"
    line = by_mqtt(envelope(b"'; reboot #", topic), "d'1")
    said = shlex.split(line)
    assert said[said.index("-t") + 1] == topic
    assert said[said.index("-m") + 1] == "'; reboot #"
    assert said[said.index("-u") + 1] == "d'1"


def test_what_would_drive_a_terminal_travels_as_base64() -> None:
    line = by_mqtt(envelope(b"\x1b[2J", "a\x1bb"), "door-1")
    assert line.isprintable()
    assert line.startswith("printf %s ")


def test_a_topic_of_another_family_has_no_path() -> None:
    assert by_http(envelope(b"x", "zigbee2mqtt/door"), "door-1") == ""
    assert by_mqtt(envelope(b"x", http=HttpRequest("POST", "/pub")), "p-1") == ""
    assert by_mqtt(envelope(b""), "door-1").endswith(" -n")


@contextmanager
def http_ingest(database_url: str) -> Iterator[str]:
    app = FastAPI()
    app.include_router(push_router(database_url))
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        until(lambda: server.started)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)


@contextmanager
def mqtt_ingest(url: str, database_url: str) -> Iterator[None]:
    service = Service(IngestSettings(mqtt_url=url, database_url=database_url))
    thread = threading.Thread(target=service.run)
    thread.start()
    try:
        until(lambda: not service.faults())
        yield
    finally:
        service.stop()
        thread.join()


@pytest.mark.edge
def test_both_lines_send_the_same_bytes_again(
    conn: psycopg.Connection, database_url: str, tmp_path: Path
) -> None:
    registry.apply(conn, RegisterChange(devices=(Device(id="door-1", kind="door"),)))
    secret = issue(conn, "door-1")
    broker = by_files(tmp_path / "broker", credentials(conn))
    broker.start()
    place = tmp_path / "shell"
    place.mkdir()
    try:
        with mqtt_ingest(broker.url, database_url), http_ingest(database_url) as url:
            known = {
                "MQTT_HOST": "127.0.0.1",
                "MQTT_PORT": str(broker.device_port),
                "DEVICE_SECRET": secret,
                "CAREWATCH_URL": url,
            }
            for payload in PAYLOADS:
                for line in (by_mqtt, by_http):
                    came = sent(conn, line(envelope(payload), "door-1"), known, place)
                    assert came.payload == payload
                    assert came.place in (TOPIC, "POST /ingest/v1/wangji/door/door-1")
                    again = line(came.envelope, came.device)  # of what came by HTTP, by MQTT too
                    assert sent(conn, again, known, place).payload == payload
    finally:
        broker.stop()
    assert list(place.iterdir()) == []


def sent(conn: psycopg.Connection, line: str, known: dict[str, str], place: Path) -> Rejected:
    """Run a line by a plain POSIX shell; the rejection that came of it."""
    before = [each.n for each in rejections(conn, limit=1)]
    result = subprocess.run(
        ["sh", "-c", line], env={**os.environ, **known}, cwd=place, capture_output=True
    )
    assert result.returncode == 0, (line[:300], result.stderr)

    def newest() -> list[Rejected]:
        return [each for each in rejections(conn, limit=1) if [each.n] != before]

    (came,) = until(newest)
    assert came.device == "door-1"
    return came
