"""A recording as the service would have taken it in: admitted, repeats collapsed, counted.

Repeats collapse by the store's key (device, at, id, kind). A message that names no time is told
from others by when we received it, so its repeat is one only when the broker says so (`dup`, or
`retain` once again, or of a press that was heard live) and the very same message came before: it
then gets the first one's time, as it would live. So does a number that a device counts twice.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from hashlib import blake2b

import msgspec

from alerts.trials.report import MessageCounts
from alerts.types import Stored
from devices.directory import Directory
from devices.discovery.announced import NOTHING
from devices.envelope import Envelope
from devices.readings import Reading, SosPressed
from ingest.admission.admit import Admitted, admit
from ingest.lanes.counters import Last, Name, recounted
from ingest.store.rows import Key


class Recorded:
    """The readings of a recording, and the counts of what has been read so far."""

    def __init__(self, directory: Directory | None) -> None:
        self._directory = directory
        self._announced = NOTHING  # what devices have said of themselves so far
        self._known: set[Key] = set()  # the store's keys
        # message, and whether the broker had retained it -> when it first came
        self._timeless: dict[tuple[bytes, bool], datetime] = {}
        self._pressed: dict[bytes, datetime] = {}  # presses without a time: may be retained
        self._counted: dict[Name, Last] = {}
        self._reasons: Counter[str] = Counter()
        self._counts = MessageCounts()

    def stimuli(self, envelopes: Iterable[Envelope]) -> Iterator[Stored]:
        """Yield the new readings in the order received, numbered as they would be on arrival."""
        for arrival, reading in enumerate(self._readings(envelopes), 1):
            yield Stored(arrival, reading)

    def _readings(self, envelopes: Iterable[Envelope]) -> Iterator[Reading]:
        for envelope in envelopes:
            stamped = self._stamped(envelope)
            admitted = admit(stamped, self._directory, self._announced)
            if admitted.announcement is not None:
                self._announced = self._announced.changed([admitted.announcement])
            if admitted.counted:
                admitted = recounted(admitted, stamped.received_at, self._counted)
            new = [reading for reading in admitted.readings if self._is_new(reading)]
            self._count(admitted, new)
            self._remember(envelope, new)
            yield from new

    def counts(self) -> MessageCounts:
        """Return the counts so far."""
        return msgspec.structs.replace(self._counts, rejections=dict(sorted(self._reasons.items())))

    def _is_new(self, reading: Reading) -> bool:
        is_new = reading.key not in self._known
        self._known.add(reading.key)
        return is_new

    def _stamped(self, envelope: Envelope) -> Envelope:
        """Return a message that the broker delivers again, with the time it first came."""
        if not envelope.dup and not envelope.retain:
            return envelope
        key = digest(envelope)
        first = self._timeless.get((key, envelope.retain))
        if first is None and envelope.retain:
            first = self._pressed.get(key)
        return msgspec.structs.replace(envelope, received_at=first) if first else envelope

    def _remember(self, envelope: Envelope, new: list[Reading]) -> None:
        timeless = [reading for reading in new if reading.at == reading.received_at]
        if timeless:
            self._timeless[digest(envelope), envelope.retain] = envelope.received_at
        if any(isinstance(reading, SosPressed) for reading in timeless):
            self._pressed[digest(envelope)] = envelope.received_at

    def _count(self, admitted: Admitted, new: list[Reading]) -> None:
        self._counts.received += 1
        self._counts.readings += len(new)
        self._reasons.update(rejection.reason.value for rejection in admitted.rejections)
        if new:
            self._counts.stored += 1
        elif admitted.readings:
            self._counts.duplicate += 1
        elif admitted.rejections:
            self._counts.rejected += 1
        else:
            self._counts.ignored += 1


def digest(envelope: Envelope) -> bytes:
    """Return what tells one message from another, whenever it came."""
    whole = blake2b(envelope.topic.encode("utf-8", "replace"), digest_size=12)
    if envelope.http is not None:
        whole.update(f"{envelope.http.method} {envelope.http.path}".encode("utf-8", "replace"))
    whole.update(b"\0" + envelope.payload)
    return whole.digest()
