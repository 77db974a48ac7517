"""The town's rule settings changed in a part of the town or all of it, and two of them compared."""

from collections.abc import Iterator, Mapping

import msgspec
from msgspec.structs import replace

from alerts.plans.overrides import laid_over, merged_tables
from alerts.types import RuleScope, TownSettings
from devices.directory import Directory
from devices.scope import Scope, in_areas, sees_subject
from devices.subject import Subject

PARTS = ("area", "care_level", "agency", "subject")


class TownPart(msgspec.Struct, frozen=True, kw_only=True):
    """Whom settings are for: all that is given must fit; nothing given means the whole town."""

    area: str | None = None  # with all below it
    care_level: str | None = None
    agency: str | None = None
    subject: str | None = None  # "client:c-1"

    def __str__(self) -> str:
        named = [f"{name} {value}" for name in PARTS if (value := getattr(self, name))]
        return ", ".join(named) or "everywhere"


EVERYWHERE = TownPart()


class SettingsChange(msgspec.Struct, frozen=True, kw_only=True):
    """Other values for some parameters of one rule."""

    rule: str
    parameters: dict[str, object]
    part: TownPart = EVERYWHERE


class SettingDifference(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter that two settings hold differently; values as JSON, None where not set."""

    rule: str
    parameter: str  # "grace_minutes", "minutes.phone"; "" where only the order of lines differs
    part: TownPart
    before: str | None
    after: str | None

    def __str__(self) -> str:
        if not self.parameter:
            return "rules_for: the order of the lines"
        before, after = (value or "not set" for value in (self.before, self.after))
        return f"{self.rule}.{self.parameter} ({self.part}): {before} -> {after}"


def changed(settings: TownSettings, change: SettingsChange) -> TownSettings:
    """Return the settings with a change on top. Raises CarewatchError for what no rule takes."""
    if not change.parameters:
        return settings
    if change.part == EVERYWHERE:
        return replace(settings, rules=laid_over(settings.rules, {change.rule: change.parameters}))
    lines = list(settings.rules_for)
    same = [n for n, line in enumerate(lines) if part_of(line) == change.part]
    before = lines[same[-1]].rules if same else {}
    wider = settings.rules.get(change.rule, {})
    table = _narrowed(wider, before.get(change.rule, {}), change.parameters)
    laid_over({}, {change.rule: table})
    line = RuleScope(rules={**before, change.rule: table}, **msgspec.structs.asdict(change.part))
    if same:
        lines[same[-1]] = line
    else:
        lines.append(line)
    return replace(settings, rules_for=tuple(lines))


def part_of(line: RuleScope) -> TownPart:
    """Return whom a line of `rules_for` is for."""
    return TownPart(**{name: getattr(line, name) for name in PARTS})


def compared(before: TownSettings, after: TownSettings) -> tuple[SettingDifference, ...]:
    """Return what differs, in order of part, rule and parameter; nothing where the two
    are equal."""
    if before == after:
        return ()
    old, new = dict(_flat(before)), dict(_flat(after))
    keys = sorted((str(key[0]), key[1:], key) for key in {**old, **new})
    found = tuple(
        SettingDifference(
            rule=key[1],
            parameter=key[2],
            part=key[0],
            before=_plain(old, key),
            after=_plain(new, key),
        )
        for _, _, key in keys
        if key not in old or key not in new or old[key] != new[key]
    )
    order = SettingDifference(rule="", parameter="", part=EVERYWHERE, before=None, after=None)
    return found or (order,)


def leaves(table: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yield each parameter with its value; the parts of one by names like "minutes.phone"."""
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from ((f"{key}.{inner}", leaf) for inner, leaf in leaves(value))
        else:
            yield key, value


def covers(scope: Scope, directory: Directory, part: TownPart) -> bool:
    """Return True if whoever answers for `scope` answers for all of a part of the town."""
    if scope.whole:
        return True
    if part.subject is not None:
        return sees_subject(scope, directory, Subject.parse(part.subject))
    if scope.agency is not None and part.agency != scope.agency:
        return False
    return not scope.areas or (part.area is not None and in_areas(scope, directory, part.area))


Place = tuple[TownPart, str, str]


def _narrowed(
    wider: Mapping[str, object], own: Mapping[str, object], above: Mapping[str, object]
) -> dict[str, object]:
    """Return a narrower line's table; a parameter of parts is written whole, for it replaces the
    wider."""
    parted = {
        key: wider[key]
        for key, value in above.items()
        if isinstance(value, Mapping) and key in wider
    }
    return merged_tables(merged_tables(parted, own), above)


def _flat(settings: TownSettings) -> Iterator[tuple[Place, object]]:
    for rule, table in settings.rules.items():
        yield from (((EVERYWHERE, rule, key), value) for key, value in leaves(table))
    for line in settings.rules_for:
        for rule, table in line.rules.items():
            yield from (((part_of(line), rule, key), value) for key, value in leaves(table))


def _plain(values: Mapping[Place, object], key: Place) -> str | None:
    return msgspec.json.encode(values[key]).decode() if key in values else None
