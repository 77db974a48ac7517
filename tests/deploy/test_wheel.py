"""The wheel holds every file of the rooms, and nothing else."""

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = sorted({path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"})
# Of use in a checkout alone; and the keys of an operator's broker.
LEFT_OUT = ("deploy/lock/", "deploy/scripts/", "deploy/mosquitto/certs/")
BUILD = "import sys; from setuptools.build_meta import build_wheel as b; b(sys.argv[1])"

pytestmark = pytest.mark.system


def in_tree() -> set[str]:
    """The files of the rooms that belong into a wheel."""
    names = {
        path.relative_to(ROOT).as_posix()
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    return {name for name in names if not name.startswith(LEFT_OUT)}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a build reads, with the keys of an operator's broker lying in it."""
    root = tmp_path_factory.mktemp("copy")
    ignored = shutil.ignore_patterns("__pycache__", "certs")
    for room in ROOMS:
        shutil.copytree(ROOT / room, root / room, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, root)
    return root


@pytest.fixture(scope="module")
def wheel(copy: Path) -> ZipFile:
    certs = copy / "deploy/mosquitto/certs"
    certs.mkdir()
    (certs / "server.key").write_text("a secret")
    (copy / "devices/__pycache__").mkdir()
    (copy / "devices/__pycache__/old.pyc").write_text("")
    dist = copy / "dist"
    subprocess.run(
        [sys.executable, "-c", BUILD, str(dist)], cwd=copy, check=True, capture_output=True
    )
    return ZipFile(next(dist.glob("*.whl")))


def test_the_wheel_holds_the_rooms_and_nothing_else(wheel: ZipFile) -> None:
    held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert held == in_tree()


@pytest.mark.parametrize(
    "name",
    [
        "deploy/migrations/0001_register.sql",
        "deploy/mosquitto/embedded.conf",
        "devices/contract/contract-v1.md",
        "dashboards/static/texts.json",
    ],
)
def test_a_file_is_as_it_is_in_the_tree(wheel: ZipFile, name: str) -> None:
    assert wheel.read(name) == (ROOT / name).read_bytes()
