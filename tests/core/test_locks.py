"""One number, one lock: wherever rooms share the database."""

import re
from pathlib import Path

from core import locks

ROOT = Path(__file__).parents[2]
ROOMS = ("core", "devices", "ingest", "alerts", "dashboards", "deploy")
TAKEN = re.compile(r"pg_\w*advisory\w*\(\s*\d|\b726\d{3}\b")


def test_no_room_numbers_its_locks_itself() -> None:
    files = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    numbered = [path for path in files if TAKEN.search(path.read_text(encoding="utf-8"))]
    assert numbered == [Path(locks.__file__)]
