"""What no test collects, the bench and `make test-hours`, names only modules that there are."""

import ast
from importlib.util import find_spec
from pathlib import Path

TESTS = Path(__file__).parent


def named_in(path: Path) -> set[str]:
    """Return the modules of `tests` that a file imports."""
    tree = ast.parse(path.read_text())
    modules = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return {module for module in modules if module.startswith("tests.")}


def test_what_the_tools_of_the_tests_import_is_there() -> None:
    tools = [*sorted((TESTS / "bench").glob("*.py")), TESTS / "hours.py"]
    named = {(path.name, module) for path in tools for module in named_in(path)}
    assert ("hours.py", "tests.clock") in named
    assert [each for each in sorted(named) if find_spec(each[1]) is None] == []
