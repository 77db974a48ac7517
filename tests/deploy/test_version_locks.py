"""The locks hold what pyproject.toml asks for, exactly, and name no place to get it from."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deploy.scripts.lock_changes import changes, node_pins, python_pins

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "deploy" / "lock"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
NODE = json.loads((LOCK / "node" / "package-lock.json").read_text())
RUN = PROJECT["project"]["dependencies"]
BUILD = PROJECT["build-system"]["requires"]
DEV = PROJECT["project"]["optional-dependencies"]["dev"]


def pins(name: str) -> dict[str, str]:
    return python_pins((LOCK / name).read_text())


@pytest.mark.parametrize(
    ("name", "asked"), [("development.txt", RUN + BUILD + DEV), ("service.txt", RUN + BUILD)]
)
def test_a_lock_holds_what_the_project_asks_for(name: str, asked: list[str]) -> None:
    locked = pins(name)
    unmet = [
        text
        for text in asked
        if not (wanted := Requirement(text)).specifier.contains(
            locked.get(canonicalize_name(wanted.name), "0")
        )
    ]
    assert unmet == [], "run `make lock`"


def test_the_locks_know_the_build_backend() -> None:
    assert PROJECT["dependency-groups"]["build"] == BUILD


def test_an_image_holds_what_was_tested() -> None:
    assert pins("service.txt").items() <= pins("development.txt").items()


@pytest.mark.parametrize("name", ["development.txt", "service.txt"])
def test_every_file_is_known_by_its_hash(name: str) -> None:
    packages = re.split(r"\n(?=[a-z0-9])", (LOCK / name).read_text())[1:]
    assert [one.split()[0] for one in packages if "--hash=sha256:" not in one] == []


def test_every_node_package_is_exact_and_known_by_its_hash() -> None:
    packages = {path: row for path, row in NODE["packages"].items() if path}
    assert [path for path, row in packages.items() if not row.get("integrity")] == []
    assert set(NODE["packages"][""]["dependencies"]) <= node_pins(json.dumps(NODE)).keys()


@pytest.mark.parametrize(
    "path", [each for each in sorted(LOCK.rglob("*")) if each.is_file()], ids=lambda path: path.name
)
def test_no_lock_names_a_place_to_get_it_from(path: Path) -> None:
    assert re.findall(r"\w+://\S+|--(?:index|extra-index|find-links)\S*", path.read_text()) == []


def test_the_page_of_versions_names_what_was_tested() -> None:
    page = (ROOT / "docs" / "reference" / "versions.md").read_text()
    on_page = dict(re.findall(r"^\| `(\w+)` \| [\w-]+ \| ([\d.]+) \|", page, re.MULTILINE))
    lines = (LOCK / "system.txt").read_text().splitlines()
    assert on_page == dict(line.split() for line in lines if not line.startswith("#"))


def test_what_changed_is_a_line_a_package() -> None:
    old = {"kept": "1", "raised": "6.0.3", "gone": "2"}
    new = {"kept": "1", "raised": "6.0.4", "added": "3"}
    assert list(changes(old, new)) == [
        "added: (new) -> 3",
        "gone: 2 -> (gone)",
        "raised: 6.0.3 -> 6.0.4",
    ]


def test_pins_are_read_with_and_without_a_marker() -> None:
    lock = "a==1 \\\n    --hash=sha256:0\nb-c==2.0.post1 ; sys_platform == 'win32' \\\n    # via\n"
    assert python_pins(lock) == {"a": "1", "b-c": "2.0.post1"}
