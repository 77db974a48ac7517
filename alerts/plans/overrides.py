"""Other settings laid over those of a town, to try them."""

import math
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from alerts.rule import AnyRule
from alerts.rules import RULES
from core.errors import CarewatchError
from core.refusal import refused

RuleSettings = Mapping[str, Mapping[str, object]]


def laid_over(rules: RuleSettings, changes: RuleSettings) -> dict[str, dict[str, object]]:
    """Return the town-wide settings with changes on top, parameter by parameter.

    Raises CarewatchError for a rule, a parameter or a value that does not exist.
    """
    known: dict[str, AnyRule] = {rule.name: rule for rule in RULES}
    merged = {name: dict(table) for name, table in rules.items()}
    for name, table in changes.items():
        if name not in known:
            raise CarewatchError(f"no rule {name!r}; there are {', '.join(known)}")
        merged[name] = merged_tables(merged.get(name, {}), table)
        check(known[name], merged[name])
    return merged


def merged_tables(below: Mapping[str, object], above: Mapping[str, object]) -> dict[str, object]:
    """Return both tables merged key by key; where both hold a mapping, that again key by key."""
    merged = dict(below)
    for key, value in above.items():
        before = merged.get(key)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            value = merged_tables(before, value)
        merged[key] = value
    return merged


def check(rule: AnyRule, table: Mapping[str, object]) -> None:
    """Raises CarewatchError where the settings are none of this rule's."""
    try:
        made = msgspec.convert(table, rule.settings)
    except msgspec.ValidationError:
        parameters = ", ".join(rule.settings.__struct_fields__) or "nothing"
        wrong = refused(table, rule.settings, at=(rule.name,))
        raise CarewatchError(f"{wrong}; it takes {parameters}") from None
    for path, text in absurd(made):
        raise CarewatchError(f"{'.'.join((rule.name, *path))}: {text}")


def absurd(settings: msgspec.Struct) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the numbers that no rule can reckon with: each by its path, with what is wrong."""
    for key, value in msgspec.structs.asdict(settings).items():
        if isinstance(value, msgspec.Struct):
            yield from (((key, *path), text) for path, text in absurd(value))
        elif isinstance(value, float) and not math.isfinite(value):
            yield (key,), f"{value} is no number to reckon with"
        elif isinstance(value, int | float) and value < 0:
            yield (key,), f"{value:g} is less than 0"


def nested(assignments: Iterable[tuple[str, object]]) -> dict[str, dict[str, object]]:
    """Return settings from pairs like ("device_silent.minutes.phone", 20).

    Raises CarewatchError for a name without a rule and a parameter.
    """
    made: dict[str, dict[str, object]] = {}
    for name, value in assignments:
        rule, *path = name.split(".")
        if not all((rule, *path)) or not path:
            raise CarewatchError(f"{name!r}: write it as rule.parameter=value")
        for key in reversed(path):
            value = {key: value}
        assert isinstance(value, dict)
        made[rule] = merged_tables(made.get(rule, {}), value)
    return made
