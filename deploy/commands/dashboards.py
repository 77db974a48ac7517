"""`carewatch dashboards`: the wall, the desk and the HTTP API."""

import sys

import typer
import uvicorn
from fastapi import APIRouter, FastAPI

from dashboards.api.watch import faults
from dashboards.app import create_app
from dashboards.connections import bounded_connections
from dashboards.settings import DashboardSettings
from deploy import logs
from deploy.claiming.route import Places, claim_router
from deploy.settings import Settings, load_settings
from deploy.stack import local
from deploy.stack.health import serve_health
from ingest.http.callers import Access
from ingest.http.emqx import emqx_router
from ingest.http.push import push_router


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("dashboards")(dashboards)


def dashboards() -> None:
    """Serve the wall, the desk and the API until SIGTERM or Ctrl-C."""
    settings = load_settings()
    logs.configure(settings.log_level)
    logs.end_with_any_thread()
    # A press by HTTP should not wait 5 ms for each turn of a page or of a large message.
    sys.setswitchinterval(0.001)
    local.refuse_taken_port(settings.http_host, settings.http_port)
    app = _app(settings)
    serve_health(
        "dashboards", lambda: faults(app.state.site), settings.metrics_port, settings.http_host
    )
    _serve(app, settings)


def _app(settings: Settings) -> FastAPI:
    """Return the pages and the API, with the paths by which terminals push."""
    token = settings.ingest_token.get_secret_value() if settings.ingest_token else None
    proxies = tuple(settings.trusted_proxies.split())
    networks = tuple(settings.ingest_networks.split())
    access = Access(token, networks, proxies, public_url=settings.base_url)
    return create_app(
        DashboardSettings(
            database_url=settings.database(),
            secret=settings.secret(),
            public_url=settings.base_url,
            hosts=tuple(settings.http_hosts.split()),
            proxies=proxies,
            lang=settings.lang,
            seats=settings.seats,
            demo=settings.demo,
        ),
        routers=[
            claim_router(_places(settings, proxies)),
            push_router(settings.database(), access),
            *_for_brokers(settings),
        ],
    )


def _serve(app: FastAPI, settings: Settings) -> None:
    """Answer until SIGTERM or Ctrl-C."""
    config = uvicorn.Config(
        app,
        host=settings.http_host,
        port=settings.http_port,
        http=bounded_connections(tuple(settings.trusted_proxies.split())),
        ws="none",
        access_log=False,  # addresses hold links and tokens
        log_level="warning",
        proxy_headers=False,  # core/addresses.py reads them, of named proxies alone
        timeout_graceful_shutdown=3,
    )

    class Server(uvicorn.Server):
        """Lets the open streams go before it waits for open connections to end."""

        def handle_exit(self, sig: int, frame: object) -> None:
            app.state.site.stream.end()
            super().handle_exit(sig, frame)  # type: ignore[arg-type]

    Server(config).run()


def _places(settings: Settings, proxies: tuple[str, ...]) -> Places:
    """Return where claims are kept, and where devices that claim are sent."""
    return Places(
        database_url=settings.database(),
        control_url=settings.broker_control(),
        device_mqtt_url=settings.device_mqtt_url,
        public_url=settings.base_url,
        proxies=proxies,
    )


def _for_brokers(settings: Settings) -> list[APIRouter]:
    """Return where an EMQX asks, if it has been given a token."""
    if settings.broker_token is None:
        return []
    return [emqx_router(settings.database(), settings.broker_token.get_secret_value())]
