"""`carewatch ingest`: takes in what devices say and stores it; several may run."""

import signal
import sys

import typer

from deploy import logs
from deploy.settings import load_settings
from deploy.stack.health import serve_health
from ingest.service import Service
from ingest.settings import IngestSettings


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("ingest")(ingest)


def ingest() -> None:
    """Take in messages until SIGTERM or Ctrl-C. Of several, one works and the others stand by."""
    settings = load_settings()
    logs.configure(settings.log_level)
    logs.end_with_any_thread()
    # Two lanes share one interpreter: an SOS should not wait 5 ms for each turn of the other.
    sys.setswitchinterval(0.001)
    service = Service(
        IngestSettings(
            mqtt_url=settings.broker(),
            database_url=settings.database(),
            shared=settings.ingest_shared,
            control_url=settings.broker_control(),
        )
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: service.stop())
    serve_health("ingest", service.faults, settings.metrics_port, settings.http_host)
    service.run()
