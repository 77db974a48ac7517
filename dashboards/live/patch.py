"""What a screen is sent: a whole `Snapshot`, then `Patch`es that turn it into the next one.

Language-neutral (machine words, ids, times); the browser holds the texts. Names are masked
before they come here. Times are aware UTC; the browser ticks ages itself, so that they do not
freeze when the stream does.
"""

from datetime import datetime
from typing import TypeVar

import msgspec


class Paged(msgspec.Struct, frozen=True):
    """One line of "who was paged, and what came of it"."""

    who: str  # masked name
    what: str  # machine word: paged sent delivered opened acknowledged failed_permanent ...
    at: datetime


class Nearest(msgspec.Struct, frozen=True):
    """A caregiver on duty near the place, by their last position."""

    caregiver: str  # id
    who: str  # masked name
    metres: float
    at: datetime  # when the position was taken: its age matters


class Takeover(msgspec.Struct, frozen=True, kw_only=True):
    """What an SOS shows while it covers the map."""

    age: int | None = None  # years
    sex: str | None = None  # "f" or "m"
    lives_alone: bool | None = None
    address: str = ""  # exact: an SOS is the only thing on a wall that shows one
    observed_at: datetime | None = None  # the press by the button's clock
    buffered: bool = False  # pressed more than 5 min before it reached us
    paged: tuple[Paged, ...] = ()
    nearest: Nearest | None = None


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """One alert as a row of the wall."""

    id: str
    rule: str
    severity: str  # life high medium low
    state: str  # open acknowledged cleared
    reason: str
    subject: str
    who: str = ""  # masked name
    area: str | None = None
    area_name: str = ""
    lat: float | None = None
    lon: float | None = None
    raised_at: datetime
    ended_at: datetime | None = None  # cleared without an answer: shown hollow for a while
    acked_at: datetime | None = None
    acked_by: str = ""  # masked name
    arrived_at: datetime | None = None
    occurrences: int = 1
    sos: Takeover | None = None


class Mover(msgspec.Struct, frozen=True, array_like=True):
    """Where a caregiver was last seen."""

    lat: float
    lon: float
    at: int  # Unix seconds


class Share(msgspec.Struct, frozen=True):
    """Part of a whole, both shown: a percentage without its denominator says nothing."""

    part: int = 0
    whole: int = 0


class Timing(msgspec.Struct, frozen=True):
    """A percentile in seconds over n cases; None where n is too small to say."""

    seconds: float | None = None
    n: int = 0


class Unacknowledged(msgspec.Struct, frozen=True):
    """Open alerts nobody has answered, muted ones left out."""

    count: int = 0
    life: int = 0
    high: int = 0
    oldest: datetime | None = None  # raised_at of the one that waits longest


class AreaLoad(msgspec.Struct, frozen=True):
    """One area among the worst."""

    area: str
    name: str
    open: int  # open P1 and P2
    uncovered: int  # clients without a working SOS button
    late: int  # visits
    free: int  # caregivers on duty and not in a visit, whose visits of the day are here


class FloodCause(msgspec.Struct, frozen=True):
    """What a part of a flood comes from."""

    rule: str
    place: str  # "gateway:hub-1", "area:wangji", "agency:a-1"; "" = no one place
    name: str  # of the place
    alarms: int


class CurrentLoad(msgspec.Struct, frozen=True, kw_only=True):
    """How many alarms reach the people who answer them, muted ones left out."""

    seats: int = 1  # operators who share them
    raised_10m: int = 0
    raised_1h: int = 0
    flood: bool = False  # more than 10 a seat in 10 min
    causes: tuple[FloodCause, ...] = ()  # of a flood, the most alarms first


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The key figures; `dashboards.live.kpi` holds their definitions."""

    unacknowledged: Unacknowledged = Unacknowledged()
    open: dict[str, int] = {}  # severity -> alerts not ended and not muted, answered or not
    ack_p95: Timing = Timing()
    arrive_p50: Timing = Timing()
    devices: Share = Share()  # online / commissioned
    covered: Share = Share()  # clients with a working life-safety device / active clients
    visits: Share = Share()  # done / planned to have begun by now
    visits_late: int = 0
    visits_by_state: dict[str, int] = {}
    caregivers: Share = Share()  # seen within 10 min / on duty
    lag_p95: Timing = Timing()  # received - observed over the last 60 s
    skewed: int = 0  # readings left out of lag_p95 for their clock
    rates: tuple[int, ...] = ()  # readings a second, oldest first, at most 60
    suppressed: int = 0  # muted alerts: not on the wall, counted
    load: CurrentLoad = CurrentLoad()
    rejected: Share = Share()  # rejected / received messages of the last 5 min
    rejecting: tuple[tuple[str, Share], ...] = ()  # families with more than 5 % rejected
    unsettled: dict[str, int] = {}  # family -> messages of 24 h whose sums don't add up; 0 left out
    dropped: int = 0  # acknowledged messages that the broker lost, where any of 24 h
    intruded: int = 0  # signs of 24 h that somebody else reads a broker session of ours
    worst: tuple[AreaLoad, ...] = ()  # at most 8


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The whole of what a screen shows, map geometry apart."""

    at: datetime  # the server's clock
    map: str = ""  # version of the map geometry; another one means: fetch it again
    cards: dict[str, Card] = {}
    caregivers: dict[str, Mover] = {}
    figures: Figures = Figures()


class Patch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What to change in a Snapshot. None in a mapping takes the entry out (a tombstone)."""

    at: datetime
    map: str | msgspec.UnsetType = msgspec.UNSET
    cards: dict[str, Card | None] = {}
    caregivers: dict[str, Mover | None] = {}
    figures: Figures | msgspec.UnsetType = msgspec.UNSET


V = TypeVar("V")


def patch(before: Snapshot, after: Snapshot) -> Patch | None:
    """Return what turns `before` into `after`, or None where nothing but the clock differs."""
    found = Patch(
        at=after.at,
        map=after.map if after.map != before.map else msgspec.UNSET,
        cards=_differences(before.cards, after.cards),
        caregivers=_differences(before.caregivers, after.caregivers),
        figures=after.figures if after.figures != before.figures else msgspec.UNSET,
    )
    return None if found == Patch(at=after.at) else found


def patched(before: Snapshot, change: Patch) -> Snapshot:
    """Return what a screen makes of a patch: the same as `static/stream.js` does."""
    return Snapshot(
        at=change.at,
        map=before.map if change.map is msgspec.UNSET else change.map,
        cards=_applied(before.cards, change.cards),
        caregivers=_applied(before.caregivers, change.caregivers),
        figures=before.figures if change.figures is msgspec.UNSET else change.figures,
    )


def _differences(before: dict[str, V], after: dict[str, V]) -> dict[str, V | None]:
    gone: dict[str, V | None] = {key: None for key in before if key not in after}
    return gone | {key: value for key, value in after.items() if before.get(key) != value}


def _applied(before: dict[str, V], changes: dict[str, V | None]) -> dict[str, V]:
    merged = {**before, **changes}
    return {key: value for key, value in merged.items() if value is not None}
