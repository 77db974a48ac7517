"""What a device may publish and hear, by the topic that it is registered with."""

import pytest

from devices.codecs import CODECS
from devices.codecs.rights import FAMILY_RIGHTS
from devices.device_rights import rights_of
from devices.topics import Rights, matches


def takes(filters: tuple[str, ...], topic: str) -> bool:
    return any(matches(each, topic) for each in filters)


def test_each_family_that_speaks_by_mqtt_has_rights() -> None:
    assert {codec.family for codec in CODECS if codec.topics} == set(FAMILY_RIGHTS)


CASES = [
    # registered topic, what it may say, what it may not, what it may hear, what it may not
    (None, "carewatch/v1/w/sos/d-1", "carewatch/v1/w/sos/d-2", "carewatch/v1/w/answer/d-1", "#"),
    (
        "owntracks/g-1/phone",
        "owntracks/g-1/phone/event",
        "owntracks/g-2/phone",
        "owntracks/g-1/phone/cmd",
        "owntracks/g-2/phone/cmd",
    ),
    (
        "mqtt/face/1234567/Rec",
        "mqtt/face/1234567/Snap",
        "mqtt/face/7654321/Rec",
        "mqtt/face/1234567",
        "mqtt/face/1234567/Rec",
    ),
    (
        "mqtt/face/1234567/Rec",
        "mqtt/face/heartbeat",
        "mqtt/face/other",
        "mqtt/face/1234567",
        "mqtt/face/7654321",
    ),
    (
        "zigbee2mqtt/door_c1",
        "zigbee2mqtt/door_c1/availability",
        "zigbee2mqtt/door_c2",
        "zigbee2mqtt/door_c1/set",
        "zigbee2mqtt/door_c2/set",
    ),
    (
        "zigbee2mqtt/bridge/state",
        "zigbee2mqtt/door_c2",
        "other/door_c2",
        "zigbee2mqtt/bridge/request/permit_join",
        "zigbee2mqtt/door_c2",
    ),
    (
        "tele/plug/SENSOR",
        "tele/plug/LWT",
        "tele/other/SENSOR",
        "cmnd/plug/POWER",
        "cmnd/other/POWER",
    ),
    ("plug/tele/SENSOR", "plug/stat/RESULT", "tele/plug/LWT", "plug/cmnd/POWER", "plug/tele/LWT"),
    (
        "shellies/shellydw2-1/sensor/state",
        "shellies/shellydw2-1/online",
        "shellies/shellydw2-2/online",
        "shellies/shellydw2-1/relay/0/command",
        "shellies/shellydw2-2/command",
    ),
    (
        "shellyplus-1/events/rpc",
        "shellyplus-1/status/input:0",
        "shellyplus-2/events/rpc",
        "shellyplus-1/rpc",
        "shellyplus-2/rpc",
    ),
    (
        "node1/binary_sensor/front_door/state",
        "node1/status",
        "node2/status",
        "node1/switch/siren/command",
        "node2/switch/siren/command",
    ),
    (
        "application/1/device/a84041/event/up",
        "application/1/device/a84041/event/join",
        "application/1/device/ffffff/event/up",
        "application/1/device/a84041/command/down",
        "application/1/device/ffffff/command/down",
    ),
    (
        "v3/app@ttn/devices/dev-1/up",
        "v3/app@ttn/devices/dev-1/join",
        "v3/app@ttn/devices/dev-2/up",
        "v3/app@ttn/devices/dev-1/down/push",
        "v3/app@ttn/devices/dev-2/down/push",
    ),
    (
        "spBv1.0/g/DDATA/node/dev",
        "spBv1.0/g/NBIRTH/node",
        "spBv1.0/g/NBIRTH/other",
        "spBv1.0/g/NCMD/node",
        "spBv1.0/g/NCMD/other",
    ),
    ("home/made/box", "home/made/box/event", "home/made", "carewatch/v1/x/answer/d-1", "home/#"),
]


@pytest.mark.parametrize(("topic", "says", "not_says", "hears", "not_hears"), CASES)
def test_rights_follow_the_family(
    topic: str | None, says: str, not_says: str, hears: str, not_hears: str
) -> None:
    rights = rights_of("d-1", topic)
    assert takes(rights.speaks, says)
    assert not takes(rights.speaks, not_says)
    assert takes(rights.hears, hears)
    assert not takes(rights.hears, not_hears)


@pytest.mark.parametrize("topic", [case[0] for case in CASES])
def test_the_registered_topic_and_the_contract_are_always_there(topic: str | None) -> None:
    rights = rights_of("d-1", topic)
    assert takes(rights.speaks, topic or "carewatch/v1/w/door/d-1")
    assert takes(rights.speaks, "carewatch/v1/w/sos/d-1")


@pytest.mark.parametrize("topic", [case[0] for case in CASES])
@pytest.mark.parametrize(
    "inner", ["$SYS/x", "$CONTROL/dynamic-security/v1", "carewatch/lanes/life"]
)
def test_nobody_reaches_the_brokers_or_the_services_topics(topic: str | None, inner: str) -> None:
    rights = rights_of("d-1", topic)
    assert not takes(rights.speaks, inner)
    assert not takes(rights.hears, inner)


@pytest.mark.parametrize("family", sorted(FAMILY_RIGHTS))
def test_a_short_topic_raises_nothing(family: str) -> None:
    assert isinstance(FAMILY_RIGHTS[family]("a"), Rights)
    assert isinstance(FAMILY_RIGHTS[family]("a/b"), Rights)
