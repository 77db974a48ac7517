"""What a template may call: the filters, tests, functions and methods of Jinja and Home Assistant
that value templates use, and no others. Each takes the budget first.

Written after https://jinja.palletsprojects.com/en/stable/templates/ and
https://www.home-assistant.io/docs/configuration/templating/.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from devices.codecs.body import json_body
from devices.discovery.limits import LONGEST_LIST, Budget, TemplateFault
from devices.discovery.patterns import search
from devices.discovery.values import (
    SCALARS,
    Namespace,
    Undefined,
    added,
    bounded,
    equal,
    formatted,
    holds,
    items,
    known,
    made_list,
    multiplied,
    number,
    plain,
    printed,
    word,
)
from devices.readings import Rejection

Function = Callable[..., Any]
_MISSING = Undefined("a default")


# ------------------------------------------------------------------ single values


def _default(budget: Budget, value: Any, instead: Any = "", boolean: bool = False) -> Any:
    missing = isinstance(value, Undefined) or (boolean and not value)
    return instead if missing else value


def _float(budget: Budget, value: Any, default: Any = _MISSING) -> Any:
    try:
        made = float(value[:60] if isinstance(value, str) else number(value))
    except (ValueError, OverflowError, TemplateFault):
        return _instead(default, "no number")
    return made if math.isfinite(made) else _instead(default, "no number")


def _int(budget: Budget, value: Any, default: Any = _MISSING, base: int = 10) -> Any:
    try:
        if isinstance(value, str):
            written = value[:60].strip()
            whole = base != 10 or written.lstrip("+-").isdigit()
            return bounded(int(written, base) if whole else int(float(written)))
        return bounded(int(number(value)))
    except (ValueError, OverflowError, TemplateFault):
        return _instead(default, "no whole number")


def _instead(default: Any, why: str) -> Any:
    if default is _MISSING:
        raise TemplateFault(f"the value is {why}")
    return default


def _round(budget: Budget, value: Any, precision: int = 0, method: str = "common") -> Any:
    scale = 10 ** max(-10, min(int(precision), 10))
    exact = number(value)
    if method == "ceil":
        made: float = math.ceil(exact * scale) / scale
    elif method == "floor":
        made = math.floor(exact * scale) / scale
    else:
        made = round(exact, max(-10, min(int(precision), 10)))
    return int(made) if precision == 0 and isinstance(value, int) else made


def _bool(budget: Budget, value: Any, default: Any = _MISSING) -> Any:
    said = printed(value, budget).strip().casefold()
    if said in ("true", "yes", "on", "enable", "1", "1.0"):
        return True
    if said in ("false", "no", "off", "disable", "0", "0.0"):
        return False
    return _instead(default, "neither yes nor no")


def _iif(budget: Budget, value: Any, yes: Any = True, no: Any = False, none: Any = _MISSING) -> Any:
    if value is None and none is not _MISSING:
        return none
    return yes if value else no


def _bits(budget: Budget, value: Any, other: Any) -> int:
    one, two = number(value), number(other)
    if not isinstance(one, int) or not isinstance(two, int):
        raise TemplateFault("it takes the bits of what is no whole number")
    return one & two


def _either_bits(budget: Budget, value: Any, other: Any) -> int:
    return int(number(value)) | int(number(other))


# ------------------------------------------------------------------ texts


def _text(change: Callable[[str], str]) -> Function:
    return lambda budget, value, *more: budget.text(change(printed(value, budget)))


def _trim(budget: Budget, value: Any, chars: str | None = None) -> str:
    return printed(value, budget).strip(chars)


def _replace(budget: Budget, value: Any, old: Any, new: Any, count: int = -1) -> str:
    text, before, after = (printed(each, budget) for each in (value, old, new))
    budget.length(len(text) + text.count(before) * len(after))
    return text.replace(before, after, count)


def _split(budget: Budget, value: str, *how: Any) -> list[Any]:
    budget.length(len(value))
    return made_list(value.split(word(how[0]) if how else None, LONGEST_LIST), budget)


def _join(budget: Budget, value: Any, between: str = "", attribute: Any = None) -> str:
    found = [_attribute(item, attribute) for item in items(value, budget)]
    texts = [printed(item, budget) for item in found]
    budget.length(sum(map(len, texts)) + len(word(between)) * len(texts))
    return word(between).join(texts)


def _format(budget: Budget, value: Any, *values: Any) -> str:
    return formatted(value, values, budget)


def _matches(how: str) -> Function:
    def run(budget: Budget, value: Any, pattern: str, ignorecase: bool = False) -> bool:
        text = printed(value, budget)
        found = search(f"(?i){word(pattern)}" if ignorecase else word(pattern), text, budget)
        return (found.match if how == "match" else found.search)(text) is not None

    return run


def _findall(budget: Budget, value: Any, pattern: str, ignorecase: bool = False) -> list[Any]:
    text = printed(value, budget)
    compiled = search(f"(?i){word(pattern)}" if ignorecase else word(pattern), text, budget)
    return made_list(compiled.findall(text), budget)


def _findall_index(budget: Budget, value: Any, pattern: str, index: int = 0) -> Any:
    found = _findall(budget, value, pattern)
    return found[index] if -len(found) <= index < len(found) else Undefined("a match")


def _regex_replace(budget: Budget, value: Any, find: str = "", replace: str = "") -> str:
    text = printed(value, budget)
    compiled = search(word(find), text, budget)
    budget.length(len(text) + (len(text) + 1) * len(word(replace)))
    return budget.text(compiled.sub(lambda _: word(replace), text))


def _to_json(budget: Budget, value: Any, **_: Any) -> str:
    return budget.text(msgspec.json.encode(plain(value, budget)).decode())


def _from_json(budget: Budget, value: Any) -> Any:
    read = json_body(printed(value, budget).encode())
    if isinstance(read, Rejection):
        raise TemplateFault("it reads as JSON what is none")
    return read


# ------------------------------------------------------------------ lists


def _length(budget: Budget, value: Any) -> int:
    if not isinstance(known(value), str | Mapping | list | tuple):
        raise TemplateFault("it counts what is no list")
    return len(value)


def _first(budget: Budget, value: Any) -> Any:
    return next(items(value, budget), Undefined("a first item"))


def _last(budget: Budget, value: Any) -> Any:
    found = list(items(value, budget))
    return found[-1] if found else Undefined("a last item")


def _list(budget: Budget, value: Any) -> list[Any]:
    return made_list(items(value, budget), budget)


def _reverse(budget: Budget, value: Any) -> Any:
    found = list(items(value, budget))[::-1]
    return "".join(found) if isinstance(value, str) else made_list(found, budget)


def _ordered(value: Any, budget: Budget) -> list[Any]:
    found = made_list(items(value, budget), budget)
    budget.spend(len(found) * 2)
    alike = all(isinstance(each, str) for each in found) or all(
        isinstance(each, int | float) for each in found
    )
    if not alike:
        raise TemplateFault("it puts in order what can't be compared")
    budget.length(sum(len(each) for each in found if isinstance(each, str)))
    return sorted(found)


def _sort(budget: Budget, value: Any, reverse: bool = False) -> list[Any]:
    found = _ordered(value, budget)
    return found[::-1] if reverse else found


def _edge(last: bool) -> Function:
    def run(budget: Budget, value: Any, *more: Any) -> Any:
        found = _ordered([value, *more] if more else value, budget)
        return found[-1 if last else 0] if found else Undefined("an item")

    return run


def _sum(budget: Budget, value: Any, attribute: Any = None, start: Any = 0) -> Any:
    total = start
    for item in items(value, budget):
        total = added(total, _attribute(item, attribute), budget)
    return total


def _attribute(item: Any, name: Any) -> Any:
    """Return an item's field or place, as `map(attribute=...)` asks; the item itself for None."""
    if name is None:
        return item
    for step in word(name).split("."):
        if isinstance(item, Mapping):
            item = item.get(step, Undefined(step))
        elif isinstance(item, list | tuple) and step.lstrip("-").isdigit():
            place = int(step[:6])
            item = item[place] if -len(item) <= place < len(item) else Undefined(step)
        else:
            return Undefined(word(name))
    return item


