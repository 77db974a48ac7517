"""Only `tests/clock.py` reads the machine's clock and zone, and nobody asks it on import."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
OF_THE_TESTS = "tests.clock"
CLOCKS = {
    *(f"datetime.datetime.{name}" for name in ("now", "utcnow", "today", "utcfromtimestamp")),
    "datetime.date.today",
    *(f"time.{name}" for name in ("time", "time_ns", "localtime", "gmtime", "ctime", "mktime")),
    "time.strftime",
    "uuid.uuid1",
}
ZONE_GIVEN_AS = {"astimezone": 1, "fromtimestamp": 2}  # which argument names the zone


def files() -> list[Path]:
    return sorted(path for path in TESTS.rglob("*.py") if path != TESTS / "clock.py")


def names_of(tree: ast.Module) -> dict[str, str]:
    """Return what each imported name of a module stands for, in full."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {each.asname or each.name: each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
    return found


def in_full(node: ast.expr, names: dict[str, str]) -> str:
    """Return the full dotted name of an expression, "" where it has none."""
    if isinstance(node, ast.Name):
        return names.get(node.id, "")
    if isinstance(node, ast.Attribute):
        return f"{in_full(node.value, names)}.{node.attr}"
    return ""


def clocks_read(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and name of each use of the machine's clock or zone, called or handed on."""
    names = names_of(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from (
                (node.lineno, name)
                for name in (f"{node.module}.{each.name}" for each in node.names)
                if name in CLOCKS
            )
        elif isinstance(node, ast.Attribute) and in_full(node, names) in CLOCKS:
            yield node.lineno, in_full(node, names)
        elif isinstance(node, ast.Call) and uses_our_zone(node):
            yield node.lineno, "a moment in the machine's zone"


def uses_our_zone(call: ast.Call) -> bool:
    """Return True for `astimezone` and `fromtimestamp` without a zone."""
    called = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    if called not in ZONE_GIVEN_AS:
        return False
    given = [*call.args, *(each.value for each in call.keywords)]
    is_none = bool(given) and isinstance(given[-1], ast.Constant) and given[-1].value is None
    return is_none or len(given) < ZONE_GIVEN_AS[called]


def asked_on_import(tree: ast.Module) -> Iterator[int]:
    """Yield each line that asks for now while the module is imported."""
    ours = {name for name, full in names_of(tree).items() if full.startswith(f"{OF_THE_TESTS}.")}
    for node in run_on_import(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ours:
            yield node.lineno


def run_on_import(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what runs on import: all but the bodies of functions; their defaults do."""
    yield node
    for part in parts_run(node):
        yield from run_on_import(part)


def parts_run(node: ast.AST) -> Iterable[ast.AST]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return [*node.decorator_list, node.args]
    if isinstance(node, ast.Lambda):
        return [node.args]
    return ast.iter_child_nodes(node)


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(TESTS)))
def test_only_the_tests_clock_reads_the_machines(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert list(clocks_read(tree)) == []
    assert list(asked_on_import(tree)) == []


@pytest.mark.parametrize(
    "source",
    [
        "from datetime import datetime\ndatetime.now()",
        "from datetime import UTC, datetime as dt\nx = dt.now(UTC)",
        "import datetime\ndatetime.date.today()",
        "import time as t\nt.time()",
        "from time import time",
        "import time\nfield(default_factory=time.time_ns)",
        "moment.astimezone()",
        "moment.astimezone(None)",
        "from datetime import datetime\ndatetime.fromtimestamp(5)",
        "from datetime import datetime\ndatetime.fromtimestamp(5, tz=None)",
        "import time\ntime.strftime('%H')",
    ],
)
def test_a_clock_is_found(source: str) -> None:
    assert list(clocks_read(ast.parse(source)))


@pytest.mark.parametrize(
    "source",
    [
        "import time\ntime.monotonic()\ntime.sleep(1)",
        "from datetime import datetime\ndatetime.fromtimestamp(5, UTC)",
        "moment.astimezone(ZONE)",
        "time = received\ntime.time",
        "clock.now()",
    ],
)
def test_other_clocks_are_not(source: str) -> None:
    assert not list(clocks_read(ast.parse(source)))


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("NOW = utc_now()", True),
        ("def f(at=utc_now()): ...", True),
        ("class A:\n    at = utc_now()", True),
        ("f = lambda at=utc_now(): at", True),
        ("def f():\n    return utc_now()", False),
        ("f = lambda: utc_now()", False),
    ],
)
def test_now_is_asked_for_in_a_test(source: str, found: bool) -> None:
    tree = ast.parse("from tests.clock import utc_now\n" + source)
    assert bool(list(asked_on_import(tree))) is found
