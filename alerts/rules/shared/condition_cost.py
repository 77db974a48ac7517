"""How much work an own condition may be, by its text alone. Pure.

The CEL library has no limit on steps, and a limit on time would let live and backtest differ. So
the cost is read from the expression: each word counts once for every time that it is looked at,
the loops around it multiplied, and a whole window that is named counts for all of its readings.
"""

import re
from collections.abc import Iterator

import msgspec

LONGEST = 2_000  # characters of an expression
READINGS = 200  # that a window holds at most: own_condition.KEPT
# Measured on two cores: 8 microseconds a unit at worst, so some 80 ms for a reading.
HIGHEST = 10_000
LOOPS = frozenset(("all", "exists", "exists_one", "existsOne", "filter", "map"))

_TOKEN = re.compile(
    r"""[rRbB]{0,2}(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
    r"""|//[^\n]*|[A-Za-z_]\w*|\d[\w.]*|[^\s\w]""",
    re.DOTALL,
)


class _Open(msgspec.Struct):
    """A bracket that is still open."""

    sign: str
    factor: int = 1  # how often what stands in it is looked at; 1 = it is no loop
    literal: bool = False  # "[" that begins a list, instead of picking one
    items: int = 1  # of a list, by its commas
    wide: bool = False  # a whole window is named in it
    binds: str = ""  # the name that a loop gives to each item


def cost_of(expression: str) -> int:
    """Return how many words the expression looks at in a full window, at the most."""
    return sum(_costs([each for each in _TOKEN.findall(expression) if not each.startswith("//")]))


def _costs(tokens: list[str]) -> Iterator[int]:
    """Yield the cost of each token."""
    # Lists are made longer by "+" alone, and each adds one window at most.
    longest = READINGS * (1 + tokens.count("+"))
    opened: list[_Open] = []
    closed = _Open("")  # the bracket closed last
    wide = {"window"}  # names that may stand for a whole window, or hold one
    held = False  # some list or map has a window in it
    times = 1
    for at, token in enumerate(tokens):
        before = tokens[at - 1] if at else ""
        if token in "([{" and len(token) == 1:
            loop = token == "(" and before in LOOPS and tokens[at - 2 : at - 1] == ["."]
            bracket = _Open(token, literal=token == "[" and not _is_value(before))
            if loop:
                receiver = tokens[at - 3] if at > 2 else ""
                own = receiver == "]" and closed.literal
                bracket.factor = closed.items if own else _length(receiver, longest)
                bracket.binds = tokens[at + 1] if at + 1 < len(tokens) else ""
                if receiver != "window" and (held or (closed.wide and receiver == ")")):
                    wide.add(bracket.binds)
            opened.append(bracket)
            times *= bracket.factor
        elif token in ")]}" and opened:
            closed = opened.pop()
            times //= closed.factor
            held = held or (closed.wide and (closed.literal or closed.sign == "{"))
            if opened and closed.wide:
                opened[-1].wide = True
        elif token == "," and opened:
            opened[-1].items += 1
        named = token in wide and before != "."
        if named and opened:
            opened[-1].wide = True
        yield times * (READINGS if named else 1)


def _length(receiver: str, longest: int) -> int:
    return READINGS if receiver == "window" else longest


def _is_value(token: str) -> bool:
    """Return True if the token ends a value, so that a "[" behind it picks an item."""
    return bool(token) and (token[-1].isalnum() or token[-1] in "_)]}\"'") and token != "in"
