"""Phones and watches: where, how fast, how full, and a press with or without a fix."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from devices.envelope import Envelope, HttpRequest
from devices.readings import DeviceStatus, Position, SosPressed
from ingest.admission.admit import Admitted, admit

RECEIVED = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)


def got(path: str) -> Admitted:
    return admit(Envelope("", b"", RECEIVED, http=HttpRequest("GET", path)), None)


def posted(path: str, payload: Any, content_type: str = "application/json") -> Admitted:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return admit(Envelope("", body, RECEIVED, http=HttpRequest("POST", path, content_type)), None)


def published(topic: str, payload: Any) -> Admitted:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return admit(Envelope(topic, body, RECEIVED), None)


def position(admitted: Admitted) -> Position:
    (reading,) = admitted.readings
    assert isinstance(reading, Position)
    return reading


@pytest.mark.parametrize(
    ("admitted", "speed"),
    [
        (
            published(
                "owntracks/g/p",
                {"_type": "location", "lat": 35.2, "lon": 115.4, "tst": 1, "vel": 36},
            ),
            10,
        ),
        (
            published(
                "owntracks/g/p",
                {"_type": "location", "lat": 35.2, "lon": 115.4, "tst": 1, "vel": -1},
            ),
            None,
        ),
        (got("/?id=1&lat=35.2&lon=115.4&speed=10"), 5.144444),
        (
            posted(
                "/",
                {
                    "device_id": "1",
                    "location": {"coords": {"latitude": 35.2, "longitude": 115.4, "speed": 3}},
                },
            ),
            3,
        ),
        (
            posted(
                "/",
                {
                    "device_id": "1",
                    "location": {"coords": {"latitude": 35.2, "longitude": 115.4, "speed": -1}},
                },
            ),
            None,
        ),
        (
            published(
                "w",
                b"[3G*1234567890*0100*UD,021126,010000,A,35.2,N,115.4,E,36.0,0,0,6,90,80,0,0,00000000]",
            ),
            10,
        ),
    ],
)
def test_speed_is_metres_per_second(admitted: Admitted, speed: float | None) -> None:
    found = position(admitted).speed
    assert found == (speed if speed is None else pytest.approx(speed, rel=1e-5))


@pytest.mark.parametrize(
    ("path", "battery", "accuracy", "mock"),
    [
        ("/?id=1&lat=35.2&lon=115.4&batt=59.5&accuracy=12", 59.5, 12, False),
        ("/?deviceid=1&location=35.2,115.4&batt=-1&accuracy=0&mock=true", None, None, True),
        ("/?id=1&lat=35.2&lon=115.4&hdop=6.0", None, None, False),
    ],
)
def test_what_an_osmand_query_says(
    path: str, battery: float | None, accuracy: float | None, mock: bool
) -> None:
    found = position(got(path))
    assert (found.lat, found.lon) == (35.2, 115.4)
    assert (found.battery, found.accuracy, found.mock) == (battery, accuracy, mock)


def test_the_same_form_in_a_body() -> None:
    form = b"id=1&lat=35.2&lon=115.4&timestamp=1793581200"
    found = position(posted("/", form, "application/x-www-form-urlencoded"))
    assert found.observed_at == RECEIVED


@pytest.mark.parametrize("place", ["", "&lat=35.2&lon=115.4", "&lat=0&lon=0"])
def test_an_alarm_is_a_press_with_or_without_a_fix(place: str) -> None:
    press = got(f"/?id=1&alarm=sos&timestamp=1793581200{place}").readings[0]
    assert isinstance(press, SosPressed)
    assert press.lat == (35.2 if "35.2" in place else None)


@pytest.mark.parametrize("query", ["lat=%LAT&lon=%LON", "lat=35.2", "lat=NaN&lon=1"])
def test_half_filled_queries_are_refused(query: str) -> None:
    assert got(f"/?id=1&{query}").rejections


def forwarded(event: dict[str, Any] | None = None, **attributes: Any) -> Admitted:
    place = {
        "id": 15608,
        "latitude": 35.2,
        "longitude": 115.4,
        "valid": True,
        "speed": 10.0,
        "fixTime": "2026-11-02T09:00:00.000+08:00",
        "attributes": attributes,
    }
    body = {"position": place, "device": {"uniqueId": "860000000000001"}}
    return posted("/anywhere", body | ({"event": event} if event else {}))


def test_a_traccar_server_forwards_positions_and_presses() -> None:
    plain = position(forwarded(batteryLevel=80))
    press, place = forwarded({"type": "alarm", "attributes": {"alarm": "sos"}}).readings
    assert (plain.device, plain.battery, plain.observed_at) == ("860000000000001", 80, RECEIVED)
    assert isinstance(press, SosPressed)
    assert place.id == plain.id  # the position comes by itself as well, and is one
    assert press.id != plain.id  # and must not hide the press
    (offline,) = posted(
        "/x", {"event": {"type": "deviceOffline"}, "device": {"uniqueId": "1"}}
    ).readings
    assert isinstance(offline, DeviceStatus)
    assert offline.online is False


WATCH = (
    "[3G*8800000015*00C0*{},021126,010000,{},22.571707,{},113.8613968,{},0.1,0,100,7,60,{},0,0,{}]"
)


@pytest.mark.parametrize(
    ("command", "valid", "word", "kinds"),
    [
        ("UD", "A", "00000000", ["position"]),
        ("UD", "V", "00000000", ["status"]),
        ("AL", "A", "00010000", ["sos", "position"]),
        ("AL", "V", "00010001", ["sos", "status"]),
        ("AL", "A", "00210000", ["sos", "position", "status"]),
        ("AL", "A", "00200010", ["position", "status"]),
    ],
)
def test_the_status_word_of_a_watch_is_read_bit_by_bit(
    command: str, valid: str, word: str, kinds: list[str]
) -> None:
    frame = WATCH.format(command, valid, "N", "E", 90, word).encode()
    admitted = published("gateway/1", frame)
    names = {"Position": "position", "SosPressed": "sos", "DeviceStatus": "status"}
    assert [names[type(reading).__name__] for reading in admitted.readings] == kinds
    assert {reading.battery for reading in admitted.readings} == {90}
    assert {reading.observed_at for reading in admitted.readings} == {RECEIVED}


def test_hemispheres_of_a_watch_turn_a_sign_once() -> None:
    for north, east, lat, lon in (
        ("S", "W", -22.571707, -113.861397),
        ("N", "E", 22.571707, 113.861397),
    ):
        found = position(published("g", WATCH.format("UD", "A", north, east, 9, "0").encode()))
        assert (found.lat, found.lon) == (lat, lon)
    turned = WATCH.replace(",113.8613968", ",-113.8613968")
    assert position(published("g", turned.format("UD", "A", "N", "W", 9, "0").encode())).lon < 0


def test_frames_in_a_row_are_all_read() -> None:
    frames = b"[3G*8800000015*0003*TKQ][SG*8800000016*0009*LK,0,10,77]"
    beats = published("g", frames).readings
    assert [(beat.device, beat.battery) for beat in beats] == [
        ("8800000015", None),
        ("8800000016", 77),
    ]


def test_home_assistants_apps() -> None:
    update = {
        "type": "update_location",
        "data": {"gps": [35.2, 115.4], "gps_accuracy": 30, "battery": 40},
    }
    found = position(posted("/api/webhook/abc", update))
    assert (found.device, found.lat, found.accuracy, found.battery) == ("abc", 35.2, 30, 40)
    encrypted = {"type": "encrypted", "encrypted": True, "encrypted_data": "AAAA"}
    assert [r.reason for r in posted("/api/webhook/abc", encrypted).rejections] == ["encrypted"]
    assert posted("/api/webhook/abc", {"type": "update_sensor_states", "data": []}).ignored
    json_tracker = {"longitude": 115.4, "latitude": 35.2, "gps_accuracy": 60, "battery_level": 99.9}
    assert position(published("location/g-1", json_tracker)).device == "location/g-1"


def test_a_zone_without_a_place_is_ignored() -> None:
    named = {"type": "update_location", "data": {"location_name": "home"}}
    assert posted("/api/webhook/abc", named).ignored is not None
    assert posted("/api/webhook/abc", {"type": "get_config"}).ignored is not None
    assert posted("/api/webhook/abc", {"type": "update_location", "data": {}}).rejections


def test_a_client_that_kept_its_positions_sends_them_together() -> None:
    places = [
        {"uuid": f"u-{n}", "coords": {"latitude": 35.2, "longitude": 115.4 + n}} for n in range(3)
    ]
    found = posted("/", {"device_id": "1", "location": places}).readings
    assert [reading.id for reading in found] == ["u-0", "u-1", "u-2"]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"_type": "location", "lon": 1, "tst": 1}, "missing_field"),
        ({"_type": "location", "lat": 1, "lon": 1}, "missing_field"),
        ({"_type": "lwt"}, "missing_field"),
        ({"_type": "cmd"}, "missing_field"),
        ({"_type": "cmd", "action": "something"}, "bad_value"),
        ({"_type": "request", "request": "tour1"}, "bad_value"),
        ({"_type": "steps", "tst": 1}, "missing_field"),
        ({"_type": "transition", "event": "enter", "lat": "61.1", "lon": 9, "tst": 1}, "bad_value"),
        ({"_type": "location", "lat": 1, "lon": 1, "tst": "soon"}, "bad_value"),
        ({"_type": "encrypted", "data": "AAAA"}, "encrypted"),
        ({}, "missing_field"),
    ],
)
def test_owntracks_schema_is_kept(message: dict[str, Any], reason: str) -> None:
    assert [r.reason for r in published("owntracks/g/p", message).rejections] == [reason]
