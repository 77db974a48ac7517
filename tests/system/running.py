"""A real `carewatch up` on a data directory and ports of its own, for the system tests."""

import os
import queue
import signal
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import msgspec

from deploy.stack.local import free_port
from tests.clock import epoch_now


class Receiver:
    """An HTTP server that keeps every page it is sent, with the time it came."""

    def __init__(self) -> None:
        self.pages: list[tuple[float, dict[str, Any]]] = []  # epoch seconds, the page
        self._new: queue.Queue[dict[str, Any]] = queue.Queue()
        pages, new = self.pages, self._new

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                page = msgspec.json.decode(self.rfile.read(int(self.headers["Content-Length"])))
                pages.append((epoch_now(), page))
                new.put(page)
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def next_page(self, within: float = 90) -> dict[str, Any]:
        """The next page that has not been handed out. Fails when none comes in `within` s."""
        try:
            return self._new.get(timeout=within)
        except queue.Empty:
            raise AssertionError(f"no page came within {within} s") from None

    def silent_for(self, seconds: float) -> bool:
        """Does no page come for so long?"""
        try:
            self._new.get(timeout=seconds)
        except queue.Empty:
            return True
        return False

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Running:
    """One running `carewatch up`."""

    def __init__(self, data_dir: Path, port: int, process: subprocess.Popen[str]) -> None:
        self.data_dir = data_dir
        self.port = port
        self.process = process
        self.url = f"http://127.0.0.1:{port}"

    @property
    def urls(self) -> dict[str, str]:
        """`mqtt_url`, `mqtt_control_url` and `database_url` of the embedded parts."""
        found: dict[str, str] = tomllib.loads((self.data_dir / "running.toml").read_text())
        return found

    @property
    def environment(self) -> dict[str, str]:
        """What other `carewatch` commands need to speak to it."""
        urls = self.urls
        return environment(self.data_dir, self.port) | {
            f"CAREWATCH_{name.upper()}": url for name, url in urls.items()
        }

    def carewatch(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run another command beside it."""
        return subprocess.run(
            [sys.executable, "-m", "deploy", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def children(self) -> list[int]:
        """The process ids of everything below it."""
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)],
            capture_output=True,
            text=True,
            check=False,
        )
        return [int(pid) for pid in listed.stdout.split()]

    def wait_ready(self, within: float) -> None:
        """Return when the pages answer."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            assert self.process.poll() is None, "carewatch up ended: " + self.output()
            try:
                if httpx.get(f"{self.url}/readyz", timeout=2).is_success:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"not ready within {within} s: " + self.output())

    def output(self) -> str:
        return (self.data_dir.parent / "up.log").read_text()

    def stop(self, within: float = 120) -> int:
        """Ctrl-C; returns the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=within)


def environment(data_dir: Path, port: int) -> dict[str, str]:
    """A clean environment for one data directory and port."""
    chosen = ("CAREWATCH_MQTT_HOST", "CAREWATCH_MQTT_PORT")  # of the embedded broker, by a test
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("CAREWATCH_") or key in chosen
    }
    return kept | {"CAREWATCH_DATA_DIR": str(data_dir), "CAREWATCH_HTTP_PORT": str(port)}


@contextmanager
def carewatch_up(data_dir: Path, *words: str, within: float = 240) -> Iterator[Running]:
    """Start `carewatch up`, wait until it is ready, and end it with the block."""
    port = free_port()
    with (data_dir.parent / "up.log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy", "up", *words],
            env=environment(data_dir, port),
            cwd=data_dir.parent,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            text=True,
        )
    running = Running(data_dir, port, process)
    try:
        running.wait_ready(within)
        yield running
    finally:
        running.stop()