def _map(budget: Budget, value: Any, name: str = "", *more: Any, **how: Any) -> list[Any]:
    found = items(value, budget)
    if "attribute" in how:
        default = how.get("default", _MISSING)
        told = (_attribute(item, how["attribute"]) for item in found)
        return made_list(
            (default if isinstance(t, Undefined) and default is not _MISSING else t for t in told),
            budget,
        )
    call = FILTERS.get(word(name))
    if call is None:
        raise TemplateFault(f"the filter {word(name)[:40]!r} is not known here")
    return made_list((call(budget, item, *more, **how) for item in found), budget)


def _chosen(*, keeps: bool, by_attribute: bool) -> Function:
    """`select`, `reject`, `selectattr`, `rejectattr`: one function in four shapes."""

    def run(budget: Budget, value: Any, *asked: Any) -> list[Any]:
        name, asked = (asked[0], asked[1:]) if by_attribute and asked else (None, asked)
        fits = _test_of(asked)
        found = items(value, budget)
        return made_list(
            (item for item in found if fits(budget, _attribute(item, name)) == keeps), budget
        )

    return run


def _test_of(asked: tuple[Any, ...]) -> Function:
    if not asked:
        return lambda budget, value: bool(value)
    test = TESTS.get(word(asked[0]))
    if test is None:
        raise TemplateFault(f"the test {word(asked[0])[:40]!r} is not known here")
    return lambda budget, value: bool(test(budget, value, *asked[1:]))


