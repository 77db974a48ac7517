"""`/healthz`, `/readyz` and `/metrics` of a service, on a port apart from all pages.

A service never ends for want of that port: who watches it must not be what stops it.
"""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

USUAL_PORTS = {"ingest": 9101, "alerts": 9102, "dashboards": 9103}

log = structlog.get_logger()
Faults = Callable[[], list[str]]  # what keeps the service from being ready; [] = ready


def serve_health(
    service: str, faults: Faults, port: int | None, host: str = "127.0.0.1"
) -> ThreadingHTTPServer | None:
    """Answer on `port`, on a daemon thread, until `shutdown()`; None is the service's usual one.

    A port that is taken is logged as an error, and the usual one is used; where that is taken too,
    or `port` is 0, nothing is served and None returned. `/readyz` is 200 with "ok", or 503 with
    one fault a line.
    """
    usual = USUAL_PORTS[service]
    wanted = [usual] if port is None else [port, usual] if port else []
    for each in dict.fromkeys(wanted):
        server = _listening(faults, host, each)
        if server is not None:
            threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
            return server
    return None


def _listening(faults: Faults, host: str, port: int) -> ThreadingHTTPServer | None:
    """Return a server on this port; None, and an error in the log, where it is taken."""

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
        log.error(
            "no metrics on this port",
            port=port,
            why=error.strerror,
            mend="end what listens there; leave CAREWATCH_METRICS_PORT out, and each service has"
            " its own port",
        )
        return None
    server.daemon_threads = True
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
