"""All rules, in the order they are asked: what one tells, only those behind it hear."""

from typing import Any

from alerts.rule import Rule
from alerts.rules.sos_pressed import SOS_PRESSED

RULES: tuple[Rule[Any, Any], ...] = (SOS_PRESSED,)
