"""The last wills of gateways and broker sessions: each family's way to say that it is gone."""

from datetime import UTC, datetime

import pytest

from devices.directory import Device, Directory, RegisterChange
from devices.envelope import Envelope
from devices.readings import DeviceStatus
from ingest.admission.admit import admit

NOW = datetime(2026, 11, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("registered", "topic", "gone", "here"),
    [
        ("zigbee2mqtt/bridge/state", "zigbee2mqtt/bridge/state", "offline", "online"),
        (
            "zigbee2mqtt/bridge/state",
            "zigbee2mqtt/bridge/state",
            '{"state": "offline"}',
            '{"state": "online"}',
        ),
        ("tele/bridge/LWT", "tele/bridge/LWT", "Offline", "Online"),
        ("proxy/status", "proxy/status", "offline", "online"),
        ("shellyplus-1/online", "shellyplus-1/online", "false", "true"),
        ("shellies/gateway-1", "shellies/gateway-1/online", "false", "true"),
        (
            None,
            "carewatch/v1/wangji/status/hub-1",
            '{"id": "w", "at": "2026-11-02T08:00:00+08:00", "online": false}',
            '{"id": "b", "at": "2026-11-02T08:00:00+08:00", "online": true}',
        ),
    ],
)
def test_a_gateway_says_whether_it_is_there(
    registered: str | None, topic: str, gone: str, here: str
) -> None:
    hub = Device(id="hub-1", kind="sensor", topic=registered)
    town = Directory().changed(RegisterChange(devices=(hub,)))
    for payload, online in ((gone, False), (here, True)):
        said = admit(Envelope(topic=topic, payload=payload.encode(), received_at=NOW), town)
        (status,) = said.readings
        assert isinstance(status, DeviceStatus)
        assert (status.device, status.online) == ("hub-1", online)
