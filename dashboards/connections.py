"""How long a client may take, and how many connections one network may hold.

uvicorn waits for ever for a request that does not come, for a body that trickles and for a client
that no longer reads; each holds a connection, and the last a page's memory. A stream that is read
is never ended.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from core.addresses import is_in, network_of

HEAD = 10.0  # s from connecting, or from the answer before, to the end of a request's headers
BODY = 15.0  # s that a body may take, whatever its size
PACE = 1_000  # bytes/s that earn it more: a picture of 3 MB over GPRS takes ten minutes
STALLED = 30.0  # s without reading any of an answer that waits
LOOK = 1.0  # s between two looks at a connection
PER_NETWORK = 200  # connections: a control room's walls and a clinic's terminals behind one address


class BoundedConnection(H11Protocol):
    """One connection with a client that must get on. Proxies that are named may hold any number."""

    def __init__(self, *args: Any, held: Counter[str], proxies: Sequence[str], **named: Any):
        super().__init__(*args, **named)
        self._held, self._proxies = held, proxies
        self._network = ""
        self._phase: object = None  # of the client, as h11 names it
        self._began = self.loop.time()  # when that phase began
        self._received = 0  # bytes since
        self._stalled_at: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, or end it where its network holds too many."""
        super().connection_made(transport)
        address = self.client[0] if self.client else ""
        self._network = network_of(address)
        self._held[self._network] += 1
        if self._held[self._network] > PER_NETWORK and not is_in(address, self._proxies):
            transport.abort()
            return
        self._timer = self.loop.call_later(LOOK, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._held[self._network] -= 1
        if not self._held[self._network]:
            del self._held[self._network]
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what the client sends and note how far it has come."""
        super().data_received(data)
        self._received += len(data)
        self._note()

    def on_response_complete(self) -> None:
        """Note that the client may send its next request."""
        super().on_response_complete()
        self._note()

    def pause_writing(self) -> None:
        """Note that the client does not read what waits for it."""
        self._stalled_at = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Note that the client reads again."""
        self._stalled_at = None
        super().resume_writing()

    def _note(self) -> None:
        if self.conn.their_state is not self._phase:
            self._phase, self._began, self._received = self.conn.their_state, self.loop.time(), 0

    def _look(self) -> None:
        if self._is_overdue(self.loop.time()):
            self.transport.abort()
            return
        self._timer = self.loop.call_later(LOOK, self._look)

    def _is_overdue(self, now: float) -> bool:
        if self._stalled_at is not None and now - self._stalled_at > STALLED:
            return True
        if self.conn.their_state is h11.IDLE:
            return now - self._began > HEAD
        if self.conn.their_state is h11.SEND_BODY:
            return now - self._began > BODY + self._received / PACE
        return False


def bounded_connections(proxies: Sequence[str] = ()) -> Any:
    """Return the protocol to give to uvicorn as `http`; all its connections are counted together.

    `proxies`: networks of the proxies that hold connections for many clients.
    """
    return partial(BoundedConnection, held=Counter(), proxies=proxies)
