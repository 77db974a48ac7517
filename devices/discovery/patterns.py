"""Regular expressions of templates, let through only where their worst case is small.

Python's `re` goes back and forth: `(a+)+b` takes a year on forty letters. So a pattern's tree is
read first. What can repeat without a limit may neither hold another repetition nor a choice, and
the cost of the worst text (its length to the power of the repetitions, times the choices) is paid
from the template's budget before the search begins.
"""

import re
from functools import lru_cache
from re import _parser as parser  # type: ignore[attr-defined]  # the one reader of patterns there is
from typing import Any

import msgspec

from devices.discovery.limits import Budget, TemplateFault

LONGEST_PATTERN = 300  # characters
LONGEST_SEARCHED = 2_000  # characters of a text that is searched
MANY = 16  # repetitions from which a bounded one counts as unbounded
TRIES = 300  # of the matcher in one step of the budget, about
_PLAIN = frozenset({"LITERAL", "NOT_LITERAL", "ANY", "IN", "AT", "CATEGORY", "RANGE", "NEGATE"})


class Pattern(msgspec.Struct, frozen=True):
    """A pattern that may be searched, and what the search costs."""

    compiled: re.Pattern[str]
    choices: int  # the product of all alternatives and bounded repetitions
    repeats: int  # unbounded repetitions


class _Cost(msgspec.Struct):
    choices: int = 1
    repeats: int = 0


def search(pattern: str, text: str, budget: Budget) -> re.Pattern[str]:
    """Return the compiled pattern once a search of `text` is paid for. Raises TemplateFault."""
    found = _read(pattern)
    length = len(text) + 1
    if length > LONGEST_SEARCHED:
        raise TemplateFault(f"it searches a text of more than {LONGEST_SEARCHED} characters")
    power = found.repeats + 1  # a search also begins anew at each letter
    budget.spend(found.choices * length**power // TRIES + 1)
    return found.compiled


@lru_cache(maxsize=1024)
def _read(pattern: str) -> Pattern:
    if len(pattern) > LONGEST_PATTERN:
        raise TemplateFault(f"it holds a pattern of more than {LONGEST_PATTERN} characters")
    cost = _Cost()
    try:
        _walk(parser.parse(pattern), cost, inside=False)
        return Pattern(re.compile(pattern), cost.choices, cost.repeats)
    except (re.error, RecursionError, OverflowError) as error:
        raise TemplateFault(f"its pattern can't be read ({str(error)[:60]})") from None


def _walk(nodes: Any, cost: _Cost, *, inside: bool) -> None:
    """Add up what a part of a pattern costs; `inside` a repetition it must be plain."""
    for operation, argument in nodes:
        name = str(operation)
        if name in _PLAIN:
            continue
        if name == "SUBPATTERN":
            _walk(argument[-1], cost, inside=inside)
        elif name == "BRANCH":
            _refuse_inside(inside)
            cost.choices *= len(argument[1])
            for branch in argument[1]:
                _walk(branch, cost, inside=inside)
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            _repeat(argument, cost, inside=inside)
        else:
            raise TemplateFault(f"its pattern uses {name.casefold()}, which may search for ever")


def _repeat(argument: Any, cost: _Cost, *, inside: bool) -> None:
    low, high, repeated = argument
    _refuse_inside(inside)
    if high > MANY:
        cost.repeats += 1
    else:
        cost.choices *= int(high) - int(low) + 1
    _walk(repeated, cost, inside=high > 1)


def _refuse_inside(inside: bool) -> None:
    if inside:
        raise TemplateFault("its pattern repeats what repeats or chooses, and may search for ever")
