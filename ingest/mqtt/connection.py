"""One TCP or TLS connection to a broker, used by one thread and woken by any."""

import selectors
import socket
import ssl
from urllib.parse import unquote, urlsplit

import msgspec

from core.errors import CarewatchError
from devices.broker_tls import tls_context

CONNECT_TIMEOUT = 10.0  # seconds for the TCP and TLS handshakes
READ_SIZE = 262_144  # bytes taken from the socket at a time


class Address(msgspec.Struct, frozen=True):
    """Where a broker listens, and as whom we speak to it."""

    host: str
    port: int
    tls: bool = False
    user: str | None = None
    password: str | None = None  # never logged
    files: str = ""  # those for TLS, as the URL's query names them

    @classmethod
    def of(cls, url: str) -> "Address":
        """Read `mqtt://user:pass@host:1883` or `mqtts://...`. Raises CarewatchError."""
        parts = urlsplit(url)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise CarewatchError(
                "CAREWATCH_MQTT_URL must look like mqtt://user:pass@host:1883 or mqtts://host"
            )
        tls = parts.scheme == "mqtts"
        return cls(
            host=parts.hostname,
            port=parts.port or (8883 if tls else 1883),
            tls=tls,
            user=unquote(parts.username) if parts.username is not None else None,
            password=unquote(parts.password) if parts.password is not None else None,
            files=parts.query,
        )

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def __repr__(self) -> str:
        return f"Address({self})"


class Wire:
    """A connection whose reads and writes never block; `wait` does, until `wake` or a timeout.

    Raises OSError (ConnectionError, TimeoutError, ssl.SSLError) when the peer is lost.
    """

    def __init__(self, address: Address) -> None:
        raw = socket.create_connection((address.host, address.port), CONNECT_TIMEOUT)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if address.tls:
            raw = tls_context(f"?{address.files}").wrap_socket(raw, server_hostname=address.host)
        raw.setblocking(False)
        self._socket = raw
        self._tls = address.tls
        self._unsent = b""
        self._bell, self._rope = socket.socketpair()
        self._bell.setblocking(False)
        self._rope.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._bell, selectors.EVENT_READ)
        self._watched = 0

    def close(self) -> None:
        self._selector.close()
        for each in (self._socket, self._bell, self._rope):
            each.close()

    def wake(self) -> None:
        """Make `wait` return; any thread may call it."""
        try:
            self._rope.send(b"!")
        except (BlockingIOError, OSError):
            return  # it is being woken already, or closed

    def wait(self, timeout: float, *, reading: bool) -> None:
        """Return when there is something to read (if `reading`), a wake, or after `timeout` s."""
        self._watch(reading)
        if reading and isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
            return
        for key, _ in self._selector.select(timeout):
            if key.fileobj is self._bell:
                self._bell.recv(4096)
        if self._unsent:
            self.write(b"")

    def read(self) -> bytes:
        """What has come; b"" where nothing has."""
        data = self._receive()
        if not self._tls or not data:
            return data
        pieces, size = [data], len(data)  # one record at a time: a record is often one message
        while data and size < READ_SIZE:
            data = self._receive()
            pieces.append(data)
            size += len(data)
        return b"".join(pieces)

    def _receive(self) -> bytes:
        try:
            data = self._socket.recv(READ_SIZE)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return b""
        if not data:
            raise ConnectionError("the broker closed the connection")
        return data

    def write(self, data: bytes) -> None:
        """Send what the network takes now and keep the rest for the next `wait`."""
        data = self._unsent + data
        try:
            sent = self._socket.send(data) if data else 0
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            sent = 0
        self._unsent = data[sent:]

    def _watch(self, reading: bool) -> None:
        wanted = (selectors.EVENT_READ if reading else 0) | (
            selectors.EVENT_WRITE if self._unsent else 0
        )
        if wanted == self._watched:
            return
        if not self._watched:
            self._selector.register(self._socket, wanted)
        elif not wanted:
            self._selector.unregister(self._socket)
        else:
            self._selector.modify(self._socket, wanted)
        self._watched = wanted
