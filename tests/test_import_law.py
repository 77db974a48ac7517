"""Imports point core <- devices <- ingest <- alerts <- dashboards <- deploy, and run in no circle.

What may import what is written in `pyproject.toml`, as contracts of import-linter.
"""

from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parent.parent
ROOMS = ("core", "devices", "ingest", "alerts", "dashboards", "deploy")


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(ROOT)


def test_every_contract_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    status = lint_imports(config_filename="pyproject.toml", no_cache=True, no_logo=True)
    assert status == 0, capsys.readouterr().out


def test_no_module_imports_itself_by_way_of_others() -> None:
    """A package and its own modules are no siblings, so the contract on circles can't see them."""
    graph = grimp.build_graph(*ROOMS, cache_dir=None)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    TopologicalSorter(imports).prepare()  # raises CycleError, which names the circle


def test_every_room_is_under_the_law() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages - {"tests"} == set(ROOMS)
