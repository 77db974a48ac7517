"""Plain tables become frozen values of our types, or faults that name each wrong field.

The quick road is one `msgspec.convert` an item. Only an item that it refuses is walked field by
field, so that every fault in it is named and not just the first.
"""

from collections.abc import Callable, Hashable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo

import msgspec
from msgspec import inspect

from core.refusal import refusal
from deploy.town.marked import Path

T = TypeVar("T")
Wrong = tuple[Path, str]  # where, and what is wrong
Prepare = Callable[[Any, ZoneInfo], Any]
SECRET = frozenset(("channel",))  # keys whose values are never repeated in a message


def typed(value: object, kind: type[T], zone: ZoneInfo) -> T | list[Wrong]:
    """`value` as a `kind`; times without a zone are `zone`'s and become UTC. Or what is wrong."""
    prepared = _prepare(cast(Hashable, kind))(value, zone)
    try:
        return msgspec.convert(prepared, kind, strict=False)
    except msgspec.ValidationError:
        found = refusal(prepared, kind, strict=False, hidden=SECRET)
        return [(wrong.path, wrong.text) for wrong in found]


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
def _prepare(kind: Hashable) -> Prepare:
    return _preparing(inspect.type_info(kind))


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
            return _fields({field.encode_name: _preparing(field.type) for field in fields})
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
    """Return what prepares each field; one without a value is left out, as if it were not there.

    A key that is no field stays, and is refused: `{grace_minutes:15}` is a key without a value.
    """
    working = {key: step for key, step in steps.items() if step is not _as_it_is}

    def prepared(value: object, zone: ZoneInfo) -> object:
        if not isinstance(value, dict):
            return value
        given = {key: item for key, item in value.items() if item is not None or key not in steps}
        for key, step in working.items():
            if key in given:
                given[key] = step(given[key], zone)
        return given

    return prepared
