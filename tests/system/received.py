"""A recording as ingest received it.

The recorder is another client of the broker: its stamps differ by the way to it, and two sessions
of ingest may store what came in another order.
"""

from collections import defaultdict, deque
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from msgspec.structs import replace

from devices.directory import Directory
from devices.envelope import Envelope
from devices.readings import Reading
from devices.recording import read_recording, write_line
from ingest.admission.admit import admit

Key = tuple[str, str, object]
Stored = dict[Key, deque[tuple[int, Reading]]]  # what was stored of a message, with its place


def as_received(
    heard: Path, stored: Iterable[Reading], directory: Directory, recording: Path
) -> None:
    """Write the recording in the order of what was stored, with the time each was received.

    A message of which nothing was stored stays behind the one before it, at the same time.
    """
    of_message: Stored = defaultdict(deque)
    for place, reading in enumerate(stored):
        of_message[key_of(reading)].append((place, reading))
    lines: list[tuple[int, Envelope]] = []
    place, at = 0, None
    for _, envelope in read_recording(heard):
        found = placed(envelope, directory, of_message)
        if found is not None:
            place, at = found
        if at is not None:
            lines.append((place, replace(envelope, received_at=at)))
    lines.sort(key=lambda line: line[0])
    recording.write_bytes(b"".join(write_line(envelope) for _, envelope in lines))


def placed(
    envelope: Envelope, directory: Directory, of_message: Stored
) -> tuple[int, datetime] | None:
    """Where a message stands in the one order, and when ingest received it."""
    for reading in admit(envelope, directory).readings:
        stored = of_message[key_of(reading)]
        if stored:
            place, as_stored = stored.popleft()
            return place, as_stored.received_at
    return None


def key_of(reading: Reading) -> Key:
    """What tells one message of the day from another, whoever stamped it."""
    return reading.device, reading.id, reading.observed_at
