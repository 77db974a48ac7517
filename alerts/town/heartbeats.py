"""What every reading says of its device: that it is alive, and mostly nothing else.

Three readings in four are heartbeats. Each is noted here (when the device was last heard), and
the rules that take it for a sign of life (`Rule.vital`) hear of it only when it may tell them
something: the first in an hour, whatever is not routine, and all after one of them has
changed its mind about the device or its holder, or the town has changed.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from statistics import median_low

import msgspec

from devices.directory import Directory
from devices.readings import DeviceStatus, DoorMoved, Measured, Position, Reading

# So long routine readings are only noted. Our choice: rules that write down routine readings at all
# write one an hour; whatever is not routine ends the calm at once, so no alert waits for it.
CALM = timedelta(hours=1)
# Percent; a reading with a lower charge is never routine. Our choice, well above any default.
WELL = 50.0
REPEATED = timedelta(minutes=10)  # so much later the same state of a door is no bounce; our choice
# What is said so shortly after an opening belongs to it and shows no habit; our choice.
COUPLED = timedelta(minutes=1)
# A usual beat is the middle one of the latest five intervals, or of fewer but at least two, so that
# one silence changes nothing; our choice.
INTERVALS, HABIT = 5, 2
SHORTEST_GAP = 2 * REPEATED
LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Vital(msgspec.Struct, array_like=True, gc=False):
    """One device's signs of life."""

    heard: datetime  # by our clock
    calm_until: datetime = LONG_AGO  # only routine readings came, and they are only noted
    charged: bool = False  # the reading that calmed named its charge
    beats: bool = False  # it has said something that was no event: a heartbeat, a state repeated
    is_open: bool | None = None  # a door's last state
    since: datetime = LONG_AGO  # when that was first said, by our clock
    beat_at: datetime = LONG_AGO  # the last heartbeat that counts, by our clock
    intervals: tuple[int, ...] = ()  # seconds between the latest of them
    gap: tuple[datetime, datetime] | None = None  # the last silence of more than two beats

    @property
    def usual_beat(self) -> timedelta | None:
        """Return the time between two heartbeats; None for a device that has no such habit."""
        if len(self.intervals) < HABIT:
            return None
        return timedelta(seconds=median_low(self.intervals))


class Vitals:
    """The signs of life of all devices. What changed is saved by device."""

    name = "vitals"  # under which its rows are saved, beside those of the rules

    def __init__(self) -> None:
        self.routine_above = WELL  # percent
        self._of: dict[str, Vital] = {}
        self._changed_at = LONG_AGO  # when the town last changed; who was calm then is no more
        self._calm_after = LONG_AGO
        self._dirty: set[str] = set()

    def watch(self, percent: float) -> None:
        """Take no reading for routine that names a charge of this many percent or less."""
        self.routine_above = max(WELL, percent)

    def heard(self, device: str) -> datetime | None:
        """Return when a device was last heard, by our clock, or None if never."""
        vital = self._of.get(device)
        return vital.heard if vital else None

    def beats(self, device: str) -> bool:
        """Return True if a device was ever heard without an event: then silence says something."""
        vital = self._of.get(device)
        return vital is not None and vital.beats

    def is_alive(self, device: str, now: datetime) -> bool:
        """Return True if a device has not been silent for more than twice its usual beat.

        One without a usual beat is taken to be alive: it speaks when something happens.
        """
        vital = self._of.get(device)
        beat = vital.usual_beat if vital is not None else None
        return vital is None or beat is None or now - vital.heard <= 2 * beat

    def last_gap(self, device: str) -> tuple[datetime, datetime] | None:
        """Return a device's last silence of more than two of its beats, by our clock."""
        vital = self._of.get(device)
        return vital.gap if vital is not None else None

    def note(self, reading: Reading, now: datetime) -> bool:
        """Note a reading. Return True if it is routine and its device calm: it is no news."""
        device = reading.device
        vital = self._of.get(device)
        if vital is None or not is_routine(reading, self.routine_above):
            self._hear(reading, vital)
            return False
        self._dirty.add(device)
        if type(reading) is Position:
            is_news, vital.beats = not vital.beats, True
        else:
            is_news = learn(reading, vital)
        if reading.received_at > vital.heard:  # nothing routine counts at another time
            vital.heard = reading.received_at
        if is_news:
            return False
        is_calm = now < vital.calm_until > self._calm_after
        return is_calm and (reading.battery is None or vital.charged)

    def _hear(self, reading: Reading, vital: Vital | None) -> None:
        """Note a reading that may be news, if it proves that its device is alive."""
        at = heard_at(reading)
        if at is None:
            return
        self._dirty.add(reading.device)
        if vital is None:
            vital = self._of[reading.device] = Vital(at)
        if isinstance(reading, Position):
            vital.beats = vital.beats or not reading.replayed
        else:
            learn(reading, vital)
        vital.heard = max(vital.heard, at)

    def calm(self, reading: Reading, now: datetime) -> None:
        """Calm a device of whose reading no rule made anything: the next like it is no news."""
        vital = self._of.get(reading.device)
        if vital is not None and is_routine(reading, self.routine_above):
            vital.calm_until, vital.charged = now + CALM, reading.battery is not None

    def stir(self, key: str, directory: Directory) -> None:
        """End the calm of a device, or of a holder's devices: a rule changed its mind of them."""
        held = directory.held_by(key) if ":" in key else ()  # a device's id may hold a colon too
        for device in (key, *(one.id for one in held)):
            vital = self._of.get(device)
            if vital is not None:
                vital.calm_until = LONG_AGO
                self._dirty.add(device)

    def stir_all(self, now: datetime) -> None:
        """End the calm of all devices: the town has changed."""
        self._changed_at, self._calm_after = now, now + CALM
        self._dirty.add("")

    def take_dirty(self) -> Iterable[tuple[str, bytes]]:
        """Yield what changed since the last call, by device ("" is the town)."""
        for device in sorted(self._dirty):
            yield device, msgspec.msgpack.encode(self._of[device] if device else self._changed_at)
        self._dirty.clear()

    def restore(self, device: str, body: bytes) -> None:
        """Take in what was saved."""
        if device:
            self._of[device] = msgspec.msgpack.decode(body, type=Vital)
        else:
            self._changed_at = msgspec.msgpack.decode(body, type=datetime)
            self._calm_after = self._changed_at + CALM


