"""Plain tables become frozen values of our types, or faults that name each wrong field.

The quick road is one `msgspec.convert` an item. Only an item that it refuses is walked field by
field, so that every fault in it is named and not just the first.
"""

import difflib
import math
from collections.abc import Callable, Hashable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo

import msgspec
from msgspec import inspect

from deploy.town.marked import Path

T = TypeVar("T")
Wrong = tuple[Path, str]  # where, and what is wrong
Prepare = Callable[[Any, ZoneInfo], Any]
SECRET = frozenset(("channel",))  # keys whose values are never repeated in a message


def typed(value: object, kind: type[T], zone: ZoneInfo) -> T | list[Wrong]:
    """Return `value` as a `kind`, or what is wrong; times without a zone are `zone`'s and become
    UTC."""
    shape, prepare = _shape(cast(Hashable, kind))
    prepared = prepare(value, zone)
    try:
        return msgspec.convert(prepared, kind, strict=False)
    except msgspec.ValidationError as refused:
        return list(_wrong(prepared, shape, ())) or [((), str(refused))]


def natural(value: object) -> object:
    """Return what YAML makes of plain text where no type says: numbers and truth values."""
    if isinstance(value, dict):
        return {key: natural(item) for key, item in value.items()}
    if isinstance(value, list):
        return [natural(item) for item in value]
    if not isinstance(value, str):
        return value
    if value in ("true", "false"):
        return value == "true"
    return _number(value)


def near(word: str, words: tuple[str, ...]) -> str:
    """Return a hint at the word that was probably meant, or at all there are."""
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return "known: " + ", ".join(words) if 0 < len(words) <= 24 else ""


def _number(text: str) -> object:
    if "_" in text or not text[-1:].isdigit():
        return text
    for as_number in (int, float):
        try:
            return as_number(text)
        except ValueError:
            continue
    return text


@lru_cache
def _shape(kind: Hashable) -> tuple[inspect.Type, Prepare]:
    shape = inspect.type_info(kind)
    return shape, _preparing(shape)


# ---------------------------------------------------------------- preparing


def _as_it_is(value: object, _zone: ZoneInfo) -> object:
    return value


def _moment(value: object, zone: ZoneInfo) -> object:
    """Return a local or absolute ISO time as UTC; what is none stays what it was."""
    if not isinstance(value, str):
        return value
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return value
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def _preparing(kind: inspect.Type) -> Prepare:
    """Return what must be done to plain text before `msgspec.convert` can read it as this type."""
    match kind:
        case inspect.DateTimeType():
            return _moment
        case inspect.AnyType() | inspect.CustomType():  # `object`
            return lambda value, _zone: natural(value)
        case inspect.UnionType(types=types):
            inner = [kind for kind in types if not isinstance(kind, inspect.NoneType)]
            return _preparing(inner[0]) if len(inner) == 1 else _as_it_is
        case inspect.DictType(value_type=inner):
            return _each_value(_preparing(inner))
        case inspect.VarTupleType(item_type=inner) | inspect.ListType(item_type=inner):
            return _each_item(_preparing(inner))
        case inspect.StructType(fields=fields):
            each = {field.encode_name: _preparing(field.type) for field in fields}
            return _fields({key: step for key, step in each.items() if step is not _as_it_is})
    return _as_it_is


def _each_item(step: Prepare) -> Prepare:
    if step is _as_it_is:
        return _as_it_is
    return lambda value, zone: (
        [step(item, zone) for item in value] if isinstance(value, list) else value
    )


def _each_value(step: Prepare) -> Prepare:
    return lambda value, zone: (
        {key: step(item, zone) for key, item in value.items()} if isinstance(value, dict) else value
    )


def _fields(steps: dict[str, Prepare]) -> Prepare:
    def prepared(value: object, zone: ZoneInfo) -> object:
        if not isinstance(value, dict):
            return value
        given = {key: item for key, item in value.items() if item is not None}
        for key, step in steps.items():
            if key in given:
                given[key] = step(given[key], zone)
        return given

    return prepared


