"""Which pages leave together, and which wait: everything but life alerts.

Pure. A person gets single messages while there are few. More than that leave as one message an
area; more than ten messages in ten minutes is a flood, and then one message a cause (rule) leaves
a minute. What waits is `held`, shown on the desk, and goes out with the next message.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby

import msgspec

from alerts.figures.alarm_load import FLOOD_BEGINS_ABOVE, FLOOD_WINDOW
from alerts.types import Alert, Page, Severity

SINGLE = 3  # pages due at once to one contact that leave as messages of their own
PER_MINUTE = 6  # messages to one person
MINUTE = timedelta(minutes=1)
ORDER = {Severity.LIFE: 0, Severity.HIGH: 1, Severity.MEDIUM: 2, Severity.LOW: 3}


class Waiting(msgspec.Struct, frozen=True):
    """A page that is due, with its alert."""

    page: Page
    alert: Alert


class Sending(msgspec.Struct, frozen=True):
    """What leaves now, one tuple a message, the gravest first; and what waits."""

    messages: tuple[tuple[Waiting, ...], ...] = ()
    held: tuple[Waiting, ...] = ()


def bundle(waiting: Iterable[Waiting], recent: Sequence[datetime], now: datetime) -> Sending:
    """Sort the pages due to one person. `recent` are the times of the messages they got."""
    last_minute = sum(1 for at in recent if at > now - MINUTE)
    flooded = sum(1 for at in recent if at > now - FLOOD_WINDOW) >= FLOOD_BEGINS_ABOVE
    room = max((1 if flooded else PER_MINUTE) - last_minute, 0)
    messages: list[tuple[Waiting, ...]] = []
    ordered = sorted(waiting, key=lambda one: (one.page.contact, one.page.channel))
    for _, same_contact in groupby(ordered, key=lambda one: (one.page.contact, one.page.channel)):
        messages.extend(_messages(list(same_contact), room, flooded=flooded))
    messages.sort(key=lambda message: _urgency(message[0]))
    held = tuple(one for message in messages[room:] for one in message)
    return Sending(tuple(messages[:room]), held)


def _messages(waiting: list[Waiting], room: int, *, flooded: bool) -> list[tuple[Waiting, ...]]:
    waiting.sort(key=_urgency)
    if not flooded and len(waiting) <= min(SINGLE, room):
        return [(one,) for one in waiting]
    groups: dict[str, list[Waiting]] = {}
    for one in waiting:
        cause = one.alert.rule if flooded else one.alert.area or ""
        groups.setdefault(cause, []).append(one)
    return [tuple(group) for group in groups.values()]


def _urgency(one: Waiting) -> tuple[int, datetime, str]:
    return ORDER[one.page.severity], one.page.due_at, one.page.id
