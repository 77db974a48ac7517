"""What sensors measure: kept of devices registered as sensors, and of no others."""

from datetime import UTC, datetime

import msgspec
import pytest

from devices.codecs.measures import quantities, quantity_in
from devices.directory import Device, Directory, RegisterChange
from devices.envelope import Envelope
from devices.readings import Measured
from ingest.admission.admit import Admitted, admit

NOW = datetime(2026, 11, 2, tzinfo=UTC)


def admitted(topic: str, payload: str, device: Device | None = None) -> Admitted:
    """The message as a town with this device (or no town at all) understands it."""
    town = Directory().changed(RegisterChange(devices=(device,))) if device else None
    return admit(Envelope(topic=topic, payload=payload.encode(), received_at=NOW), town)


def measured(admitted: Admitted) -> list[tuple[str, float, str]]:
    found = (reading for reading in admitted.readings if isinstance(reading, Measured))
    return [(reading.quantity, reading.value, reading.unit) for reading in found]


UPLINK = (
    '{"deviceInfo": {"devEui": "24e124535b316056"}, "fCnt": 7, "fPort": 85, "data": "AWdk",'
    ' "object": {"temperature": 21.5, "leakage_status": "leak", "battery": 92}}'
)
EM300 = (  # github.com/Milesight-IoT/SensorDecoders, em300-mcs/README.md
    '{"end_device_ids": {"device_id": "em300"}, "uplink_message":'
    ' {"f_port": 85, "f_cnt": 3, "frm_payload": "AXVcA2c0AQRoZQYAAQ=="}}'
)
CASES = {
    "zigbee2mqtt": (
        "zigbee2mqtt/kitchen",
        '{"temperature": 26.4, "humidity": 51, "linkquality": 80}',
        Device(id="s-1", topic="zigbee2mqtt/kitchen"),
        [("temperature", 26.4, "°C"), ("humidity", 51, "%")],
    ),
    "zigbee2mqtt gas alarm": (
        "zigbee2mqtt/kitchen",
        '{"gas": true, "battery": 90}',
        Device(id="s-1", topic="zigbee2mqtt/kitchen"),
        [("gas", 1, "")],
    ),
    "shelly_gen1": (
        "shellies/shellyht-1/sensor/temperature",
        "22.75",
        Device(id="shellyht-1"),
        [("temperature", 22.75, "°C")],
    ),
    "shelly_gen1 flood": (
        "shellies/shellyflood-1/sensor/flood",
        "true",
        Device(id="shellyflood-1"),
        [("water_leak", 1, "")],
    ),
    "shelly_gen2": (
        "shellyplusht-1/events/rpc",
        '{"src": "shellyplusht-1", "method": "NotifyStatus", "params": {"ts": 1762041600,'
        ' "temperature:0": {"id": 0, "tC": 19.4}, "humidity:0": {"id": 0, "rh": 60.1}}}',
        Device(id="shellyplusht-1"),
        [("temperature", 19.4, "°C"), ("humidity", 60.1, "%")],
    ),
    "shelly_gen2 plug": (
        "shellyplug-1/status/switch:0",
        '{"id": 0, "output": true, "apower": 1850.0, "aenergy": {"total": 1234.5}}',
        Device(id="shellyplug-1"),
        [("power", 1850, "W"), ("energy", 1.2345, "kWh")],
    ),
    "shelly_gen2 smoke": (
        "shellysmoke-1/status/smoke:0",
        '{"id": 0, "alarm": true}',
        Device(id="shellysmoke-1"),
        [("smoke", 1, "")],
    ),
    "tasmota": (
        "tele/bath/SENSOR",
        '{"Time": "2026-11-02T08:00:00", "AM2301": {"Temperature": 71.6, "Humidity": 48},'
        ' "TempUnit": "F"}',
        Device(id="bath"),
        [("temperature", 22, "°C"), ("humidity", 48, "%")],
    ),
    "tasmota energy": (
        "tele/plug/SENSOR",
        '{"Time": "2026-11-02T08:00:00", "ENERGY": {"Total": 3.185, "Power": 2, "Current": 0.02}}',
        Device(id="plug"),
        [("energy", 3.185, "kWh"), ("power", 2, "W"), ("current", 0.02, "A")],
    ),
    "tasmota's zigbee bridge": (
        "tele/bridge/SENSOR",
        '{"ZbReceived": {"0x4F2E": {"Device": "0x4F2E", "Name": "attic", "Temperature": 9.5}}}',
        Device(id="attic"),
        [("temperature", 9.5, "°C")],
    ),
    "esphome": (
        "node/sensor/kitchen_temperature/state",
        "23.4",
        Device(id="node"),
        [("temperature", 23.4, "°C")],
    ),
    "esphome binary": (
        "node/binary_sensor/hall_smoke/state",
        "ON",
        Device(id="node"),
        [("smoke", 1, "")],
    ),
    "chirpstack": (
        "application/1/device/24e124535b316056/event/up",
        UPLINK,
        Device(id="24e124535b316056"),
        [("temperature", 21.5, "°C"), ("water_leak", 1, "")],
    ),
    "the things stack, a bare Milesight frame": (
        "v3/app@ttn/devices/em300/up",
        EM300,
        Device(id="em300"),
        [("temperature", 30.8, "°C"), ("humidity", 50.5, "%")],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_sensors_values_are_kept_in_their_units(case: str) -> None:
    topic, payload, device, expected = CASES[case]
    sensor = msgspec.structs.replace(device, kind="sensor")
    found = admitted(topic, payload, sensor)
    assert measured(found) == [(name, pytest.approx(value), unit) for name, value, unit in expected]
    assert found.ignored is None
    assert {reading.device for reading in found.readings} == {sensor.id}
    assert len({reading.key for reading in found.readings}) == len(found.readings)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", ["door", None])
def test_of_any_other_device_and_without_a_town_nothing_is(case: str, kind: str | None) -> None:
    topic, payload, device, _ = CASES[case]
    other = msgspec.structs.replace(device, kind=kind)
    assert measured(admitted(topic, payload, other)) == []
    assert measured(admitted(topic, payload)) == []


def test_the_same_message_again_gives_the_same_readings() -> None:
    topic, payload, device, _ = CASES["zigbee2mqtt"]
    sensor = msgspec.structs.replace(device, kind="sensor")
    assert admitted(topic, payload, sensor) == admitted(topic, payload, sensor)


def test_what_is_no_value_is_left_out() -> None:
    fields = {"temperature": "nan", "humidity": None, "gas": "perhaps", "smoke": 0, "volt": 3}
    assert list(quantities(fields)) == [("smoke", 0.0)]
    assert list(quantities({"temp": 1, "Temperature": 2})) == [("temperature", 1.0)]


@pytest.mark.parametrize(
    ("name", "quantity"),
    [
        ("kitchen_temperature", "temperature"),
        ("bath_water_leak", "water_leak"),
        ("co2", "co2"),
        ("temperature_setpoint", None),
        ("uptime", None),
    ],
)
def test_a_name_says_by_its_end_what_is_measured(name: str, quantity: str | None) -> None:
    assert quantity_in(name) == quantity
