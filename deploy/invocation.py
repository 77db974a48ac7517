"""What this process is: its version, and how it was started, as a person types it again here."""

import os
import shlex
import shutil
import sys
from importlib import metadata
from pathlib import Path


def version() -> str:
    """Return the version of the installed package; sources that nobody installed have none."""
    try:
        return metadata.version("carewatch")
    except metadata.PackageNotFoundError:
        return "(not installed)"


def invocation() -> str:
    """Return the words that start `carewatch` again: `carewatch`, its path, or `python -m deploy`.

    The short name is given only where the PATH leads it to the very program that runs now.
    """
    program = Path(sys.argv[0])
    if program.name == "__main__.py":  # python -m deploy
        return f"{_typed(Path(sys.executable))} -m deploy"
    return _typed(program)


def _typed(program: Path) -> str:
    """Return the shortest words for a program: its name, or its path from here."""
    path = Path(os.path.abspath(program))  # not resolved: a link is typed as a link
    found = shutil.which(path.name)
    if found is not None and os.path.abspath(found) == str(path):
        return path.name
    here = Path.cwd()
    if not path.is_relative_to(here):
        return shlex.quote(str(path))
    inner = path.relative_to(here)
    return shlex.quote(str(inner) if len(inner.parts) > 1 else f"./{inner}")
