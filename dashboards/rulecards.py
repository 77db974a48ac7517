"""The settings in force, rule by rule: default, the town's, and the narrower ones. Pure."""

from collections.abc import Iterable, Mapping

import msgspec

from alerts.history import RuleCard
from alerts.types import RuleScope


class Parameter(msgspec.Struct, frozen=True):
    """One parameter of one rule."""

    name: str
    default: str
    town: str | None  # what the town sets for all; None: the default holds
    narrower: tuple[tuple[str, str], ...]  # (for whom, value), in the order of the town file


class Settings(msgspec.Struct, frozen=True):
    """One rule as it is in force."""

    rule: RuleCard
    parameters: tuple[Parameter, ...]


def cards(
    rulebook: Iterable[RuleCard],
    rules: Mapping[str, Mapping[str, object]],
    scopes: Iterable[RuleScope],
) -> list[Settings]:
    """Every rule of the book, with what is set for it."""
    narrower = list(scopes)
    return [
        Settings(
            card,
            tuple(
                Parameter(
                    name,
                    _plain(default),
                    _plain(rules[card.name][name]) if name in rules.get(card.name, {}) else None,
                    tuple(_narrower(narrower, card.name, name)),
                )
                for name, default in card.defaults.items()
            ),
        )
        for card in rulebook
    ]


def _narrower(scopes: list[RuleScope], rule: str, name: str) -> Iterable[tuple[str, str]]:
    for scope in scopes:
        if name in scope.rules.get(rule, {}):
            parts = ("area", "care_level", "agency", "subject")
            whom = [f"{part} {getattr(scope, part)}" for part in parts if getattr(scope, part)]
            yield ", ".join(whom), _plain(scope.rules[rule][name])


def _plain(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
