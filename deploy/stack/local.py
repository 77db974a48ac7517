"""This machine: its ports, and who may use a data directory."""

import ctypes
import fcntl
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import CarewatchError

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def free_port(wanted: int = 0) -> int:
    """Return `wanted` if nobody listens there on loopback, else a port the system picks."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except (OSError, OverflowError):
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def refuse_taken_port(host: str, port: int, setting: str = "CAREWATCH_HTTP_PORT") -> None:
    """Raise CarewatchError where nobody can listen; `setting` names the port to mend."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise CarewatchError(
            f"{host}:{port} cannot be used ({error.strerror}): "
            f"end what listens there, or set {setting}"
        ) from None


# Looked up before any fork: in a child, a lock that another thread held would never open.
_prctl = ctypes.CDLL(None).prctl


def die_with_parent(by: signal.Signals = signal.SIGTERM) -> None:
    """Ask Linux to end this process when its parent dies, even by `kill -9`."""
    _prctl(PR_SET_PDEATHSIG, by)


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
