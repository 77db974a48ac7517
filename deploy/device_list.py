"""The device list: what is registered, who may sign in, who was heard, and whose clock is off."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from devices.credentials import Credential
from devices.readings import Reading

COLUMNS = ("device", "kind", "holder", "topic", "from", "secret", "last heard", "clock")


def device_lines(credentials: Iterable[Credential], latest: Iterable[Reading]) -> Iterator[str]:
    """Yield a tab-separated table.

    `latest` holds some last readings of each device, in any order.
    """
    newest: dict[str, Reading] = {}
    for reading in latest:
        known = newest.get(reading.device)
        if known is None or known.received_at < reading.received_at:
            newest[reading.device] = reading
    yield "\t".join(COLUMNS)
    for each in credentials:
        yield "\t".join((*_registered(each), *_heard(newest.get(each.id))))


def _registered(each: Credential) -> tuple[str, ...]:
    origin = "file" if each.in_file else "hand"
    return each.id, each.kind or "-", each.holder or "-", each.topic or "-", origin, each.state


def _heard(reading: Reading | None) -> tuple[str, str]:
    if reading is None:
        return "never", "-"
    return _utc(reading.received_at), _clock(reading)


def _clock(reading: Reading) -> str:
    """Return what admission thought of the clock, and how far off it is."""
    if reading.observed_at is None:
        return "none"
    if reading.clock == "ok":
        return "ok"
    if reading.clock == "quarantined":
        return f"quarantined: it says {_utc(reading.observed_at)}"
    return f"ahead {(reading.observed_at - reading.received_at).total_seconds():.0f} s"


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
