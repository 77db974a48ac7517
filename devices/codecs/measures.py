"""The names under which devices of all makes report what they measure.

Zigbee2MQTT's own, and the makers' for the same thing (Tasmota, Shelly, ESPHome, Milesight,
Dragino); capitals do not matter.
"""

from collections.abc import Iterator, Mapping

from devices.codecs.fields import number
from devices.quantities import UNITS

_ALSO: dict[str, str] = {
    "temp": "temperature",
    "tc": "temperature",
    "tempc_sht": "temperature",
    "tempc_ds": "temperature",
    "tempc1": "temperature",
    "rh": "humidity",
    "hum_sht": "humidity",
    "relative_humidity": "humidity",
    "barometric_pressure": "pressure",
    "lux": "illuminance",
    "illuminance_lux": "illuminance",
    "illumination": "illuminance",
    "carbon_dioxide": "co2",
    "pm2_5": "pm25",
    "apower": "power",
    "active_power": "power",
    "water_consumed": "water_volume",
    "gas_consumed": "gas_volume",
    "flood": "water_leak",
    "leak": "water_leak",
    "leakage_status": "water_leak",
    "water_leak_status": "water_leak",
    "moisture": "water_leak",
    "motion": "occupancy",
    "pir": "occupancy",
    "pir_status": "occupancy",
    "presence": "occupancy",
}
_NAMES = {**{name: name for name in UNITS}, **_ALSO}
_YES = frozenset({"true", "on", "1", "alarm", "detected", "leak", "occupied", "trigger"})
_NO = frozenset({"false", "off", "0", "normal", "clear", "dry", "vacant", "no_alarm"})


def quantity_of(name: str) -> str | None:
    """What a field's name means: `Temperature`, `temp`; None where it is no measurement of ours."""
    return _NAMES.get(name.casefold())


def quantity_in(name: str) -> str | None:
    """What a longer name ends in: `kitchen_temperature`, `bath_water_leak`."""
    words = name.casefold().split("_")
    endings = ("_".join(words[n:]) for n in range(len(words)))
    return next((found for ending in endings if (found := quantity_of(ending))), None)


def value_of(quantity: str, written: object) -> float | None:
    """A number in the quantity's unit, or 1 and 0 for yes and no; None for anything else."""
    if UNITS[quantity]:
        return number(written)
    word = str(written).strip().casefold().removesuffix(".0")
    return 1.0 if word in _YES else 0.0 if word in _NO else None


def quantities(fields: Mapping[str, object]) -> Iterator[tuple[str, float]]:
    """What an object's fields measure, each quantity once, in the order written."""
    found: set[str] = set()
    for name, written in fields.items():
        quantity = quantity_of(name)
        value = value_of(quantity, written) if quantity is not None else None
        if quantity is not None and value is not None and quantity not in found:
            found.add(quantity)
            yield quantity, value