def learn(reading: Reading, vital: Vital) -> bool:
    """Learn a device's habit from one more reading, not yet noted as heard.

    Return True if that is news: its first heartbeat, or the end of a long silence.
    """
    if reading.replayed or reading.received_at < vital.heard:
        return False
    at = reading.received_at
    # No beat is shorter than REPEATED, so a shorter silence needs no look at the habit.
    is_back = at - vital.heard > SHORTEST_GAP and _ends_gap(at, vital)
    if not is_heartbeat(reading, vital):
        return is_back
    is_first, vital.beats = not vital.beats, True
    if at - vital.beat_at >= REPEATED:
        if vital.beat_at != LONG_AGO:
            passed = int((at - vital.beat_at).total_seconds())
            vital.intervals = (*vital.intervals[1 - INTERVALS :], passed)
        vital.beat_at = at
    return is_first or is_back


def _ends_gap(at: datetime, vital: Vital) -> bool:
    """Return True if a silence of more than two beats has ended, which is kept."""
    beat = vital.usual_beat
    if beat is None or at - vital.heard <= 2 * beat:
        return False
    vital.gap = (vital.heard, at)
    return True


def is_heartbeat(reading: Reading, vital: Vital) -> bool:
    """Return True for a reading that no event has brought about. A door's state is kept up here."""
    kind, at = type(reading), reading.received_at
    if isinstance(reading, DoorMoved):
        if vital.is_open is not reading.open:
            vital.is_open, vital.since = reading.open, at
        return at - vital.since >= REPEATED
    if kind is not DeviceStatus and kind is not Measured:
        return False
    if isinstance(reading, DeviceStatus) and reading.online is False:
        return False
    return vital.is_open is None or at - vital.since >= COUPLED


def is_routine(reading: Reading, above: float) -> bool:
    """Return True if a reading only says that its device is alive and its battery `above` that."""
    if reading.replayed or (reading.battery is not None and reading.battery <= above):
        return False
    if not isinstance(reading, DeviceStatus):
        return True
    return reading.online is not False and reading.fault is None and reading.battery_low is None


def heard_at(reading: Reading) -> datetime | None:
    """Return when a reading proves the device alive, by our clock, or None if it proves nothing.

    What a device sends from its buffer is heard now. A replayed state may be a message that the
    broker kept: it counts at its own time, and without one not at all.
    """
    if isinstance(reading, DeviceStatus) and reading.online is False:
        return None
    if reading.replayed and isinstance(reading, DeviceStatus | DoorMoved | Measured):
        return reading.observed_at if reading.clock == "ok" else None
    return reading.received_at
