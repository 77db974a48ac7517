"""`/healthz`, `/readyz` and `/metrics` for services that have no pages of their own."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from core.errors import CarewatchError

Faults = Callable[[], list[str]]  # what keeps the service from being ready; [] = ready


def serve_health(faults: Faults, port: int, host: str = "127.0.0.1") -> ThreadingHTTPServer | None:
    """Answer on this port, on a daemon thread, until `shutdown()`; port 0 serves nothing.

    `/readyz` is 200 with "ok", or 503 with one fault a line. Raises CarewatchError when the port
    is taken.
    """
    if port == 0:
        return None

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, kind, body = _answer(self.path.partition("?")[0], faults)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return  # a line for each scrape says nothing

    try:
        server = ThreadingHTTPServer((host, port), Answers)
    except OSError as error:
        raise CarewatchError(
            f"port {port} for metrics can't be used ({error.strerror}): "
            "end what listens there, or set CAREWATCH_METRICS_PORT"
        ) from None
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server


def _answer(path: str, faults: Faults) -> tuple[int, str, bytes]:
    plain = "text/plain; charset=utf-8"
    if path == "/metrics":
        return 200, CONTENT_TYPE_LATEST, generate_latest()
    if path == "/healthz":
        return 200, plain, b"ok\n"
    if path == "/readyz":
        found = faults()
        return (
            (503, plain, "".join(f"{each}\n" for each in found).encode())
            if found
            else (
                200,
                plain,
                b"ok\n",
            )
        )
    return 404, plain, b"/healthz, /readyz and /metrics are here\n"
