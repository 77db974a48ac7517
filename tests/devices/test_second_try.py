"""What stands around a message, or spoils single signs of it, takes nothing that it says."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from test_codec_captures import ROWS, envelope_of

from devices.codecs.spelling import MOST_FAULTS
from devices.envelope import Envelope, HttpRequest
from devices.readings import DoorMoved, FaceSeen, Position, Reading, SosPressed
from ingest.admission.admit import Admitted, admit

RECEIVED = datetime(2026, 11, 2, 1, 0, 4, tzinfo=UTC)
SOS = "carewatch/v1/wangji/sos/btn-c1"
PRESS = b'{"id":"7f3","at":"2026-11-02T09:00:03+08:00","press":"short"}'
Z2M = b'{"battery":60,"contact":false,"linkquality":23}'
FIX = b'{"_type":"location","tst":1793581203,"lat":35.24,"lon":115.48,"acc":12,"tid":"g1"}'
FACE = '{"operator":"RecPush","info":{"personId":"8","persionName":"王秀英","RecordID":"7"}}'
PHONE = "owntracks/g-1/phone"


def told(topic: str, payload: bytes) -> Admitted:
    return admit(Envelope(topic, payload, RECEIVED), None)


def posted(path: str, payload: bytes, content_type: str = "", method: str = "POST") -> Admitted:
    return admit(Envelope("", payload, RECEIVED, HttpRequest(method, path, content_type)), None)


def read(admitted: Admitted) -> tuple[Reading, tuple[str, ...]]:
    assert admitted.rejections == ()
    (reading,) = admitted.readings
    assert reading.repaired == (admitted.repaired or UNSET)
    return reading, admitted.repaired


@pytest.mark.parametrize(
    ("topic", "payload", "kind", "repairs"),
    [
        (SOS, PRESS + b"\0", SosPressed, ("nul",)),
        (SOS, PRESS + b'\0\0"}rest of an older message', SosPressed, ("nul",)),
        (SOS, b"\xef\xbb\xbf" + PRESS, SosPressed, ("bom",)),
        (SOS, b"\xef\xbb\xbf" + PRESS + b"\0", SosPressed, ("bom", "nul")),
        (SOS, PRESS.decode().encode("utf-16"), SosPressed, ("encoding:utf-16",)),
        (SOS, PRESS.decode().encode("utf-16-be"), SosPressed, ("encoding:utf-16",)),
        (SOS, PRESS[:-1] + b',"note":"\t"}', SosPressed, ("control",)),
        (SOS, PRESS[:-1] + b',"note":"C:\\dir"}', SosPressed, ("escape",)),
        (SOS, PRESS[:-1] + b',"note":"\\ud800"}', SosPressed, ("escape",)),
        (SOS, PRESS[:-1] + b",}", SosPressed, ("comma",)),
        (SOS, PRESS[:-1] + b',"lat":nan,"lon":-nan(ind)}', SosPressed, ("nan",)),
        (SOS, PRESS[:-1] + b',"lat":,"lon":}', SosPressed, ("value",)),
        (SOS, PRESS[:-1] + b',"battery":+060}', SosPressed, ("number",)),
        (SOS, PRESS[:-1] + b',"replayed":False}', SosPressed, ("literal",)),
        (SOS, PRESS[:-1] + b',"lat":1e999}', SosPressed, ("number",)),
        (SOS, PRESS[:-1] + ',"x":"张伟"}'.encode("gbk"), SosPressed, ("encoding:gb18030",)),
        ("zigbee2mqtt/d", Z2M + b"\0", DoorMoved, ("nul",)),
        ("zigbee2mqtt/d", b'{"contact":false,"temperature":nan}', DoorMoved, ("nan",)),
        (PHONE, b"\0" + FIX, Position, ("nul",)),
        (PHONE, FIX[:-1] + b',"vel":inf,"alt":1.#QNAN}', Position, ("nan",)),
        ("shellies/dw2/sensor/state", b"open\0", DoorMoved, ("nul",)),
        ("shellies/dw2/sensor/state", b"open\0se", DoorMoved, ("nul",)),
        ("n/binary_sensor/front_door/state", b"\xef\xbb\xbfON", DoorMoved, ("bom",)),
        ("ble/aa/fcd2", b"401101\0", DoorMoved, ("nul",)),
        ("mqtt/face/1/Rec", FACE.encode("gbk"), FaceSeen, ("encoding:gb18030",)),
        ("mqtt/face/1/Rec", FACE.encode("gbk") + b"\0", FaceSeen, ("encoding:gb18030", "nul")),
        (
            "mqtt/face/1/Rec",  # a name cut within its last character
            FACE.encode().replace("英".encode(), "英".encode()[:2]),
            FaceSeen,
            ("encoding:utf-8",),
        ),
    ],
)
def test_a_broken_outer_form_is_mended(
    topic: str, payload: bytes, kind: type, repairs: tuple[str, ...]
) -> None:
    reading, mended = read(told(topic, payload))
    assert isinstance(reading, kind)
    assert mended == repairs


def test_a_good_message_says_nothing_of_repairs() -> None:
    admitted = told(SOS, PRESS)
    assert admitted.repaired == ()
    assert admitted.readings[0].repaired is UNSET


@pytest.mark.parametrize(
    "payload",
    [
        b'{"id":"7f3","at":1793581203',
        b'{"id":"7f3","at":1793581203} and more',
        b'{"id":"7f3" // the id\n,"at":1793581203}',
        b'{"id":"7f3","at":1793581203,elements}',
        b"{" + b'"a":nan,' * (MOST_FAULTS + 1) + b'"at":1}',
        b'{"id":"7f3","at":"' + b'\\"' * 1000,
    ],
)
def test_structure_is_not_guessed_at(payload: bytes) -> None:
    (rejection,) = told(SOS, payload).rejections
    assert rejection.reason == "not_json"


ALERT = (
    '<?xml version="1.0" encoding="{}"?><EventNotificationAlert><macAddress>aa</macAddress>'
    "<dateTime>2026-11-02T09:00:03+08:00</dateTime><eventType>videoloss</eventType>"
    "<channelName>{}</channelName></EventNotificationAlert>"
)


@pytest.mark.parametrize(
    ("payload", "repairs"),
    [
        (ALERT.format("UTF-8", "Front & Back").encode(), ("ampersand",)),
        (ALERT.format("UTF-8", "a&nbsp;b").encode(), ("ampersand",)),
        (ALERT.format("GB2312", "前门").encode("gb2312"), ("encoding:gb18030",)),
        (ALERT.format("UTF-8", "前门").encode("gbk"), ("encoding:gb18030",)),
        (ALERT.format("GB2312", "前门").encode(), ("encoding:utf-8",)),
        (ALERT.format("utf-16", "door").encode(), ("encoding:utf-8",)),
        (ALERT.format("utf-16", "door").encode("utf-16"), ("encoding:utf-16",)),
        (ALERT.format("UTF-8", "a\x03b").encode(), ("control",)),
        (b"\xef\xbb\xbf" + ALERT.format("UTF-8", "a & b").encode(), ("bom", "ampersand")),
    ],
)
def test_xml_in_other_bytes_than_it_says(payload: bytes, repairs: tuple[str, ...]) -> None:
    reading, mended = read(posted("/hik/event", payload, 'application/xml; charset="UTF-8"'))
    assert reading.device == "aa"
    assert mended == repairs


def test_a_picture_beside_a_text_to_be_mended_stays_as_it_is() -> None:
    event = '{"eventType":"AccessControllerEvent","macAddress":"aa","AccessControllerEvent":'
    event += '{"majorEventType":5,"subEventType":75,"name":"王","employeeNoString":"7"}}'
    head = b"--B\r\nContent-Type: "
    body = head + b"application/json\r\n\r\n" + event.encode("gbk")
    body += b"\r\n" + head + b"image/jpeg\r\n\r\n\xff\xd8\xff\0\0\x80picture\r\n--B--\r\n"
    admitted = posted("/hik", body, "multipart/form-data; boundary=B")
    reading, repairs = read(admitted)
    assert isinstance(reading, FaceSeen)
    assert (reading.person, repairs, admitted.redacted) == ("7", ("encoding:gb18030",), 1)


@pytest.mark.parametrize("path", ["/?id=1&alarm=sos%00", "/?id=1%00&alarm=sos"])
def test_a_nul_in_a_query(path: str) -> None:
    press, repairs = read(posted(path, b"", method="GET"))
    assert isinstance(press, SosPressed)
    assert (press.device, repairs) == ("1", ("nul",))


def test_a_form_with_a_nul_behind_it() -> None:
    press, repairs = read(posted("/", b"id=1&alarm=sos\0"))
    assert isinstance(press, SosPressed)
    assert repairs == ("nul",)


# ------------------------------------------------------------------ noise around every capture

TELLING = (Position, DoorMoved, SosPressed, FaceSeen)


def essence(admitted: Admitted) -> list[tuple[object, ...]]:
    """The presses, doors, faces and places of a message, without ids."""
    return [
        (
            type(one).__name__,
            one.device,
            one.observed_at,
            *(getattr(one, name, None) for name in ("lat", "lon", "open", "press", "person")),
        )
        for one in admitted.readings
        if isinstance(one, TELLING)
    ]


def with_field(payload: bytes, field: bytes) -> bytes | None:
    """The JSON object with one more field at its end; None for anything else."""
    body = payload.strip()
    if not body.startswith(b"{") or not body.endswith(b"}") or body == b"{}":
        return None
    return body[:-1] + b"," + field + b"}"


def nul_behind(payload: bytes) -> bytes:
    return payload + b"\0"


def nul_and_rest(payload: bytes) -> bytes:
    return payload + b"\0\0" if payload[:1] != b"{" else payload + b'\0"}old'


def marked(payload: bytes) -> bytes:
    return b"\xef\xbb\xbf" + payload


def in_gbk(payload: bytes) -> bytes | None:
    return with_field(payload, '"zz_note":"前门张伟"'.encode("gbk"))


def with_nan(payload: bytes) -> bytes | None:
    return with_field(payload, b'"zz_note":nan')


def with_tab(payload: bytes) -> bytes | None:
    return with_field(payload, b'"zz_note":"a\tb\\x"')


def in_utf16(payload: bytes) -> bytes | None:
    return payload.decode().encode("utf-16") if payload[:1] in (b"{", b"[") else None


NOISES = (nul_behind, nul_and_rest, marked, in_gbk, with_nan, with_tab, in_utf16)
TELLING_ROWS = [
    param.values[0] for param in ROWS if essence(admit(envelope_of(param.values[0]), None))
]


@settings(max_examples=400)
@given(row=st.sampled_from(TELLING_ROWS), noise=st.sampled_from(NOISES))
def test_noise_around_a_captured_message_takes_nothing_of_it(row: Any, noise: Any) -> None:
    clean = envelope_of(row)
    if clean.http is not None and not clean.payload:
        return
    noisy = noise(clean.payload)
    if noisy is None:
        return
    told_noisy = admit(Envelope(clean.topic, noisy, clean.received_at, clean.http), None)
    assert essence(told_noisy) == essence(admit(clean, None))


OFFSETS = ["+08:00", "+8:00", "+8", "+0800", " 08:00", " 0800", "GMT+8", " +08:00"]


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize(
    ("topic", "body"),
    [
        (SOS, {"id": "1", "at": "TIME"}),
        ("carewatch/v1/w/door/d", {"id": "1", "at": "TIME", "open": True}),
        ("zigbee2mqtt/b", {"action": "emergency", "last_seen": "TIME"}),
        ("tele/b/SENSOR", {"Time": "TIME", "ZbReceived": {"b": {"PersonalAlarm": 1}}}),
        (
            "v3/a@t/devices/d/up",
            {
                "end_device_ids": {"device_id": "d"},
                "received_at": "TIME",
                "uplink_message": {"decoded_payload": {"sos": True}},
            },
        ),
        ("mqtt/face/1/Rec", {"operator": "RecPush", "info": {"personId": "8", "time": "TIME"}}),
    ],
)
def test_odd_offsets_mean_what_they_say(topic: str, body: Any, offset: str) -> None:
    payload = json.dumps(body).replace("TIME", f"2026-11-02T09:00:03{offset}").encode()
    reading, _ = read(told(topic, payload))
    assert reading.observed_at == datetime(2026, 11, 2, 1, 0, 3, tzinfo=UTC)
