"""YAML as plain tables and rows that know their lines.

Every plain scalar stays text (`0012` keeps its zeros, `20:00` is no number of minutes) and an
empty one is None; what it means is decided by the type it is read as. Built from libyaml's
events: no recursion, so no depth can hurt, and 20 MB take a few seconds.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceStartEvent,
)

DEEPEST = 50  # levels; a GeoJSON boundary needs about ten
TOO_DEEP = f"nested deeper than {DEEPEST} levels; close the lists and mappings that stand open here"
EMPTY = frozenset(("", "~", "null", "Null", "NULL"))
CORE_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq")
)


class Fault(msgspec.Struct, frozen=True, order=True):
    """One thing that is wrong, and where."""

    line: int  # 1-based
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}"


class Table(dict[str, object]):
    """A YAML mapping: its own line, and the line of each key."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}


class Rows(list[object]):
    """A YAML sequence: its own line, and the line of each item."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: list[int] = []


class Broken(Exception):
    """The text can't be read any further; carries the faults found."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = faults


Path = tuple[str | int, ...]


def line_of(tree: object, path: Path) -> int:
    """Return the line at which `path` stands, or that of the nearest thing around it."""
    line = getattr(tree, "line", 1)
    for step in path:
        if isinstance(tree, Table) and isinstance(step, str):
            line, tree = tree.lines.get(step, line), tree.get(step)
        elif isinstance(tree, Rows) and isinstance(step, int) and step < len(tree):
            line, tree = tree.lines[step], tree[step]
        else:
            break
    return line


def parse(text: str) -> tuple[object, list[Fault]]:
    """Return the one document of a YAML text, and what is wrong with its form.

    Raises `Broken` where it is not YAML at all.
    """
    building = _Building()
    for event in _events(text, building):
        building.take(event)
    return building.root, building.faults


def _events(text: str, building: "_Building") -> Iterator[Any]:
    try:
        yield from yaml.parse(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as wrong:
        raise Broken([*building.faults, _refused(text, wrong)]) from None
    except (yaml.YAMLError, UnicodeError) as wrong:
        fault = Fault(1, f"not YAML: {' '.join(str(wrong).split())}")
        raise Broken([*building.faults, fault]) from None


def _refused(text: str, wrong: yaml.MarkedYAMLError) -> Fault:
    """Return what stopped libyaml: in our words where we know the mend, else in its own."""
    mark = wrong.problem_mark or wrong.context_mark
    if mark is None:
        return Fault(1, f"not YAML: {wrong.problem}")
    begun = text[: mark.index].rpartition("\n")[2]
    if text[mark.index : mark.index + 1] == "\t" and not begun.strip():
        return Fault(mark.line + 1, "not YAML: a tab before the first word; indent with spaces")
    # libyaml reads a line ahead before it hands out the brackets, and newer ones give up in it.
    if _brackets_open(begun) > DEEPEST:
        return Fault(mark.line + 1, TOO_DEEP)
    said = ", ".join(part for part in (wrong.context, wrong.problem) if part)
    return Fault(mark.line + 1, f"not YAML: {said}")


def _brackets_open(begun: str) -> int:
    return sum(begun.count(each) for each in "[{") - sum(begun.count(each) for each in "]}")


class _Building:
    """The tree so far: the open containers and the key that waits for its value."""

    def __init__(self) -> None:
        self.root: object = None
        self.faults: list[Fault] = []
        self._open: list[Table | Rows] = []
        self._keys: list[tuple[str, int] | None] = []  # with their lines; one an open container
        self._documents = 0

    def take(self, event: Any) -> None:
        kind = type(event)
        if kind is ScalarEvent:
            self._scalar(event)
        elif kind is MappingStartEvent:
            self._begin(event, Table(event.start_mark.line + 1))
        elif kind is SequenceStartEvent:
            self._begin(event, Rows(event.start_mark.line + 1))
        elif kind in (yaml.MappingEndEvent, yaml.SequenceEndEvent):
            self._open.pop()
            self._keys.pop()
        elif kind is AliasEvent:
            self._fault(event, f"*{event.anchor}: aliases are not read; write the value out")
            self._place(None, event.start_mark.line + 1)
        elif kind is DocumentStartEvent:
            self._document(event)

    def _scalar(self, event: Any) -> None:
        value = event.value
        if event.tag is not None:
            self._check_tag(event)
        if "\0" in value:
            self._fault(event, r"a text must not hold the character \0")
            value = value.replace("\0", "")
        empty = event.implicit[0] and value in EMPTY
        self._place(None if empty else value, event.start_mark.line + 1)

    def _begin(self, event: Any, made: Table | Rows) -> None:
        if event.tag is not None:
            self._check_tag(event)
        if len(self._open) >= DEEPEST:
            raise Broken([*self.faults, Fault(made.line, TOO_DEEP)])
        self._place(made, made.line)
        self._open.append(made)
        self._keys.append(None)

    def _place(self, value: object, line: int) -> None:
        if not self._open:
            self.root = value
            return
        top = self._open[-1]
        if isinstance(top, Rows):
            top.append(value)
            top.lines.append(line)
            return
        if self._keys[-1] is None:
            self._keys[-1] = (self._as_key(value, line), line)
            return
        key, line = self._keys[-1]
        if key in top:
            first = top.lines[key]
            self.faults.append(Fault(line, f"{key!r} stands twice here (first on line {first})"))
        top[key] = value
        top.lines[key] = line
        self._keys[-1] = None

    def _as_key(self, value: object, line: int) -> str:
        if isinstance(value, str):
            return value
        self.faults.append(Fault(line, "a key must be a word"))
        return ""

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            line = event.start_mark.line + 1
            raise Broken([*self.faults, Fault(line, "a second document: one file, one town")])

    def _check_tag(self, event: Any) -> None:
        if event.tag not in CORE_TAGS:
            self._fault(event, f"tag {event.tag}: tags are not read; write a plain value")

    def _fault(self, event: Any, text: str) -> None:
        self.faults.append(Fault(event.start_mark.line + 1, text))
