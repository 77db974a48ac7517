"""One stream an audience: each frame is encoded once and handed to every screen.

A screen gets a whole `snapshot` when it connects, then numbered `delta`s, and a `heartbeat` each
second. One that lags loses its frames and gets a fresh snapshot: never ghosts. Changes are folded
in the thread that reads them; only bytes cross into the event loop.
"""

import asyncio
import threading
from collections.abc import AsyncIterator
from datetime import datetime

import msgspec

from core.ages import Age
from dashboards.live.board import (
    Board,
    Change,
    Health,
    ReadingsHeard,
    Second,
    TownIs,
    fold,
    narrowed,
)
from dashboards.live.kpi import figures
from dashboards.live.patch import Snapshot, patch
from dashboards.live.snapshot import snapshot
from dashboards.live.townmap import TownMap, town_map
from dashboards.scope import WHOLE, Scope

RETRY = b"retry: 2000\n\n"  # ms after which a browser tries again
WAITING = 30  # frames a screen may fall behind before it starts afresh
ENDS_QUIETLY = 300  # s after which an audience nobody watches is forgotten


class Beat(msgspec.Struct, frozen=True):
    """The heartbeat: nothing but how alive everything behind the screen is."""

    at: datetime
    lag: float | None
    ingest: float | None
    engine: float | None
    assets: str  # version of the pages' own files; another one means: reload


class Frame(msgspec.Struct, frozen=True):
    """One event as bytes. Number 0 belongs to no board (a heartbeat)."""

    number: int
    data: bytes


class Watcher:
    """One connected screen."""

    def __init__(self) -> None:
        self.frames: asyncio.Queue[Frame | None] = asyncio.Queue()
        self.lagging = False

    def put(self, frame: Frame | None) -> None:
        """Queue a frame, in the event loop.

        A full queue is emptied: a fresh snapshot replaces it.
        """
        if self.frames.qsize() >= WAITING:
            self.lagging = True
            while not self.frames.empty():
                self.frames.get_nowait()
        self.frames.put_nowait(frame)


class Audience:
    """Everybody who sees the same part of the town."""

    def __init__(self, board: Board, seats: int) -> None:
        self.board: Board = board
        self._seats = seats
        self.begin(board)
        self.shown = self._snapshot()
        self.number = 1
        self.watchers: set[Watcher] = set()
        self.quiet = 0  # seconds without a watcher

    def take(self, change: Change) -> None:
        """Fold a change in, without telling anybody yet."""
        self.board = fold(self.board, change)
        if isinstance(change, TownIs):
            self.map = town_map(self.board.directory, self.board.scope)
        if isinstance(change, Second):
            self.figures = figures(self.board, seats=self._seats)

    def begin(self, board: Board) -> None:
        """Start over from a board read anew."""
        self.board = board
        self.figures = figures(board, seats=self._seats)
        self.map = town_map(board.directory, board.scope)

    def delta(self) -> Frame | None:
        """Return what has changed since the last delta, or None."""
        after = self._snapshot()
        change = patch(self.shown, after)
        if change is None:
            return None
        self.shown = after
        self.number += 1
        return Frame(self.number, _event("delta", msgspec.json.encode(change), self.number))

    def whole(self) -> Frame:
        """Return the snapshot that the next deltas continue."""
        data = msgspec.json.encode(self.shown)
        return Frame(self.number, _event("snapshot", data, self.number))

    def _snapshot(self) -> Snapshot:
        return snapshot(self.board, self.figures, map_version=self.map.version)


