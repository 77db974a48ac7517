"""Own conditions: CEL expressions over what devices say, compiled once. Pure.

An expression can name
- `reading`: the last reading, and `window`: the readings of the last `window_minutes`, oldest
  first. Each has `kind`, `device`, `at` and the fields of all kinds of readings, null where it has
  none: `reading.battery < 10.0`, `window.filter(r, r.kind == 'door' && r.open).size() > 20`;
- `count`: how many readings the window holds; `now`: the moment of judging;
- of what is measured in the window (without one, of the last reading): `mean`, `lowest`, `highest`,
  `change` (the latest value less the earliest) and `span` (minutes between these two); null where
  nothing is.
Times are CEL timestamps (UTC). An expression that fails, such as null compared with a number,
says nothing: what was concluded before stays.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from statistics import fmean
from typing import Any

import cel

from alerts.types import Condition
from devices.directory import Directory
from devices.readings import KIND_OF, Measured, Reading
from devices.subject import Subject

HIDDEN = {"id", "received_at", "observed_at", "clock", "repaired"}  # `at` is the time to judge by
FIELDS = {
    kind: tuple(name for name in kind.__struct_fields__ if name not in HIDDEN) for kind in KIND_OF
}
NO_FIELDS: dict[str, Any] = {name: None for names in FIELDS.values() for name in names}
FAILS = (RuntimeError, TypeError, KeyError, ValueError, IndexError, ArithmeticError)


def is_true(
    expression: str, reading: Reading | None, window: Sequence[Reading], now: datetime
) -> bool | None:
    """Return whether the expression holds of these readings; None if it says nothing."""
    try:
        found = _compiled(expression).execute(
            {
                "reading": None if reading is None else facts(reading),
                "window": [facts(one) for one in window],
                "count": len(window),
                "now": now,
                **summary(reading, window),
            }
        )
    except FAILS:
        return None
    return found if isinstance(found, bool) else None


def facts(reading: Reading) -> dict[str, Any]:
    """Return a reading as an expression sees it."""
    fields = {name: getattr(reading, name) for name in FIELDS[type(reading)]}
    return {**NO_FIELDS, **fields, "kind": KIND_OF[type(reading)], "at": reading.at}


def summary(reading: Reading | None, window: Sequence[Reading]) -> dict[str, float | None]:
    """Return what is measured in a window, in figures."""
    measured = [one for one in window or (reading,) if isinstance(one, Measured)]
    if not measured:
        return dict.fromkeys(FIGURES)
    values = [one.value for one in measured]
    change, span = values[-1] - values[0], measured[-1].at - measured[0].at
    figures = (fmean(values), min(values), max(values), change, span / timedelta(minutes=1))
    return dict(zip(FIGURES, figures, strict=True))


def concerns(condition: Condition, reading: Reading) -> bool:
    """Return True if a condition looks at readings like this."""
    if condition.quantities:
        return isinstance(reading, Measured) and reading.quantity in condition.quantities
    return not condition.kinds or KIND_OF[type(reading)] in condition.kinds


def fits(condition: Condition, subject: str, directory: Directory) -> bool:
    """Return True if the condition is meant for this subject."""
    if condition.subject not in (None, subject):
        return False
    about = Subject.parse(subject)
    if condition.agency not in (None, directory.agency_of(about)):
        return False
    if condition.area is not None:
        path = directory.area_path(directory.area_of(about))
        if condition.area not in path:
            return False
    client = directory.client_of(about)
    return condition.care_level in (None, client.care_level if client else None)


def fault_of(condition: Condition) -> str | None:
    """Return why this expression can't be used, tried on readings of every kind; None if it can."""
    try:
        program = _compiled(condition.when)
    except ValueError as wrong:
        return f"is no CEL expression ({_first_sentence(wrong)})"
    for sample in _samples():
        try:
            found = program.execute(sample)
        except KeyError as wrong:
            return f"a reading has no {wrong.args[0]!r}; it has {', '.join(sorted(NO_FIELDS))}"
        except RuntimeError as wrong:
            return f"names what is not there ({_first_sentence(wrong)}); known: {', '.join(sample)}"
        except (TypeError, ValueError) as wrong:
            return f"puts values of different types together ({_first_sentence(wrong)})"
        except (IndexError, ArithmeticError):
            continue  # an empty window, perhaps: no fault of the expression
        if not isinstance(found, bool):
            return f"gives {found!r}, not true or false"
    return None


def _first_sentence(wrong: Exception) -> str:
    return (str(wrong).splitlines() or [""])[0].split(". ")[0]


@lru_cache(maxsize=1024)
def _compiled(expression: str) -> Any:
    """Return the expression ready to run. Raise ValueError where it is no CEL."""
    return cel.compile(expression)


FIGURES = ("mean", "lowest", "highest", "change", "span")
NUMBERS = {"rating": 3, "score": 0.5}  # the others: 50.0
TRUTHS = {"open", "tamper", "mock", "alive", "online", "replayed"}
NUMERIC = {"battery", "lat", "lon", "accuracy", "speed", "signal", "value", *NUMBERS}


def _samples() -> Iterator[dict[str, Any]]:
    """Yield readings with every field set, so that an expression shows what is wrong with it."""
    now = datetime(2026, 11, 2, tzinfo=UTC)
    for kind in KIND_OF.values():
        for truth in (True, False):
            fields: dict[str, Any] = dict.fromkeys(NO_FIELDS, "text")
            fields |= {name: NUMBERS.get(name, 50.0) for name in NUMERIC}
            fields |= dict.fromkeys(TRUTHS, truth)
            reading = {**fields, "kind": kind, "at": now}
            for window in ([reading], [reading] * 3, []):
                yield {
                    "reading": reading,
                    "window": window,
                    "count": len(window),
                    "now": now,
                    **dict.fromkeys(FIGURES, 50.0),
                }
