"""A town file half read: its tree with lines, and the items whose form is right."""

from collections.abc import Hashable, Iterable, Iterator
from functools import lru_cache
from typing import Any, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from alerts.plans.plans import SECTIONS as PLAN_SECTIONS
from alerts.types import RuleScope
from core.refusal import unknown_key
from deploy.town.boundary import BadGeometry, flat_boundary
from deploy.town.marked import Fault, Path, Rows, Table, line_of
from deploy.town.typed import Wrong, natural, typed
from devices.directory import SECTIONS

LISTS: dict[str, type[Any]] = {**SECTIONS, **PLAN_SECTIONS, "rules_for": RuleScope}
KEYS = ("timezone", *LISTS, "rules")
DEFAULT_TIMEZONE = "Asia/Shanghai"
OUTER, INNER = 1, 2  # how many keys deep a faulty value is taken out of its item


class Draft:
    """Items by section with their index in the file, and everything found wrong so far.

    `draft[section]` holds the items, in file order. One with a fault of form lacks what is wrong
    (None stands for it where the kind demands it), so that its other faults are named as well.
    """

    def __init__(self, tree: Table) -> None:
        self.tree = tree
        self.faults: list[Fault] = []
        self.items: dict[str, dict[int, Any]] = {section: {} for section in LISTS}
        self.timezone = self._timezone()
        self.zone = ZoneInfo(self.timezone)
        self.no_ground: list[int] = []  # areas whose boundary encloses nothing
        self._read()

    def blame(self, wrongs: Iterator[Wrong] | list[Wrong]) -> None:
        """Take down what is wrong, with the line of the file."""
        for path, text in wrongs:
            self.faults.append(Fault(line_of(self.tree, path), f"{self.place(path)}: {text}"))

    def place(self, path: Path) -> str:
        """Return what a path is called in a message: "visits v-1, start"."""
        section, *rest = path
        named = str(section)
        if rest and isinstance(rest[0], int):
            number = rest.pop(0)
            row = self.rows(named)[int(number)]
            key = row.get("id") if isinstance(row, dict) else None
            named += f" {key}" if isinstance(key, str) else f" no. {int(number) + 1}"
        inner = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in rest)
        return f"{named}, {inner[1:]}" if inner else named

    def __getitem__(self, section: str) -> dict[int, Any]:
        return self.items[section]

    def _timezone(self) -> str:
        name = self.tree.get("timezone")
        if name is None:
            return DEFAULT_TIMEZONE
        try:
            return ZoneInfo(str(name)).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            text = f"{name!r} is no time zone; write one like {DEFAULT_TIMEZONE}"
            self.blame([(("timezone",), text)])
            return DEFAULT_TIMEZONE

    def rows(self, section: str) -> Rows:
        """Return a section's rows as they stand in the file."""
        rows = self.tree.get(section)
        return rows if isinstance(rows, Rows) else Rows(self.tree.lines.get(section, 1))

    def _read(self) -> None:
        for key in self.tree:
            if key not in KEYS:
                self.blame([((key,), unknown_key(key, KEYS))])
        for section, kind in LISTS.items():
            if not isinstance(self.tree.get(section), Rows | None):
                self.blame([((section,), "expected a list")])
            for number, row in enumerate(self.rows(section)):
                self._read_item(section, number, row, kind)

    def _read_item(self, section: str, number: int, row: object, kind: type[Any]) -> None:
        if isinstance(row, dict):
            row = self._flattened(section, number, row)
        item = typed(row, kind, self.zone)
        if not isinstance(item, list):
            self.items[section][number] = item
            return
        self.blame([((section, number, *path), text) for path, text in item])
        if not isinstance(row, dict):
            return
        half = lacking(cast(Hashable, kind))
        for depth in (INNER, OUTER):
            rest = typed(without(row, [path[:depth] for path, _ in item]), half, self.zone)
            if not isinstance(rest, list):
                self.items[section][number] = rest
                return

    def _flattened(self, section: str, number: int, row: dict[str, Any]) -> dict[str, Any]:
        """Return outlines without heights, and boundaries as plain polygons."""
        if section == "zones" and isinstance(row.get("polygon"), list):
            points = row["polygon"]
            return {**row, "polygon": [p[:2] if isinstance(p, list) else p for p in points]}
        if section == "areas" and row.get("boundary") is not None:
            return {**row, "boundary": self._boundary(number, row["boundary"])}
        return row

    def _boundary(self, number: int, value: object) -> dict[str, object] | None:
        try:
            ground = flat_boundary(natural(value))
        except BadGeometry as wrong:
            self.blame([(("areas", number, "boundary"), str(wrong))])
            return None
        if ground is None:
            self.no_ground.append(number)
        return ground


@lru_cache
def lacking(kind: Hashable) -> type[msgspec.Struct]:
    """Return a variant of the kind without required fields."""
    fields: list[tuple[str, Any, Any]] = []
    for one in msgspec.structs.fields(cast(type[msgspec.Struct], kind)):
        given = {"default": None} if one.required else {"default": one.default}
        if one.default_factory is not msgspec.NODEFAULT:
            given = {"default_factory": one.default_factory}
        fields.append((one.name, one.type | None, msgspec.field(name=one.encode_name, **given)))
    return msgspec.defstruct("Lacking", fields, frozen=True, forbid_unknown_fields=True)


def without(row: dict[str, Any], paths: Iterable[Path]) -> dict[str, Any]:
    """Return the row without the values at these paths; an index ends a path."""
    rest = dict(row)
    for key, *inner in filter(None, paths):
        value = rest.get(str(key))
        if inner and isinstance(inner[0], str) and isinstance(value, dict):
            rest[str(key)] = without(value, [tuple(inner)])
        else:
            rest.pop(str(key), None)
    return rest
