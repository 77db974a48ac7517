"""The vendor's checklist: each check has a device that fails it."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from devices.conformance.checklist import ConformanceRun, DeviceMessage, judge, passed
from devices.envelope import Envelope
from ingest.admission.admit import admit

NOW = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)


def heard(
    kind: str = "status", *, after: float = 0, qos: int = 1, **fields: object
) -> DeviceMessage:
    topic = str(fields.pop("topic", f"carewatch/v1/wangji/{kind}/btn-1"))
    at = NOW + timedelta(seconds=after)
    said = {"id": f"{kind}-{after:g}", "at": at.isoformat(), "battery": 80} | fields
    payload = msgspec.json.encode(said)
    admitted = admit(Envelope(topic, payload, at), None)
    return DeviceMessage(
        topic=topic,
        payload=payload,
        received_at=at,
        qos=qos,
        readings=admitted.readings,
        rejections=admitted.rejections,
        redacted=admitted.redacted,
    )


SHOWN = (
    heard(after=0),
    heard("sos", after=1, press="test"),
    heard("sos", after=2),
    heard("door", after=3, open=True, replayed=True, at=NOW.isoformat()),
    heard(after=4, online=False),
)


def states(*messages: DeviceMessage, kind: str | None = "sos") -> dict[str, str]:
    return {each.check: each.state for each in judge(ConformanceRun("btn-1", kind, messages))}


def test_a_device_that_has_shown_everything() -> None:
    results = judge(ConformanceRun("btn-1", "sos", (*SHOWN, SHOWN[2])))
    assert [each for each in results if each.state == "todo"] == []
    assert {each.check for each in results if each.state == "exempt"} == {"beat"}
    assert passed(results)


def test_a_device_that_has_said_nothing() -> None:
    found = states(kind=None)
    todo = {check for check, state in found.items() if state == "todo"}
    assert todo == {"registered", "heard", "battery", "last_will", "replayed_flag", "sos_press"}


@pytest.mark.parametrize(
    ("check", "message"),
    [
        ("own_topic", heard("door", topic="carewatch/v1/wangji/door/btn-2", open=True)),
        ("own_topic", heard("door", topic="carewatch/v1/mudan/door/btn-1", open=True)),
        ("readable", heard("door")),
        ("size", heard("door", open=True, note="x" * 70_000)),
        ("nothing_private", heard("face", person="P-1", image="QUJD" * 400)),
        ("id_unique", heard("sos", after=9, id="sos-1")),
        ("clock_sane", heard("door", open=True, at="1970-01-01T00:00:00Z")),
        ("qos_1", heard("door", open=True, qos=0)),
        ("replayed_flag", heard("door", after=900, open=True, at=NOW.isoformat())),
    ],
)
def test_each_fault_is_found(check: str, message: DeviceMessage) -> None:
    found = states(*SHOWN, message)
    assert found[check] == "todo"


def test_a_terminal_beats_each_minute_and_needs_no_battery() -> None:
    beats = [heard(after=60 * n) for n in range(3)]
    assert states(*beats, kind="terminal")["beat"] == "done"
    assert states(*beats[::2], kind="terminal")["beat"] == "todo"
    found = states(*beats, kind="terminal")
    assert (found["battery"], found["sos_press"], found["redelivery"]) == ("exempt",) * 3
