"""Imports point right to left: core <- devices <- ingest <- alerts <- dashboards <- deploy."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("core", "devices", "ingest", "alerts", "dashboards", "deploy")

# What each room may import of ours: a whole room, or single modules of it (its doors).
MAY_IMPORT = {
    "core": {"core"},
    "devices": {"devices", "core"},
    "ingest": {"ingest", "devices", "core"},
    "alerts": {"alerts", "devices", "core", "ingest.history"},
    "dashboards": {
        "dashboards",
        "devices",
        "core",
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
    "paho": {"ingest/mqtt/session.py", "devices/simulator", "deploy"},
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
    "ingest/admission/admit.py",
    "alerts/types.py",
    "alerts/engine",
    "alerts/cases",
    "alerts/rule.py",
    "alerts/rules",
    "alerts/town",
    "alerts/visits",
    "alerts/figures",
    "alerts/plans/overrides.py",
    "alerts/plans/setting_changes.py",
    "alerts/trials/difference.py",
    "alerts/trials/report.py",
    "alerts/trials/report_page.py",
    "alerts/trials/backtest.py",
    "alerts/plans/roster.py",
    "alerts/plans/rota.py",
    "alerts/plans/undoing.py",
    "alerts/paging/bundling.py",
    "alerts/lanes/on_the_way.py",
    "alerts/paging/notices.py",
    "alerts/paging/texts.py",
    "dashboards/live/board.py",
)
IMPURE_LIBRARIES = {"psycopg", "paho", "httpx", "socket", "threading", "asyncio", "apprise"}


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