def _zip(budget: Budget, *lists: Any) -> list[Any]:
    found = [list(items(each, budget)) for each in lists]
    return made_list(zip(*found, strict=False), budget)


def _range(budget: Budget, *bounds: Any) -> list[int]:
    if not 1 <= len(bounds) <= 3 or not all(isinstance(each, int) for each in bounds):
        raise TemplateFault("it counts by what is no whole number")
    if len(bounds) == 3 and bounds[2] == 0:
        raise TemplateFault("it counts by 0")
    counted = range(*bounds)
    budget.items(min(len(counted), LONGEST_LIST + 1) if abs(bounds[-1]) < 10**15 else 10**9)
    return list(counted)


def _from_keys(budget: Budget, pairs: Any) -> dict[Any, Any]:
    """`dict.from_keys`, as Home Assistant has it: pairs of key and value."""
    made: dict[Any, Any] = {}
    for pair in items(pairs, budget):
        if not isinstance(pair, list | tuple) or len(pair) != 2 or not is_key(pair[0]):
            raise TemplateFault("it makes an object of what are no pairs")
        made[pair[0]] = pair[1]
    return made


def is_key(value: Any) -> bool:
    """Return True if a value can be a key: a text or number, which costs nothing to look up."""
    return isinstance(value, SCALARS)


def _dict(budget: Budget, pairs: Any = (), **fields: Any) -> dict[Any, Any]:
    first = dict(pairs) if isinstance(pairs, Mapping) else _from_keys(budget, pairs)
    budget.items(len(first) + len(fields))
    return first | fields


def _items(budget: Budget, value: Any) -> list[Any]:
    if isinstance(value, Undefined):
        return []
    if not isinstance(value, Mapping):
        raise TemplateFault("it takes the fields of what is no object")
    return made_list(value.items(), budget)


def _namespace(budget: Budget, **fields: Any) -> Namespace:
    return Namespace(fields)


# ------------------------------------------------------------------ by name

FILTERS: dict[str, Function] = {
    **dict.fromkeys(("default", "d"), _default),
    **dict.fromkeys(("length", "count"), _length),
    **dict.fromkeys(("to_json", "tojson"), _to_json),
    "abs": lambda budget, value: abs(number(value)),
    "add": lambda budget, value, more, default=_MISSING: added(number(value), more, budget),
    "bitwise_and": _bits,
    "bitwise_or": _either_bits,
    "bool": _bool,
    "capitalize": _text(str.capitalize),
    "contains": lambda budget, value, part: holds(value, part, budget),
    "first": _first,
    "float": _float,
    "format": _format,
    "from_json": _from_json,
    "iif": _iif,
    "int": _int,
    "is_defined": lambda budget, value: known(value),
    "items": _items,
    "join": _join,
    "last": _last,
    "list": _list,
    "lower": _text(str.lower),
    "map": _map,
    "max": _edge(last=True),
    "min": _edge(last=False),
    "multiply": lambda budget, value, by, default=_MISSING: multiplied(number(value), by, budget),
    "regex_findall": _findall,
    "regex_findall_index": _findall_index,
    "regex_match": _matches("match"),
    "regex_replace": _regex_replace,
    "regex_search": _matches("search"),
    "reject": _chosen(keeps=False, by_attribute=False),
    "rejectattr": _chosen(keeps=False, by_attribute=True),
    "replace": _replace,
    "reverse": _reverse,
    "round": _round,
    "select": _chosen(keeps=True, by_attribute=False),
    "selectattr": _chosen(keeps=True, by_attribute=True),
    "sort": _sort,
    "string": _text(str),
    "sum": _sum,
    "title": _text(str.title),
    "trim": _trim,
    "upper": _text(str.upper),
}


