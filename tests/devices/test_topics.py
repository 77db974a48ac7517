"""MQTT filters and the contract's topics."""

import pytest

from devices.codecs import is_life_topic, life_filters
from devices.directory import Device, Directory, RegisterChange
from devices.topics import ContractTopic, TopicTable, contract_topic, matches, parents


@pytest.mark.parametrize(
    ("pattern", "topic", "takes"),
    [
        ("a/b", "a/b", True),
        ("a/b", "a/b/c", False),
        ("a/+", "a/b", True),
        ("a/+", "a", False),
        ("a/+/c", "a//c", True),
        ("a/#", "a", True),
        ("a/#", "a/b/c", True),
        ("#", "a/b", True),
        ("+/b", "a/b", True),
        ("#", "$SYS/broker", False),
        ("+/broker", "$SYS/broker", False),
        ("$SYS/#", "$SYS/broker", True),
        ("a", "A", False),
    ],
)
def test_filters(pattern: str, topic: str, takes: bool) -> None:
    assert matches(pattern, topic) is takes
    assert (TopicTable([(pattern, 1)]).owner(topic) == 1) is takes


def test_a_filter_with_a_literal_root_goes_before_a_wild_one() -> None:
    table = TopicTable([("+/x", "wild"), ("a/#", "literal"), ("a/x", "later")])
    assert table.owner("a/x") == "literal"
    assert table.owner("b/x") == "wild"
    assert table.owner("b/y") is None


@pytest.mark.parametrize(
    ("topic", "parts"),
    [
        ("carewatch/v1/s/door/d", ContractTopic("s", "door", "d")),
        ("carewatch/v1/s/window/d", ContractTopic("s", "window", "d")),
        ("carewatch/v1/s/door", None),
        ("carewatch/v1/s/door/d/e", None),
        ("carewatch/v1//door/d", None),
        ("carewatch/v2/s/door/d", None),
        ("other", None),
    ],
)
def test_contract_topics(topic: str, parts: ContractTopic | None) -> None:
    assert contract_topic(topic) == parts


def test_parents() -> None:
    assert list(parents("a/b/c")) == ["a/b", "a"]
    assert list(parents("a")) == []


def test_what_may_carry_an_sos() -> None:
    devices = (
        Device(id="btn-1", kind="sos"),
        Device(id="btn-2", kind="sos", topic="zigbee2mqtt/btn"),
        Device(id="btn-3", kind="sos", topic="carewatch/v1/w/sos/b3"),
        Device(id="door", kind="door", topic="zigbee2mqtt/door"),
    )
    filters = life_filters(Directory().changed(RegisterChange(devices=devices)))
    assert filters == ("carewatch/v1/+/sos/+", "zigbee2mqtt/btn/#")
    life = {
        topic
        for topic in (
            "carewatch/v1/x/sos/y",
            "carewatch/v1/x/door/y",
            "zigbee2mqtt/btn",
            "zigbee2mqtt/btn/action",
            "zigbee2mqtt/btn2",
            "zigbee2mqtt/door",
        )
        if is_life_topic(topic, frozenset(filters))
    }
    assert life == {"carewatch/v1/x/sos/y", "zigbee2mqtt/btn", "zigbee2mqtt/btn/action"}
