"""What every reading says of its device: that it is alive, and mostly nothing else.

Three readings in four are heartbeats. Each is noted here (when the device was last heard), and
the rules that take it for a sign of life (`Rule.vital`) hear of it only when it may tell them
something: the first in an hour, whatever is not routine, and all after one of them has
changed its mind about the device or its holder, or the town has changed.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec

from devices.directory import Directory
from devices.readings import DeviceStatus, DoorMoved, Measured, Position, Reading

CALM = timedelta(hours=1)  # so long routine readings are only noted
WELL = 50.0  # percent; a battery above it worries no rule, unless the town sets it higher
REPEATED = timedelta(minutes=10)  # so much later the same state of a door is no bounce
LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Vital(msgspec.Struct, array_like=True, gc=False):
    """One device's signs of life."""

    heard: datetime  # by our clock
    calm_until: datetime = LONG_AGO  # only routine readings came, and they are only noted
    charged: bool = False  # the reading that calmed named its charge
    beats: bool = False  # it has said something that was no event: a heartbeat, a state repeated
    is_open: bool | None = None  # a door's last state, until it beats
    since: datetime = LONG_AGO  # when that was first said, by our clock


class Vitals:
    """The signs of life of all devices. What changed is saved by device."""

    def __init__(self) -> None:
        self.well = WELL  # percent; a battery above it is routine
        self._of: dict[str, Vital] = {}
        self._changed_at = LONG_AGO  # when the town last changed; who was calm then is no more
        self._calm_after = LONG_AGO
        self._dirty: set[str] = set()

    def heard(self, device: str) -> datetime | None:
        """When a device was last known to be alive, by our clock; None: never."""
        vital = self._of.get(device)
        return vital.heard if vital else None

    def beats(self, device: str) -> bool:
        """Whether a device was ever heard without an event: only then silence says something."""
        vital = self._of.get(device)
        return vital is not None and vital.beats

    def note(self, said: Reading, now: datetime) -> bool:
        """Note a reading. True: it is routine and its device calm, so it says nothing more."""
        device = said.device
        vital = self._of.get(device)
        if vital is None or not is_routine(said, self.well):
            self._hear(said, vital)
            self._is_first_beat(said, self._of.get(device))
            return False
        self._dirty.add(device)
        if said.received_at > vital.heard:  # nothing routine counts at another time
            vital.heard = said.received_at
        if not vital.beats and self._is_first_beat(said, vital):
            return False
        return now < vital.calm_until > self._calm_after and (said.battery is None or vital.charged)

    def _is_first_beat(self, said: Reading, vital: Vital | None) -> bool:
        """Note whether a device beats, which stays so."""
        if vital is None or vital.beats or said.replayed:
            return False
        if isinstance(said, DoorMoved):
            if vital.is_open is not said.open:
                vital.is_open, vital.since = said.open, said.received_at
            vital.beats = said.received_at - vital.since >= REPEATED
        elif isinstance(said, DeviceStatus):
            vital.beats = said.online is not False
        else:
            vital.beats = isinstance(said, Position | Measured)
        return vital.beats

    def _hear(self, said: Reading, vital: Vital | None) -> None:
        at = heard_at(said)
        if at is None:
            return
        self._dirty.add(said.device)
        if vital is None:
            self._of[said.device] = Vital(at)
        elif at > vital.heard:
            vital.heard = at

    def calm(self, said: Reading, now: datetime) -> None:
        """No rule found anything in a reading: the next like it need not be asked about."""
        vital = self._of.get(said.device)
        if vital is not None and is_routine(said, self.well):
            vital.calm_until, vital.charged = now + CALM, said.battery is not None

    def stir(self, key: str, directory: Directory) -> None:
        """A rule has changed its mind about a device, or about the holder of devices."""
        devices = (key,) if ":" not in key else [one.id for one in directory.held_by(key)]
        for device in devices:
            vital = self._of.get(device)
            if vital is not None:
                vital.calm_until = LONG_AGO
                self._dirty.add(device)

    def stir_all(self, now: datetime) -> None:
        """The town has changed."""
        self._changed_at, self._calm_after = now, now + CALM
        self._dirty.add("")

    def take_dirty(self) -> Iterable[tuple[str, bytes]]:
        """What changed since it was last asked, by device ("" is the town)."""
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


def is_routine(said: Reading, well: float) -> bool:
    """Is a reading no more than a sign that its device is alive and well?"""
    if said.replayed or (said.battery is not None and said.battery <= well):
        return False
    if not isinstance(said, DeviceStatus):
        return True
    return said.online is not False and said.fault is None and said.battery_low is None


def heard_at(said: Reading) -> datetime | None:
    """When a reading proves the device alive, by our clock; None: it proves nothing.

    What a device sends from its buffer is heard now. A replayed state may be a message that the
    broker kept: it counts at its own time, and without one not at all.
    """
    if isinstance(said, DeviceStatus) and said.online is False:
        return None
    if said.replayed and isinstance(said, DeviceStatus | DoorMoved | Measured):
        return said.observed_at if said.clock == "ok" else None
    return said.received_at
