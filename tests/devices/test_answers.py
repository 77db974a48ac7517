"""What is answered to which message, on which topic."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from devices.broker_access import rights_of
from devices.codecs.answers import answers, is_answer
from devices.envelope import Envelope
from devices.topics import covers
from ingest.admission.admit import admit

NOW = datetime(2026, 11, 2, 1, 0, 5, tzinfo=UTC)
AT = "2026-11-02 09:00:00"
REC: dict[str, Any] = {
    "operator": "RecPush",
    "info": {
        "facesluiceId": "1234567",
        "RecordID": "490805",
        "time": AT,
        "personId": "7",
        "VerifyStatus": "1",
    },
}
SNAP: dict[str, Any] = {
    "operator": "StrSnapPush",
    "info": {"facesluiceId": "1234567", "SnapID": "217699", "time": AT},
}


def told(topic: str, said: object, received_at: datetime, *, retain: bool = False) -> list[Any]:
    payload = said if isinstance(said, bytes) else msgspec.json.encode(said)
    envelope = Envelope(topic, payload, received_at, retain=retain)
    out = admit(envelope, None)
    found = answers(out.family, envelope, out.readings, out.rejections)
    assert all(is_answer(each.topic, each.payload) for each in found)
    return [(each.topic, msgspec.json.decode(each.payload)) for each in found]


def info(message: dict[str, Any], **changed: object) -> dict[str, Any]:
    return {**message, "info": {**message["info"], **changed}}


@pytest.mark.parametrize(
    ("topic", "said", "kind", "number"),
    [
        ("mqtt/face/1234567/Rec", REC, 2, 490805),
        ("mqtt/face/1234567/Snap", SNAP, 1, 217699),
        ("mqtt/face/1234567", REC, 2, 490805),
        ("mqtt/face/1234567/Rec", info(REC, time="no time"), 2, 490805),  # kept as a rejection
        ("mqtt/face/1234567/Rec", b'{"operator":"RecPush","info":{"RecordID":"12",', 2, 12),
        ("mqtt/face/1234567/Rec", {**REC, "operator": "QRCodePush"}, 3, 490805),  # ignored
        # A name inside is nobody's topic: the answer goes to whoever spoke.
        ("mqtt/face/1234567/Rec", info(REC, facesluiceId="7654321"), 2, 490805),
    ],
)
def test_a_record_is_named_to_the_terminal_that_sent_it(
    topic: str, said: object, kind: int, number: int
) -> None:
    ((where, answer),) = told(topic, said, NOW)
    assert where == "mqtt/face/1234567"
    assert answer["operator"] == "PushAck"
    assert answer["info"] == {
        "facesluiceId": "1234567",
        "PushAckType": kind,
        "SnapOrRecordID": number,
    }


@pytest.mark.parametrize(
    ("topic", "said"),
    [
        ("mqtt/face/heartbeat", {"operator": "HeartBeat", "info": {"facesluiceId": "1234567"}}),
        ("mqtt/face/basic", REC),  # all terminals speak there: nobody would hear it alone
        ("mqtt/face/1234567/Rec", info(REC, RecordID=None)),
        ("mqtt/face/1234567/Ack", {"operator": "PushAck-Ack", "info": {"SnapOrRecordID": 3}}),
        ("carewatch/v1/w/door/d-1", {"id": "a", "at": "2026-11-02T09:00:00Z", "open": True}),
    ],
)
def test_what_is_not_answered(topic: str, said: object) -> None:
    assert told(topic, said, NOW) == []


def test_a_press_hears_that_it_was_received() -> None:
    press = {"id": "p-1", "at": "2026-11-02T09:00:00Z"}
    ((topic, said),) = told("carewatch/v1/w/sos/btn-1", press, NOW)
    assert topic == "carewatch/v1/w/answer/btn-1"
    assert (said["answer"], said["id"]) == ("received", "p-1")
    assert said["at"].endswith("Z")
    assert told("carewatch/v1/w/sos/btn-1", press, NOW, retain=True) == []


def test_a_press_that_is_no_message_hears_why() -> None:
    ((topic, said),) = told("carewatch/v1/w/sos/btn-1", b"[", NOW)
    assert topic == "carewatch/v1/w/answer/btn-1"
    assert (said["answer"], said["reason"]) == ("refused", "not_json")


@pytest.mark.parametrize(
    ("registered", "answered"),
    [
        ("mqtt/face/1234567/Rec", "mqtt/face/1234567"),
        ("home/gate/Rec", "home/gate"),
        (None, "carewatch/v1/w/answer/d-1"),
    ],
)
def test_a_device_may_hear_its_answers_and_nobody_elses(
    registered: str | None, answered: str
) -> None:
    assert any(covers(each, answered) for each in rights_of("d-1", registered).hears)
    assert not any(covers(each, answered) for each in rights_of("d-2", "mqtt/face/9/Rec").hears)


def test_our_own_answers_are_no_messages() -> None:
    said = b'{"answer":"received","id":"p-1"}'
    assert is_answer("carewatch/v1/w/answer/d-1", said)
    assert not is_answer("carewatch/v1/w/sos/d-1", said)
    assert admit(Envelope("carewatch/v1/w/answer/d-1", said, NOW), None).ignored is not None
