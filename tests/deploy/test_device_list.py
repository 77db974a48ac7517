"""The device list names those whose clock is off."""

from datetime import UTC, datetime, timedelta

from deploy.device_list import COLUMNS, device_lines
from devices.credentials import Credential
from devices.readings import DeviceStatus, DoorMoved, Reading

NOON = datetime(2026, 11, 2, 4, tzinfo=UTC)


def device(id: str, *, in_file: bool = True, secret: str | None = None) -> Credential:
    return Credential(
        id=id,
        kind="door",
        holder=None,
        topic=None,
        in_file=in_file,
        secret_hash=secret,
        revoked_at=None,
    )


def said(id: str, **fields: object) -> Reading:
    given = {"observed_at": NOON, "received_at": NOON, "clock": "ok", **fields}
    return DeviceStatus(device=id, id="1", **given)  # type: ignore[arg-type]


def test_the_last_message_tells_the_clock() -> None:
    ahead = timedelta(minutes=5)
    readings = [
        said("a"),
        said("b", observed_at=NOON + ahead, clock="ahead"),
        said("c", observed_at=NOON.replace(year=2036), clock="quarantined"),
        said("d", observed_at=None),
        DoorMoved(device="e", id="2", observed_at=NOON, received_at=NOON + ahead, open=True),
        said("e", observed_at=NOON + ahead, clock="ahead"),  # put right since
    ]
    registered = [device(id) for id in "abcde"] + [device("f", in_file=False, secret="$7$1$a$b")]
    lines = [line.split("\t") for line in device_lines(registered, readings)]
    assert lines[0] == list(COLUMNS)
    assert [(line[0], line[-2], line[-1]) for line in lines[1:]] == [
        ("a", "2026-11-02T04:00:00Z", "ok"),
        ("b", "2026-11-02T04:00:00Z", "ahead 300 s"),
        ("c", "2026-11-02T04:00:00Z", "quarantined: it says 2036-11-02T04:00:00Z"),
        ("d", "2026-11-02T04:00:00Z", "none"),
        ("e", "2026-11-02T04:05:00Z", "ok"),
        ("f", "never", "-"),
    ]
    assert lines[6] == ["f", "door", "-", "-", "hand", "active", "never", "-"]
