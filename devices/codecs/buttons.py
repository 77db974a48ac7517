"""Which press of a button is an SOS, and of what shape."""

from devices.directory import Device
from devices.readings import Press

# Actions that no button means anything else by; each a whole word of the action's name.
ALWAYS_SOS = frozenset({"emergency", "sos", "panic"})
_NO_PRESS = frozenset({"", "none", "release", "released", "up", "btn", "idle", "off", "0"})
_SHAPES: dict[str, Press] = {
    "double": "double",
    "ss": "double",  # Shelly: S, SS, SSS, L
    "l": "long",
    "long": "long",
    "hold": "long",
    "held": "long",
    "test": "test",
    "cancel": "cancel",
}


def press_of(action: str, device: Device | None) -> Press | None:
    """The SOS press that an action means on this device; None when it means none.

    `emergency`, `sos` and `panic` always do. Of a device that names its `sos_press` actions,
    those do; of a device registered as an SOS button without naming any, every press does (not
    the letting go). Unregistered, nothing else does.
    """
    words = _words(action)
    if ALWAYS_SOS & words:
        return _shape(words)
    if device is None:
        return None
    if device.sos_press is not None:
        wanted = {press.casefold() for press in device.sos_press}
        return _shape(words) if action.casefold() in wanted else None
    return _shape(words) if device.kind == "sos" and not (_NO_PRESS & words) else None


def _words(action: str) -> set[str]:
    return set(action.casefold().replace("-", "_").replace(" ", "_").split("_"))


def _shape(words: set[str]) -> Press:
    return next((press for word, press in _SHAPES.items() if word in words), "short")
