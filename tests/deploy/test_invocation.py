"""The commands that `up` prints are those of how it was started."""

import sys
from pathlib import Path

import pytest

from deploy.invocation import invocation


def program(folder: Path, name: str = "carewatch") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Start a program from `checkout`, with a PATH of these folders; returns the words."""
    (tmp_path / "checkout").mkdir()
    monkeypatch.chdir(tmp_path / "checkout")

    def start(argv0: Path | str, *path: Path) -> str:
        monkeypatch.setattr(sys, "argv", [str(argv0), "up"])
        monkeypatch.setenv("PATH", ":".join(map(str, path)))
        return invocation()

    return start


def test_on_the_path_its_name_will_do(started, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    installed = program(tmp_path / "bin")
    assert started(installed, installed.parent) == "carewatch"


def test_a_checkout_names_its_environment(started, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    program(tmp_path / "checkout/.venv/bin")
    assert started(".venv/bin/carewatch", tmp_path) == ".venv/bin/carewatch"


def test_another_one_on_the_path_is_not_taken_for_it(started, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    program(tmp_path / "checkout/.venv/bin")
    other = program(tmp_path / "bin")
    assert started(".venv/bin/carewatch", other.parent) == ".venv/bin/carewatch"


def test_elsewhere_it_is_the_whole_path(started, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    away = program(tmp_path / "my tools")
    assert started(away, tmp_path) == f"'{away}'"


def test_in_this_very_directory_it_needs_a_dot(started, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert started(program(tmp_path / "checkout"), tmp_path) == "./carewatch"


def test_a_module_is_started_by_its_python(  # type: ignore[no-untyped-def]
    started, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = program(tmp_path / "bin", "python")
    monkeypatch.setattr(sys, "executable", str(python))
    module = tmp_path / "deploy/__main__.py"
    assert started(module, python.parent) == "python -m deploy"
    assert started(module, tmp_path) == f"{python} -m deploy"
