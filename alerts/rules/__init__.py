"""All rules, in the order they are asked."""

from typing import Any

from alerts.rule import Rule
from alerts.rules.battery_low import BATTERY_LOW
from alerts.rules.door_left_open import DOOR_LEFT_OPEN
from alerts.rules.face_unknown import FACE_UNKNOWN
from alerts.rules.geofence_breached import GEOFENCE_BREACHED
from alerts.rules.implausible_movement import IMPLAUSIBLE_MOVEMENT
from alerts.rules.sos_pressed import SOS_PRESSED

RULES: tuple[Rule[Any, Any], ...] = (
    SOS_PRESSED,
    GEOFENCE_BREACHED,
    DOOR_LEFT_OPEN,
    BATTERY_LOW,
    FACE_UNKNOWN,
    IMPLAUSIBLE_MOVEMENT,
)
