"""All rules, in the order they are asked."""

from alerts.rule import AnyRule
from alerts.rules.area_outage import AREA_OUTAGE
from alerts.rules.battery_low import BATTERY_LOW
from alerts.rules.contact_overdue import CONTACT_OVERDUE
from alerts.rules.device_silent import DEVICE_SILENT
from alerts.rules.door_left_open import DOOR_LEFT_OPEN
from alerts.rules.face_presence_missing import FACE_PRESENCE_MISSING
from alerts.rules.face_unknown import FACE_UNKNOWN
from alerts.rules.geofence_breached import GEOFENCE_BREACHED
from alerts.rules.implausible_movement import IMPLAUSIBLE_MOVEMENT
from alerts.rules.no_activity import NO_ACTIVITY
from alerts.rules.own_condition import OWN_CONDITION
from alerts.rules.presence_conflict import PRESENCE_CONFLICT
from alerts.rules.sos_pressed import SOS_PRESSED
from alerts.rules.visit_late import VISIT_LATE
from alerts.rules.visit_missed import VISIT_MISSED
from alerts.rules.visit_short import VISIT_SHORT
from alerts.rules.visit_unended import VISIT_UNENDED

RULES: tuple[AnyRule, ...] = (
    SOS_PRESSED,
    GEOFENCE_BREACHED,
    VISIT_MISSED,
    VISIT_LATE,
    VISIT_SHORT,
    VISIT_UNENDED,
    DEVICE_SILENT,
    AREA_OUTAGE,
    NO_ACTIVITY,
    DOOR_LEFT_OPEN,
    CONTACT_OVERDUE,
    BATTERY_LOW,
    FACE_PRESENCE_MISSING,
    FACE_UNKNOWN,
    PRESENCE_CONFLICT,
    IMPLAUSIBLE_MOVEMENT,
    OWN_CONDITION,
)
