"""Imports point only from right to left: devices <- ingest <- alerts <- dashboards <- deploy."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("devices", "ingest", "alerts", "dashboards", "deploy")

# What each room may import of ours: a whole room, or single modules of it (its doors).
MAY_IMPORT = {
    "devices": {"devices"},
    "ingest": {"ingest", "devices"},
    "alerts": {"alerts", "devices", "ingest.history"},
    "dashboards": {
        "dashboards",
        "devices",
        "ingest.history",
        "alerts.desk",
        "alerts.history",
        "alerts.trials",
        "alerts.types",
    },
    "deploy": set(ROOMS),
}
# Third-party libraries that only these files may touch.
ONLY_IN = {
    "aiomqtt": {"devices/connection.py"},
    "paho": set(),  # aiomqtt's own part; ours beside it would be a second way
    "apprise": {"alerts/channels"},
}
PURE = (
    "devices/codecs",
    "devices/readings.py",
    "devices/envelope.py",
    "devices/topics.py",
    "devices/directory.py",
    "devices/coordinates.py",
    "devices/scope.py",
    "ingest/admission.py",
    "alerts/types.py",
    "alerts/engine.py",
    "alerts/lifecycle.py",
    "alerts/mute.py",
    "alerts/escalation.py",
    "alerts/casebook.py",
    "alerts/plan.py",
    "alerts/geometry.py",
    "alerts/rule.py",
    "alerts/rules",
    "alerts/judging",
    "alerts/visiting",
    "alerts/trial/",
    "alerts/backtest.py",
    "alerts/given/roster.py",
    "alerts/given/rota.py",
    "alerts/given/undoing.py",
    "alerts/lanes/both.py",
    "alerts/paging/bundling.py",
    "alerts/paging/relief.py",
    "alerts/paging/ways.py",
    "alerts/paging/notices.py",
    "alerts/paging/texts.py",
    "alerts/watching/flood.py",
    "alerts/watching/lint.py",
    "alerts/watching/answering.py",
    "alerts/watching/button_tests.py",
    "dashboards/board.py",
)
IMPURE_LIBRARIES = {
    *("psycopg", "aiomqtt", "paho", "httpx", "socket", "threading", "asyncio", "apprise"),
}


def files_of(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Every module this file names in an import, wherever in the file it stands."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def under(module: str, allowed: set[str]) -> bool:
    return any(module == door or module.startswith(door + ".") for door in allowed)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_it_may(room: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in files_of(room)
        for module in sorted(imported(path))
        if module.split(".")[0] in ROOMS and not under(module, MAY_IMPORT[room])
    ]
    assert wrong == []


def test_libraries_stay_in_their_files() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for room in ROOMS
        for path in files_of(room)
        for module in imported(path)
        for library, homes in ONLY_IN.items()
        if module.split(".")[0] == library
        and not any(str(path.relative_to(ROOT)).startswith(home) for home in homes)
    ]
    assert wrong == []


def test_deciding_is_pure() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for room in ROOMS
        for path in files_of(room)
        if str(path.relative_to(ROOT)).startswith(PURE)
        for module in imported(path)
        if module.split(".")[0] in IMPURE_LIBRARIES
    ]
    assert wrong == []
