"""Keeps what a run sees of the device, and says when to disturb it next.

One device, one event loop: the broker and the HTTP door of a run write here, nobody else.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from devices.conformance.run import (
    MAINS,
    Answer,
    ConformanceRun,
    Connected,
    DeviceMessage,
    Provoked,
    Road,
    Trouble,
)
from devices.envelope import Envelope

PLANS: dict[Road, tuple[Trouble, ...]] = {
    "mqtt": ("withheld", "slow", "cut", "outage"),
    "http": ("refused", "unanswered"),
}
QUIET = 3  # messages taken before the first disturbance
Understand = Callable[[Envelope], dict[str, Any]]  # fields of a DeviceMessage


class Recorder:
    """What has been seen so far."""

    def __init__(
        self,
        device: str,
        kind: str | None,
        understand: Understand,
        *,
        clock: Callable[[], datetime],
        beat: timedelta,
        roads: Iterable[Road] = ("mqtt",),
        own_broker: bool = False,
        registered: bool | None = None,
    ) -> None:
        self.now = clock
        self.beat = beat
        self._understand = understand
        self._heard: list[DeviceMessage] = []
        self._connections: list[Connected] = []
        self._provoked: list[Provoked] = []
        self._turned_away = 0
        self._run = ConformanceRun(
            device=device,
            kind=kind,
            heard=(),
            registered=registered,
            begun=clock(),
            roads=tuple(roads),
            own_broker=own_broker,
            beat=beat,
        )

    def run(self, ended: datetime | None = None) -> ConformanceRun:
        """Return all that was seen; `ended` where it is over."""
        return replace(
            self._run,
            heard=tuple(self._heard),
            connections=tuple(self._connections),
            provoked=tuple(self._provoked),
            ended=ended,
            turned_away=self._turned_away,
        )

    def hear(self, envelope: Envelope, **how: Any) -> int:
        """Keep a message; return its number, for `answered`."""
        self._come_back(how.get("road", "mqtt"))
        understood = self._understand(envelope)
        fields = {"topic": envelope.topic, "payload": envelope.payload, **understood, **how}
        message = DeviceMessage(received_at=envelope.received_at, retain=envelope.retain, **fields)
        self._heard.append(message)
        return len(self._heard) - 1

    def answered(self, number: int, answer: Answer) -> None:
        """Keep how a message was answered, now."""
        at = self.now() if answer == "acknowledged" else None
        self._heard[number] = replace(self._heard[number], answer=answer, answered_at=at)

    def connected(self, connection: Connected) -> None:
        """Keep a connection, numbered from 1."""
        self._come_back("mqtt")
        self._connections.append(connection)

    def turn_away(self) -> None:
        """Note an HTTP request that was answered 401."""
        self._turned_away += 1

    def count(self) -> int:
        """Return how many connections there were."""
        return len(self._connections)

    def subscribed(self, number: int, filters: Iterable[str]) -> None:
        """Keep what a connection subscribed."""
        known = self._connections[number - 1]
        self._connections[number - 1] = replace(known, filters=(*known.filters, *filters))

    def ended(self, number: int, by: str) -> None:
        """Keep by whom a connection was ended."""
        known = self._connections[number - 1]
        if known.ended_at is None:
            self._connections[number - 1] = replace(known, ended_at=self.now(), ended_by=by)

    def next_trouble(self, road: Road) -> Trouble | None:
        """Return what to do to the message that just came; None to leave the device alone.

        Between two disturbances one message is taken as usual.
        """
        done = [each for each in self._provoked if each.road == road]
        plan = PLANS[road]
        if len(done) == len(plan) or any(each.ended is None for each in done):
            return None
        heard = [each.received_at for each in self._heard if each.road == road]
        since = done[-1].ended if done else None
        calm = [at for at in heard if since is None or at > since]
        wanted = 2 if done else QUIET + (self._run.kind in MAINS)
        return plan[len(done)] if len(calm) >= wanted else None

    def provoke(self, trouble: Trouble, road: Road) -> None:
        """Note that a disturbance begins."""
        self._provoked.append(Provoked(trouble, road, self.now()))

    def settle(self, trouble: Trouble) -> None:
        """Note that a disturbance is over."""
        for n, each in enumerate(self._provoked):
            if each.trouble == trouble and each.ended is None:
                self._provoked[n] = replace(each, ended=self.now())

    def _come_back(self, road: Road) -> None:
        for each in self._provoked:
            if each.road == road and each.trouble in ("cut", "withheld", "refused", "unanswered"):
                self.settle(each.trouble)
