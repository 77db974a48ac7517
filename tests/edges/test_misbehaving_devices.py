"""Each way of going wrong is found by its check of the checklist, and by no other.

All devices speak at once, each to a broker or HTTP server of its own, as `carewatch conformance`
and `carewatch simulate --misbehave` run them; the commands themselves are run for one of them.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from core.errors import CarewatchError
from deploy.commands.conformance import recorder_of
from deploy.stack.local import free_port
from devices.conformance.checklist import judge
from devices.conformance.kept import report_of, runs_of
from devices.conformance.own_broker import OwnBroker
from devices.conformance.own_http import OwnHttp
from devices.conformance.run import Road
from devices.credentials import issue
from devices.simulator.misbehaviour import CHECK_OF, WAYS, Way, ways_of
from devices.simulator.one_device import Speaker, speak_by_http, speak_by_mqtt
from tests.broker_fixtures import listening
from tests.waiting import until

pytestmark = [pytest.mark.edge, pytest.mark.slow]
BEAT = 5.0  # seconds
RUN = 60.0  # seconds
SECRET = "a terminal's own"
DEVICE = "term-1"
MANNERS: tuple[Way | None, ...] = (None, *WAYS)
BY_HTTP = tuple(way for way in MANNERS if way != "flapping")  # each post has its own connection
Key = tuple[Road, Way | None]


async def fits(user: str, secret: str) -> bool:
    return (user, secret) == (DEVICE, SECRET)


async def proven(*shown: Any) -> bool:
    return True


async def failed(road: Road, way: Way | None) -> set[str]:
    """The checks that one device fails in all of a run at the checklist's own door."""
    recorder = recorder_of(DEVICE, "terminal", BEAT, None, (road,))
    speaker = Speaker(device=DEVICE, secret=SECRET, kind="terminal", beat=BEAT)
    ways = frozenset(() if way is None else (way,))
    async with AsyncExitStack() as stack:
        door: OwnBroker | OwnHttp = (
            OwnBroker("127.0.0.1", 0, recorder, fits)
            if road == "mqtt"
            else OwnHttp("127.0.0.1", 0, recorder, proven)
        )
        await stack.enter_async_context(door)
        speak = speak_by_mqtt if road == "mqtt" else speak_by_http
        url = f"{road}://127.0.0.1:{door.port}"
        speaking = asyncio.create_task(speak(speaker, url, ways, time.monotonic() + RUN))
        await asyncio.sleep(RUN)
        results = judge(recorder.run(recorder.now()))
        speaking.cancel()
    return {each.check for each in results if each.state == "fail"}


async def all_failed(keys: Iterable[Key]) -> dict[Key, set[str]]:
    named = list(keys)
    return dict(zip(named, await asyncio.gather(*(failed(*key) for key in named)), strict=True))


@pytest.fixture(scope="module")
def found() -> dict[Key, set[str]]:
    by_mqtt: list[Key] = [("mqtt", way) for way in MANNERS]
    by_http: list[Key] = [("http", way) for way in BY_HTTP]
    return asyncio.run(all_failed([*by_mqtt, *by_http]))


def wanted(way: Way | None) -> set[str]:
    return {CHECK_OF[way]} if way in CHECK_OF else set()


@pytest.mark.parametrize("way", MANNERS)
def test_by_mqtt(way: Way | None, found: dict[Key, set[str]]) -> None:
    assert found["mqtt", way] == wanted(way)


@pytest.mark.parametrize("way", BY_HTTP)
def test_by_http(way: Way | None, found: dict[Key, set[str]]) -> None:
    assert found["http", way] == wanted(way)


def test_by_the_commands(database_url: str, tmp_path: Path) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("INSERT INTO device (id, kind) VALUES (%s, 'terminal')", (DEVICE,))
        secret = issue(conn, DEVICE)
    port = free_port()
    place, beat = f"127.0.0.1:{port}", ("--beat", str(BEAT))
    own = {"CAREWATCH_DATABASE_URL": database_url, "CAREWATCH_DATA_DIR": str(tmp_path)}
    checks = ("--listen", place, "--seconds", "15", "--whole", "--json", "-", *beat)
    ways = ("--mqtt-url", f"mqtt://{place}", "--misbehave", "gbk", *beat)
    with (
        begun("conformance", "--device", DEVICE, *checks, **own) as conformance,
        ending(conformance),
    ):
        until(lambda: listening(port))
        given = {"CAREWATCH_DEVICE_SECRET": secret, "CAREWATCH_DATA_DIR": str(tmp_path)}
        with begun("simulate", "--device", DEVICE, *ways, **given) as simulated, ending(simulated):
            out, _ = conformance.communicate(timeout=300)
    results = json.loads(out)["results"]
    assert "utf8" in {each["check"] for each in results if each["state"] == "fail"}
    assert conformance.returncode == 1
    with psycopg.connect(database_url) as conn:
        (run,) = runs_of(conn, DEVICE)
        told = report_of(conn, run.number, "zh")
    assert run.state == "fail"
    assert told is not None
    assert {each.check: each.state for each in told.results}["utf8"] == "fail"


def begun(*words: str, **settings: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "deploy", *words],
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


@contextmanager
def ending(process: subprocess.Popen[str]) -> Iterator[None]:
    try:
        yield
    finally:
        process.kill()


@pytest.mark.parametrize("named", ["sideways", "gbk,,hug"])
def test_a_way_that_there_is_not_is_named(named: str) -> None:
    with pytest.raises(CarewatchError, match=f"there are {', '.join(WAYS)}"):
        ways_of(named)
