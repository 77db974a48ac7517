"""The whole stack on this machine: embedded parts where no URL is set, one process a service."""

import signal
import time
from contextlib import ExitStack
from ipaddress import ip_address

import httpx
import psycopg
import typer
from pydantic import SecretStr

from core.errors import CarewatchError
from deploy.demo.prepare import prepare
from deploy.migrate import migrate
from deploy.settings import Settings, load_settings
from deploy.stack import embedded, local, running
from deploy.stack.health import USUAL_PORTS
from deploy.stack.supervisor import Child, Supervisor
from devices.broker_address import Address

USUAL_MQTT_PORT = 1883  # registered at IANA
READY_WITHIN = 180.0  # seconds the pages may take to answer on a machine with much else to do


def run_stack(demo: bool) -> None:
    """Bring everything up and keep it up until SIGINT or SIGTERM; then end all of it.

    Raises CarewatchError where a part cannot start; what was started has been ended by then.
    """
    _end_on_signals()
    try:
        with ExitStack() as stack:
            _run(load_settings(), demo, stack)
    except _Ended:
        typer.echo("ended; the data is kept")


class _Ended(BaseException):
    """Somebody asked us to end."""


def _end_on_signals() -> None:
    def end(number: int, frame: object) -> None:
        # A second Ctrl-C must not break the tidying up that the first began.
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)
        raise _Ended

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)


def _run(settings: Settings, demo: bool, stack: ExitStack) -> None:
    begun = time.monotonic()
    stack.enter_context(local.sole_use(settings.own_dir()))
    local.refuse_taken_port(settings.http_host, settings.http_port)
    parts: list[embedded.StackPart] = []
    database = _plain(settings.database_url)
    if database is None:
        parts.append(stack.enter_context(embedded.embedded_postgresql(settings.data_dir)))
        database = parts[-1].url
    with psycopg.connect(database) as conn:
        migrate(conn)
    broker, control = settings.broker_url(), settings.broker_control()
    shown = str(Address.of(broker)) if broker else ""
    if broker is None:
        door = _door(settings)
        own = stack.enter_context(embedded.embedded_broker(settings.data_dir, database, door))
        parts.append(own)
        broker, control, shown = own.url, own.control_url, f"mqtt://{door.host}:{door.port}"
    running.keep(settings.data_dir, broker, database, control)
    stack.callback(running.forget, settings.data_dir)
    story = prepare(settings, database, shown) if demo else ""
    supervisor = Supervisor(
        _children(settings, database, broker, control, shown, demo),
        settings.data_dir / "logs" if demo else None,
        parts,
    )
    stack.callback(supervisor.stop)
    supervisor.start()
    _wait_for_pages(settings, supervisor)
    typer.echo(
        f"carewatch is up after {time.monotonic() - begun:.1f} s: {settings.base_url}\n{story}"
    )
    supervisor.watch()


def _plain(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret is not None else None


def _door(settings: Settings) -> embedded.Door:
    """Where devices reach the embedded broker. Raises CarewatchError when a set port is taken."""
    host, port = settings.mqtt_host, settings.mqtt_port
    if port is not None:
        local.refuse_taken_port(host, port, "CAREWATCH_MQTT_PORT")
    if not is_loopback(host):
        typer.echo(
            f"warning: the embedded broker listens on {host} without TLS: whoever is on the way "
            "reads secrets and messages. Use it in a network of your own only",
            err=True,
        )
    return embedded.Door(host, port or local.free_port(USUAL_MQTT_PORT))


def is_loopback(host: str) -> bool:
    """Return True if only this machine reaches what listens there."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _children(
    settings: Settings, database: str, broker: str, control: str | None, shown: str, demo: bool
) -> list[Child]:
    told = settings.device_mqtt_url or (shown if settings.mqtt_url is None else "")
    shared = {
        "CAREWATCH_DATABASE_URL": database,
        "CAREWATCH_MQTT_URL": broker,
        "CAREWATCH_DEVICE_MQTT_URL": told,
        "CAREWATCH_SECRET_KEY": settings.secret(),
        "CAREWATCH_DATA_DIR": str(settings.data_dir.resolve()),
        "CAREWATCH_INGEST_NETWORKS": trusted_networks(settings, demo),
        **({"CAREWATCH_MQTT_CONTROL_URL": control} if control else {}),
        **({"CAREWATCH_DEMO": "1"} if demo else {}),
    }
    children = [
        Child(name, [name], {**shared, "CAREWATCH_METRICS_PORT": str(port)})
        for name, port in zip(USUAL_PORTS, _metrics_ports(settings), strict=True)
    ]
    if demo:
        children.append(Child("simulate", ["simulate"], shared))
    return children


def _metrics_ports(settings: Settings) -> list[int]:
    """Return a free port for each service: from the one that is set on, else beside the pages'."""
    if settings.metrics_port == 0:
        return [0] * len(USUAL_PORTS)
    first = settings.metrics_port or settings.http_port + 1
    return [local.free_port(first + number) for number in range(len(USUAL_PORTS))]


def trusted_networks(settings: Settings, demo: bool) -> str:
    """Return the networks from which terminals may send by HTTP without a secret.

    A demo trusts its own machine where no proxy stands in between; nothing else is by default.
    """
    at_home = settings.mqtt_url is None and not settings.public_url
    return settings.ingest_networks or ("127.0.0.0/8" if demo and at_home else "")


def _wait_for_pages(settings: Settings, supervisor: Supervisor) -> None:
    address = f"http://{settings.http_host}:{settings.http_port}/healthz"
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        supervisor.watch(seconds=0.2)
        try:
            if httpx.get(address, timeout=2).is_success:
                return
        except httpx.HTTPError:
            continue
    raise CarewatchError(
        f"the pages did not come up within {READY_WITHIN:.0f} s: "
        f"see the logs in {settings.data_dir / 'logs'}"
    )
