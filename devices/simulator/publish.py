"""(edge) Publishes what simulated devices say, through MQTT like any device.

A running simulator listens on `CONTROL` for wishes of the command line ("let c-7 walk off").
"""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import msgspec

from devices.connection import Connection
from devices.simulator.misbehaviour import Misbehaviour, Way
from devices.simulator.speech import Publication
from devices.simulator.town import SimulatedTown

CONTROL = "carewatch-simulator/wish"
BEAT = 60.0  # seconds, what the ways of going wrong are measured by
STEP = 0.2  # seconds between looks at the clock


class Wish(msgspec.Struct, frozen=True):
    """Something the command line asks of a running simulator."""

    client: str  # who walks out of the fence
    seconds: float  # for how long


def wished(wish: Wish) -> Publication:
    """Return the message that asks a running simulator for something."""
    return Publication(CONTROL, msgspec.json.encode(wish))


async def say(url: str, message: Publication) -> None:
    """Publish one message and return when the broker has it. Raise CarewatchError."""
    async with Connection(url) as connection:
        await connection.publish(message.topic, message.payload, retain=message.retain)


async def run(
    url: str, town: SimulatedTown, end: datetime, ways: frozenset[Way] = frozenset()
) -> None:
    """Let the town speak in real time until `end` has come or the task is cancelled.

    All its devices go wrong in these ways; they share one connection, which none of them ends.
    Raise CarewatchError when the broker cannot be reached at the start; later it reconnects.
    """
    async with Connection(url, [CONTROL]) as connection:
        hearing = asyncio.create_task(_grant_wishes(connection, town))
        try:
            await _speak(connection, town, end, ways)
        finally:
            hearing.cancel()


async def _speak(
    connection: Connection, town: SimulatedTown, end: datetime, ways: frozenset[Way]
) -> None:
    manners: dict[str, Misbehaviour] = {}  # by topic
    silent_until: dict[str, datetime] = {}
    waiting: list[tuple[datetime, Publication]] = []
    while (now := datetime.now(UTC)) < end:
        for said in town.due(now):
            if silent_until.get(said.topic, now) > now:
                continue
            manner = manners.setdefault(said.topic, Misbehaviour(ways, BEAT))
            sent = manner.sendings(said, now)
            waiting += [(now + timedelta(seconds=each.after), each.what) for each in sent]
            silent_until[said.topic] = now + timedelta(seconds=manner.pause())
        due = [what for when, what in waiting if when <= now]
        waiting = [each for each in waiting if each[0] > now]
        for what in due:
            await connection.send(what.topic, what.payload, retain=what.retain, timeout=None)
        await asyncio.sleep(STEP)


async def _grant_wishes(connection: Connection, town: SimulatedTown) -> None:
    async for message in connection.messages():
        with suppress(msgspec.MsgspecError):  # not a wish of ours
            asked = msgspec.json.decode(message.payload, type=Wish)
            now = datetime.now(UTC)
            town.wander(asked.client, now, now + timedelta(seconds=asked.seconds))
