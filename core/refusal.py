"""What is wrong with a plain value that `msgspec.convert` refuses: each fault by its path.

The words are ours, so that a message stays what it is whichever version of the library reads.
"""

import difflib
import math
from collections.abc import Hashable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, NamedTuple, cast

import msgspec
from msgspec import inspect

Path = tuple[str | int, ...]
Cause = Literal["missing", "unknown", "type", "range"]
_COLONS = {":": "a space behind the colon", "：": "the colon is full-width"}
NOTHING_NAMED = "does not fit"


class Wrong(NamedTuple):
    """One fault of a value."""

    path: Path  # keys and places, from the outside in
    text: str  # one clause, without the path
    cause: Cause = "type"
    key: str = ""  # of what is missing there

    def __str__(self) -> str:
        """Return the fault with its path: `days.full: expected a number, got 'soon'`."""
        return f"{'.'.join(map(str, self.path))}: {self.text}" if self.path else self.text


def refusal(
    value: object,
    kind: Any,
    *,
    strict: bool = True,
    at: Path = (),
    hidden: frozenset[str] | None = frozenset(),
) -> tuple[Wrong, ...]:
    """Return every fault of a value that can't be a `kind`; at least one.

    `strict` as in `msgspec.convert`; `at` is where the value itself stands. Values below the keys
    `hidden` are not repeated in a text; None hides all of them.
    """
    found = tuple(_Naming(strict, hidden).wrong(value, _shape(cast(Hashable, kind)), at))
    return found or (Wrong(at, NOTHING_NAMED),)


def refused(
    value: object, kind: Any, *, at: Path = (), hidden: frozenset[str] | None = frozenset()
) -> str:
    """Return the faults of a value that can't be a `kind`, as one line."""
    return "; ".join(map(str, refusal(value, kind, at=at, hidden=hidden)))


def unknown_key(key: str, keys: tuple[str, ...]) -> str:
    """Return what is wrong with a key that is none of `keys`: a name, or how it was typed."""
    for colon, fault in _COLONS.items():
        name, found, value = key.partition(colon)
        if found and name.strip() in keys:
            return f"write {f'{name.strip()}: {value.strip()}'!r}, {fault}"
    return f"unknown key {key!r}; {near(key, keys)}"


def near(word: str, words: tuple[str, ...]) -> str:
    """Return a hint at the word that was probably meant, or at all there are."""
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return "known: " + ", ".join(words) if 0 < len(words) <= 24 else ""


@lru_cache
def _shape(kind: Hashable) -> inspect.Type:
    return inspect.type_info(kind)


_EXPECTED: dict[type[inspect.Type], tuple[type, str]] = {
    inspect.StrType: (str, "a text"),
    inspect.IntType: (int, "a whole number"),
    inspect.FloatType: (float, "a number"),
    inspect.BoolType: (bool, "true or false"),
    inspect.DateTimeType: (datetime, "a time like 2026-11-02T09:00"),
}
_NAMES: dict[type, str] = {bool: "true or false", int: "a number", float: "a number", str: "a text"}