# ---------------------------------------------------------------- naming what is wrong


def _wrong(value: object, kind: inspect.Type, path: Path) -> Iterator[Wrong]:
    match kind:
        case inspect.UnionType(types=types):
            if value is not None:
                inner = [kind for kind in types if not isinstance(kind, inspect.NoneType)]
                yield from _wrong(value, inner[0], path)
        case inspect.StructType():
            yield from _wrong_table(value, kind, path)
        case inspect.DictType(value_type=inner):
            yield from _wrong_values(value, inner, path)
        case inspect.VarTupleType(item_type=inner) | inspect.ListType(item_type=inner):
            yield from _wrong_items(value, inner, path)
        case inspect.TupleType(item_types=types):
            yield from _wrong_tuple(value, types, path)
        case _:
            yield from _wrong_scalar(value, kind, path)


def _wrong_table(value: object, kind: inspect.StructType, path: Path) -> Iterator[Wrong]:
    if not isinstance(value, dict):
        yield path, f"expected a mapping, got {_shown(value, path)}"
        return
    fields = {field.encode_name: field for field in kind.fields}
    for key, item in value.items():
        if key in fields:
            yield from _wrong(item, fields[key].type, (*path, key))
        else:
            yield (*path, key), f"unknown key {key!r}; {near(key, tuple(fields))}"
    for key, field in fields.items():
        if field.required and key not in value:
            yield path, f"{key!r} is missing"


def _wrong_values(value: object, kind: inspect.Type, path: Path) -> Iterator[Wrong]:
    if not isinstance(value, dict):
        yield path, f"expected a mapping, got {_shown(value, path)}"
        return
    for key, item in value.items():
        yield from _wrong(item, kind, (*path, key))


def _wrong_items(value: object, kind: inspect.Type, path: Path) -> Iterator[Wrong]:
    if not isinstance(value, list):
        yield path, f"expected a list, got {_shown(value, path)}"
        return
    for n, item in enumerate(value):
        yield from _wrong(item, kind, (*path, n))


def _wrong_tuple(value: object, kinds: tuple[inspect.Type, ...], path: Path) -> Iterator[Wrong]:
    if not isinstance(value, list) or len(value) != len(kinds):
        yield path, f"expected a list of {len(kinds)}, got {_shown(value, path)}"
        return
    for n, (item, kind) in enumerate(zip(value, kinds, strict=True)):
        yield from _wrong(item, kind, (*path, n))


EXPECTED: dict[type[inspect.Type], tuple[type, str]] = {
    inspect.StrType: (str, "a text"),
    inspect.IntType: (int, "a whole number"),
    inspect.FloatType: (float, "a number"),
    inspect.BoolType: (bool, "true or false"),
    inspect.DateTimeType: (datetime, "a time like 2026-11-02T09:00"),
}


def _wrong_scalar(value: object, kind: inspect.Type, path: Path) -> Iterator[Wrong]:
    words = _choices(kind)
    if words:
        if value not in words:
            yield path, f"{_shown(value, path)} is none of {', '.join(words)}"
        return
    if type(kind) not in EXPECTED:
        return
    wanted, what = EXPECTED[type(kind)]
    try:
        read: object = msgspec.convert(value, wanted, strict=False)
    except msgspec.ValidationError:
        yield path, f"expected {what}, got {_shown(value, path)}"
        return
    if isinstance(read, float) and not math.isfinite(read):
        yield path, f"expected {what}, got {_shown(value, path)}"


def _choices(kind: inspect.Type) -> tuple[str, ...]:
    match kind:
        case inspect.LiteralType(values=values):
            return tuple(str(value) for value in values)
        case inspect.EnumType(cls=cls):
            return tuple(str(member.value) for member in cls)
    return ()


def _shown(value: object, path: Path) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if value is None:
        return "nothing"
    if SECRET & set(path):
        return "something else"
    text = str(value)
    return repr(text if len(text) <= 60 else text[:57] + "...")
