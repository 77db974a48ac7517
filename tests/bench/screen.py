"""A screen of the control room, as the browser's `stream.js` is one, without the browser."""

import threading
import time

import httpx
import msgspec

from dashboards.auth.tokens import wall_token
from dashboards.live.patch import Patch, Snapshot, patched

PAUSE = 0.2  # seconds before it tries again
SILENT = 5.0  # seconds without even a heartbeat after which it does

_snapshot = msgspec.json.Decoder(Snapshot)
_patch = msgspec.json.Decoder(Patch)


class Screen:
    """Watches the stream from `start` to `leave`, and connects again whenever it ends."""

    def __init__(self, url: str, secret: str) -> None:
        self.board: Snapshot | None = None
        self.frames = 0
        self.wholes = 0  # boards that came whole: one a connection, unless the screen lagged
        self.connected = 0  # times
        self._url = f"{url}/api/v1/stream?token={wall_token(secret)}"
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="screen", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def leave(self) -> None:
        """Watch no more; returns at once."""
        self._stopping.set()

    def shows(self) -> set[str]:
        """The ids of the alerts on it."""
        return set(self.board.cards) if self.board else set()

    def counts(self) -> int:
        """Life alerts that nobody has answered, by its figures."""
        return self.board.figures.unacknowledged.life if self.board else 0

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._watch()
            except httpx.HTTPError:
                time.sleep(PAUSE)

    def _watch(self) -> None:
        with httpx.stream("GET", self._url, timeout=SILENT) as answer:
            answer.raise_for_status()
            self.connected += 1
            event = ""
            for line in answer.iter_lines():
                if self._stopping.is_set():
                    return
                if line.startswith("event: "):
                    event = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    self._take(event, line.removeprefix("data: "))

    def _take(self, event: str, data: str) -> None:
        self.frames += 1
        if event == "snapshot":
            self.board = _snapshot.decode(data)
            self.wholes += 1
        elif event == "delta" and self.board is not None:
            self.board = patched(self.board, _patch.decode(data))
