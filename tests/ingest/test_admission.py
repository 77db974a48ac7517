"""Whose message it is, when it was, where it was, and how it is told from others."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.directory import Device, Directory, Facility, RegisterChange, Resident
from devices.envelope import Envelope, HttpRequest
from devices.readings import DeviceStatus, FaceSeen, Position, Reason, SosPressed
from ingest.admission.admit import MAX_BYTES, MOST_PARTS, Admitted, admit
from ingest.admission.plausibility import clock_of

RECEIVED = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
CONTRACT = {"id": "m-1", "at": "2026-11-02T01:00:00Z", "open": True}


def told(topic: str, payload: Any, town: Directory | None = None, **flags: bool) -> Admitted:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return admit(Envelope(topic, body, RECEIVED, **flags), town)


def posted(path: str, payload: Any, town: Directory | None = None) -> Admitted:
    request = HttpRequest("POST", path, "application/json")
    return admit(Envelope("", json.dumps(payload).encode(), RECEIVED, http=request), town)


def town(*devices: Device, timezone: str = "Asia/Shanghai") -> Directory:
    return Directory(timezone).changed(RegisterChange(devices=devices))


# ------------------------------------------------------------------ whose it is


@pytest.mark.parametrize(
    ("registered", "topic", "payload"),
    [
        (None, "carewatch/v1/wangji/door/x-1", CONTRACT),
        ("carewatch/v1/wangji/sos/b-7", "carewatch/v1/wangji/sos/b-7", CONTRACT),
        ("carewatch/v1/wangji/sos/b-7", "carewatch/v1/wangji/door/b-7", CONTRACT),
        ("owntracks/g-1/phone", "owntracks/g-1/phone", {"_type": "lwt", "tst": 1793581200}),
        ("owntracks/g-1/phone", "owntracks/g-1/phone/status", {"_type": "lwt", "tst": 1793581200}),
        ("home/g-1/phone", "home/g-1/phone", {"_type": "lwt", "tst": 1793581200}),
        ("zigbee2mqtt/door", "zigbee2mqtt/door", {"contact": True}),
        ("zigbee2mqtt/hall/door", "zigbee2mqtt/hall/door/availability", {"state": "online"}),
        ("base/door", "base/door", {"contact": True}),
        ("base/door", "base/door/availability", b"online"),
        (
            "mqtt/face/1234567/Rec",
            "mqtt/face/heartbeat",
            {"operator": "HeartBeat", "info": {"facesluiceId": "1234567"}},
        ),
        (
            "mqtt/face/1234567/Rec",
            "mqtt/face/basic",
            {"operator": "Offline", "info": {"facesluiceId": "1234567"}},
        ),
        (
            "mqtt/face/1234567/Rec",
            "mqtt/face/1234567/rec/AttendanceRecord",
            {"operator": "RecPush", "info": {"personId": "8"}},
        ),
        (
            "application/a/device/24e1/event/up",
            "application/a/device/24e1/event/status",
            {"deviceInfo": {"devEui": "24e1"}, "batteryLevel": 80},
        ),
        (
            "v3/a@t/devices/d/up",
            "v3/a@t/devices/d/join",
            {"end_device_ids": {"device_id": "d"}, "join_accept": {}},
        ),
        ("tele/reed/SENSOR", "tele/reed/LWT", b"Online"),
        ("shellies/dw2/sensor/state", "shellies/dw2/online", b"true"),
        ("livingroom", "livingroom/status", b"online"),
    ],
)
def test_a_device_is_known_by_its_topic_and_what_belongs_to_it(
    registered: str | None, topic: str, payload: Any
) -> None:
    admitted = told(topic, payload, town(Device(id="x-1", topic=registered)))
    assert admitted.rejections == ()
    assert [reading.device for reading in admitted.readings] == ["x-1"]


@pytest.mark.parametrize(
    ("path", "payload"),
    [
        ("/", {"_type": "lwt", "tst": 1793581200, "topic": "owntracks/g-1/phone"}),
        ("/", {"device_id": "g-1/phone", "location": {"coords": {}}}),
        ("/pub?u=g-1&d=phone", {"_type": "lwt", "tst": 1793581200}),
    ],
)
def test_by_http_a_device_is_known_by_the_name_it_gives(path: str, payload: Any) -> None:
    by_id = posted(path, payload, town(Device(id="g-1/phone")))
    assert [reading.device for reading in by_id.readings] == ["g-1/phone"]


def test_a_topic_that_belongs_to_one_device_can_not_speak_for_another() -> None:
    directory = town(
        Device(id="a", topic="mqtt/face/1/Rec"), Device(id="b", topic="mqtt/face/2/Rec")
    )
    claims = {"operator": "RecPush", "info": {"facesluiceId": "2", "personId": "9"}}
    (reading,) = told("mqtt/face/1/Rec", claims, directory).readings
    assert reading.device == "a"


def test_behind_a_bridge_the_name_inside_goes_first() -> None:
    directory = town(Device(id="0x771D", kind="door"), Device(id="bridge", topic="tele/b/SENSOR"))
    payload = {"ZbReceived": {"Hall": {"Device": "0x771D", "Contact": 1}}}
    (reading,) = told("tele/b/SENSOR", payload, directory).readings
    assert reading.device == "0x771D"


def test_a_neighbour_below_a_registered_topic_is_not_that_device() -> None:
    directory = town(Device(id="x-1", topic="zigbee2mqtt/hall"))
    (rejection,) = told("zigbee2mqtt/hall/door", {"contact": True}, directory).rejections
    assert rejection.reason is Reason.UNKNOWN_DEVICE


def test_unknown_devices_and_topics_are_told_apart() -> None:
    (device,) = told("carewatch/v1/w/door/d-9", CONTRACT, town()).rejections
    (topic,) = told("nobody/speaks/here", CONTRACT, town()).rejections
    assert device.reason is Reason.UNKNOWN_DEVICE
    assert topic.reason is Reason.UNKNOWN_TOPIC


def test_without_a_town_an_unclaimed_topic_is_tried_by_its_form() -> None:
    (reading,) = told("base/livingroom/door", {"contact": False, "linkquality": 9}).readings
    assert reading.device == "livingroom/door"
    (unknown,) = told("nobody/speaks/here", {"a": 1}).rejections
    assert unknown.reason is Reason.UNKNOWN_TOPIC
    (broken,) = told("nobody/speaks/here", b'{"a": 1').rejections
    assert broken.reason is Reason.NOT_JSON


def test_a_terminal_means_the_person_its_facility_knows() -> None:
    change = RegisterChange(
        facilities=(Facility(id="f-1"),),
        residents=(Resident(id="r-1", facility="f-1", face="EMP10001"),),
        devices=(Device(id="t", holder="facility:f-1", topic="mqtt/face/7/Rec"),),
    )
    info = {"personId": "22", "customId": "EMP10001", "facesluiceId": "7"}
    payload = {"operator": "RecPush", "info": info}
    (known,) = told("mqtt/face/7/Rec", payload, Directory().changed(change)).readings
    (unknown,) = told("mqtt/face/7/Rec", payload).readings
    assert isinstance(known, FaceSeen)
    assert isinstance(unknown, FaceSeen)
    assert (known.person, unknown.person) == ("EMP10001", "22")


# ------------------------------------------------------------------ when it was


@pytest.mark.parametrize(
    ("lead", "clock"),
    [
        (timedelta(days=-4000), "ok"),
        (timedelta(seconds=0), "ok"),
        (timedelta(minutes=2), "ok"),
        (timedelta(minutes=2, microseconds=1), "ahead"),
        (timedelta(hours=24), "ahead"),
        (timedelta(hours=24, microseconds=1), "quarantined"),
        (timedelta(days=-365 * 20), "quarantined"),
    ],
)
def test_a_clock_is_judged(lead: timedelta, clock: str) -> None:
    assert clock_of(RECEIVED + lead, RECEIVED) == clock


@pytest.mark.parametrize(
    ("device_zone", "town_zone", "hour"),
    [
        (None, "Asia/Shanghai", 1),
        (None, "Asia/Urumqi", 3),
        ("UTC", "Asia/Shanghai", 9),
        ("Nowhere/At All", "UTC", 1),
    ],
)
def test_a_text_without_zone_is_in_the_devices_zone(
    device_zone: str | None, town_zone: str, hour: int
) -> None:
    device = Device(id="t", topic="mqtt/face/7/Rec", timezone=device_zone)
    info = {"personId": "1", "time": "2026-11-02 09:00:00"}
    payload = {"operator": "RecPush", "info": info}
    (reading,) = told("mqtt/face/7/Rec", payload, town(device, timezone=town_zone)).readings
    assert reading.observed_at == datetime(2026, 11, 2, hour, tzinfo=UTC)


def test_without_a_time_ours_counts() -> None:
    (reading,) = told("zigbee2mqtt/door", {"contact": True}).readings
    assert reading.observed_at is None
    assert reading.at == RECEIVED
    assert reading.clock == "ok"


def test_a_quarantined_time_is_kept_and_not_believed() -> None:
    payload = {"_type": "location", "lat": 35.2, "lon": 115.4, "tst": 1}
    (reading,) = told("owntracks/g/p", payload).readings
    assert reading.clock == "quarantined"
    assert reading.observed_at == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert reading.at == RECEIVED


def test_a_retained_message_is_an_old_state() -> None:
    (reading,) = told("zigbee2mqtt/door", {"contact": True}, retain=True).readings
    assert reading.replayed


# ------------------------------------------------------------------ where it was

GCJ = {"id": "p", "at": 1793581200, "lat": 35.24, "lon": 115.48}


@pytest.mark.parametrize(
    ("said", "registered", "datum"),
    [
        (None, None, "wgs84"),
        ("gcj02", None, "gcj02"),
        (None, "bd09", "bd09"),
        ("wgs84", "gcj02", "wgs84"),
    ],
)
def test_coordinates_come_to_wgs84_from_what_message_or_register_says(
    said: str | None, registered: Any, datum: str
) -> None:
    payload = {**GCJ, "datum": said} if said else GCJ
    device = Device(id="x", datum=registered)
    (reading,) = told("carewatch/v1/w/position/x", payload, town(device)).readings
    assert isinstance(reading, Position)
    assert reading.datum == datum
    assert ((reading.lat, reading.lon) == (35.24, 115.48)) == (datum == "wgs84")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"lat": 0, "lon": 0}, "bad_value"),
        ({"lat": 91, "lon": 1}, "out_of_range"),
        ({"lat": 1}, "missing_field"),
        ({"lat": "1.5", "lon": 2}, "bad_value"),
    ],
)
def test_a_position_without_a_place_is_refused(fields: dict[str, Any], reason: str) -> None:
    payload = {"_type": "location", "tst": 1793581200, **fields}
    assert [r.reason for r in told("owntracks/g/p", payload).rejections] == [reason]


def test_one_bad_part_does_not_stop_the_others() -> None:
    good = {"_type": "location", "lat": 35.2, "lon": 115.4, "tst": 1793581200}
    batch = [
        good,
        {"_type": "location", "lat": 95, "lon": 1, "tst": 1793581201},
        7,
        {**good, "tst": 1793581202},
    ]
    admitted = told("owntracks/g/p", batch)
    assert [r.reason for r in admitted.rejections] == ["out_of_range", "not_an_object"]
    assert [r.observed_at.second for r in admitted.readings if r.observed_at] == [0, 2]


# ------------------------------------------------------------------ ids


def test_an_id_of_its_own_is_kept() -> None:
    info = {"personId": "1", "RecordID": "389", "time": "2026-11-02 09:00:00"}
    (reading,) = told("mqtt/face/7/Rec", {"operator": "RecPush", "info": info}).readings
    assert reading.id == "389"


def test_an_id_is_made_of_device_time_kind_and_payload() -> None:
    base = {"_type": "location", "lat": 35.2, "lon": 115.4, "tst": 1793581200}
    same = [told("owntracks/g/p", base), told("owntracks/g/p", base, dup=True)]
    others = [
        told("owntracks/g/q", base),
        told("owntracks/g/p", {**base, "tst": 1793581201}),
        told("owntracks/g/p", {**base, "vel": 3}),
        told("owntracks/g/p", {**base, "_type": "lwt"}),
    ]
    ids = [found.readings[0].id for found in (*same, *others)]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 5


def test_two_presses_without_time_differ_by_when_we_heard_them() -> None:
    payload = json.dumps({"action": "emergency"}).encode()
    first, again = (
        admit(Envelope("zigbee2mqtt/b", payload, RECEIVED + timedelta(seconds=n)), None).readings[0]
        for n in (0, 3)
    )
    assert first.id == again.id  # so that a redelivery can be recognised
    assert first.at != again.at  # so that a second press is a second row


def test_a_point_sent_again_in_another_batch_keeps_its_id() -> None:
    points = [
        {"_type": "location", "lat": 35.2, "lon": 115.4, "tst": 1793581200 + n} for n in range(4)
    ]
    whole = [r.id for r in told("owntracks/g/p", points).readings]
    assert len(set(whole)) == 4
    assert [r.id for r in told("owntracks/g/p", points[2:]).readings] == whole[2:]


def test_readings_of_one_message_have_ids_of_their_own() -> None:
    location = {
        "coords": {"latitude": 35.2, "longitude": 115.4},
        "uuid": "u-1",
        "extras": {"alarm": "sos"},
    }
    press, place = posted("/", {"device_id": "p", "location": location}).readings
    assert isinstance(press, SosPressed)
    assert isinstance(place, Position)
    assert press.id == "u-1"
    assert place.id != press.id


# ------------------------------------------------------------------ what can't be kept


def test_a_press_is_kept_without_its_nul() -> None:
    payload = {"id": "s\x00-1", "at": 1793581200}
    (press,) = told("carewatch/v1/w/sos/b", payload).readings
    assert isinstance(press, SosPressed)
    assert press.id == "s-1"


def test_a_picture_may_be_large_but_not_without_end() -> None:
    record = {"operator": "RecPush", "info": {"personId": "1", "pic": "A" * 2_000_000}}
    admitted = told("mqtt/face/7/Rec", record)
    assert (len(admitted.readings), admitted.redacted) == (1, 1)
    record["info"]["pic"] = "A" * 5_000_000
    (rejection,) = told("mqtt/face/7/Rec", record).rejections
    assert rejection.reason is Reason.TOO_LARGE


def test_a_sign_of_life_without_coordinates_is_no_position() -> None:
    request = HttpRequest("GET", "/?id=123456&timestamp=1793581200&cell=257,02,16,2224")
    (reading,) = admit(Envelope("", b"", RECEIVED, http=request), None).readings
    assert isinstance(reading, DeviceStatus)


# ------------------------------------------------------------------ what one message may hold


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("owntracks/g-1/phone", b"[" + b"1," * MOST_PARTS + b"1]"),
        ("owntracks/g-1/phone", b"[" + b"{}," * MOST_PARTS + b"{}]"),
        ("anywhere", b"<a>" * (MOST_PARTS + 1)),
        ("anywhere", b"1\t0\n" * MOST_PARTS),
        ("anywhere", b"a=1&" * (MOST_PARTS + 1)),
        ("anywhere", b"--mark\r\n\r\n{}\r\n" * MOST_PARTS),
    ],
)
def test_a_message_of_too_many_values_is_refused_before_it_is_read(
    topic: str, payload: bytes
) -> None:
    refused = told(topic, payload[:MAX_BYTES])
    assert [each.reason for each in refused.rejections] == [Reason.TOO_LARGE]
    assert "separators" in refused.rejections[0].detail
    assert not refused.readings


AT = "2026-11-02T01:00:00Z"
PRESS = b'{"id":"1","at":"2026-11-02T01:00:00Z","press":"test","x":'


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (PRESS + b'"' + b"y" * 70_000 + b'"}', ("1", "test", AT)),  # more than the contract's most
        (PRESS + b"[" + b"1," * MOST_PARTS + b"1]}", ("1", "test", AT)),
        (b'{"x":[' + b"1," * MOST_PARTS + b"1]," + PRESS[1:-5] + b"}", ("1", "test", AT)),
        (PRESS + b'"' + b"y" * MAX_BYTES + b'"}', ("1", "test", AT)),
        (b"[" * MOST_PARTS * 2, (None, "short", None)),
        (b'{"id":7,"press":"sideways","x":' + b"[" * MOST_PARTS, (None, "short", None)),
    ],
)
def test_a_press_that_is_too_large_to_be_read_is_a_press(
    payload: bytes, said: tuple[str | None, str, str | None]
) -> None:
    admitted = told("carewatch/v1/wangji/sos/b-7", payload)
    (press,) = admitted.readings
    assert isinstance(press, SosPressed)
    assert (press.press, press.observed_at and press.observed_at.isoformat()) == (
        said[1],
        said[2] and said[2].replace("Z", "+00:00"),
    )
    assert admitted.rejections[0].reason is Reason.TOO_LARGE
    again = told("carewatch/v1/wangji/sos/b-7", payload)
    assert again.readings[0].id == press.id
    if said[0] == "1":
        assert press.id == "1"


@given(junk=st.binary(max_size=200))
def test_whatever_fills_it_a_large_press_is_a_press(junk: bytes) -> None:
    payload = b"{" + junk + b"," * (MOST_PARTS + 1) + junk
    assert [type(each) for each in told("carewatch/v1/w/sos/b-7", payload).readings] == [SosPressed]


def test_a_large_message_on_another_topic_is_none() -> None:
    assert told("carewatch/v1/w/door/b-7", PRESS + b"[" * MOST_PARTS * 2).readings == ()


def test_a_phones_week_and_a_record_with_its_pictures_are_read() -> None:
    fix = {"_type": "location", "lat": 35.2, "lon": 115.4}
    week = [fix | {"tst": 1793581200 + 120 * n} for n in range(5_040)]
    assert len(told("owntracks/g-1/phone", week).readings) == 5_040
    photo = {"info": {"personId": "p-1", "pic": "data:image/jpeg;base64," + "/9j/" * 700_000}}
    record = {"operator": "RecPush"} | photo
    assert Reason.TOO_LARGE not in {
        each.reason for each in told("mqtt/face/1234567/Rec", record).rejections
    }
