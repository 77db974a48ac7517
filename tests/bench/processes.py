"""What a process costs, as /proc tells it: processor time, memory, open files."""

import os
from pathlib import Path

import msgspec

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Usage(msgspec.Struct, frozen=True):
    """A process and its children. Memory is what each has to itself: shared pages are left out."""

    cpu: float  # seconds so far; of children that have ended too
    memory: int  # bytes resident and not shared
    files: int  # open descriptors of the process itself

    def megabytes(self) -> str:
        return f"{self.memory / 1e6:.0f} MB"


def usage(pid: int) -> Usage:
    """What it has cost so far. Raises OSError when it has ended."""
    members = [pid, *_children(pid)]
    stats = [fields for member in members if (fields := _stat(member))]
    if not stats:
        raise ProcessLookupError(f"no process {pid}")
    cpu = sum(sum(map(int, fields[11:13])) for fields in stats) + sum(map(int, stats[0][13:15]))
    memory = sum(map(_own_pages, members)) * PAGE
    return Usage(cpu / TICK, memory, len(os.listdir(f"/proc/{pid}/fd")))


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _own_pages(pid: int) -> int:
    try:
        _, resident, shared, *_ = map(int, Path(f"/proc/{pid}/statm").read_text().split())
    except OSError:  # it has ended meanwhile
        return 0
    return resident - shared


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat behind the name; [] when it has ended meanwhile."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
