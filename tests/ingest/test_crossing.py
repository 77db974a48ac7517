from devices.codecs import life_filters
from devices.directory import Device, Directory, RegisterChange
from ingest.lanes.crossing import NOTICE, Crossing, notice
from ingest.mqtt.packets import Publish

BUTTON = Device(id="btn-1", kind="sos", topic="zigbee2mqtt/btn_1")
GRANTED = frozenset(life_filters(Directory().changed(RegisterChange(devices=(BUTTON,)))))


def says(topic: str, payload: bytes = b"{}") -> Publish:
    return Publish(topic, payload, 1, False, False)


def test_before_the_notice_the_bulk_lane_keeps_an_sos_itself() -> None:
    crossing = Crossing()
    assert not crossing.consumes(says("carewatch/v1/w/sos/btn-9"))
    assert not crossing.consumes(says("zigbee2mqtt/btn_1"))


def test_behind_the_notice_it_leaves_to_the_life_lane_just_what_that_hears() -> None:
    crossing = Crossing()
    assert crossing.consumes(says(NOTICE, notice(GRANTED)))
    assert crossing.consumes(says("carewatch/v1/w/sos/btn-9"))
    assert crossing.consumes(says("zigbee2mqtt/btn_1"))
    assert crossing.consumes(says("zigbee2mqtt/btn_1/action"))
    assert not crossing.consumes(says("zigbee2mqtt/btn_10"))
    assert not crossing.consumes(says("carewatch/v1/w/position/btn-9"))


def test_the_will_of_the_life_session_takes_the_notice_back() -> None:
    crossing = Crossing()
    crossing.consumes(says(NOTICE, notice(GRANTED)))
    assert crossing.consumes(says(NOTICE, b""))
    assert not crossing.consumes(says("carewatch/v1/w/sos/btn-9"))


def test_a_new_connection_of_the_bulk_session_is_certain_of_nothing() -> None:
    crossing = Crossing()
    crossing.consumes(says(NOTICE, notice(GRANTED)))
    crossing.reset()
    assert not crossing.consumes(says("carewatch/v1/w/sos/btn-9"))


def test_a_life_session_without_the_contracts_filter_answers_for_nothing() -> None:
    crossing = Crossing()
    crossing.consumes(says(NOTICE, notice(frozenset({"zigbee2mqtt/btn_1/#"}))))
    assert not crossing.consumes(says("zigbee2mqtt/btn_1"))


def test_strange_words_on_the_notice_topic_are_certainty_of_nothing() -> None:
    crossing = Crossing()
    for payload in (b"\xff", b"{}", b"[1]", b"null", b"[" * 10_000):
        assert crossing.consumes(says(NOTICE, payload))
        assert not crossing.consumes(says("carewatch/v1/w/sos/btn-9"))


def test_carewatchs_own_words_are_no_devices() -> None:
    assert Crossing().consumes(says("carewatch-simulator/wish"))
