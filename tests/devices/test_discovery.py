"""Home Assistant discovery: what devices announce, and what their messages then mean."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.directory import Device, Directory, RegisterChange
from devices.discovery.announced import MOST_OF_OWNER, NOTHING, Announced
from devices.discovery.announcement import (
    LONGEST,
    Announcement,
    is_announcement,
    read_announcement,
)
from devices.discovery.ownership import owned
from devices.envelope import Envelope
from devices.readings import DeviceStatus, DoorMoved, Measured, Position, Rejection, SosPressed
from devices.recording import read_recording
from ingest.admission.admit import Admitted, admit

RECEIVED = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
FILES = Path(__file__).with_name("discovery")
SETS = sorted(FILES.glob("*.jsonl"))


def message(topic: str, payload: object, **more: Any) -> Envelope:
    text = payload if isinstance(payload, str) else json.dumps(payload)
    return Envelope(topic, text.encode(), RECEIVED, **more)


def town(*devices: Device) -> Directory:
    return Directory().changed(RegisterChange(devices=devices))


def told(*announcements: Envelope, directory: Directory | None = None) -> Announced:
    """All that is announced, as admission takes it in."""
    announced = NOTHING
    for each in announcements:
        admitted = admit(each, directory, announced)
        if admitted.announcement is not None:
            announced = announced.changed([admitted.announcement])
    return announced


def recorded(name: str) -> list[Envelope]:
    return [envelope for _, envelope in read_recording(FILES / f"{name}.jsonl")]


def binary(state: str, **fields: object) -> dict[str, object]:
    return {"state_topic": state, "unique_id": state, "device": {"ids": ["dev-1"]}, **fields}


def config(object_id: str, component: str = "binary_sensor") -> str:
    return f"homeassistant/{component}/{object_id}/config"


# ------------------------------------------------------------------ announcements


@pytest.mark.parametrize(
    ("topic", "is_one"),
    [
        ("homeassistant/binary_sensor/0x1/contact/config", True),
        ("homeassistant/sensor/x/config", True),
        ("homeassistant/device/x/config", True),
        ("town/ha/event/node/button/config", True),
        ("binary_sensor/x/config", False),
        ("homeassistant/binary_sensor/x/state", False),
        ("homeassistant/x/y/config", False),
        ("zigbee2mqtt/lamp/config", False),
    ],
)
def test_the_shape_of_a_topic_on_which_devices_announce(topic: str, is_one: bool) -> None:
    assert is_announcement(topic) is is_one


@pytest.mark.parametrize("path", SETS, ids=lambda path: path.stem)
def test_each_captured_announcement_is_taken_in_without_a_fault(path: Path) -> None:
    for line, envelope in read_recording(path):
        admitted = admit(envelope, Directory())
        assert admitted.family == "homeassistant", line
        assert not admitted.rejections, line
        assert admitted.announcement is not None, line


def meanings(name: str) -> dict[str, str]:
    announced = told(*recorded(name))
    found = (announced.get(each.topic) for each in recorded(name))
    return {e.key: e.means for owned in found if owned for e in owned.said.entities}


def test_what_the_captured_entities_mean() -> None:
    assert meanings("zigbee2mqtt") == {
        "0x00158d00029b063b/contact": "door",
        "0x00158d000205d552/carbon_monoxide": "measured",
        "0x0017880104e45520/action": "press",
        "0x0017880104e45520/action_single": "press",
        "0x0017880104e45520/battery": "battery",
        "0x0017880104e45520/linkquality": "context",
        "0x0017880104e45522/humidity": "measured",
    }
    assert meanings("tasmota") == {
        "ABBD20_RL_1": "context",
        "ABBD20_BTN_1": "switched",
        "ABBD20_status": "context",
        "5291FE_MPR121A_Button5": "switched",
    }
    assert meanings("esphome") == {
        "garagedoor1/garage_temperature": "measured",
        "garagedoor1/garage_humidity": "measured",
        "garagedoor1/garage_door_position": "door",
        "garagedoor1/garage_esp_status_led": "context",
        "zima/start_hp": "context",
    }
    assert meanings("others") == {
        "wago/FB_DI_PB_15": "press",
        "my_binary_sensor": "door",
        "ems-esp/system_status": "online",
        "HBTNS-2510-091-423828/button_1_double": "press",
    }


DEVICE_FORM = {
    "dev": {"ids": "0AFFD2", "name": "Front"},
    "o": {"name": "maker"},
    "~": "house/0AFFD2",
    "stat_t": "~/state",
    "avty": [{"t": "~/there", "val_tpl": "{{ value_json.state }}"}],
    "avty_mode": "all",
    "cmps": {
        "door": {"p": "binary_sensor", "dev_cla": "door", "val_tpl": "{{ value_json.open }}"},
        "temp": {"p": "sensor", "dev_cla": "temperature", "unit_of_meas": "°F", "stat_t": "x/~"},
        "gone": {"p": "sensor"},
    },
}


def test_the_form_of_a_whole_device() -> None:
    read = read_announcement(message("homeassistant/device/0AFFD2/config", DEVICE_FORM))
    assert isinstance(read, Announcement)
    door, temp = read.entities
    assert (door.topic, door.means, door.template) == (
        "house/0AFFD2/state",
        "door",
        "{{ value_json.open }}",
    )
    assert (temp.topic, temp.quantity, temp.unit) == ("x/house/0AFFD2", "temperature", "°F")
    assert (door.availability[0].topic, door.mode) == ("house/0AFFD2/there", "all")
    assert (read.maker.id, read.maker.name) == ("0AFFD2", "Front")


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"components": {str(n): binary(f"{n}") for n in range(1_000)}}, "too_large"),
        ({"state_topic": "a", "x": "x" * LONGEST}, "too_large"),
        ("{", "not_json"),
        ("[]", "not_an_object"),
        (binary("a/#"), "bad_value"),
        (binary("$SYS/broker/x"), "bad_value"),
        (binary("carewatch/v1/w/sos/btn-1"), "bad_value"),
        (binary("a", value_template="{% for i in range(10**9) %}x{% endfor"), "bad_value"),
        (binary("a", value_template="{{ states('x') }}"), "bad_value"),
        (binary("a", availability=[{"topic": "b", "value_template": "{{"}]), "bad_value"),
        ({"components": {"a": {"p": "toaster", "stat_t": "a"}}}, "unknown_kind"),
    ],
)
def test_an_announcement_that_is_refused_changes_nothing(payload: object, reason: str) -> None:
    admitted = admit(message("homeassistant/binary_sensor/x/config", payload), Directory())
    assert [each.reason.value for each in admitted.rejections] == [reason]
    assert admitted.announcement is None


def test_of_a_whole_device_the_entities_count_that_can_be_read() -> None:
    parts = {
        "a": {"p": "binary_sensor", "stat_t": "a", "dev_cla": "door"},
        "b": {"p": "binary_sensor", "stat_t": "b", "val_tpl": "{{ now() }}"},
    }
    admitted = admit(message("homeassistant/device/x/config", {"cmps": parts}), Directory())
    assert admitted.announcement is not None
    assert [e.key for e in admitted.announcement.said.entities] == ["a"]
    assert [each.reason.value for each in admitted.rejections] == ["bad_value"]


def test_a_configuration_of_a_devices_own_is_no_announcement() -> None:
    device = Device(id="d-1", kind="door", topic="home/sensor/d-1/config")
    admitted = admit(message("home/sensor/d-1/config", {"contact": True}), town(device))
    assert [type(each) for each in admitted.readings] == [DoorMoved]


def test_an_announcement_with_a_mark_before_it_is_read() -> None:
    payload = "\ufeff" + json.dumps(binary("a", device_class="door"))
    admitted = admit(message(config("x"), payload), Directory())
    assert admitted.announcement is not None


# ------------------------------------------------------------------ what messages then say


def one(announced: Announced, directory: Directory | None, envelope: Envelope) -> Any:
    admitted = admit(envelope, directory, announced)
    assert len(admitted.readings) == 1, admitted
    return admitted.readings[0]


DOORS = [
    ({}, "ON", True),
    ({}, "OFF", False),
    ({"payload_on": "1", "payload_off": "0"}, "1", True),
    ({"payload_on": "offen", "payload_off": "zu"}, "zu", False),
    ({"val_tpl": "{{ value_json.s.open }}", "pl_on": True}, '{"s":{"open":true}}', True),
    ({"val_tpl": "{{ 'OFF' if value_json.c else 'ON' }}"}, '{"c": true}', False),
]


@pytest.mark.parametrize("device_class", ["door", "window", "opening", "garage_door"])
@pytest.mark.parametrize(("fields", "payload", "is_open"), DOORS)
def test_a_door_by_its_announcement(
    device_class: str, fields: dict[str, object], payload: str, is_open: bool
) -> None:
    said = message(config("x"), binary("house/7", device_class=device_class, **fields))
    for directory in (None, town(Device(id="door-c1", kind="door", topic="house/7"))):
        door = one(told(said, directory=directory), directory, message("house/7", payload))
        assert isinstance(door, DoorMoved)
        assert door.open is is_open
        assert door.device == ("dev-1" if directory is None else "door-c1")


def test_without_its_announcement_the_same_message_says_something_else_or_nothing() -> None:
    directory = town(Device(id="door-c1", kind="door", topic="house/7"))
    bare = admit(message("house/7", "offen"), directory)
    assert not bare.readings
    inverted = {"device_class": "door", "payload_on": "OFF", "payload_off": "ON"}
    announced = told(message(config("x"), binary("house/7", **inverted)), directory=directory)
    assert one(NOTHING, directory, message("house/7", "ON")).open is True
    assert one(announced, directory, message("house/7", "ON")).open is False


PRESSES = [
    (
        "event",
        {"event_types": ["press", "hold"]},
        '{"event_type": "hold"}',
        "long",
    ),
    ("event", {"event_types": ["SINGLE"]}, "SINGLE", "short"),
    ("binary_sensor", {"payload_on": "TOGGLE", "off_delay": 1}, "TOGGLE", "short"),
    (
        "binary_sensor",
        {"value_template": "{{value_json.STATE}}", "pl_on": "TOGGLE"},
        '{"STATE":"TOGGLE"}',
        "short",
    ),
    (
        "device_automation",
        {"automation_type": "trigger", "type": "button_double_press", "subtype": "button_1"},
        "PRESS",
        "short",
    ),
    (
        "device_automation",
        {"atype": "trigger", "type": "button_double_press", "stype": "b", "pl": "1"},
        "1",
        "double",
    ),
    (
        "device_automation",
        {
            "atype": "trigger",
            "type": "button_short_press",
            "stype": "button_1",
            "pl": "SINGLE",
            "val_tpl": "{{ value_json.Button1.Action }}",
        },
        '{"Button1":{"Action":"SINGLE"}}',
        "short",
    ),
    ("sensor", {"name": "Action", "val_tpl": "{{ value_json.w }}"}, '{"w":"single"}', "short"),
]


@pytest.mark.parametrize(("component", "fields", "payload", "press"), PRESSES)
def test_a_press_of_a_registered_button(
    component: str, fields: dict[str, object], payload: str, press: str
) -> None:
    directory = town(Device(id="btn-c1", kind="sos", topic="house/btn"))
    said = {"topic": "house/btn", **binary("house/btn"), **fields}
    announced = told(message(config("x", component), said), directory=directory)
    found = one(announced, directory, message("house/btn", payload))
    assert isinstance(found, SosPressed)
    assert (found.device, found.press) == ("btn-c1", press)


@pytest.mark.parametrize(
    ("component", "fields", "payload"),
    [
        ("event", {}, '{"event_type": "release"}'),
        ("event", {}, '{"event_type": null}'),
        ("event", {"device_class": "motion"}, '{"event_type": "motion"}'),
        ("binary_sensor", {"payload_off": "ready"}, "ready"),
        ("device_automation", {"automation_type": "trigger", "payload": "double"}, "OFF"),
        ("sensor", {"name": "action"}, "None"),
    ],
)
def test_what_is_no_press(component: str, fields: dict[str, object], payload: str) -> None:
    directory = town(Device(id="btn-c1", kind="sos", topic="house/btn"))
    said = {"topic": "house/btn", **binary("house/btn"), **fields}
    announced = told(message(config("x", component), said), directory=directory)
    admitted = admit(message("house/btn", payload), directory, announced)
    assert not any(isinstance(each, SosPressed) for each in admitted.readings)


def test_a_button_whose_presses_have_a_topic_each_is_one_button() -> None:
    said = [
        message(
            config(f"x/{n}", "device_automation"),
            {
                "atype": "trigger",
                "t": f"hb/btn_{n}",
                "pl": "PRESS",
                "type": f"button_{n}_press",
                "stype": "button_1",
                "dev": {"ids": ["HB"]},
            },
        )
        for n in ("short", "double")
    ]
    directory = town(Device(id="btn-c1", kind="sos", topic="hb/btn_short"))
    announced = told(*said, directory=directory)
    assert one(announced, directory, message("hb/btn_double", "PRESS")).device == "btn-c1"


def test_a_tracker_says_where_it_is() -> None:
    said = {
        "state_topic": "cat/state",
        "json_attributes_topic": "cat/attributes",
        "device": {"ids": ["cat"]},
    }
    where = {"latitude": 35.24, "longitude": 115.48, "gps_accuracy": 12, "battery_level": 55}
    for topic in ("cat/state", "cat/attributes"):
        directory = town(Device(id="phone-g1", kind="phone", topic=topic))
        announced = told(message(config("cat", "device_tracker"), said), directory=directory)
        fix = one(announced, directory, message("cat/attributes", where))
        assert isinstance(fix, Position)
        assert (fix.device, fix.lat, fix.accuracy, fix.battery) == ("phone-g1", 35.24, 12, 55)
        assert not admit(message("cat/state", "home"), directory, announced).readings


def test_battery_life_and_faults_belong_to_what_is_registered_of_the_device() -> None:
    said = [
        message(config("n/door"), binary("n/door", device_class="door", avty_t="n/lwt")),
        message(config("n/b", "sensor"), binary("n/bat", device_class="battery", unit_of_meas="%")),
        message(config("n/low"), binary("n/low", device_class="battery")),
        message(config("n/net"), binary("n/net", device_class="connectivity")),
        message(config("n/tamper"), binary("n/tamper", device_class="tamper")),
        message(config("n/move"), binary("n/move", device_class="motion")),
    ]
    directory = town(Device(id="door-c1", kind="door", topic="n/door"))
    announced = told(*said, directory=directory)

    def status(topic: str, payload: str) -> DeviceStatus:
        found = one(announced, directory, message(topic, payload))
        assert isinstance(found, DeviceStatus)
        assert found.device == "door-c1"
        return found

    assert status("n/bat", "87").battery == 87
    assert status("n/low", "ON").battery_low is True
    assert status("n/net", "OFF").online is False
    assert status("n/lwt", "offline").online is False
    assert status("n/lwt", "online").online is True
    assert status("n/tamper", "ON").fault == "tamper"
    assert not admit(message("n/move", "ON"), directory, announced).readings


def test_a_battery_beside_a_door_is_the_doors() -> None:
    said = [
        message(config("n/d"), binary("n", dev_cla="door", val_tpl="{{ value_json.d }}")),
        message(
            config("n/b", "sensor"), binary("n", dev_cla="battery", val_tpl="{{ value_json.b }}")
        ),
    ]
    directory = town(Device(id="door-c1", kind="door", topic="n"))
    door = one(told(*said), directory, message("n", {"d": "ON", "b": 40}))
    assert isinstance(door, DoorMoved)
    assert door.battery == 40


@pytest.mark.parametrize(
    ("fields", "payload", "quantity", "value"),
    [
        ({"device_class": "temperature", "unit_of_meas": "°F"}, "68", "temperature", 20.0),
        ({"device_class": "pressure", "unit_of_meas": "kPa"}, "101.3", "pressure", 1013.0),
        ({"device_class": "humidity", "unit_of_meas": "%"}, "55.5", "humidity", 55.5),
    ],
)
def test_what_a_sensor_measures_is_kept_of_sensors_alone(
    fields: dict[str, object], payload: str, quantity: str, value: float
) -> None:
    announced = told(message(config("s", "sensor"), binary("s/t", **fields)))
    sensor = one(
        announced, town(Device(id="s", kind="sensor", topic="s/t")), message("s/t", payload)
    )
    assert isinstance(sensor, Measured)
    assert (sensor.quantity, sensor.value) == (quantity, pytest.approx(value))
    door = town(Device(id="s", kind="door", topic="s/t"))
    assert not admit(message("s/t", payload), door, announced).readings


def test_movement_is_measured_as_occupancy() -> None:
    announced = told(message(config("m"), binary("m/t", device_class="motion")))
    sensor = one(announced, town(Device(id="m", kind="sensor", topic="m/t")), message("m/t", "ON"))
    assert (sensor.quantity, sensor.value) == ("occupancy", 1.0)


def bridged(mode: str) -> tuple[Announced, Directory]:
    there = [{"topic": "b/state"}, {"topic": "b/door/there"}]
    fields = {"device_class": "door", "availability": there, "availability_mode": mode}
    directory = town(Device(id="door-c1", kind="door", topic="b/door"))
    return told(message(config("d"), binary("b/door", **fields)), directory=directory), directory


@pytest.mark.parametrize(
    ("mode", "word", "online"),
    [
        ("all", "offline", False),
        ("all", "online", None),  # the other topic may say otherwise
        ("any", "online", True),
        ("any", "offline", None),
        ("latest", "online", True),
        ("latest", "offline", False),
        ("latest", "restarting", None),
    ],
)
def test_availability_by_its_mode(mode: str, word: str, online: bool | None) -> None:
    announced, directory = bridged(mode)
    admitted = admit(message("b/state", word), directory, announced)
    assert [getattr(each, "online", None) for each in admitted.readings] == (
        [] if online is None else [online]
    )


def test_a_family_that_reads_a_message_itself_is_not_asked_to_believe_an_announcement() -> None:
    directory = town(Device(id="door-c1", kind="door", topic="zigbee2mqtt/door"))
    lying = binary("zigbee2mqtt/door", device_class="door", value_template="ON")
    announced = told(message(config("x"), lying), directory=directory)
    door = one(announced, directory, message("zigbee2mqtt/door", {"contact": True}))
    assert door.open is False


def test_captured_esphome_node_registered_and_understood() -> None:
    door = Device(
        id="door-c1", kind="door", topic="garagedoor1/binary_sensor/garage_door_position/state"
    )
    directory = town(door)
    announced = told(*recorded("esphome"), directory=directory)
    opened = one(announced, directory, message(str(door.topic), "ON"))
    assert (opened.device, opened.open) == ("door-c1", True)
    assert one(announced, directory, message("garagedoor1/status", "offline")).online is False


def test_captured_tasmota_button_registered_and_understood() -> None:
    directory = town(Device(id="btn-c1", kind="sos", topic="kitchen_left_lighting/stat/BUTTON1"))
    announced = told(*recorded("tasmota"), directory=directory)
    topic = "kitchen_left_lighting/stat/BUTTON1"
    assert isinstance(one(announced, directory, message(topic, {"STATE": "TOGGLE"})), SosPressed)
    will = one(announced, directory, message("kitchen_left_lighting/tele/LWT", "Offline"))
    assert (will.device, will.online) == ("btn-c1", False)


def test_a_nul_behind_a_press_does_not_lose_it() -> None:
    directory = town(Device(id="btn-c1", kind="sos", topic="house/btn"))
    said = binary("house/btn", payload_on="7", payload_off="8")
    announced = told(message(config("x"), said), directory=directory)
    assert isinstance(one(announced, directory, message("house/btn", "7\0")), SosPressed)


# ------------------------------------------------------------------ whose account


def test_a_device_announces_its_own_topics_and_nobody_elses() -> None:
    victim = Device(id="door-c1", kind="door", topic="house/door")
    thief = Device(id="door-c9", kind="door", topic="house/thief")
    directory = town(victim, thief)
    lie = binary("house/door", device_class="door", payload_on="OFF", payload_off="ON")
    for topic in (
        "homeassistant/binary_sensor/door-c9/config",
        "homeassistant/binary_sensor/door-c9/x/config",
        "house/thief/homeassistant/binary_sensor/x/config",
    ):
        admitted = admit(message(topic, lie), directory)
        assert [each.reason.value for each in admitted.rejections] == ["bad_value"]
        assert "door-c9" in admitted.rejections[0].detail
        assert admitted.announcement is None
    own = admit(message(config("door-c9"), binary("house/thief/contact")), directory)
    assert own.announcement is not None
    assert own.announcement.owner == "door-c9"


def test_another_accounts_announcement_adds_nothing_to_a_device() -> None:
    directory = town(
        Device(id="door-c1", kind="door", topic="house/door"),
        Device(id="door-c9", kind="door", topic="house/thief"),
    )
    victim = binary("house/door", device_class="door", dev={"ids": ["same"]})
    twin = binary("house/thief/up", device_class="connectivity", dev={"ids": ["same"]})
    announced = told(
        message(config("door-c1"), victim), message(config("door-c9"), twin), directory=directory
    )
    admitted = admit(message("house/thief/up", "OFF"), directory, announced)
    assert "door-c1" not in {each.device for each in admitted.readings}


def test_availability_of_another_account_is_left_out() -> None:
    directory = town(Device(id="door-c9", kind="door", topic="house/thief"))
    said = binary("house/thief", availability_topic="bridge/state", device_class="door")
    admitted = admit(message(config("door-c9"), said), directory)
    assert admitted.announcement is not None
    assert admitted.announcement.said.entities[0].availability == ()


def test_a_bridge_announces_below_its_base() -> None:
    directory = town(
        Device(id="bridge-1", topic="zigbee2mqtt/bridge/state"), Device(id="other", topic="o/t")
    )
    topic = "zigbee2mqtt/homeassistant/binary_sensor/0x1/contact/config"
    for state, owner in (("zigbee2mqtt/door", "bridge-1"), ("o/t", None)):
        admitted = admit(message(topic, binary(state)), directory)
        told_by = admitted.announcement.owner if admitted.announcement else None
        assert told_by == owner


def test_who_announced_a_topic_first_is_believed() -> None:
    directory = town(Device(id="door-c1", kind="door", topic="house/door"))
    first = message(config("a"), binary("house/door", device_class="door", dev={"ids": ["A"]}))
    lie = {"device_class": "door", "payload_on": "OFF", "payload_off": "ON", "dev": {"ids": ["B"]}}
    second = message(config("b"), binary("house/door", **lie))
    announced = told(first, second, directory=directory)
    assert one(announced, directory, message("house/door", "ON")).open is True
    again = binary("house/door", device_class="door", name="renamed", dev={"ids": ["A"]})
    announced = told(first, second, message(config("a"), again), directory=directory)
    assert one(announced, directory, message("house/door", "ON")).open is True
    announced = told(first, second, message(config("a"), ""), directory=directory)
    assert one(announced, directory, message("house/door", "ON")).open is False


def test_what_was_withdrawn_is_still_understood() -> None:
    directory = town(Device(id="door-c1", kind="door", topic="house/door"))
    said = message(config("a"), binary("house/door", device_class="door", payload_on="x"))
    announced = told(said, message(config("a"), ""), directory=directory)
    assert one(announced, directory, message("house/door", "x")).open is True


def test_one_account_announces_so_much_and_no_more() -> None:
    directory = town(Device(id="d-1", kind="door", topic="house/d-1"))
    announced = NOTHING
    news = []
    for n in range(MOST_OF_OWNER):
        read = read_announcement(message(config(f"d-1/{n}"), binary(f"house/d-1/{n}")))
        assert isinstance(read, Announcement)
        own = owned(read, directory)
        assert not isinstance(own, Rejection)
        news.append(own)
    announced = announced.changed(news)
    assert len(announced) == MOST_OF_OWNER
    more = admit(message(config("d-1/more"), binary("house/d-1/x")), directory, announced)
    assert [each.reason.value for each in more.rejections] == ["too_large"]
    again = admit(message(config("d-1/7"), binary("house/d-1/y")), directory, announced)
    assert again.announcement is not None
    other = admit(message(config("elsewhere"), binary("else/where")), directory, announced)
    assert other.announcement is not None


# ------------------------------------------------------------------ whatever comes


TEXT = st.text(max_size=20)
LEAF = st.none() | st.booleans() | st.integers(-5, 5) | TEXT
JSON = LEAF | st.lists(LEAF, max_size=2) | st.dictionaries(TEXT, LEAF, max_size=2)
KEYS = st.sampled_from(
    ["state_topic", "stat_t", "~", "dev", "avty", "avty_t", "cmps", "p", "pl_on", "val_tpl", "name"]
)


@given(st.dictionaries(KEYS, JSON, max_size=6), st.sampled_from(["sensor", "device", "event"]))
def test_no_announcement_raises(body: dict[str, Any], component: str) -> None:
    admitted = admit(message(config("x", component), body), Directory())
    assert isinstance(admitted, Admitted)


@given(st.binary(max_size=60), st.sampled_from(["event", "binary_sensor", "device_tracker"]))
def test_no_message_raises_whatever_was_announced(payload: bytes, component: str) -> None:
    said = {**binary("t"), "json_attributes_topic": "t", "val_tpl": "{{ value_json.a[0] + 1 }}"}
    directory = town(Device(id="d", kind="sos", topic="t"))
    announced = told(message(config("x", component), said), directory=directory)
    admit(Envelope("t", payload, RECEIVED), directory, announced)


def test_what_a_codec_hands_on_is_judged_as_ever() -> None:
    """A press that only the register makes an SOS is none of a button that nobody registered."""
    announced = told(message(config("x", "event"), binary("house/btn")))
    admitted = admit(message("house/btn", '{"event_type": "press"}'), None, announced)
    assert admitted.ignored is not None
    help_wanted = admit(message("house/btn", '{"event_type": "sos"}'), None, announced)
    assert isinstance(help_wanted.readings[0], SosPressed)