def _is(*kinds: type) -> Function:
    return lambda budget, value: isinstance(value, kinds)


def _compared(fits: Callable[[Any, Any], bool]) -> Function:
    return lambda budget, value, other: fits(value, other)


TESTS: dict[str, Function] = {
    **dict.fromkeys(("eq", "equalto", "=="), lambda b, one, other: equal(one, other, b)),
    **dict.fromkeys(("ne", "!="), lambda b, one, other: not equal(one, other, b)),
    **dict.fromkeys(("gt", "greaterthan", ">"), _compared(lambda a, b: number(a) > number(b))),
    **dict.fromkeys(("lt", "lessthan", "<"), _compared(lambda a, b: number(a) < number(b))),
    **dict.fromkeys(("ge", ">="), _compared(lambda a, b: number(a) >= number(b))),
    **dict.fromkeys(("le", "<="), _compared(lambda a, b: number(a) <= number(b))),
    "boolean": _is(bool),
    "contains": lambda budget, value, part: holds(value, part, budget),
    "defined": lambda budget, value: not isinstance(value, Undefined),
    "divisibleby": _compared(lambda a, b: number(b) != 0 and number(a) % number(b) == 0),
    "even": lambda budget, value: number(value) % 2 == 0,
    "false": lambda budget, value: value is False,
    "float": _is(float),
    "in": lambda budget, value, whole: holds(whole, value, budget),
    "integer": lambda budget, value: isinstance(value, int) and not isinstance(value, bool),
    "iterable": _is(str, Mapping, list, tuple),
    "list": _is(list),
    "mapping": _is(Mapping),
    "match": _matches("match"),
    "none": lambda budget, value: value is None,
    "number": _is(int, float),
    "odd": lambda budget, value: number(value) % 2 == 1,
    "search": _matches("search"),
    "sequence": _is(str, Mapping, list, tuple),
    "string": _is(str),
    "true": lambda budget, value: value is True,
    "undefined": lambda budget, value: isinstance(value, Undefined),
}

FUNCTIONS: dict[str, Function] = {
    "bool": _bool,
    "dict": _dict,
    "float": _float,
    "iif": _iif,
    "int": _int,
    "max": _edge(last=True),
    "min": _edge(last=False),
    "namespace": _namespace,
    "range": _range,
    "zip": _zip,
}

METHODS: dict[type, dict[str, Function]] = {
    str: {
        "capitalize": _text(str.capitalize),
        "endswith": lambda budget, value, end: value.endswith(word(end)),
        "find": lambda budget, value, part: value.find(word(part)),
        "isdigit": lambda budget, value: value.isdigit(),
        "isnumeric": lambda budget, value: value.isnumeric(),
        "join": lambda budget, value, parts: _join(budget, parts, value),
        "lower": _text(str.lower),
        "lstrip": lambda budget, value, chars=None: value.lstrip(chars),
        "replace": _replace,
        "rstrip": lambda budget, value, chars=None: value.rstrip(chars),
        "split": _split,
        "startswith": lambda budget, value, start: value.startswith(word(start)),
        "strip": _trim,
        "title": _text(str.title),
        "upper": _text(str.upper),
    },
    dict: {
        "get": lambda budget, value, key, default=None: (
            value.get(key, default) if is_key(key) else default
        ),
        "items": _items,
        "keys": lambda budget, value: made_list(value, budget),
        "values": lambda budget, value: made_list(value.values(), budget),
    },
    list: {"count": lambda budget, value, item: sum(equal(e, item, budget) for e in value)},
}
