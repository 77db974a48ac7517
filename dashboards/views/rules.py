"""The settings in force, rule by rule: default, the town's, and the narrower ones. Pure."""

from collections.abc import Iterable, Mapping

import msgspec

from alerts.history import RuleCard
from alerts.trials import leaves, part_of
from alerts.types import RuleScope, TownSettings


class Parameter(msgspec.Struct, frozen=True):
    """One parameter of one rule; a part of one is named like "minutes.phone"."""

    name: str
    default: str
    town: str | None  # what the town sets for all; None: the default holds
    narrower: tuple[tuple[str, str], ...]  # (for whom, value), in the order of the lines

    @property
    def in_force(self) -> str:
        """Return what holds where nothing narrower is set."""
        return self.default if self.town is None else self.town


class RuleInForce(msgspec.Struct, frozen=True):
    """One rule as it is in force."""

    rule: RuleCard
    parameters: tuple[Parameter, ...]


def cards(rulebook: Iterable[RuleCard], settings: TownSettings) -> list[RuleInForce]:
    """Return every rule of the book, with what is set for it."""
    return [RuleInForce(card, tuple(_parameters(card, settings))) for card in rulebook]


def _parameters(card: RuleCard, settings: TownSettings) -> Iterable[Parameter]:
    town = dict(leaves(settings.rules.get(card.name, {})))
    for name, default in leaves(card.defaults):
        yield Parameter(
            name,
            _plain(default),
            _plain(town[name]) if name in town else None,
            tuple(_narrower(settings.rules_for, card.name, name)),
        )


def _narrower(lines: Iterable[RuleScope], rule: str, name: str) -> Iterable[tuple[str, str]]:
    for line in lines:
        set_here: Mapping[str, object] = dict(leaves(line.rules.get(rule, {})))
        if name in set_here:
            yield str(part_of(line)), _plain(set_here[name])


def _plain(value: object) -> str:
    if value is None:
        return "–"  # the rule does not judge this
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
