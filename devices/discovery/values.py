"""The values that templates work with: printed, compared, added, with every step counted.

Nothing of Python's own is called on a list that a template made: one that holds itself thirty
times over takes no memory, and for ever to print, to compare or to hash.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from devices.discovery.limits import LARGEST_NUMBER, Budget, TemplateFault

SCALARS = (str, int, float, bool, type(None))
_FORMAT = re.compile(r"%(?:%|[-+0 ]{0,3}\d{0,2}(?:\.\d{1,2})?[dfsxeg])")


class Undefined:
    """What is not there: prints as nothing, is false, and can be nothing but asked about."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __bool__(self) -> bool:
        return False


class Namespace:
    """Jinja's `namespace`: the one thing whose fields a loop may change."""

    __slots__ = ("fields",)

    def __init__(self, fields: dict[str, Any]) -> None:
        self.fields = fields


def known(value: Any) -> Any:
    """Return a value that is there. Raises TemplateFault."""
    if isinstance(value, Undefined):
        raise TemplateFault(f"{value.name} is not there")
    return value


def printed(value: Any, budget: Budget) -> str:
    """Return a value as Jinja prints it."""
    if isinstance(value, str):
        return budget.text(value)
    if isinstance(value, Undefined):
        return ""
    if isinstance(value, SCALARS):
        return budget.text(str(value))
    return budget.text("".join(_pieces(value, budget)))


def _pieces(value: Any, budget: Budget, depth: int = 0) -> Iterator[str]:
    budget.spend()
    if depth > 20:
        raise TemplateFault("it nests lists too deeply")
    if isinstance(value, SCALARS):
        yield budget.text(repr(value))
    elif isinstance(value, Mapping):
        yield "{"
        for n, (key, item) in enumerate(value.items()):
            yield f"{', ' if n else ''}{key!r}: "
            yield from _pieces(item, budget, depth + 1)
        yield "}"
    elif isinstance(value, list | tuple):
        yield "(" if isinstance(value, tuple) else "["
        for n, item in enumerate(value):
            yield ", " if n else ""
            yield from _pieces(item, budget, depth + 1)
        yield (",)" if len(value) == 1 else ")") if isinstance(value, tuple) else "]"
    else:
        yield "undefined"


def plain(value: Any, budget: Budget, depth: int = 0) -> Any:
    """Return a value of lists and objects alone, as JSON has them."""
    budget.spend()
    if depth > 20:
        raise TemplateFault("it nests lists too deeply")
    if isinstance(value, str):
        return budget.text(value)
    if isinstance(value, SCALARS):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item, budget, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, budget, depth + 1) for item in value]
    raise TemplateFault("it writes as JSON what is no JSON")


def equal(one: Any, other: Any, budget: Budget) -> bool:
    """Return True if two values are equal, as Python would say."""
    budget.spend()
    if isinstance(one, SCALARS) and isinstance(other, SCALARS):
        if isinstance(one, str):
            budget.length(len(one))
        return bool(one == other)
    if isinstance(one, Undefined) or isinstance(other, Undefined):
        return isinstance(one, Undefined) and isinstance(other, Undefined)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return len(one) == len(other) and all(
            key in other and equal(item, other[key], budget) for key, item in one.items()
        )
    if isinstance(one, list | tuple) and type(one) is type(other):
        pairs = zip(one, other, strict=False)
        return len(one) == len(other) and all(equal(a, b, budget) for a, b in pairs)
    return False


def holds(whole: Any, part: Any, budget: Budget) -> bool:
    """Return True if `part` is in `whole`: a text in a text, an item, a key."""
    if isinstance(whole, str):
        budget.length(len(whole))
        return isinstance(part, str) and part in whole
    if isinstance(whole, Mapping):
        return isinstance(part, SCALARS) and part in whole
    return any(equal(item, part, budget) for item in items(whole, budget))


def items(value: Any, budget: Budget) -> Iterator[Any]:
    """Yield what a loop goes through, each item paid for."""
    if isinstance(value, Undefined):
        return
    if not isinstance(value, str | Mapping | list | tuple):
        raise TemplateFault("it goes through what is no list")
    for item in value:
        budget.spend()
        yield item


def made_list(found: Iterable[Any], budget: Budget) -> list[Any]:
    """Return a new list of what was found."""
    made = list(found)
    budget.items(len(made))
    return made


def word(value: Any) -> str:
    """Return a name or sign that a template gives: a text or a number. Raises TemplateFault."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return str(value)
    raise TemplateFault("it gives a list where a word belongs")


def number(value: Any) -> int | float:
    """Return a value that can be reckoned with. Raises TemplateFault."""
    if not isinstance(known(value), int | float):
        raise TemplateFault("it reckons with what is no number")
    checked: int | float = value
    return checked


def bounded(value: Any) -> Any:
    """Return a number that is not too large. Raises TemplateFault."""
    if isinstance(value, int) and not -LARGEST_NUMBER < value < LARGEST_NUMBER:
        raise TemplateFault("it makes a number that is too large")
    return value


def added(one: Any, other: Any, budget: Budget) -> Any:
    """Return the sum of numbers, or two texts or lists behind one another."""
    if isinstance(one, str) and isinstance(other, str):
        budget.length(len(one) + len(other))
        return one + other
    for kind in (list, tuple):
        if isinstance(one, kind) and isinstance(other, kind):
            budget.items(len(one) + len(other))
            return kind((*one, *other))
    return bounded(number(one) + number(other))


def multiplied(one: Any, other: Any, budget: Budget) -> Any:
    """Return a product of numbers, or a text or list so many times."""
    for whole, times in ((one, other), (other, one)):
        if isinstance(whole, str | list | tuple) and isinstance(times, int):
            count = max(times, 0)
            size = len(whole) * count
            (budget.length if isinstance(whole, str) else budget.items)(size)
            return whole * count
    return bounded(number(one) * number(other))


def raised(one: Any, other: Any) -> Any:
    """Return a power; of whole numbers a small one, of others a decimal number."""
    base, exponent = number(one), number(other)
    if isinstance(base, int) and isinstance(exponent, int) and exponent >= 0:
        if abs(base) > 1 and exponent > 100:
            raise TemplateFault("it makes a number that is too large")
        return bounded(base**exponent)
    return math.pow(base, exponent)


def formatted(pattern: Any, values: tuple[Any, ...], budget: Budget) -> str:
    """Return a text in `printf` form: short widths, plain letters. Raises TemplateFault."""
    if not isinstance(pattern, str) or "%" in _FORMAT.sub("", pattern):
        raise TemplateFault("it writes in a form that is not known here")
    if not all(isinstance(value, SCALARS) for value in values):
        raise TemplateFault("it writes what is no text and no number")
    budget.length(len(pattern) + 100 * len(values) + sum(len(str(each)) for each in values))
    return budget.text(pattern % values)
