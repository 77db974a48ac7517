"""What an own condition may cost: what towns write passes, what would hold up a town is refused."""

from datetime import UTC, datetime

import pytest

from alerts.rules.own_condition import KEPT
from alerts.rules.shared.condition_cost import HIGHEST, LONGEST, READINGS, cost_of
from alerts.rules.shared.conditions import fault_of, is_true
from alerts.types import Condition

NOW = datetime(2026, 11, 2, tzinfo=UTC)


def test_the_window_is_as_long_as_the_cost_supposes() -> None:
    assert READINGS == KEPT


@pytest.mark.parametrize(
    "expression",
    [
        "count > 3",
        "reading.battery < 10.0 && reading.kind == 'door'",
        "window.filter(r, r.kind == 'door' && r.open).size() >= 8",
        "window.filter(r, r.open).map(r, r.battery).exists(x, x < 5.0)",
        "window.exists(r, r.kind in ['door', 'sos'])",
        "['door', 'sos'].exists(k, window.exists(r, r.kind == k))",
        "window.exists(r, ['door', 'sos', 'face'].exists(k, r.kind == k))",
        "window.size() > 2 && window[0].open // window.all(window)",
        "reading.device != 'window.all(a, window.all(b, true))'",
        "window.exists(r, r == reading)",
    ],
)
def test_what_towns_write_passes(expression: str) -> None:
    assert fault_of(Condition(id="c", when=expression)) is None


@pytest.mark.parametrize(
    "expression",
    [
        "window.exists(a, window.exists(b, a.lat > b.lat))",
        "window.map(a, window.map(b, window)).size() > 0",
        "window.all(a, window == window)",
        "window.all(a, a in window)",
        "window.filter(a, true).all(a, window.filter(b, true).size() > 0)",
        "[window].all(w, w.all(a, w.all(b, true)))",
        "[window, window].all(w, [1,2,3,4,5,6,7,8,9,10].all(i, [1,2,3,4].all(j, w == w)))",
        "{'a': [window]}.a.all(w, w.all(x, w == w))",
        "(window + window + window).all(a, (window + window).size() > 0)",
        "[[window]][0].all(w, w.all(a, [w, w].all(x, x == w)))",
        "window . all ( a , window\n.\nall(b, true))",
        "[1].all(x, " * 3 + "window.all(a, window.all(b, true))" + ")" * 3,
    ],
)
def test_a_window_in_a_loop_is_refused_and_says_nothing(expression: str) -> None:
    assert "too much work" in (fault_of(Condition(id="c", when=expression)) or "")
    assert is_true(expression, None, (), NOW) is None


def test_a_loop_of_loops_over_lists_is_refused_too() -> None:
    many = "[" + ",".join("1" * 1 for _ in range(60)) + "]"
    assert cost_of(f"{many}.all(a, {many}.all(b, {many}.all(c, a == b)))") > HIGHEST


def test_an_endless_expression_is_refused() -> None:
    fault = fault_of(Condition(id="c", when="true" + " || true" * LONGEST))
    assert fault is not None
    assert "characters" in fault


@pytest.mark.parametrize("broken", ["", ")", "(((", "'", ".all(", "[.all(", "window.all"])
def test_no_text_is_too_broken_to_be_counted(broken: str) -> None:
    assert cost_of(broken) >= 0
