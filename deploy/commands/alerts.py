"""`carewatch alerts`: decides when something is wrong and sees to it that a person answers."""

import signal
import sys

import typer

from alerts.service import AlertsService
from alerts.settings import AlertsSettings
from deploy import logs
from deploy.settings import load_settings
from deploy.stack.health import serve_health


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("alerts")(alerts)


def alerts() -> None:
    """Judge what comes in and page people, until SIGTERM or Ctrl-C. A second process stands by."""
    settings = load_settings()
    logs.configure(settings.log_level)
    logs.end_with_any_thread()
    # An SOS should not wait 5 ms for each turn of the lane that judges everything else.
    sys.setswitchinterval(0.001)
    dead_man = settings.dead_man_url
    service = AlertsService(
        AlertsSettings(
            database_url=settings.database(),
            secret=settings.secret(),
            public_url=settings.base_url,
            lang=settings.lang,
            dead_man_url=dead_man.get_secret_value() if dead_man else None,
        )
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: service.stop())
    serve_health("alerts", service.faults, settings.metrics_port, settings.http_host)
    service.run()
