"""A small disk that a test may fill to the last byte."""

import errno
import os
import subprocess
from pathlib import Path

import psycopg

BLOCK = bytes(64 * 1024)


class Disk:
    """A tmpfs of so many megabytes, mounted where it says until `close`."""

    def __init__(self, where: Path, megabytes: int) -> None:
        self.where = where
        where.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "carewatch-chaos", where],
            check=True,
            capture_output=True,
        )

    @property
    def _filler(self) -> Path:
        return self.where / "filler"

    def fill(self) -> None:
        """Write until nothing more goes in."""
        with self._filler.open("wb", buffering=0) as filler:
            for size in (len(BLOCK), 4096, 1):
                while _written(filler.fileno(), BLOCK[:size]):
                    pass

    def free(self) -> None:
        """Take the filler away."""
        self._filler.unlink()

    def close(self) -> None:
        """Take the disk away, with all that is on it."""
        subprocess.run(["umount", "--lazy", self.where], check=False, capture_output=True)


def exhaust(database_url: str) -> None:
    """Write until a server on a full disk can't go on: it ends, and can't begin again."""
    try:
        with psycopg.connect(database_url, autocommit=True, connect_timeout=5) as conn:
            while True:
                conn.execute("SELECT pg_logical_emit_message(true, 'chaos', repeat('x', 1000000))")
    except psycopg.OperationalError:
        return


def may_mount() -> bool:
    """Whether this process may mount a disk: root in a container without the right may not."""
    done = subprocess.run(
        ["unshare", "--mount", "mount", "-t", "tmpfs", "carewatch-chaos", "/mnt"],
        check=False,
        capture_output=True,
    )
    return done.returncode == 0


def _written(file: int, data: bytes) -> bool:
    try:
        return os.write(file, data) > 0
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return False
