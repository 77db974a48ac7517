"""Ways in which real devices go wrong, put on what a simulated one says. Pure.

Each way is one that deployed devices show, and one check of the conformance checklist is for it;
`resend-until-acknowledged` alone breaks no rule. What is sent never says something that did not
happen: a press is pressed once, however it is sent.
"""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

import msgspec

from core.errors import CarewatchError
from devices.simulator.speech import Publication

Way = Literal[
    "duplicates",  # sends some again although they were acknowledged
    "reorder",  # sends some behind those that came after them
    "drift",  # its clock is ahead
    "silence",  # says nothing for some beats, again and again
    "buffering",  # gathers what it says, and does not say so
    "flapping",  # ends its connection again and again
    "broken-json",  # sends some cut off at their end
    "gbk",  # writes Chinese in GBK
    "huge",  # sends some larger than the contract allows
    "resend-until-acknowledged",  # waits two seconds for an acknowledgement, not longer
]
WAYS: tuple[Way, ...] = get_args(Way)
CHECK_OF: dict[Way, str] = {
    "duplicates": "acknowledged_once",
    "reorder": "order",
    "drift": "clock_sane",
    "silence": "beat",
    "buffering": "prompt",
    "flapping": "steady",
    "broken-json": "readable",
    "gbk": "utf8",
    "huge": "size",
}  # the check of devices/conformance/checklist.py that is to fail

SOME = 4  # every fourth message
AHEAD = timedelta(hours=3)
TALKS, SILENT = 6, 3.0  # messages in a row, then so many beats of silence
GATHERED = 0.75  # beats that `buffering` waits: more than the half that counts as late
BEHIND = 0.3  # beats that `reorder` holds one back: less than the half that counts as late
AGAIN = 1.5  # seconds until `duplicates` sends one again: no repeat that crossed its answer
PADDING = 70 * 1024  # bytes; the contract's most is 64 KiB
WORDS = "王集敬老院一楼东侧"  # where the device hangs: "first floor, east"


def ways_of(text: str) -> frozenset[Way]:
    """Return the ways that are named, separated by commas. Raises CarewatchError for another."""
    named = [word.strip() for word in text.split(",") if word.strip()]
    for word in named:
        if word not in WAYS:
            raise CarewatchError(f"--misbehave {word!r}: there are {', '.join(WAYS)}")
    return frozenset(way for way in WAYS if way in named)


class Sending(msgspec.Struct, frozen=True):
    """What is published, and how many seconds after it was said."""

    what: Publication
    after: float = 0.0


class Misbehaviour:
    """Turns what one device says into what it sends. `beat`: seconds between its `status`."""

    def __init__(self, ways: Iterable[Way], beat: float) -> None:
        self.ways = frozenset(ways)
        self._beat = beat
        self._said = 0
        self._gathered: list[Sending] = []
        self._gathered_since: datetime | None = None

    def spoils(self) -> bool:
        """Return True if this message is one of the some that a way spoils."""
        return self._said % SOME == 0

    def sendings(self, said: Publication, now: datetime) -> list[Sending]:
        """Return what goes out for a message said at `now`; at once where nothing else is said."""
        self._said += 1
        spoilt = _spoilt(said, self.ways, some=self.spoils())
        is_held = "reorder" in self.ways and self.spoils()
        after = BEHIND * self._beat if is_held else 0.0
        sent = [Sending(spoilt, after)]
        if "duplicates" in self.ways and self.spoils():
            sent.append(Sending(spoilt, after + AGAIN))
        return self._gather(sent, now) if "buffering" in self.ways else sent

    def pause(self) -> float:
        """Return the seconds of silence after the message just said."""
        is_due = "silence" in self.ways and self._said % TALKS == 0
        return SILENT * self._beat if is_due else 0.0

    def hangs_up(self) -> bool:
        """Return True if the connection ends after the message just said."""
        return "flapping" in self.ways and self._said % TALKS == 0

    def _gather(self, sent: list[Sending], now: datetime) -> list[Sending]:
        """Return all that was gathered, in its order, once it has waited long enough; else none."""
        self._gathered += sent
        self._gathered_since = self._gathered_since or now
        if (now - self._gathered_since).total_seconds() < GATHERED * self._beat:
            return []
        gathered, self._gathered, self._gathered_since = self._gathered, [], None
        return gathered


def _spoilt(said: Publication, ways: frozenset[Way], *, some: bool) -> Publication:
    payload = said.payload
    is_press = _is_press(said)
    if "drift" in ways:
        payload = _changed(payload, ahead=AHEAD)
    if "huge" in ways and some and not is_press:
        payload = _changed(payload, log="x" * PADDING)
    if "gbk" in ways:
        payload = _changed(payload, place=WORDS).decode().encode("gbk")
    if "broken-json" in ways and some and not is_press:
        payload = payload[: -len(payload) // 3]
    return Publication(said.topic, payload, said.retain)


def _changed(payload: bytes, *, ahead: timedelta | None = None, **more: str) -> bytes:
    body: Any = json.loads(payload)
    if ahead is not None and isinstance(body.get("at"), str):
        body["at"] = (datetime.fromisoformat(body["at"]) + ahead).isoformat()
    return json.dumps({**body, **more}, ensure_ascii=False).encode()


def _is_press(said: Publication) -> bool:
    return "/sos/" in said.topic or b'"action"' in said.payload
