"""Says how the locks of two directories differ: `python -m deploy.scripts.lock_changes OLD NEW`."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^\s;]+)", re.MULTILINE)


def python_pins(lock: str) -> dict[str, str]:
    """Return the version of each package that a requirements lock pins."""
    return dict(PIN.findall(lock))


def node_pins(lock: str) -> dict[str, str]:
    """Return the version of each package that a package-lock.json pins."""
    packages = json.loads(lock)["packages"]
    return {
        path.partition("node_modules/")[2]: row["version"]
        for path, row in packages.items()
        if path  # "" is our own package.json
    }


def changes(old: dict[str, str], new: dict[str, str]) -> Iterator[str]:
    """Yield a line for each package added, removed or changed, by name."""
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name, "(new)"), new.get(name, "(gone)")
        if before != after:
            yield f"{name}: {before} -> {after}"


def pins(directory: Path) -> dict[str, str]:
    """Return every pin of a directory of locks, of whatever language."""
    return {
        **python_pins((directory / "development.txt").read_text()),
        **node_pins((directory / "node" / "package-lock.json").read_text()),
    }


def main(old: str, new: str) -> None:
    """Print what changed between two directories of locks."""
    for line in list(changes(pins(Path(old)), pins(Path(new)))) or ["nothing changed"]:
        print(line)


if __name__ == "__main__":
    main(*sys.argv[1:])
