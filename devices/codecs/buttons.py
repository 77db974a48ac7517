"""Which press of a button is an SOS, and of what shape."""

import re
from collections.abc import Mapping
from functools import lru_cache

from devices.codecs.fields import number
from devices.directory import Device
from devices.readings import Press

# Actions that no button means anything else by; each a whole word of the action's name.
ALWAYS_SOS = frozenset({"emergency", "sos", "panic"})
_LET_GO = frozenset({"release", "released", "none", "idle"})  # whatever button it was
_AT_REST = frozenset({"", "up", "off", "0", "false", "no", "null", "clear", "normal", "standby"})
_BUTTON_WORDS = frozenset({"btn", "button", "key", "input", "state"})  # say no more than which
# Fields that buttons of all makes speak in: `button_2`, `click`, `key1_event`, `alarm`.
_FIELD = re.compile(
    r"(?:button|btn|key|click|press|alarm|sos|panic|emergency|help)(?:_?\d{1,2})?"
    r"(?:_?(?:event|status|state|action|pressed|press|click|alarm|button|msg|type))*",
    re.IGNORECASE,
)
_INNER = ("action", "event", "status", "state", "value", "type")  # where a field is an object
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
    return _shape(words) if device.kind == "sos" and not is_idle(action) else None


def is_idle(action: str) -> bool:
    """Whether an action's word says that nothing is pressed, or that it is let go."""
    words = _words(action)
    if _LET_GO & words or action.strip().casefold() in _AT_REST:
        return True
    said = {word for word in words if not word.isdigit()} - _BUTTON_WORDS
    return bool(said) and said <= _AT_REST


def action_of(written: object) -> str | None:
    """What a button's field says was pressed: a word, any number but 0, the first of a list.

    None where nothing is: false, 0, "", null, or a list of such.
    """
    if isinstance(written, str) and written.strip("0123456789.- "):
        return written.strip()
    if isinstance(written, list):
        return next((action for one in written if (action := action_of(one))), None)
    if isinstance(written, dict):
        found = (action_of(written.get(key)) for key in _INNER)
        return next((action for action in found if action), None)
    return "press" if written is True or number(written) else None


@lru_cache(maxsize=4096)
def _is_button(name: str) -> bool:
    return len(name) < 60 and _FIELD.fullmatch(name) is not None


def action_in(fields: Mapping[str, object]) -> str | None:
    """The first action that is named under one of the names that buttons use; None: no press."""
    for name, written in fields.items():
        action = action_of(written) if _is_button(name) else None
        if action is None or is_idle(action):
            continue
        return next(iter(ALWAYS_SOS & _words(name)), action)
    return None


def _words(action: str) -> set[str]:
    return set(action.casefold().replace("-", "_").replace(" ", "_").split("_"))


def _shape(words: set[str]) -> Press:
    return next((press for word, press in _SHAPES.items() if word in words), "short")
