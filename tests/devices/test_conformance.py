"""The vendor's checklist: each check has a device that fails it, and the words to say so."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from devices.conformance.checklist import CHECKS, complete, judge, passed, texts
from devices.conformance.run import ConformanceRun, Connected, DeviceMessage, Provoked, Will
from devices.envelope import Envelope
from ingest.admission.admit import admit

NOW = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
ON = "carewatch/v1/wangji/{}/{}"


def moment(after: float) -> datetime:
    return NOW + timedelta(seconds=after)


def understood(topic: str, payload: bytes, after: float, **more: Any) -> DeviceMessage:
    at = moment(after)
    admitted = admit(Envelope(topic, payload, at), None)
    return DeviceMessage(
        topic=topic,
        payload=payload,
        received_at=at,
        answered_at=at,
        readings=admitted.readings,
        rejections=admitted.rejections,
        repaired=admitted.repaired,
        redacted=admitted.redacted,
        **{"qos": 1, "connection": 1} | more,
    )


def heard(kind: str = "status", *, after: float = 0, **fields: object) -> DeviceMessage:
    more = {name: fields.pop(name) for name in ("qos", "retain", "answer") if name in fields}
    topic = str(fields.pop("topic", ON.format(kind, "btn-1")))
    said = {"id": f"{kind}-{after:g}", "at": moment(after).isoformat(), "battery": 80} | fields
    return understood(topic, msgspec.json.encode(said), after, **more)


SHOWN = (
    heard(after=0),
    heard("sos", after=1, press="test"),
    heard("sos", after=2),
    heard("door", after=3, open=True, replayed=True, at=NOW.isoformat()),
    heard(after=4, online=False),
)
WILL = Will(ON.format("status", "btn-1"), b'{"id":"w","at":1793581200,"online":false}', 1, False)
STANDING = Connected(
    number=1,
    at=moment(-10),
    client_id="btn-1",
    user="btn-1",
    has_password=True,
    fits=True,
    keep_alive=60,
    will=WILL,
)


def listened(*messages: DeviceMessage, kind: str | None = "sos") -> ConformanceRun:
    return ConformanceRun(device="btn-1", kind=kind, registered=bool(kind), heard=messages)


def tried(*messages: DeviceMessage, connected: Connected = STANDING) -> ConformanceRun:
    """A run of our own broker: everything was provoked and the device came back from it."""
    lost = heard("door", after=21, open=False, answer="withheld")
    troubles = (("withheld", 20), ("slow", 30), ("cut", 40), ("outage", 50))
    return ConformanceRun(
        device="btn-1",
        kind="sos",
        registered=True,
        heard=(*messages, lost, replace(lost, answer="acknowledged", received_at=moment(23))),
        begun=moment(-20),
        ended=moment(600),
        connections=(connected,),
        provoked=tuple(
            Provoked(name, "mqtt", moment(at), moment(at + 2))  # type: ignore[arg-type]
            for name, at in troubles
        ),
        own_broker=True,
    )


def states(run: ConformanceRun) -> dict[str, str]:
    return {each.check: each.state for each in judge(run)}


def failing(run: ConformanceRun) -> set[str]:
    return {check for check, state in states(run).items() if state == "fail"}


def test_a_device_that_has_shown_everything() -> None:
    results = judge(listened(*SHOWN, SHOWN[2]))
    assert complete(results)
    assert "beat" not in {each.check for each in results}


def test_a_device_that_has_shown_everything_to_our_own_broker() -> None:
    after = heard("door", after=70, open=True)
    assert failing(tried(*SHOWN)) == {"reconnects", "survives_restart", "slow_answer"}
    assert failing(replace(tried(*SHOWN), heard=(*tried(*SHOWN).heard, after))) == set()


def test_a_device_that_has_said_nothing() -> None:
    found = judge(listened(kind=None))
    assert {each.check for each in found if each.state == "fail"} == {
        "registered",
        "heard",
        "battery",
    }
    waiting = {each.check for each in found if each.state == "needs a person"}
    assert waiting == {"last_will", "replayed_flag", "sos_press"}
    assert not passed(found)


DOOR = ON.format("door", "btn-1")
GBK = '{"id":"x","at":1793581205,"open":true,"n":"门"}'.encode("gbk")
AGAIN = {"open": True, "replayed": True}


@pytest.mark.parametrize(
    ("check", "message"),
    [
        ("own_topic", heard("door", topic=ON.format("door", "btn-2"), open=True)),
        ("own_topic", heard("door", topic="carewatch/v1/mudan/door/btn-1", open=True)),
        ("readable", heard("door", after=5)),
        ("readable", understood(DOOR, b'{"id":"x","at":1,"op', 5)),
        ("utf8", understood(DOOR, GBK, 5)),
        ("utf8", understood(DOOR, b'\xef\xbb\xbf{"id":"x","at":1793581205,"open":true}', 5)),
        ("size", heard("door", after=5, open=True, note="x" * 70_000)),
        ("nothing_private", heard("face", after=5, person="P-1", image="QUJD" * 400)),
        ("id_present", understood(DOOR, b'{"at":1793581205,"open":true}', 5)),
        ("id_unique", heard("sos", after=9, id="sos-1")),
        ("id_kept", heard("door", after=3.5, id="other", at=NOW.isoformat(), **AGAIN)),
        ("time_zone", heard("door", after=5, open=True, at="2026-11-02T09:00:05")),
        ("clock_sane", heard("door", open=True, at="1970-01-01T00:00:00Z")),
        ("order", heard("door", after=6, open=True, at=moment(-1).isoformat())),
        ("qos_1", heard("door", after=5, open=True, qos=0)),
        ("not_retained", heard("door", after=5, open=True, retain=True)),
        ("replayed_flag", heard("door", after=900, open=True, at=NOW.isoformat())),
    ],
)  # fmt: skip
def test_each_fault_is_found_with_its_evidence(check: str, message: DeviceMessage) -> None:
    result = next(each for each in judge(listened(*SHOWN, message)) if each.check == check)
    assert (result.state, result.evidence is not None) == ("fail", True)
    assert result.says
    assert result.expected
    assert result.mend


@pytest.mark.parametrize(
    ("check", "connected"),
    [
        ("signs_in", replace(STANDING, user="other")),
        ("signs_in", replace(STANDING, fits=False)),
        ("no_wildcards", replace(STANDING, filters=("carewatch/#",))),
        ("last_will", replace(STANDING, will=None)),
        ("last_will", replace(STANDING, will=replace(WILL, topic="x"))),
        ("last_will", replace(STANDING, will=replace(WILL, qos=0))),
        ("last_will", replace(STANDING, will=replace(WILL, payload=b'{"id":"w","at":1}'))),
        ("last_will", replace(STANDING, keep_alive=0)),
    ],
)
def test_each_fault_of_a_connection_is_found(check: str, connected: Connected) -> None:
    after = heard("door", after=70, open=True)
    run = tried(*SHOWN, connected=connected)
    assert failing(replace(run, heard=(*run.heard, after))) == {check}


LIVE = heard("door", after=70, open=True)
LATER = heard("door", after=200, open=True)


@pytest.mark.parametrize(
    ("check", "messages"),
    [
        ("acknowledged_once", (LIVE, LATER, LATER)),
        ("prompt", (LIVE, heard("door", after=240, open=True, at=moment(120).isoformat()))),
        ("replayed_flag", (heard("door", after=60, open=True, at=moment(52).isoformat()), LIVE)),
        ("resends", (LIVE, replace(LATER, answer="withheld"))),
    ],
)
def test_what_only_our_own_broker_sees(check: str, messages: tuple[DeviceMessage, ...]) -> None:
    run = tried(*SHOWN)
    away = tuple(
        replace(each, ended=moment(54)) if each.trouble == "outage" else each
        for each in run.provoked
    )
    assert failing(replace(run, heard=(*run.heard, *messages), provoked=away)) == {check}


def test_two_ends_of_its_own_are_no_chance() -> None:
    gone = replace(STANDING, ended_at=moment(300), ended_by="device")
    run = tried(*SHOWN, heard("door", after=70, open=True))
    run = replace(run, connections=(STANDING, gone, gone))
    assert "steady" in failing(run)


def test_a_terminal_beats_each_minute_and_needs_no_battery() -> None:
    beats = [heard(after=60 * n) for n in range(3)]
    assert states(listened(*beats, kind="terminal"))["beat"] == "pass"
    found = states(listened(*beats[::2], kind="terminal"))
    assert found["beat"] == "fail"
    assert not {"battery", "sos_press"} & set(found)


def test_every_check_has_its_words_in_both_languages() -> None:
    wanted = {f"{check}.{each}" for check in CHECKS for each in ("title", "expected", "mend")}
    assert wanted <= set(texts())
    assert all(zh or key == "sos_press.mend" for key, (zh, _) in texts().items())
