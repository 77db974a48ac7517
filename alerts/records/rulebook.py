"""What each rule is called, weighs and takes: for pages that show the settings in force."""

import inspect
import sys

import msgspec

from alerts.rules import RULES
from alerts.types import Severity


class RuleCard(msgspec.Struct, frozen=True, kw_only=True):
    """One rule as a reader needs it."""

    name: str
    severity: Severity
    lane: str  # life | main
    version: int
    defaults: dict[str, object]  # parameter -> default
    says: str  # when it raises, joins, revises and clears: the rule's own words


def rulebook() -> list[RuleCard]:
    """Return every rule, in the order in which the engine knows them."""
    return [
        RuleCard(
            name=rule.name,
            severity=rule.severity,
            lane=rule.lane,
            version=rule.version,
            defaults=msgspec.to_builtins(rule.settings()),
            says=inspect.getdoc(sys.modules[type(rule).__module__]) or "",
        )
        for rule in RULES
    ]
