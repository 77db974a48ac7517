"""A broker's URL: what is left out has its default, what is wrong is named and never repeated."""

import pytest

from core.errors import CarewatchError
from devices.broker_address import Address


def test_the_broker_url_is_read_with_its_defaults() -> None:
    assert Address.of("mqtt://h") == Address("h", 1883)
    assert Address.of("mqtts://h") == Address("h", 8883, tls=True)
    assert Address.of("mqtts://u:p%40ss@h:1") == Address("h", 1, True, "u", "p@ss")


def test_an_address_shows_no_password() -> None:
    address = Address.of("mqtts://u:p%40ss@h:1")
    assert (str(address), repr(address)) == ("h:1", "Address(h:1)")


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("http://u:geheim@h", "must begin with mqtt:// or mqtts://"),
        ("h:1883", "must begin with mqtt:// or mqtts://"),
        ("mqtt://", "names no host"),
        ("mqtt://u:geheim@h:0", "no number from 1 to 65535"),
        ("mqtt://u:geheim@h:65536", "no number from 1 to 65535"),
        ("mqtt://u:geheim@h:port", "no number from 1 to 65535"),
        ("mqtt://u:geheim@[h", "no host and port"),
    ],
)
def test_a_wrong_url_is_named_and_not_repeated(wrong: str, why: str) -> None:
    with pytest.raises(CarewatchError, match="CAREWATCH_MQTT_URL") as caught:
        Address.of(wrong)
    assert why in str(caught.value)
    assert "geheim" not in str(caught.value)
