"""Taking changes of a town back: from the town as it is to the town as it was. Pure.

The register and the plans are stored as they stand now; what they were is told by the inbox. A
change holds whole items, so an item is what the last change before some moment said of it.
"""

from collections.abc import Sequence
from typing import Any

from alerts.town.town import Town
from alerts.types import PlanSet, TownChanged
from devices.directory import Directory, RegisterChange


def undo(town: Town, later: Sequence[TownChanged], earlier: Sequence[TownChanged]) -> None:
    """Make the town what it was before the `later` changes. `earlier` are all before them.

    What no change ever spoke of (it came into the tables by another way) was always there.
    """
    if later:
        town.changed(undoing(later, earlier))


def undoing(later: Sequence[TownChanged], earlier: Sequence[TownChanged]) -> TownChanged:
    """Return the change that takes the later changes back. `later` is not empty."""
    register = [change.register for change in later], [change.register for change in earlier]
    plans = [change.plans for change in later], [change.plans for change in earlier]
    settings = {name: _setting(name, *plans) for name in SETTINGS}
    return TownChanged(
        at=later[0].at,
        timezone=_timezone(later, earlier),
        register=RegisterChange(**_parts(REGISTER, *register)),
        plans=PlanSet(**_parts(PLANS, *plans), **settings),
        by="undo",
    )


# and what they are when never set
SETTINGS: dict[str, Any] = {"rules": {}, "rules_for": (), "settings_version": 0}
REGISTER = tuple(name for name in RegisterChange.__struct_fields__ if name != "removed")
PLANS = tuple(
    name for name in PlanSet.__struct_fields__ if name != "removed" and name not in SETTINGS
)
Sections = RegisterChange | PlanSet


def _parts(sections: tuple[str, ...], later: list[Any], earlier: list[Any]) -> dict[str, Any]:
    """Return the parts that remove all that the later changes named and put it back as it was."""
    spoken = {section: _spoken(section, later) for section in sections}
    parts: dict[str, Any] = {
        section: _as_it_was(section, spoken[section], earlier) for section in sections
    }
    parts["removed"] = {section: tuple(ids) for section, ids in spoken.items() if ids}
    return parts


def _spoken(section: str, changes: list[Sections]) -> dict[str, None]:
    ids: dict[str, None] = {}
    for change in changes:
        ids.update(dict.fromkeys(change.removed.get(section, ())))
        ids.update(dict.fromkeys(item.id for item in getattr(change, section)))
    return ids


def _as_it_was(section: str, spoken: dict[str, None], earlier: list[Sections]) -> tuple[Any, ...]:
    items: dict[str, Any] = {}
    for change in earlier if spoken else ():
        for key in change.removed.get(section, ()):
            items.pop(key, None)
        items.update({item.id: item for item in getattr(change, section) if item.id in spoken})
    return tuple(items.values())


def _setting(name: str, later: list[PlanSet], earlier: list[PlanSet]) -> Any:
    """Return the setting to go back to, or None if the later changes left it alone."""
    if all(getattr(plans, name) is None for plans in later):
        return None
    said = [value for plans in earlier if (value := getattr(plans, name)) is not None]
    return said[-1] if said else SETTINGS[name]


def _timezone(later: Sequence[TownChanged], earlier: Sequence[TownChanged]) -> str | None:
    if all(change.timezone is None for change in later):
        return None
    said = [change.timezone for change in earlier if change.timezone is not None]
    return said[-1] if said else Directory().timezone
