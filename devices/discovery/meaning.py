"""What an announced entity means to us: by its component, its device class, its unit, its name.

Device classes are those of https://www.home-assistant.io/integrations/binary_sensor/ and
https://www.home-assistant.io/integrations/sensor/. ON is open, low, moving, there. Pure.
"""

import re
from collections.abc import Iterable
from typing import Literal

from devices.codecs.esphome import CALL, DOOR
from devices.codecs.measures import quantity_of
from devices.quantities import UNITS

Meaning = Literal[
    "door",  # ON is open
    "call",  # ON is a press for help, by its name
    "press",  # a text, an event or a trigger names what was pressed
    "switched",  # on and off, of what only the register knows
    "position",
    "battery",  # percent
    "battery_low",
    "online",
    "fault",
    "measured",
    "context",  # nothing that we keep: lamps, sockets, link quality, commands
]
DOORS = frozenset({"door", "garage_door", "opening", "window"})
_CLASSES: dict[str, str] = {  # of binary sensors that measure yes or no
    "smoke": "smoke",
    "gas": "gas",
    "carbon_monoxide": "carbon_monoxide",
    "moisture": "water_leak",
    "motion": "occupancy",
    "occupancy": "occupancy",
    "presence": "occupancy",
    "vibration": "vibration",
}
_QUANTITIES: dict[str, str] = {  # of sensors
    "temperature": "temperature",
    "humidity": "humidity",
    "pressure": "pressure",
    "atmospheric_pressure": "pressure",
    "illuminance": "illuminance",
    "carbon_dioxide": "co2",
    "pm25": "pm25",
    "power": "power",
    "energy": "energy",
    "current": "current",
    "water": "water_volume",
    "gas": "gas_volume",
}
# A sensor's unit, and what makes ours of it: (our unit, factor, summand).
_CONVERTED: dict[str, tuple[str, float, float]] = {
    "°F": ("°C", 5 / 9, -160 / 9),
    "K": ("°C", 1.0, -273.15),
    "mbar": ("hPa", 1.0, 0.0),
    "Pa": ("hPa", 0.01, 0.0),
    "kPa": ("hPa", 10.0, 0.0),
    "inHg": ("hPa", 33.8639, 0.0),
    "lm": ("lx", 1.0, 0.0),
    "ug/m3": ("µg/m³", 1.0, 0.0),
    "ug/m³": ("µg/m³", 1.0, 0.0),
    "kW": ("W", 1000.0, 0.0),
    "Wh": ("kWh", 0.001, 0.0),
    "mA": ("A", 0.001, 0.0),
    "L": ("m³", 0.001, 0.0),
}
_BUTTON = re.compile(r"(?:^|_|\b)(?:action|click|button|btn|key)\d*(?:$|_|\b)", re.IGNORECASE)
_LOW = re.compile(r"battery[_ ]low|low[_ ]battery", re.IGNORECASE)


def meaning_of(
    component: str, device_class: str, unit: str, words: Iterable[str]
) -> tuple[Meaning, str]:
    """Return what an entity means, and the quantity where it measures one; `words` name it."""
    named = [word.replace(" ", "_") for word in words if word]
    match component:
        case "binary_sensor":
            return _binary(device_class, named)
        case "sensor":
            return _sensor(device_class, unit, named)
        case "event":
            return ("context" if device_class == "motion" else "press"), ""
        case "device_automation":
            return "press", ""
        case "device_tracker":
            return "position", ""
    return "context", ""


def _binary(device_class: str, named: list[str]) -> tuple[Meaning, str]:
    if device_class in DOORS:
        return "door", ""
    if device_class in _CLASSES:
        return "measured", _CLASSES[device_class]
    plain: dict[str, Meaning] = {
        "battery": "battery_low",
        "connectivity": "online",
        "problem": "fault",
        "tamper": "fault",
    }
    if device_class in plain:
        return plain[device_class], ""
    if device_class not in ("", "safety"):
        return "context", ""
    if any(CALL.search(name) for name in named):
        return "call", ""
    if any(_LOW.search(name) for name in named):
        return "battery_low", ""
    quantity = _quantity_named(named)
    if quantity and not UNITS[quantity]:
        return "measured", quantity
    return ("door" if any(DOOR.search(name) for name in named) else "switched"), ""


def _sensor(device_class: str, unit: str, named: list[str]) -> tuple[Meaning, str]:
    if device_class == "battery" and unit in ("%", ""):
        return "battery", ""
    quantity = _QUANTITIES.get(device_class, "") if device_class else _quantity_named(named)
    if quantity:
        known = not UNITS[quantity] or converted(quantity, unit, 0.0) is not None
        return ("measured", quantity) if known else ("context", "")
    pressed = device_class in ("", "enum") and not unit and any(map(_BUTTON.search, named))
    return ("press" if pressed else "context"), ""


def _quantity_named(named: list[str]) -> str:
    last = (name.rpartition("/")[2] for name in named)
    return next((found for name in last if (found := quantity_of(name))), "")


def converted(quantity: str, unit: str, value: float) -> float | None:
    """Return a measured value in our unit; None where its unit is not known."""
    ours = UNITS[quantity]
    if unit == ours or not ours:
        return value
    into, factor, summand = _CONVERTED.get(unit, ("", 0.0, 0.0))
    return round(value * factor + summand, 6) if into == ours else None
