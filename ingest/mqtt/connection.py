"""One TCP or TLS connection to a broker, used by one thread and woken by any."""

import selectors
import socket
import ssl
from time import monotonic

from devices.broker_address import Address
from devices.broker_tls import tls_context

CONNECT_TIMEOUT = 10.0  # seconds for the TCP and TLS handshakes
FINISH_TIMEOUT = 2.0  # seconds; `Session.stop` waits 10 for its thread
READ_SIZE = 262_144  # bytes taken from the socket at a time


class Wire:
    """A connection whose reads and writes never block; `wait` does, until `wake` or a timeout.

    Raises OSError (ConnectionError, TimeoutError, ssl.SSLError) when the peer is lost.
    """

    def __init__(self, address: Address) -> None:
        raw = socket.create_connection((address.host, address.port), CONNECT_TIMEOUT)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if address.tls:
            raw = tls_context(address.files).wrap_socket(raw, server_hostname=address.host)
        raw.setblocking(False)
        self._socket = raw
        self._tls = address.tls
        self._unsent = b""
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._wake_reader.setblocking(False)
        self._wake_writer.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._wake_reader, selectors.EVENT_READ)
        self._watched = 0

    def close(self) -> None:
        """Close the connection and all that belongs to it."""
        self._selector.close()
        for each in (self._socket, self._wake_reader, self._wake_writer):
            each.close()

    def finish(self) -> None:
        """Send the rest and return when the peer has closed too, or after `FINISH_TIMEOUT`.

        Mosquitto 2.0.11 leaves unread what stands before the end of a connection that is closed
        at once: thousands of acknowledgements were lost so.
        """
        until = monotonic() + FINISH_TIMEOUT
        self._socket.settimeout(FINISH_TIMEOUT)
        try:
            self._socket.sendall(self._unsent)
            self._socket.shutdown(socket.SHUT_WR)
            while self._socket.recv(READ_SIZE) and monotonic() < until:
                continue  # not acknowledged: it will come again
        except OSError:
            return  # lost, or silent: the broker keeps what it has not understood

    def wake(self) -> None:
        """Make `wait` return; any thread may call it."""
        try:
            self._wake_writer.send(b"!")
        except (BlockingIOError, OSError):
            return  # it is being woken already, or closed

    def wait(self, timeout: float, *, reading: bool) -> None:
        """Return when there is something to read (if `reading`), a wake, or after `timeout` s."""
        self._watch(reading)
        if reading and isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
            return
        for key, _ in self._selector.select(timeout):
            if key.fileobj is self._wake_reader:
                self._wake_reader.recv(4096)
        if self._unsent:
            self.write(b"")

    def read(self) -> bytes:
        """Return what has come; b"" where nothing has."""
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
