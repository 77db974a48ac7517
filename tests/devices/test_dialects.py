"""The dialects that devices of a family speak beside the usual one, on whatever topic."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from devices.directory import Device, Directory, RegisterChange
from devices.envelope import Envelope, HttpRequest
from devices.readings import DeviceStatus, DoorMoved, FaceSeen, Position, Reason, SosPressed
from ingest.admission.admit import Admitted, admit

RECEIVED = datetime(2026, 11, 2, 1, 0, 4, tzinfo=UTC)
NINE = datetime(2026, 11, 2, 1, 0, 3, tzinfo=UTC)


def town(*devices: Device) -> Directory:
    return Directory().changed(RegisterChange(devices=devices))


def told(topic: str, payload: Any, directory: Directory | None = None) -> Admitted:
    body = payload if isinstance(payload, str) else json.dumps(payload)
    return admit(Envelope(topic, body.encode(), RECEIVED), directory)


def posted(path: str, payload: Any = "", method: str = "POST") -> Admitted:
    body = payload if isinstance(payload, str) else json.dumps(payload)
    return admit(Envelope("", body.encode(), RECEIVED, HttpRequest(method, path)), None)


BASE = "home/wangji"
HOUSE = town(
    Device(id="door", kind="door", topic=f"{BASE}/c1/binary_sensor/front_door/state"),
    Device(id="btn", kind="sos", topic=f"{BASE}/c1/event/bell/state"),
    Device(id="tas", kind="door", topic=f"{BASE}/tas_c1/tele/SENSOR"),
    Device(id="hub", kind="sensor", topic=f"{BASE}/zigbee2mqtt/bridge/state"),
    Device(id="zig", kind="door", topic=f"{BASE}/zigbee2mqtt/door_c1", gateway="hub"),
    Device(id="odd", kind="door", topic=f"{BASE}/bees/door_c2"),
    Device(id="hub2", kind="sensor", topic=f"{BASE}/bees/bridge/state"),
    Device(id="two", kind="door", topic=f"{BASE}/shelly_c1"),
    Device(id="one", kind="sos", topic=f"{BASE}/shellies/x/input_event/0"),
    Device(id="word", kind="sos", topic=f"{BASE}/word"),
    Device(id="other", kind="sos"),
)


@pytest.mark.parametrize(
    ("topic", "payload", "devices"),
    [
        ("c1/binary_sensor/front_door/state", "ON", ["door"]),
        ("c1/event/bell/state", {"event_type": "press"}, ["btn"]),
        ("c1/status", "offline", ["door", "btn"]),
        ("tas_c1/tele/SENSOR", {"Time": "2026-11-02T09:00:03", "Switch1": "ON"}, ["tas"]),
        ("tas_c1/tele/LWT", "Offline", ["tas"]),
        ("zigbee2mqtt/door_c1", {"contact": False}, ["zig"]),
        ("zigbee2mqtt/door_c1/availability", {"state": "offline"}, ["zig"]),
        ("zigbee2mqtt/door_c1/contact", "false", ["zig"]),
        ("zigbee2mqtt/bridge/state", "offline", ["hub"]),
        ("bees/door_c2", {"contact": False, "linkquality": 9}, ["odd"]),
        ("bees/door_c2/availability", "online", ["odd"]),
        ("bees/bridge/state", {"state": "online"}, ["hub2"]),
        ("shelly_c1/status/input:0", {"id": 0, "state": True}, ["two"]),
        ("shelly_c1/online", "false", ["two"]),
        ("shellies/x/input_event/0", {"event": "S", "event_cnt": 1}, ["one"]),
        ("shellies/x/online", "true", ["one"]),
        ("word", "pressed", ["word"]),
        ("word", {"button": 1}, ["word"]),
    ],
)
def test_any_base_topic(topic: str, payload: Any, devices: list[str]) -> None:
    admitted = told(f"{BASE}/{topic}", payload, HOUSE)
    assert admitted.rejections == ()
    assert [reading.device for reading in admitted.readings] == devices


def test_under_a_base_topic_a_name_is_not_enough() -> None:
    claims = {"_type": "lwt", "tst": 1793581203, "topic": "other"}
    assert told("elsewhere/owntracks/other", claims, HOUSE).readings == ()


def test_what_nobody_reads_on_a_registered_topic_is_said_as_it_is() -> None:
    (fault,) = told(f"{BASE}/word/below", {"a": 1}, HOUSE).rejections
    assert fault.reason is Reason.UNKNOWN_TOPIC
    assert "a device is registered" in fault.detail


@pytest.mark.parametrize(
    ("registered", "topic", "payload"),
    [
        (
            Device(id="A84041FFFF", kind="door"),
            "application/1/device/a84041ffff/event/up",
            {"deviceInfo": {"devEui": "a84041ffff"}, "object": {"Door_status": "OPEN"}},
        ),
        (
            Device(id="x", kind="door", topic="v3/app@t/devices/LDS03/up"),
            "v3/app@t/devices/lds03/up",
            {
                "end_device_ids": {"device_id": "lds03"},
                "uplink_message": {"decoded_payload": {"DOOR_STATUS": 1}},
            },
        ),
    ],
)
def test_ids_whatever_their_capitals(registered: Device, topic: str, payload: Any) -> None:
    (door,) = told(topic, payload, town(registered)).readings
    assert isinstance(door, DoorMoved)
    assert (door.device, door.open) == (registered.id, True)


PID = {"encryption": False, "BTHome_version": 2, "pid": 7, "address": "aa:bb", "rssi": -60}


@pytest.mark.parametrize(
    "payload",
    [
        {**PID, "button": 254},
        {**PID, "button": [0, 0, 1, 0]},
        {"device": "1B2C", "seqNumber": 9, "time": 1793581203, "button": 1},
        {"devEUI": "A840", "fCnt": 3, "payload": {"sos": True, "battery": 90}},
        {"dev_id": "b", "counter": 4, "payload_fields": {"alarm": 1}},
        {"click": "single"},
        {"button_2": "hold"},
        {"alarm": True},
        {"action": ["single"]},
        {"action": 3},
        "ON",
    ],
)
def test_any_press_on_the_topic_of_an_sos_button(payload: Any) -> None:
    admitted = told("blu/btn", payload, town(Device(id="x", kind="sos", topic="blu/btn")))
    presses = [one for one in admitted.readings if isinstance(one, SosPressed)]
    assert [one.device for one in presses] == ["x"]


@pytest.mark.parametrize(
    "payload", [{"button": 0}, {"button": [0, 0]}, "OFF", {"action": "release"}]
)
def test_no_press_on_the_topic_of_an_sos_button(payload: Any) -> None:
    admitted = told("blu/btn", payload, town(Device(id="x", kind="sos", topic="blu/btn")))
    assert not [one for one in admitted.readings if isinstance(one, SosPressed)]


@pytest.mark.parametrize("hexes", ["403afe", "403a63", "403a80"])
def test_a_bluetooth_button_of_a_code_to_come(hexes: str) -> None:
    directory = town(Device(id="x", kind="sos", topic="ble/aa/fcd2"))
    (press,) = told("ble/aa/fcd2", hexes, directory).readings
    assert isinstance(press, SosPressed)


ZB = {"Device": "0xFE70", "Name": "b", "Endpoint": 1, "LinkQuality": 100}


@pytest.mark.parametrize(
    ("body", "kind", "is_open"),
    [
        ({"ZbReceived": {"b": {**ZB, "Power": 1}}}, "door", True),
        ({"ZbReceived": {"b": {**ZB, "Power": 0}}}, "door", False),
        ({"b": {**ZB, "Contact": 1}}, "door", True),
        ({**ZB, "Contact": 0}, "door", False),
        ({"ZbReceived": {"b": {**ZB, "Power": "toggle"}}}, "sos", None),
        ({"ZbReceived": {"b": {**ZB, "Click": "single"}}}, "sos", None),
        ({"ZbReceived": {"b": {**ZB, "ZoneStatusChange": 2}}}, "sos", None),
        ({"ZbReceived": {"b": {**ZB, "0500<00": "020000000000"}}}, "sos", None),
    ],
)
@pytest.mark.parametrize("suffix", ["SENSOR", "ZbReceived"])
def test_tasmotas_shapes(body: Any, kind: Any, is_open: bool | None, suffix: str) -> None:
    topic = f"tele/bridge/b/{suffix}"
    (reading,) = told(topic, body, town(Device(id="x", kind=kind, topic=topic))).readings
    assert getattr(reading, "open", None) is is_open
    assert isinstance(reading, DoorMoved if kind == "door" else SosPressed)


# ------------------------------------------------------------------ the right value


def test_a_traccar_press_is_of_its_own_time_and_not_of_the_last_fix() -> None:
    body = {
        "event": {
            "type": "alarm",
            "eventTime": "2026-11-02T01:00:03Z",
            "attributes": {"alarm": "sos"},
        },
        "position": {
            "id": 1,
            "fixTime": "2026-11-01T20:00:00Z",
            "latitude": 35.2,
            "longitude": 115.4,
        },
        "device": {"uniqueId": "86"},
    }
    press, place = posted("/traccar", body).readings
    assert press.observed_at == NINE
    assert place.observed_at == datetime(2026, 11, 1, 20, tzinfo=UTC)


@pytest.mark.parametrize("gps", [[0, 115.48015], [35.24, 0]])
def test_one_coordinate_left_at_0_is_no_fix(gps: list[float]) -> None:
    body = {"type": "update_location", "data": {"gps": gps}}
    (fault,) = posted("/api/webhook/p", body).rejections
    assert fault.reason is Reason.BAD_VALUE


def test_an_osmand_time_without_a_zone_is_utc_unless_the_device_has_one() -> None:
    http = HttpRequest("GET", "/?id=86&lat=35.2&lon=115.4&timestamp=2026-11-02%2001:00:03")
    envelope = Envelope("", b"", RECEIVED, http)
    assert admit(envelope, None).readings[0].observed_at == NINE
    zoned = town(Device(id="86", timezone="Asia/Shanghai"))
    assert admit(envelope, zoned).readings[0].observed_at == datetime(
        2026, 11, 1, 17, 0, 3, tzinfo=UTC
    )


@pytest.mark.parametrize("columns", [5, 6, 7, 10])
@pytest.mark.parametrize(("verify", "method"), [("15", "face"), ("18", "face"), ("1", "finger")])
def test_columns_of_pushed_records(columns: int, verify: str, method: str) -> None:
    line = "\t".join(["1001", "2026-11-02 09:00:03", "1", verify, *"0" * (columns - 4)])
    (seen,) = posted("/iclock/cdata?SN=C&table=ATTLOG", line).readings
    assert isinstance(seen, FaceSeen)
    assert (seen.person, seen.method, seen.direction) == ("1001", method, "out")


@pytest.mark.parametrize(
    "body",
    [
        "pin=1001&time=2026-11-02+09:00:03&status=1&verify=15",
        "1001%092026-11-02%2009:00:03%091%0915%090",
        "data=1001%092026-11-02+09%3A00%3A03%091%0915",
    ],
)
def test_records_as_a_form(body: str) -> None:
    (seen,) = posted("/iclock/cdata?SN=C&table=ATTLOG", body).readings
    assert isinstance(seen, FaceSeen)
    assert (seen.person, seen.method, seen.observed_at) == ("1001", "face", NINE)


def test_somebody_not_matched_yet_is_no_stranger() -> None:
    body = {"type": "face", "id": "1", "name": None, "score": 0, "camera": "c", "timestamp": 1}
    assert told("frigate/tracked_object_update", body).ignored is not None
    (stranger,) = told("frigate/tracked_object_update", {**body, "name": "unknown"}).readings
    assert isinstance(stranger, FaceSeen)
    assert stranger.person is None


@pytest.mark.parametrize("tst", [{}, {"tst": None}, {"tst": "soon"}])
def test_a_will_without_a_time_is_a_will(tst: dict[str, Any]) -> None:
    admitted = told("owntracks/u/d", {"_type": "lwt", **tst})
    (will,) = admitted.readings
    assert isinstance(will, DeviceStatus)
    assert (will.online, will.observed_at, len(admitted.rejections)) == (False, None, 1)


def test_dahuas_real_time_in_a_body_over_many_lines() -> None:
    data = json.dumps({"UserID": "7", "UTC": 1793610003, "RealUTC": 1793581203}, indent=2)
    head = "--b\r\nContent-Type: text/plain\r\n\r\n"
    body = f"{head}Code=AccessControl;action=Pulse;index=0;data={data}"
    (seen,) = posted("/cgi-bin/eventManager.cgi", body).readings
    assert seen.observed_at == NINE


@pytest.mark.parametrize(
    "path", ["/?lat=35.2&lon=115.4&timestamp=1793581203", "/log?lat=35.2&lon=115.4"]
)
def test_a_position_of_nobody_is_refused(path: str) -> None:
    admitted = posted(path, method="GET")
    assert admitted.readings == ()
    assert [fault.reason for fault in admitted.rejections] == [Reason.MISSING_FIELD]


# ------------------------------------------------------------------ the contract

DOOR = "carewatch/v1/w/door/d"


@pytest.mark.parametrize(("ident", "faults"), [(None, 0), ("", 0), (7, 1), ("x" * 201, 1), ([], 1)])
@pytest.mark.parametrize("kind", ["door", "sos"])
def test_without_an_id_that_can_be_read_one_is_made(ident: Any, faults: int, kind: str) -> None:
    body = {"id": ident, "at": 1793581203, "open": True}
    admitted = told(f"carewatch/v1/w/{kind}/d", body)
    (reading,) = admitted.readings
    assert len(reading.id) == 24
    assert [fault.reason for fault in admitted.rejections] == [Reason.BAD_VALUE] * faults


@pytest.mark.parametrize(
    ("at", "reason"),
    [({}, "missing_field"), ({"at": None}, "missing_field"), ({"at": "02.11.2026"}, "bad_value")],
)
def test_a_press_without_a_time_that_can_be_read_is_a_press(at: Any, reason: str) -> None:
    admitted = told("carewatch/v1/w/sos/b", {"id": "1", **at})
    (press,) = admitted.readings
    assert isinstance(press, SosPressed)
    assert press.observed_at is None
    assert [fault.reason for fault in admitted.rejections] == [reason]
    assert told(DOOR, {"id": "1", "open": True, **at}).readings == ()


def test_a_press_with_nothing_in_it_is_a_press() -> None:
    (press,) = told("carewatch/v1/w/sos/b", {}).readings
    assert isinstance(press, SosPressed)


def test_a_batch_ends_somewhere() -> None:
    fix = {"_type": "location", "tst": 1793581203, "lat": 35.2, "lon": 115.4}
    admitted = told("owntracks/u/d", [fix] * 5_001)
    assert len(admitted.readings) == 5_000
    assert isinstance(admitted.readings[0], Position)
    assert [fault.reason for fault in admitted.rejections] == [Reason.TOO_LARGE]
