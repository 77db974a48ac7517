"""`rules` and `rules_for` against the settings that each rule really has."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

import msgspec

from alerts.plans.overrides import absurd
from alerts.rules import RULES
from core.refusal import near
from deploy.town.draft import Draft
from deploy.town.marked import Path, Table
from deploy.town.typed import Wrong, typed
from devices.directory import CareLevel

Settings = dict[str, dict[str, object]]
CARE_LEVELS: tuple[str, ...] = get_args(CareLevel)
KNOWN = {rule.name: rule for rule in RULES}


def setting_faults(draft: Draft) -> Iterator[Wrong]:
    """Yield faults in `rules`, and rules that a ladder names and nobody knows."""
    given = draft.tree.get("rules")
    if given is not None:
        yield from _faults(given, draft, ("rules",))
    for number, ladder in draft["ladders"].items():
        for n, name in enumerate(ladder.for_.rules):
            if name not in KNOWN:
                yield ("ladders", number, "for", "rules", n), _unknown(name)


def scope_faults(draft: Draft) -> Iterator[Wrong]:
    """Yield faults in `rules_for`: scopes that narrow nothing, and their settings."""
    for number, scope in draft["rules_for"].items():
        if not any((scope.area, scope.care_level, scope.agency, scope.subject)):
            yield ("rules_for", number), "say for whom: area, care_level, agency or subject"
        if scope.care_level is not None and scope.care_level not in CARE_LEVELS:
            text = f"{scope.care_level!r} is none of {', '.join(CARE_LEVELS)}"
            yield ("rules_for", number, "care_level"), text
        row = draft.rows("rules_for")[number]
        given = row.get("rules") if isinstance(row, dict) else None
        if given is not None:
            yield from _faults(given, draft, ("rules_for", number, "rules"))


def settings_of(given: object, draft: Draft) -> Settings:
    """Return the parameters as written, each in the type its rule wants.

    `given` must be faultless.
    """
    tables = given if isinstance(given, dict) else {}
    return {name: _chosen(name, table or {}, draft) for name, table in tables.items()}


def _chosen(name: str, table: Mapping[str, object], draft: Draft) -> dict[str, object]:
    made: Any = typed(table, KNOWN[name].settings, draft.zone)
    return _as_written(table, msgspec.to_builtins(made))


def _as_written(table: Mapping[str, object], whole: Mapping[str, Any]) -> dict[str, object]:
    """Return the given keys alone: what is not written stays open to a wider scope."""
    return {
        key: _as_written(value, whole[key]) if isinstance(value, dict) else whole[key]
        for key, value in table.items()
        if key in whole
    }


def _faults(given: object, draft: Draft, path: Path) -> Iterator[Wrong]:
    if not isinstance(given, Table):
        yield path, "expected a mapping of rules"
        return
    for name, table in given.items():
        if name not in KNOWN:
            yield (*path, name), _unknown(name)
            continue
        made = typed(table if table is not None else {}, KNOWN[name].settings, draft.zone)
        wrong = made if isinstance(made, list) else absurd(made)
        for inner, text in wrong:
            yield (*path, name, *inner), text


def _unknown(name: str) -> str:
    return f"no rule {name!r}; {near(name, tuple(KNOWN))}"
