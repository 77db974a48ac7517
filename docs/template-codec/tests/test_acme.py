"""Messages as Acme's devices send them, and what they mean."""

from carewatch_acme import CODEC

from devices.codec_testing import Example, assert_is_sound, decoded
from devices.codecs.codec import ButtonPressed
from devices.readings import DeviceStatus, DoorMoved, Rejection

PRESS = Example("acme/a1/event", b'{"t": 1762045200, "n": 7, "key": "sos", "bat": 87}')
DOOR = Example("acme/a1/event", b'{"t": 1762045200, "open": true}')
BATTERY = Example("acme/a1/event", b'{"bat": 12}')


def test_it_is_sound() -> None:
    assert_is_sound(CODEC, [PRESS, DOOR, BATTERY])


def test_what_is_said() -> None:
    (press,) = decoded(CODEC, PRESS)
    assert isinstance(press, ButtonPressed)
    assert (press.action, press.device, press.battery) == ("sos", "a1", 87)
    (door,) = decoded(CODEC, DOOR)
    assert isinstance(door, DoorMoved)
    assert door.open
    (status,) = decoded(CODEC, BATTERY)
    assert isinstance(status, DeviceStatus)


def test_a_press_with_a_time_that_can_not_be_read_is_a_press() -> None:
    found = CODEC.decode(Example("acme/a1/event", b'{"t": "x", "key": "sos"}').envelope)
    assert isinstance(found.parts[0].fault, Rejection)  # type: ignore[union-attr]
