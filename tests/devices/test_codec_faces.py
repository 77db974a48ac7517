"""Face terminals of every make: who, how sure, by what, when, and what is cut out."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from devices.envelope import Envelope, HttpRequest
from devices.readings import DeviceStatus, DoorMoved, FaceSeen
from ingest.admission.admit import Admitted, admit

RECEIVED = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)


def published(topic: str, payload: Any) -> Admitted:
    return admit(Envelope(topic, json.dumps(payload).encode(), RECEIVED), None)


def posted(path: str, payload: Any, content_type: str = "application/json") -> Admitted:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return admit(Envelope("", body, RECEIVED, http=HttpRequest("POST", path, content_type)), None)


def face(admitted: Admitted) -> FaceSeen:
    (reading,) = admitted.readings
    assert isinstance(reading, FaceSeen)
    return reading


# ------------------------------------------------------------------ facesluice


def record(**info: Any) -> Admitted:
    return published("mqtt/face/7/Rec", {"operator": "RecPush", "info": {"personId": "22", **info}})


@pytest.mark.parametrize(
    ("info", "person"),
    [
        ({}, "22"),
        ({"personId": 22}, "22"),
        ({"personId": "0"}, None),
        ({"personId": ""}, None),
        ({"personId": "", "customId": "E-1"}, "E-1"),
        ({"VerifyStatus": "3"}, None),
        ({"VerifyStatus": 2}, "22"),
    ],
)
def test_who_a_record_means(info: dict[str, Any], person: str | None) -> None:
    assert face(record(**info)).person == person


@pytest.mark.parametrize(
    ("info", "replayed"),
    [
        ({"PushType": 0, "Sendintime": 1}, False),
        ({"PushType": 2}, True),
        ({"PushType": "2"}, True),
        ({"Sendintime": 0}, True),
        ({}, False),
    ],
)
def test_records_sent_again_or_late_are_marked(info: dict[str, Any], replayed: bool) -> None:
    assert face(record(**info)).replayed is replayed


@pytest.mark.parametrize(
    ("info", "score"),
    [({"similarity1": "83.000000"}, 0.83), ({"similarity1": 94.1}, 0.941), ({}, None)],
)
def test_how_sure_a_record_is(info: dict[str, Any], score: float | None) -> None:
    assert face(record(**info)).score == score


@pytest.mark.parametrize(
    ("word", "direction"), [("entr", "in"), ("exit", "out"), ("unknow", None), (3, None)]
)
def test_which_way_somebody_went(word: Any, direction: str | None) -> None:
    assert face(record(direction=word)).direction == direction


def test_a_record_resent_until_it_is_answered_is_one() -> None:
    info = {"RecordID": 389, "time": "2026-11-02 09:00:00"}
    live, again = (
        face(record(**info)),
        face(record(**info, PushType=2, pic="data:image/png;base64,AA")),
    )
    assert (live.id, live.at) == (again.id, again.at)


def test_private_fields_are_counted_and_empty_ones_are_not() -> None:
    info = {
        "pic": "data:image/jpeg;base64,/9j/4AAQSkZJRg==",
        "idCard": "110101199003070000",
        "telnum": "13800000000",
    }
    assert record(**info).redacted == 3
    assert record(pic="", idCard=" ", telnum="").redacted == 0
    assert "110101" not in repr(record(**info).readings)


def test_a_terminal_that_posts() -> None:
    info = {
        "DeviceID": 2470802,
        "PersonID": 812,
        "CreateTime": "2026-11-02T09:00:00",
        "VerifyStatus": 1,
        "VerfyType": 1,
        "Similarity1": 94.17,
        "nRecordIndex": 4,
    }
    payload = {"operator": "VerifyPush", "info": info, "SanpPic": "data:image/jpeg;base64,AAAA"}
    admitted = posted("/Subscribe/Verify", payload)
    reading = face(admitted)
    assert (reading.device, reading.person, reading.score) == ("2470802", "812", 0.9417)
    assert (reading.id, reading.at, reading.method) == ("4", RECEIVED, "face")
    assert admitted.redacted == 1
    card = posted("/Subscribe/Verify", {**payload, "info": {**info, "VerfyType": 2}})
    assert face(card).method == "card"
    beat = {"operator": "HeartBeat", "info": {"DeviceID": "7", "Time": "2026-11-02T09:00:00"}}
    (status,) = posted("/Subscribe/heartbeat", beat).readings
    assert isinstance(status, DeviceStatus)
    assert (status.online, status.at) == (True, RECEIVED)


@pytest.mark.parametrize("operator", ["EditPersonsNew-Ack", "PushAck", "QRCodePush"])
def test_a_terminals_other_messages_are_ignored(operator: str) -> None:
    assert published("mqtt/face/7/Ack", {"operator": operator, "info": {}}).ignored is not None


# ------------------------------------------------------------------ Hikvision


def event(minor: int, **fields: Any) -> Admitted:
    body = {
        "macAddress": "aa:bb",
        "ipAddress": "192.0.2.10",
        "dateTime": "2026-11-02T09:00:00+08:00",
        "eventType": "AccessControllerEvent",
        "AccessControllerEvent": {
            "majorEventType": 5,
            "subEventType": minor,
            "employeeNoString": "77",
            "serialNo": 257,
            **fields,
        },
    }
    return posted("/listener", body)


@pytest.mark.parametrize(
    ("minor", "method"), [(75, "face"), (38, "finger"), (1, "card"), (101, "pin")]
)
def test_by_what_somebody_was_known(minor: int, method: str) -> None:
    reading = face(event(minor))
    assert (reading.person, reading.method) == ("77", method)
    assert (reading.device, reading.id, reading.at) == ("aa:bb", "257", RECEIVED)


def test_what_else_happens_at_a_hikvision_door() -> None:
    assert face(event(76)).person is None
    assert face(event(75, currentEvent=False)).replayed
    (door,) = event(25).readings
    assert isinstance(door, DoorMoved)
    assert door.open
    assert event(21).ignored is not None
    (beat,) = posted("/listener", {"eventType": "heartBeat", "macAddress": "aa:bb"}).readings
    assert isinstance(beat, DeviceStatus)


def test_an_alert_stream_wraps_its_event_once_more() -> None:
    flat = {"eventType": "AccessControllerEvent", "majorEventType": 5, "subEventType": 75}
    wrapped = {"EventNotificationAlert": {**flat, "employeeNoString": "77"}}
    assert face(posted("/listener", wrapped)).person == "77"


def test_pictures_beside_an_event_are_counted() -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="event"\r\n'
        b"Content-Type: application/json\r\n\r\n"
        b'{"eventType": "AccessControllerEvent", "macAddress": "aa:bb", "AccessControllerEvent": '
        b'{"majorEventType": 5, "subEventType": 75, "employeeNoString": "77"}}\r\n'
        b"--b\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\xff\xe0\r\n--b--\r\n"
    )
    admitted = posted("/listener", body, "multipart/form-data; boundary=b")
    assert face(admitted).person == "77"
    assert admitted.redacted == 1


@pytest.mark.parametrize(
    "payload",
    [
        b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><EventNotificationAlert>'
        b"<eventType>&e;</eventType></EventNotificationAlert>",
        b"<EventNotificationAlert><eventType>AccessControllerEvent",
        b"<EventNotificationAlert>" * 5000,
        b"<a>" * 50_000 + b"</a>" * 50_000,
        "<!DOCTYPE x><EventNotificationAlert/>".encode("utf-16"),
    ],
)
def test_hostile_xml_is_refused(payload: bytes) -> None:
    assert posted("/listener", payload, "application/xml").rejections


# ------------------------------------------------------------------ ZKTeco, Uniview, Dahua


def test_lines_of_a_zkteco_terminal() -> None:
    lines = (
        b"11\t2026-11-02 09:00:00\t0\t15\t0\t0\t0\nnonsense\n"
        b"12\t2026-11-02 09:00:01\t1\t1\t0\t0\t0\n"
    )
    admitted = posted("/iclock/cdata?SN=ZK1&table=ATTLOG&Stamp=9999", lines, "text/plain")
    told = [
        (r.person, r.method, r.direction, r.id)
        for r in admitted.readings
        if isinstance(r, FaceSeen)
    ]
    assert told == [
        ("11", "face", "in", "11-20261102090000"),
        ("12", "finger", "out", "12-20261102090001"),
    ]
    assert [r.reason for r in admitted.rejections] == ["missing_field"]


def test_templates_of_a_zkteco_terminal_are_counted() -> None:
    lines = b"BIOPHOTO PIN=1\tContent=AAAA\nBIOPHOTO PIN=2\tContent=BBBB\n"
    admitted = posted("/iclock/cdata?SN=ZK1&table=BIOPHOTO", lines, "text/plain")
    assert admitted.ignored is not None
    assert admitted.redacted == 2


@pytest.mark.parametrize(
    ("status", "person", "alive"), [(1, "111", None), (2, None, None), (6, None, False)]
)
def test_how_a_uniview_match_ended(status: int, person: str | None, alive: bool | None) -> None:
    match = {"MatchStatus": status, "MatchPersonInfo": {"PersonCode": "111"}}
    body = {"DeviceCode": "U1", "Seq": 9, "Timestamp": 1793581200, "LibMatInfoList": [match]}
    reading = face(posted("/LAPI/V1.0/System/Event/Notification/PersonVerification", body))
    assert (reading.person, reading.alive, reading.at) == (person, alive, RECEIVED)


def test_a_stream_of_dahua_events() -> None:
    stream = (
        b'Code=AccessControl;action=Pulse;index=0;data={"UserID":"1","UTC":1793581200,"Method":15}\n'
        b'Code=AccessControl;action=Pulse;index=0;data={"UserID":"2","UTC":1793581200,"Method":1}\n'
        b"Code=VideoMotion;action=Start;index=0\n"
        b'Code=DoorStatus;action=Pulse;index=0;data={"Status":"Open","UTC":1793581201}\n'
        b"Code=AccessControl;action=Pulse;index=0;data={broken\n"
    )
    admitted = posted("/cgi-bin/eventManager.cgi", stream, "text/plain")
    assert [type(r).__name__ for r in admitted.readings] == ["FaceSeen", "FaceSeen", "DoorMoved"]
    assert [r.method for r in admitted.readings if isinstance(r, FaceSeen)] == ["face", "card"]
    assert [r.reason for r in admitted.rejections] == ["not_json"]


def test_one_recognition_said_twice_is_one() -> None:
    match = {"name": "R1", "confidence": 98.5}
    common = {"id": "ff", "timestamp": "2026-11-02T01:00:00Z", "camera": "door"}
    by_name = face(published("double-take/matches/R1", {**common, "match": match}))
    by_camera = face(published("double-take/cameras/door", {**common, "matches": [match]}))
    assert (by_name.id, by_name.device, by_name.score) == (by_camera.id, "door", 0.985)


def test_dahua_events_as_json() -> None:
    events = [
        {
            "Code": "AccessControl",
            "Action": "Pulse",
            "Index": 0,
            "Data": {"UserID": "1", "Method": 15},
        },
        {"Code": "DoorStatus", "Action": "Pulse", "Index": 0, "Data": {"Status": "Close"}},
    ]
    body = {"method": "client.notifyEventStream", "params": {"eventList": events}}
    seen, door = posted("/vto", body).readings
    assert isinstance(seen, FaceSeen)
    assert isinstance(door, DoorMoved)
    assert (seen.person, seen.method, door.open) == ("1", "face", False)


def test_events_at_a_zkteco_controllers_doors() -> None:
    lines = (
        b"time=2026-11-02 09:00:00\tpin=11\tcardno=0\tevent=3\tinoutstatus=0\tverifytype=15\n"
        b"time=2026-11-02 09:00:01\tpin=0\tcardno=0\tevent=27\tinoutstatus=1\tverifytype=4\n"
    )
    reading = face(posted("/iclock/cdata?SN=ZK1&table=rtlog", lines, "text/plain"))
    assert (reading.person, reading.method, reading.direction) == ("11", "face", "in")


@pytest.mark.parametrize(
    ("userid", "person", "score"), [("USER1", "USER1", 0.834), ("00001234", None, None)]
)
def test_a_bashi_terminal(userid: str, person: str | None, score: float | None) -> None:
    event = {
        "action": "event",
        "device-id": "b-1",
        "seqnum": 6,
        "type": "logr",
        "timestamp": 1793581200,
        "score": 0.834,
        "userid": userid,
    }
    reading = face(posted("/anywhere", event))
    assert (reading.device, reading.id, reading.at) == ("b-1", "6", RECEIVED)
    assert (reading.person, reading.score) == (person, score)
    assert posted("/anywhere", {**event, "type": "door"}).ignored is not None


@pytest.mark.parametrize(
    ("word", "direction"), [("checkIn", "in"), ("breakOut", "out"), ("x", None)]
)
def test_which_way_a_hikvision_record_goes(word: str, direction: str | None) -> None:
    assert face(event(75, attendanceStatus=word)).direction == direction
