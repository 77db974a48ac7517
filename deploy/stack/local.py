"""This machine: its ports, and who may use a data directory."""

import fcntl
import shutil
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from core.errors import CarewatchError


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


def ended_with_parent(command: Sequence[str]) -> tuple[str, ...]:
    """Return the command such that Linux ends it when its parent dies, even by `kill -9`.

    util-linux's `setpriv` sees to it, for a process with threads must not run Python between fork
    and exec. Where there is none, the command is returned as it is.
    """
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "TERM", *command) if setpriv else tuple(command)


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
