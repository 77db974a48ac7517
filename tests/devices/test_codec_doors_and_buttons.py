"""Polarity of every family's contact, and what a press means before and after registration."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from devices.directory import Device, Directory, RegisterChange
from devices.envelope import Envelope
from devices.readings import DeviceStatus, DoorMoved, SosPressed
from ingest.admission.admit import Admitted, admit

RECEIVED = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)


def told(topic: str, payload: Any, directory: Directory | None = None) -> Admitted:
    body = payload if isinstance(payload, str) else json.dumps(payload)
    return admit(Envelope(topic, body.encode(), RECEIVED), directory)


def town(**fields: Any) -> Directory:
    return Directory().changed(RegisterChange(devices=(Device(id="x-1", **fields),)))


CHIRPSTACK = "application/a/device/24e124141d180806/event/up"
TTN = "v3/app@tenant/devices/dev1/up"


@pytest.mark.parametrize(
    ("topic", "payload", "is_open"),
    [
        ("zigbee2mqtt/door", {"contact": False}, True),
        ("zigbee2mqtt/door", {"contact": True}, False),
        ("zigbee2mqtt/hall/door", {"contact": "false"}, True),
        ("zigbee2mqtt/door/contact", "false", True),
        ("zigbee2mqtt/hall/door/contact", "true", False),
        ("home/zigbee/door", {"contact": False, "linkquality": 80}, True),
        ("tele/bridge/SENSOR", {"ZbReceived": {"0x1": {"Device": "0x1", "Contact": 1}}}, True),
        ("tele/bridge/SENSOR", {"ZbReceived": {"0x1": {"Device": "0x1", "Contact": 0}}}, False),
        ("shellies/dw2/sensor/state", "open", True),
        ("shellies/dw2/sensor/state", "close", False),
        ("livingroom/binary_sensor/front_door/state", "ON", True),
        ("livingroom/binary_sensor/front_door/state", "OFF", False),
        ("ble/A4:C1:38:8D:18:B2/fcd2", "401101", True),
        ("ble/A4:C1:38:8D:18:B2/fcd2", "402d00", False),
        (CHIRPSTACK, {"deviceInfo": {}, "object": {"magnet_status": "open"}}, True),
        (CHIRPSTACK, {"deviceInfo": {}, "object": {"magnet_status": 0}}, False),
        (CHIRPSTACK, {"devEUI": "1", "objectJSON": '{"DOOR_OPEN_STATUS": 1}'}, True),
        (CHIRPSTACK, {"fPort": 85, "data": "AXVcBgAB"}, True),  # 01 75 5c 06 00 01
        (CHIRPSTACK, {"fPort": 10, "data": "C4gBACUAAQAAAA=="}, False),  # LDS02
        (CHIRPSTACK, {"fPort": 10, "data": "i4gBACUAAQAAAA=="}, True),
        (
            TTN,
            {
                "end_device_ids": {"device_id": "dev1"},
                "uplink_message": {"decoded_payload": {"door": "closed"}},
            },
            False,
        ),
        (
            "yl-home/h/d/report",
            {"event": "DoorSensor.Alert", "deviceId": "d", "msgid": "1", "data": {"state": "open"}},
            True,
        ),
        (
            "gw/events/rpc",
            {
                "method": "NotifyEvent",
                "params": {
                    "events": [
                        {
                            "component": "script:1",
                            "event": "shelly-blu",
                            "data": {"address": "aa", "window": 1},
                        }
                    ]
                },
            },
            True,
        ),
    ],
)
def test_polarity(topic: str, payload: Any, is_open: bool) -> None:
    (reading,) = told(topic, payload).readings
    assert isinstance(reading, DoorMoved)
    assert reading.open is is_open


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("zigbee2mqtt/btn", {"action": "emergency", "battery": 90}),
        ("zigbee2mqtt/btn", {"action": "panic"}),
        ("zigbee2mqtt/btn", {"sos": True}),
        ("zigbee2mqtt/btn/action", "emergency"),
        ("zigbee2mqtt/hall/btn/action", "emergency"),
        ("tele/bridge/SENSOR", {"ZbReceived": {"0x1": {"Device": "0x1", "0501!02": ""}}}),
        ("tele/bridge/SENSOR", {"ZbReceived": {"0x1": {"Device": "0x1", "PersonalAlarm": 1}}}),
        (CHIRPSTACK, {"deviceInfo": {}, "object": {"sos": True, "battery": 80}}),
        (CHIRPSTACK, {"deviceInfo": {}, "object": {"ALARM_status": "TRUE"}}),
        ("bedroom/binary_sensor/sos_button/state", "ON"),
    ],
)
def test_a_call_for_help_needs_no_register(topic: str, payload: Any) -> None:
    (reading,) = told(topic, payload).readings
    assert isinstance(reading, SosPressed)


@pytest.mark.parametrize("idle", ["", None])
def test_an_action_that_is_over_is_no_press(idle: str | None) -> None:
    (reading,) = told("zigbee2mqtt/btn", {"action": idle, "battery": 90}).readings
    assert isinstance(reading, DeviceStatus)
    assert reading.battery == 90
    assert told("zigbee2mqtt/btn/action", "").ignored is not None


PRESSES = [
    ("zigbee2mqtt/x", "zigbee2mqtt/x", {"action": "single"}, "short"),
    ("zigbee2mqtt/x", "zigbee2mqtt/x", {"action": "hold"}, "long"),
    ("zigbee2mqtt/x", "zigbee2mqtt/x", {"action": "double"}, "double"),
    (
        "shellies/x/input_event/0",
        "shellies/x/input_event/0",
        {"event": "L", "event_cnt": 1},
        "long",
    ),
    ("shellies/x", "shellies/x/input_event/0", {"event": "S", "event_cnt": 1}, "short"),
    ("shellies/x/input_event/0", "shellies/x/input/0", "1", "short"),
    (
        "x/events/rpc",
        "x/events/rpc",
        {"src": "x", "params": {"events": [{"component": "input:0", "event": "single_push"}]}},
        "short",
    ),
    (CHIRPSTACK, CHIRPSTACK, {"deviceInfo": {}, "object": {"press": "long"}}, "long"),
    (CHIRPSTACK, CHIRPSTACK, {"fPort": 85, "data": "/y4D"}, "double"),  # ff 2e 03
    ("ble/aa/fcd2", "ble/aa/fcd2", "403a01", "short"),
    ("tele/rf/RESULT", "tele/rf/RESULT", {"RfReceived": {"Data": "79FAE1"}}, "short"),
    ("tele/b/SENSOR", "tele/b/SENSOR", {"ZbReceived": {"0x1": {"0006!02": ""}}}, "short"),
]


@pytest.mark.parametrize(("registered", "topic", "payload", "press"), PRESSES)
def test_every_press_of_a_registered_sos_button_counts(
    registered: str, topic: str, payload: Any, press: str
) -> None:
    (reading,) = told(topic, payload, town(kind="sos", topic=registered)).readings
    assert isinstance(reading, SosPressed)
    assert (reading.device, reading.press) == ("x-1", press)


@pytest.mark.parametrize(("registered", "topic", "payload", "press"), PRESSES)
def test_unregistered_it_is_no_sos(registered: str, topic: str, payload: Any, press: str) -> None:
    assert told(topic, payload).readings == ()


@pytest.mark.parametrize("action", ["release", "button_1_release", "btn_up", "off", "none"])
def test_letting_go_is_no_press(action: str) -> None:
    found = told("zigbee2mqtt/x", {"action": action}, town(kind="sos", topic="zigbee2mqtt/x"))
    assert found.readings == ()


def test_of_a_three_way_button_the_register_says_which_press_means_sos() -> None:
    directory = town(kind="sos", topic="zigbee2mqtt/x", sos_press=("hold",))
    (press,) = told("zigbee2mqtt/x", {"action": "hold"}, directory).readings
    assert isinstance(press, SosPressed)
    assert told("zigbee2mqtt/x", {"action": "single"}, directory).readings == ()
    (always,) = told("zigbee2mqtt/x", {"action": "emergency"}, directory).readings
    assert isinstance(always, SosPressed)


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("t/tele/SENSOR", {"Time": "2026-11-02T09:00:00", "Switch1": "ON"}),
        ("t/stat/RESULT", {"Switch1": {"Action": "ON"}}),
        ("s/events/rpc", {"src": "s", "params": {"input:0": {"id": 0, "state": True}}}),
        ("n/binary_sensor/input_7/state", "ON"),
        ("tele/b/SENSOR", {"ZbReceived": {"0x1": {"Device": "0x1", "ZoneStatusChange": 33}}}),
    ],
)
def test_what_a_switch_is_wired_to_the_register_says(topic: str, payload: Any) -> None:
    assert told(topic, payload).readings == ()
    (door,) = told(topic, payload, town(kind="door", topic=topic)).readings
    assert isinstance(door, DoorMoved)
    assert door.open
    (press,) = told(topic, payload, town(kind="sos", topic=topic)).readings
    assert isinstance(press, SosPressed)


@pytest.mark.parametrize(
    ("topic", "payload", "online"),
    [
        ("zigbee2mqtt/door/availability", "online", True),
        ("zigbee2mqtt/hall/door/availability", {"state": "offline"}, False),
        ("zigbee2mqtt/bridge/state", "offline", False),
        ("tele/sonoff/LWT", "Offline", False),
        ("tele/sonoff/STATE", {"Time": "2026-11-02T09:00:00", "Wifi": {"Signal": -52}}, True),
        ("shellies/dw2/online", "true", True),
        ("shellyplus1-1/online", "false", False),
        ("livingroom/status", "offline", False),
        ("spBv1.0/g/NDEATH/node", {"timestamp": 1793581200000}, False),
        ("application/a/device/1/event/join", {"deviceInfo": {"devEui": "1"}}, True),
    ],
)
def test_coming_and_going(topic: str, payload: Any, online: bool) -> None:
    (reading,) = told(topic, payload).readings
    assert isinstance(reading, DeviceStatus)
    assert reading.online is online


@pytest.mark.parametrize(
    "topic",
    [
        "zigbee2mqtt/bridge/info",
        "zigbee2mqtt/bridge/logging",
        "zigbee2mqtt/door/set",
        "cmnd/sonoff/POWER",
        "tele/sonoff/INFO1",
        "shellies/announce",
        "frigate/events",
    ],
)
def test_a_gateways_own_words_are_ignored(topic: str) -> None:
    assert told(topic, {"a": 1}).ignored is not None


def test_one_lorawan_frame_heard_twice_has_one_id() -> None:
    frame = {"deviceInfo": {"devEui": "1"}, "devAddr": "01", "fCnt": 7, "object": {"door": 1}}
    first = told(CHIRPSTACK, {**frame, "deduplicationId": "a", "rxInfo": [{"rssi": -90}]})
    again = told(CHIRPSTACK, {**frame, "deduplicationId": "b", "rxInfo": [{"rssi": -50}]})
    assert [r.id for r in first.readings] == [r.id for r in again.readings]


def test_stored_records_of_a_sensor_are_told_from_the_live_state() -> None:
    frame = "AXVcIM6edEZjEAFdAQYAAA=="  # battery, a record of 2022-10-12, magnet closed
    stored, live = told(CHIRPSTACK, {"fPort": 85, "data": frame, "fCnt": 3}).readings
    assert isinstance(stored, DoorMoved)
    assert isinstance(live, DoorMoved)
    assert (stored.open, stored.replayed) == (True, True)
    assert stored.observed_at == datetime(2022, 10, 12, 8, 2, 38, tzinfo=UTC)
    assert (live.open, live.replayed, live.battery) == (False, False, 92)


def test_sparkplug_as_protobuf() -> None:
    moment = 1793581200000
    varint = bytes((moment >> 7 * n & 0x7F) | (0x80 if n < 5 else 0) for n in range(6))
    envelope = Envelope("spBv1.0/g/NDEATH/node", b"\x08" + varint + b"\x12\x00", RECEIVED)
    (reading,) = admit(envelope, None).readings
    assert isinstance(reading, DeviceStatus)
    assert (reading.online, reading.observed_at) == (False, RECEIVED)