class _Naming:
    """One walk over a value and the shape it should have."""

    def __init__(self, strict: bool, hidden: frozenset[str] | None) -> None:
        self._strict, self._hidden = strict, hidden

    def wrong(self, value: object, kind: inspect.Type, path: Path) -> Iterator[Wrong]:
        match kind:
            case inspect.Metadata(type=inner):  # a description and the like
                yield from self.wrong(value, inner, path)
            case inspect.UnionType(types=types):
                yield from self._union(value, types, path)
            case inspect.StructType():
                yield from self._table(value, kind, path)
            case inspect.DictType(value_type=inner):
                yield from self._values(value, inner, path)
            case inspect.VarTupleType(item_type=inner) | inspect.ListType(item_type=inner):
                yield from self._items(value, inner, path)
            case inspect.TupleType(item_types=types):
                yield from self._tuple(value, types, path)
            case _:
                yield from self._scalar(value, kind, path)

    def _union(self, value: object, kinds: tuple[inspect.Type, ...], path: Path) -> Iterator[Wrong]:
        inner = [kind for kind in kinds if not isinstance(kind, inspect.NoneType)]
        if value is None and len(inner) < len(kinds):
            return
        each = [list(self.wrong(value, kind, path)) for kind in inner]
        if all(each):
            yield from each[0]

    def _table(self, value: object, kind: inspect.StructType, path: Path) -> Iterator[Wrong]:
        if not isinstance(value, dict):
            yield self._unlike("a mapping", value, path)
            return
        fields = {field.encode_name: field for field in kind.fields}
        for key, item in value.items():
            field = fields.get(key)
            if field is not None and field.required and item is None:
                yield _missing(key, path)
            elif field is not None:
                yield from self.wrong(item, field.type, (*path, key))
            elif kind.forbid_unknown_fields:
                shown = self._shown_key(str(key))
                yield Wrong((*path, shown), unknown_key(shown, (*fields,)), "unknown")
        for key, field in fields.items():
            if field.required and key not in value:
                yield _missing(key, path)

    def _values(self, value: object, kind: inspect.Type, path: Path) -> Iterator[Wrong]:
        if not isinstance(value, dict):
            yield self._unlike("a mapping", value, path)
            return
        for key, item in value.items():
            yield from self.wrong(item, kind, (*path, key))

    def _items(self, value: object, kind: inspect.Type, path: Path) -> Iterator[Wrong]:
        if not isinstance(value, list):
            yield self._unlike("a list", value, path)
            return
        for n, item in enumerate(value):
            yield from self.wrong(item, kind, (*path, n))

    def _tuple(self, value: object, kinds: tuple[inspect.Type, ...], path: Path) -> Iterator[Wrong]:
        if not isinstance(value, list) or len(value) != len(kinds):
            yield self._unlike(f"a list of {len(kinds)}", value, path)
            return
        for n, (item, kind) in enumerate(zip(value, kinds, strict=True)):
            yield from self.wrong(item, kind, (*path, n))

    def _scalar(self, value: object, kind: inspect.Type, path: Path) -> Iterator[Wrong]:
        words = _choices(kind)
        if words:
            if value not in words:
                yield Wrong(path, f"{self._shown(value, path)} is none of {', '.join(words)}")
            return
        if type(kind) not in _EXPECTED:
            return
        wanted, what = _EXPECTED[type(kind)]
        try:
            read: object = msgspec.convert(value, wanted, strict=self._strict)
        except msgspec.ValidationError:
            yield self._unlike(what, value, path)
            return
        if isinstance(read, float) and not math.isfinite(read):
            yield self._unlike(what, value, path)
        elif (beyond := _beyond(read, kind)) is not None:
            yield Wrong(path, f"{self._number(value, path)}{beyond}", "range")
        elif (length := _wrong_length(read, kind)) is not None:
            yield Wrong(path, length)

    def _shown_key(self, key: str) -> str:
        """Return a key without the value that was typed into it, where that is a secret."""
        for colon in _COLONS:
            name, found, _ = key.partition(colon)
            if found and name in (self._hidden or ()):
                return f"{name}{colon}..."
        return key

    def _unlike(self, what: str, value: object, path: Path) -> Wrong:
        return Wrong(path, f"expected {what}, got {self._shown(value, path)}")

    def _number(self, value: object, path: Path) -> str:
        is_hidden = self._hidden is None or self._hidden & set(path)
        return "" if is_hidden else f"{value} is "

    def _shown(self, value: object, path: Path) -> str:
        if isinstance(value, dict):
            return "a mapping"
        if isinstance(value, list):
            return f"a list of {len(value)}"
        if value is None:
            return "nothing"
        if self._hidden is None:
            return _NAMES.get(type(value), "something else")
        if self._hidden & set(path):
            return "something else"
        text = str(value)
        return repr(text if len(text) <= 60 else text[:57] + "...")


def _missing(key: str, path: Path) -> Wrong:
    return Wrong(path, f"{key!r} is missing", "missing", key)


def _choices(kind: inspect.Type) -> tuple[str, ...]:
    match kind:
        case inspect.LiteralType(values=values):
            return tuple(str(value) for value in values)
        case inspect.EnumType(cls=cls):
            return tuple(str(member.value) for member in cls)
    return ()


def _beyond(read: Any, kind: inspect.Type) -> str | None:
    """Return how a number lies beyond the bounds of its type."""
    match kind:
        case inspect.IntType(ge=low, le=high) | inspect.FloatType(ge=low, le=high):
            if low is not None and read < low:
                return f"less than {low}"
            if high is not None and read > high:
                return f"more than {high}"
    return None


def _wrong_length(read: Any, kind: inspect.Type) -> str | None:
    """Return how many characters a text has, where its type allows fewer or more."""
    match kind:
        case inspect.StrType(min_length=low, max_length=high):
            if low is not None and len(read) < low:
                return f"{len(read)} characters; at least {low}"
            if high is not None and len(read) > high:
                return f"{len(read)} characters; at most {high}"
    return None
