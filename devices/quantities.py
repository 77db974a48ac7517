"""What sensors measure, and in which unit.

The names are those of Zigbee2MQTT's `exposes`. Alarms have no unit: they are yes or no, 1 or 0.
"""

UNITS: dict[str, str] = {
    "temperature": "°C",
    "humidity": "%",
    "pressure": "hPa",
    "illuminance": "lx",
    "co2": "ppm",
    "pm25": "µg/m³",
    "power": "W",
    "energy": "kWh",
    "current": "A",
    "water_volume": "m³",
    "gas_volume": "m³",
    "gas": "",
    "smoke": "",
    "carbon_monoxide": "",
    "water_leak": "",
    "occupancy": "",
    "vibration": "",
}
