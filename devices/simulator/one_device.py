"""(edge) One simulated device with an account of its own, by MQTT or HTTP, well behaved or not.

It speaks contract v1: a `status` several times a beat, and a button presses: `test` first, then
`short`, once. What it says while its broker is away it keeps, and sends as `replayed`.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit, urlunsplit

import httpx
import msgspec

from core.errors import CarewatchError
from devices.connection import BrokerAway, Connection
from devices.directory import DeviceKind
from devices.simulator.misbehaviour import Misbehaviour, Sending, Way
from devices.simulator.speech import Publication

OFTEN = 8  # messages a beat
PATIENCE = 2.0  # seconds until `resend-until-acknowledged` sends again
REST = 0.3  # seconds between two connections or two posts that failed
HTTP = "/ingest/v1"  # stands for carewatch/v1 of a topic
PRESSES = {3: "test", 5: "short"}  # which of a button's messages are presses


class Speaker(msgspec.Struct, frozen=True, kw_only=True):
    """Which device speaks, and where. Never logged: `secret`."""

    device: str
    secret: str
    kind: DeviceKind
    site: str = "home"
    beat: float = 60.0  # seconds

    def said(self, number: int, boot: str, *, replayed: bool, at: datetime) -> Publication:
        """Return its message of this number since it was started."""
        moment = at.isoformat(timespec="milliseconds")
        body: dict[str, object] = {"id": f"{boot}-{number}", "at": moment, "battery": 80}
        if replayed:
            body["replayed"] = True
        if self.kind == "sos" and number in PRESSES:
            return Publication(self._topic("sos"), _json({**body, "press": PRESSES[number]}))
        return Publication(self._topic("status"), _json({**body, "online": True}))

    def will(self, boot: str, at: datetime) -> tuple[str, bytes]:
        """Return what the broker says of it when it is lost."""
        moment = at.isoformat(timespec="milliseconds")
        return self._topic("status"), _json({"id": f"{boot}-will", "at": moment, "online": False})

    def url(self, broker: str) -> str:
        """Return the broker's URL with the device's own account in it."""
        parts = urlsplit(broker)
        place = parts.netloc.rpartition("@")[2]
        account = f"{quote(self.device, safe='')}:{quote(self.secret, safe='')}"
        return urlunsplit(parts._replace(netloc=f"{account}@{place}"))

    def _topic(self, kind: str) -> str:
        return f"carewatch/v1/{self.site}/{kind}/{self.device}"


async def speak_by_mqtt(speaker: Speaker, broker: str, ways: frozenset[Way], until: float) -> int:
    """Speak until `until` (monotonic seconds); return how many messages were said.

    Raises BrokerAway where the broker never let it in.
    """
    manner = Misbehaviour(ways, speaker.beat)
    boot = f"{time.time_ns() // 1_000_000:x}"
    number, was_in = 0, False
    while time.monotonic() < until:
        try:
            will = speaker.will(f"{boot}-{number}", datetime.now(UTC))
            account = speaker.url(broker)
            async with Connection(account, client_id=speaker.device, will=will) as connection:
                was_in = True
                number = await _one_connection(speaker, connection, manner, boot, number, until)
        except BrokerAway:
            if not was_in:
                raise
        await asyncio.sleep(REST)
    return number


async def _one_connection(
    speaker: Speaker,
    connection: Connection,
    manner: Misbehaviour,
    boot: str,
    number: int,
    until: float,
) -> int:
    keeping = asyncio.create_task(connection.keep())
    sending: set[asyncio.Task[None]] = set()
    try:
        async for _ in _ticks(speaker.beat / OFTEN, until):
            now = datetime.now(UTC)
            said = speaker.said(number, boot, replayed=not connection.is_up, at=now)
            number += 1
            for each in manner.sendings(said, now):
                task = asyncio.create_task(_publish(connection, each, manner.ways))
                sending.add(task)
                task.add_done_callback(sending.discard)
            if manner.hangs_up():
                break
            await asyncio.sleep(min(manner.pause(), max(0.0, until - time.monotonic())))
        with suppress(CarewatchError):
            await connection.settle()
    finally:
        for work in (*sending, keeping):
            work.cancel()
    return number


async def _publish(connection: Connection, sending: Sending, ways: frozenset[Way]) -> None:
    if sending.after:
        await asyncio.sleep(sending.after)
    what = sending.what
    if "resend-until-acknowledged" not in ways:
        await connection.publish(what.topic, what.payload, timeout=None)
        return
    tries: list[asyncio.Task[None]] = []
    try:
        while not any(each.done() for each in tries):
            if connection.is_up or not tries:
                again = connection.publish(what.topic, what.payload, timeout=None)
                tries.append(asyncio.create_task(again))
            await asyncio.wait(tries, timeout=PATIENCE, return_when="FIRST_COMPLETED")
    finally:
        for each in tries:
            each.cancel()


async def speak_by_http(speaker: Speaker, base: str, ways: frozenset[Way], until: float) -> int:
    """Post until `until` (monotonic seconds), each message until a 2xx answer; return how many.

    Raises CarewatchError where nobody has ever answered.
    """
    manner = Misbehaviour(ways, speaker.beat)
    boot = f"{time.time_ns() // 1_000_000:x}"
    number, posted, waiting = 0, False, set[asyncio.Task[bool]]()
    async with httpx.AsyncClient(base_url=base, auth=(speaker.device, speaker.secret)) as client:
        async for _ in _ticks(speaker.beat / OFTEN, until):
            now = datetime.now(UTC)
            said = speaker.said(number, boot, replayed=False, at=now)
            number += 1
            for each in manner.sendings(said, now):
                task = asyncio.create_task(_post(client, each, until))
                waiting.add(task)
                if not each.after:
                    posted = await task or posted
            await asyncio.sleep(min(manner.pause(), max(0.0, until - time.monotonic())))
        for work in waiting:
            work.cancel()
    if not posted:
        why = "is it there, and the secret right?"
        raise CarewatchError(f"nothing at {base} has taken a message: {why}")
    return number


async def _post(client: httpx.AsyncClient, sending: Sending, until: float) -> bool:
    """Post one message until it is taken; False where time ended before."""
    await asyncio.sleep(sending.after)
    path = HTTP + sending.what.topic.removeprefix("carewatch/v1")
    while time.monotonic() < until:
        with suppress(httpx.HTTPError):
            answer = await client.post(path, content=sending.what.payload)
            if answer.status_code < 500 and answer.status_code != 429:
                return answer.is_success
        await asyncio.sleep(REST)
    return False


async def _ticks(seconds: float, until: float) -> AsyncIterator[None]:
    while time.monotonic() < until:
        yield
        await asyncio.sleep(seconds)


def _json(body: dict[str, object]) -> bytes:
    return msgspec.json.encode(body)
