"""What a run of the checklist has seen of one device: messages, connections, provocations. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from devices.readings import Reading, Rejection

Road = Literal["mqtt", "http"]
Answer = Literal["acknowledged", "withheld", "refused", "unanswered"]
Trouble = Literal["withheld", "slow", "cut", "outage", "refused", "unanswered"]

BEAT = timedelta(seconds=60)  # contract: a `status` every 60 s from mains-powered devices
MAINS = frozenset(("terminal",))  # kinds that run on mains power


class DeviceMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One message of the device, what was understood of it, and how it was answered."""

    topic: str
    payload: bytes
    received_at: datetime
    qos: int
    retain: bool = False
    road: Road = "mqtt"
    connection: int = 0  # the number of its connection; 0 = not known
    answer: Answer = "acknowledged"
    answered_at: datetime | None = None  # None: not answered, or answered by another broker
    readings: tuple[Reading, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    repaired: tuple[str, ...] = ()
    redacted: int = 0  # private values that had to be cut out


class Will(msgspec.Struct, frozen=True):
    """The last will of a connection."""

    topic: str
    payload: bytes
    qos: int
    retain: bool


class Connected(msgspec.Struct, frozen=True, kw_only=True):
    """One MQTT connection of the device to our own broker."""

    number: int
    at: datetime
    client_id: str
    user: str | None
    has_password: bool
    fits: bool | None  # whether the register knows user and secret; None: there was no register
    keep_alive: int  # seconds; 0 = the broker may never notice that it is gone
    will: Will | None
    filters: tuple[str, ...] = ()  # what it subscribed
    ended_at: datetime | None = None
    ended_by: Literal["", "us", "device"] = ""


class Provoked(msgspec.Struct, frozen=True):
    """One thing that we did to the device, and until when."""

    trouble: Trouble
    road: Road
    begun: datetime
    ended: datetime | None = None  # None: it has not come back from it


class ConformanceRun(msgspec.Struct, frozen=True, kw_only=True):
    """All that a run has seen of one device."""

    device: str
    kind: str | None  # as registered or given; None: not known, every check applies
    heard: tuple[DeviceMessage, ...]
    registered: bool | None = None  # None: there was no register to look into
    begun: datetime | None = None
    ended: datetime | None = None
    connections: tuple[Connected, ...] = ()
    provoked: tuple[Provoked, ...] = ()
    roads: tuple[Road, ...] = ("mqtt",)
    own_broker: bool = False  # it saw connections and provoked; else it only listened
    turned_away: int = 0  # HTTP requests with a wrong secret, or none
    beat: timedelta = BEAT

    @property
    def readings(self) -> list[tuple[DeviceMessage, Reading]]:
        """Return each reading with its message."""
        return [(message, reading) for message in self.heard for reading in message.readings]

    def firsts(self) -> Iterator[DeviceMessage]:
        """Yield each message as it came first, without what came again."""
        seen: set[tuple[str, bytes]] = set()
        for message in self.heard:
            if (message.topic, message.payload) not in seen:
                seen.add((message.topic, message.payload))
                yield message

    def troubled(self, since: datetime, until: datetime) -> bool:
        """Return True if we did something to the device in this span, or just before it."""
        grace = self.beat / 2  # to come back from it
        return any(
            each.begun <= until and (each.ended is None or each.ended + grace >= since)
            for each in self.provoked
        )


State = Literal["pass", "fail", "needs a person"]


class Evidence(msgspec.Struct, frozen=True):
    """The message that shows a fault."""

    topic: str
    at: datetime  # when we received it
    payload: str  # an excerpt, private values cut out


class Found(msgspec.Struct, frozen=True):
    """How one check stands; `code` and `values` name the text that says so."""

    state: State
    code: str = ""
    values: dict[str, str] = {}
    message: DeviceMessage | None = None  # the evidence


class CheckResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a check ended, in words."""

    check: str
    state: State
    title: str
    says: str = ""  # what was found
    expected: str = ""
    mend: str = ""  # how to mend it, or what a person has to do
    evidence: Evidence | None = None
