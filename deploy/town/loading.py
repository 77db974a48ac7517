"""A town goes into the database: what differs is written, and told to everyone who listens.

One transaction: the register, the plans, and `TownChanged` entries in the inbox that carry the
same items. The town file is the whole truth, but for devices that were added by hand, and for rule
settings that were enabled by hand while the file's own stay as they were.
"""

from collections.abc import Container, Iterator, Mapping
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec
import psycopg

from alerts.desk import append
from alerts.plans.plans import SECTIONS as PLAN_SECTIONS
from alerts.plans.plans import apply_plans, diff_plans, load_plans
from alerts.plans.setting_changes import SettingDifference, compared
from alerts.plans.versions import in_force, numbered, remember_file
from alerts.types import PlanSet, TownChanged, TownSettings
from core.errors import CarewatchError
from deploy.file_settings import Choice, file_holds
from deploy.town.townfile import TownFile
from devices import registry
from devices.directory import SECTIONS, RegisterChange

CUT_PLANS = tuple(section for section in PLAN_SECTIONS if section != "ladders")
CHUNK = 2_000  # items an inbox entry
FEW = 20  # items of a kind that may go without asking
LARGE_SHARE = 0.5  # of the clients or devices; more is rather a wrong file than a change


class Loaded(msgspec.Struct, frozen=True):
    """What a load changed."""

    timezone: str | None  # the new one; None = as it was
    register: RegisterChange
    plans: PlanSet
    added: dict[str, int]  # section -> how many of the changed items are new
    kept: tuple[SettingDifference, ...] = ()  # settings in force that the file has otherwise

    @property
    def summary(self) -> list[str]:
        """Return one line a section in which something changed."""
        lines = [f"timezone: {self.timezone}"] if self.timezone else []
        for part in (self.register, self.plans):
            for section in SECTIONS if part is self.register else PLAN_SECTIONS:
                lines += self._line(section, part)
        for field in ("rules", "rules_for"):
            if getattr(self.plans, field) is not None:
                lines.append(f"{field}: changed")
        return lines

    def _line(self, section: str, part: RegisterChange | PlanSet) -> list[str]:
        changed, kept = len(getattr(part, section)), {i.id for i in getattr(part, section)}
        gone = sum(key not in kept for key in part.removed.get(section, ()))
        new = self.added.get(section, 0)
        counts = {"added": new, "changed": changed - new, "removed": gone}
        said = ", ".join(f"{many} {what}" for what, many in counts.items() if many)
        return [f"{section}: {said}"] if said else []


def load_town(
    conn: psycopg.Connection,
    town: TownFile,
    *,
    by: str = "load",
    remove_many: bool = False,
    settings: Choice | None = None,
) -> Loaded:
    """Make register, plans and settings what the town file says, in one transaction.

    Loading the same town again writes nothing. Settings that a person has enabled since stay,
    unless `settings` is "file". Raises CarewatchError, and changes nothing, when it would remove
    more than half of the clients or devices and `remove_many` is not set, and when settings were
    changed both by hand and in the file and `settings` says nothing.
    """
    with conn.transaction():
        at = registry.lock_town(conn)
        directory, plans, now = registry.load_directory(conn), load_plans(conn), in_force(conn)
        wanted = TownSettings(town.plans.rules or {}, town.plans.rules_for or ())
        rules = file_holds(now, wanted, settings)
        register = _sparing(conn, registry.diff(directory, town.register))
        if not remove_many:
            _refuse_large_removal(register, len(directory.clients), len(directory.devices))
        loaded = Loaded(
            timezone=town.timezone if registry.set_timezone(conn, town.timezone) else None,
            register=register,
            plans=numbered(_sparing_settings(diff_plans(plans, town.plans), rules), now.version),
            added=_added(register, {s: getattr(directory, s) for s in SECTIONS})
            | _added(town.plans, {s: {i.id for i in getattr(plans, s)} for s in PLAN_SECTIONS}),
            kept=() if rules else compared(now.settings, wanted),
        )
        registry.apply(conn, loaded.register, in_file=True)
        registry.claim(conn, [device.id for device in town.register.devices])
        apply_plans(conn, loaded.plans)
        remember_file(conn, None if rules else wanted)
        for entry in entries(loaded, by=by, at=at):
            append(conn, entry)
    return loaded


def entries(loaded: Loaded, *, by: str, at: datetime) -> Iterator[TownChanged]:
    """Yield the inbox entries of a change, at most `CHUNK` items each; none where nothing changed.

    Pure.

    What is removed, the ladders and the settings stand in the first: they are few, and the order
    of ladders must not be cut in two.
    """
    items = [(s, item) for s in SECTIONS for item in getattr(loaded.register, s)]
    items += [(s, item) for s in CUT_PLANS for item in getattr(loaded.plans, s)]
    first = TownChanged(
        at=at,
        timezone=loaded.timezone,
        register=RegisterChange(removed=loaded.register.removed),
        plans=msgspec.structs.replace(loaded.plans, **dict.fromkeys(CUT_PLANS, ())),
        by=by,
    )
    if items or first != TownChanged(at=at, by=by):
        yield _holding(first, items[:CHUNK])
    for n in range(CHUNK, len(items), CHUNK):
        yield _holding(TownChanged(at=at, by=by), items[n : n + CHUNK])


def _holding(entry: TownChanged, items: list[tuple[str, Any]]) -> TownChanged:
    """Return the entry with these items of any section put in."""
    grouped: dict[str, tuple[Any, ...]] = {}
    for section, group in groupby(items, key=itemgetter(0)):
        grouped[section] = tuple(item for _, item in group)
    register = {section: grouped[section] for section in SECTIONS if section in grouped}
    plans = {section: grouped[section] for section in CUT_PLANS if section in grouped}
    return msgspec.structs.replace(
        entry,
        register=msgspec.structs.replace(entry.register, **register),
        plans=msgspec.structs.replace(entry.plans, **plans),
    )


def _added(part: RegisterChange | PlanSet, known: Mapping[str, Container[str]]) -> dict[str, int]:
    """Return how many items of each section were not known before."""
    return {
        section: sum(item.id not in keys for item in getattr(part, section))
        for section, keys in known.items()
    }


def _sparing(conn: psycopg.Connection, change: RegisterChange) -> RegisterChange:
    """Return the change without the removal of devices that no town file ever named."""
    gone = change.removed.get("devices", ())
    spared = registry.added_by_hand(conn, gone) if gone else set()
    if not spared:
        return change
    left = tuple(key for key in gone if key not in spared)
    removed = {section: ids for section, ids in change.removed.items() if section != "devices"}
    if left:
        removed["devices"] = left
    return msgspec.structs.replace(change, removed=removed)


def _sparing_settings(change: PlanSet, rules: bool) -> PlanSet:
    """Return the change; without its settings where those in force stay."""
    return change if rules else msgspec.structs.replace(change, rules=None, rules_for=None)


def _refuse_large_removal(change: RegisterChange, clients: int, devices: int) -> None:
    for section, many in (("clients", clients), ("devices", devices)):
        gone = len(change.removed.get(section, ()))
        if gone > FEW and gone > many * LARGE_SHARE:
            raise CarewatchError(
                f"this file lacks {gone} of the {many} {section} that are registered; "
                "nothing was loaded. If they are really to go, say --remove-many"
            )
