"""Numbers by which devices count: the same again is the same thing, a count begun anew is news."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from deploy.recorded import Recorded
from devices.directory import Device, Directory, RegisterChange
from devices.envelope import Envelope
from devices.readings import Reading

NINE = datetime(2026, 11, 2, 1, tzinfo=UTC)
I3 = "shellies/i3/input_event/0"
LORA = "application/1/device/a1/event/up"


def kept(
    kind: str, topic: str, *messages: tuple[float, Any], retain: bool = False
) -> list[Reading]:
    """What is new of messages that come so many minutes after nine."""
    device = Device(id="x", kind=kind, topic=topic)  # type: ignore[arg-type]
    directory = Directory().changed(RegisterChange(devices=(device,)))
    envelopes = [
        Envelope(
            topic,
            body.encode() if isinstance(body, str) else json.dumps(body).encode(),
            NINE + timedelta(minutes=minutes),
            retain=retain and number > 0,
        )
        for number, (minutes, body) in enumerate(messages)
    ]
    return [stored.reading for stored in Recorded(directory).stimuli(envelopes)]


def event(count: int, said: str = "S") -> dict[str, Any]:
    return {"event": said, "event_cnt": count}


def test_a_press_said_again_for_hours_is_one() -> None:
    assert len(kept("sos", I3, *((n / 2, event(4)) for n in range(1_000)))) == 1


def test_a_count_that_moves_is_another_press() -> None:
    assert len(kept("sos", I3, (0, event(4)), (1, event(5)), (2, event(5)), (3, event(6)))) == 3


def test_a_count_that_begins_anew_is_news() -> None:
    told = ((0, event(1)), (1, event(0, "")), (2, event(1)))
    assert len(kept("sos", I3, *told)) == 2


def test_a_frame_that_two_networks_pass_on_is_one() -> None:
    def frame(count: int, second: int) -> dict[str, Any]:
        return {
            "deviceInfo": {"devEui": "a1"},
            "devAddr": "01",
            "fCnt": count,
            "time": f"2026-11-02T01:00:0{second}Z",
            "object": {"sos": True},
        }

    assert len(kept("sos", LORA, (0, frame(7, 1)), (0.1, frame(7, 3)), (1, frame(8, 5)))) == 2


def test_a_packet_that_two_gateways_hear_is_one_and_a_byte_comes_round() -> None:
    press = "4000073a01"  # packet 7
    assert len(kept("sos", "ble/aa/fcd2", (0, press), (0.1, press), (30, press))) == 2


def test_presses_alike_without_counter_and_time_are_many() -> None:
    press = {"action": "emergency", "battery": 90}
    assert len(kept("sos", "zigbee2mqtt/b", (0, press), (1, press), (2, press))) == 3


def test_the_retained_copy_of_a_press_heard_live_is_that_press() -> None:
    press = {"action": "emergency", "battery": 90}
    assert (
        len(kept("sos", "zigbee2mqtt/b", (0, press), (180, press), (360, press), retain=True)) == 1
    )
