"""The town file: one YAML file that says who is cared for, by whom, with what, and who is paged.

`read_town` gives the whole town as values, or one error that names every fault with its line.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from alerts.types import PlanSet
from core.errors import CarewatchError
from deploy.town.advice import advice
from deploy.town.draft import Draft
from deploy.town.marked import Broken, Fault, Table, line_of, parse
from deploy.town.meaning import meaning_faults
from deploy.town.references import reference_faults
from deploy.town.rule_settings import settings_of
from devices.directory import SECTIONS, Directory, RegisterChange


class TownFile(msgspec.Struct, frozen=True):
    """Everything a town file says."""

    timezone: str  # IANA name
    register: RegisterChange  # all people, places, areas and devices
    plans: PlanSet  # all zones, visits, people to page, rotas, ladders and rule settings
    warnings: tuple[Fault, ...] = ()  # allowed, and yet probably not meant


class TownFaults(CarewatchError):
    """The town file can't be used. `faults` holds each fault with its line, in file order."""

    def __init__(self, name: str, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        many = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        lines = "".join(f"\n  {fault}" for fault in self.faults)
        super().__init__(f"{name}: {many}, nothing was loaded{lines}")


def read_town(path: Path | str) -> TownFile:
    """Read and check a town file. Raises `TownFaults`, or `CarewatchError` if it can't be read."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as wrong:
        raise CarewatchError(f"town file {path}: {wrong.strerror or wrong}") from None
    except UnicodeDecodeError as wrong:
        raise CarewatchError(
            f"town file {path}: byte {wrong.start} is not UTF-8; save the file as UTF-8"
        ) from None
    return parse_town(text, str(path))


def parse_town(text: str, name: str = "town file") -> TownFile:
    """Return the town that a YAML text describes; `name` is what errors call it.

    Raises `TownFaults`.
    """
    try:
        tree, faults = parse(text)
    except Broken as broken:
        raise TownFaults(name, broken.faults) from None
    if tree is None:
        tree = Table(1)
    if not isinstance(tree, Table):
        raise TownFaults(name, [*faults, Fault(1, "expected a mapping: timezone, areas, ...")])
    draft = Draft(tree)
    draft.blame(reference_faults(draft))
    draft.blame(meaning_faults(draft))
    faults += draft.faults
    if faults:
        raise TownFaults(name, faults)
    return _town(draft)


def directory_of(town: TownFile) -> Directory:
    """Return the register of a town file as a snapshot, without a database."""
    return Directory(town.timezone).changed(town.register)


def _town(draft: Draft) -> TownFile:
    register: dict[str, Any] = {section: tuple(draft[section].values()) for section in SECTIONS}
    scopes = tuple(
        msgspec.structs.replace(scope, rules=settings_of(scope.rules, draft))
        for scope in draft["rules_for"].values()
    )
    plans = PlanSet(
        zones=tuple(draft["zones"].values()),
        visits=tuple(draft["visits"].values()),
        people=tuple(draft["people"].values()),
        rotas=tuple(draft["rotas"].values()),
        ladders=tuple(draft["ladders"].values()),
        conditions=tuple(draft["conditions"].values()),
        rules=settings_of(draft.tree.get("rules"), draft),
        rules_for=scopes,
    )
    warnings = tuple(
        Fault(line_of(draft.tree, path), f"{draft.place(path)}: {text}")
        for path, text in advice(draft)
    )
    return TownFile(
        timezone=draft.timezone,
        register=RegisterChange(**register),
        plans=plans,
        warnings=warnings,
    )