class Stream:
    """The boards of all audiences, and the screens that watch them."""

    def __init__(self, assets: str, *, seats: int = 1) -> None:
        self.assets = assets
        self._seats = seats
        self.health = Health()
        self.data_age = Age()  # since ingest was last heard of, also while nobody can ask
        self._lock = threading.Lock()
        self._audiences: dict[Scope, Audience] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    # ------------------------------------------------ the reading thread

    def begin(self, board: Board) -> None:
        """Begin with a board read whole, at the start and after the database was away."""
        with self._lock:
            for scope, audience in self._audiences.items():
                audience.begin(board if scope.whole else narrowed(board, scope))
            if WHOLE not in self._audiences:
                self._audiences[WHOLE] = Audience(board, self._seats)
            self._publish()

    def take(self, change: Change) -> None:
        """Fold a change into every board, and tell the screens what has become of it."""
        with self._lock:
            for audience in self._audiences.values():
                audience.take(change)
            if not isinstance(change, ReadingsHeard):  # what moves is shown once a second
                self._publish()
            if isinstance(change, Second):
                self._second(change)

    # ------------------------------------------------ the event loop

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Attach the board whose screens these are."""
        self._loop = loop

    @property
    def watching(self) -> int:
        """Return the number of screens connected."""
        return sum(len(audience.watchers) for audience in self._audiences.values())

    @property
    def ready(self) -> bool:
        """Return True if a board has been read."""
        return WHOLE in self._audiences

    @property
    def board(self) -> Board | None:
        """Return the whole town's board."""
        whole = self._audiences.get(WHOLE)
        return whole.board if whole else None

    def board_of(self, scope: Scope) -> Board | None:
        """Return an audience's board; None before the first one."""
        with self._lock:
            audience = self._audience(scope)
            return audience.board if audience else None

    def screen(self, scope: Scope) -> Snapshot | None:
        """Return what an audience sees now; None before the first board."""
        with self._lock:
            audience = self._audience(scope)
            return audience.shown if audience else None

    def map(self, scope: Scope) -> TownMap | None:
        """Return the map an audience sees; None before the first board."""
        with self._lock:
            audience = self._audience(scope)
            return audience.map if audience else None

    async def frames(self, scope: Scope) -> AsyncIterator[bytes]:
        """Yield the events for one screen, until it goes or the service ends."""
        watcher = Watcher()
        audience = await asyncio.to_thread(self._join, scope, watcher)
        number = 0
        try:
            yield RETRY
            while (frame := await watcher.frames.get()) is not None:
                if watcher.lagging and audience is not None:
                    watcher.lagging = False
                    frame = await asyncio.to_thread(self._whole, audience)
                if frame.number and frame.number <= number:
                    continue  # older than the snapshot that was sent meanwhile
                number = frame.number or number
                yield frame.data
        finally:
            if audience is not None:
                audience.watchers.discard(watcher)

    def end(self) -> None:
        """Let every screen go: the service stops."""
        for audience in self._audiences.values():
            for watcher in list(audience.watchers):
                watcher.put(None)

    # ------------------------------------------------ inside, lock held

    def _join(self, scope: Scope, watcher: Watcher) -> Audience | None:
        with self._lock:
            audience = self._audience(scope)
            if audience is None:
                self._later(watcher, None)  # nothing to show yet: the browser tries again
                return None
            audience.watchers.add(watcher)
            self._later(watcher, audience.whole())
            return audience

    def _audience(self, scope: Scope) -> Audience | None:
        found = self._audiences.get(scope)
        whole = self._audiences.get(WHOLE)
        if found is None and whole is not None:
            found = self._audiences[scope] = Audience(narrowed(whole.board, scope), self._seats)
        if found is not None:
            found.quiet = 0
        return found

    def _whole(self, audience: Audience) -> Frame:
        with self._lock:
            return audience.whole()

    def _publish(self) -> None:
        for audience in self._audiences.values():
            frame = audience.delta()
            for watcher in list(audience.watchers) if frame else ():
                self._later(watcher, frame)

    def _second(self, change: Second) -> None:
        self.health = change.health
        self._note_age(change.health.ingest)
        health = change.health
        beat = Beat(change.at, health.lag, health.ingest, health.engine, self.assets)
        frame = Frame(0, _event("heartbeat", msgspec.json.encode(beat)))
        for scope, audience in list(self._audiences.items()):
            for watcher in list(audience.watchers):
                self._later(watcher, frame)
            audience.quiet = 0 if audience.watchers else audience.quiet + 1
            if audience.quiet > ENDS_QUIETLY and scope != WHOLE:
                del self._audiences[scope]

    def _note_age(self, seconds: float | None) -> None:
        if seconds is None:
            self.data_age.forget()
        else:
            self.data_age.set(seconds)

    def _later(self, watcher: Watcher, frame: Frame | None) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(watcher.put, frame)


def _event(name: str, data: bytes, number: int | None = None) -> bytes:
    head = f"id: {number}\n" if number is not None else ""
    return f"{head}event: {name}\ndata: ".encode() + data + b"\n\n"
