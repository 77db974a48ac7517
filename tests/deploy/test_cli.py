"""What a person mistypes is one line and exit status 2."""

import errno
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from deploy.cli import COMMANDS

pytestmark = pytest.mark.system


def carewatch(*words: str) -> tuple[int, str]:
    """Exit status, and what stands on stderr."""
    run = subprocess.run(
        [sys.executable, "-c", "from deploy.cli import main; main()", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return run.returncode, run.stderr


@pytest.mark.parametrize(
    ("words", "named", "mend"),
    [
        (("bogus",), "bogus", "; see `carewatch --help`"),
        (("load",), "town", "; see `carewatch load --help`"),
        (("decode", "--bogus"), "--bogus", "; see `carewatch decode --help`"),
        (("load", "no.yaml"), "town file no.yaml: ", os.strerror(errno.ENOENT)),
    ],
)
def test_a_mistake_is_one_line(words: tuple[str, ...], named: str, mend: str) -> None:
    status, said = carewatch(*words)
    assert status == 2
    assert said.startswith("carewatch: ")
    assert named in said
    assert said.endswith(f"{mend}\n")
    assert said.count("\n") == 1


def test_it_says_its_version() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    command = [sys.executable, "-m", "deploy", "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert said == f"carewatch {project['version']}\n"


def test_help_lists_every_command() -> None:
    command = [sys.executable, "-m", "deploy", "--help"]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert [name for name in COMMANDS if f" {name} " not in told] == []


def test_only_the_command_that_is_run_is_imported() -> None:
    watched = "import sys\nfrom deploy.cli import main\ntry: main()\nfinally: print(*sys.modules)"
    command = [sys.executable, "-c", watched, "migrate", "--help"]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert {name for name in told.split() if name.startswith("deploy.commands.")} == {
        "deploy.commands.migrate"
    }
