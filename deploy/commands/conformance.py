"""`carewatch conformance`: the vendor's checklist, against what a device sends right now."""

import asyncio
import os
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import psycopg
import typer

from core.database import connect
from core.errors import CarewatchError
from deploy.invocation import version
from deploy.settings import load_settings
from deploy.stack.running import database as known_database
from deploy.stack.running import parts
from deploy.stopping import run_until_stopped
from devices.broker_address import Address
from devices.conformance.checklist import Lang, complete, judge, passed
from devices.conformance.kept import keep_run
from devices.conformance.own_broker import OwnBroker, SecretFits
from devices.conformance.own_http import OwnHttp, Proven
from devices.conformance.recorder import Recorder
from devices.conformance.report import Report, as_json, as_junit, as_text
from devices.conformance.run import ConformanceRun, Road
from devices.connection import Connection, envelopes
from devices.credentials import credential_fits
from devices.directory import Directory
from devices.envelope import Envelope
from devices.registry import load_directory
from ingest.admission.admit import admit
from ingest.http.callers import proof_of

OPTION = {"mqtt": "--listen", "http": "--http"}
LOOK = 0.2  # seconds between looks at whether everything has passed


DeviceOption = Annotated[str, typer.Option(help="The device whose messages are looked at.")]
SecondsOption = Annotated[
    float | None, typer.Option(help="How long at most; default 120, with an own door 900.")
]
BrokerOption = Annotated[
    str | None, typer.Option(help="The broker; default: settings, or the running `up`.")
]
ListenOption = Annotated[
    str | None, typer.Option(help="HOST:PORT for a broker of its own, which disturbs the device.")
]
HttpOption = Annotated[
    str | None, typer.Option(help="HOST:PORT for an HTTP door of its own: POST /ingest/v1/...")
]
KindOption = Annotated[
    str | None, typer.Option(help="The device's kind, where there is no register.")
]
BeatOption = Annotated[float, typer.Option(help="Seconds between two `status`; contract: 60.")]
KeepOption = Annotated[
    bool, typer.Option(help="Keep the result of a registered device, for the console.")
]
WholeOption = Annotated[
    bool, typer.Option("--whole", help="Go on to the end, also when all has passed.")
]
LangOption = Annotated[
    Literal["zh", "en"] | None, typer.Option(help="Language; default: CAREWATCH_LANG.")
]
JsonOption = Annotated[str | None, typer.Option("--json", help="FILE for JSON; - prints it.")]
JunitOption = Annotated[Path | None, typer.Option(help="FILE for JUnit XML.")]


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("conformance")(conformance)


def conformance(
    device: DeviceOption,
    seconds: SecondsOption = None,
    mqtt_url: BrokerOption = None,
    listen: ListenOption = None,
    http: HttpOption = None,
    kind: KindOption = None,
    beat: BeatOption = 60,
    keep: KeepOption = True,
    whole: WholeOption = False,
    lang: LangOption = None,
    json: JsonOption = None,
    junit: JunitOption = None,
) -> None:
    """Run the checklist of contract v1 on a device: exit 0 where nothing failed, else 1.

    It listens at the broker. With --listen it is itself the broker that the device speaks to: it
    withholds acknowledgements, cuts the connection and goes away, and watches what comes. With
    --http it takes what the device posts, answers 503 and hangs up without an answer.
    """
    settings = load_settings()
    database = known_database()
    directory = _register(database)
    known = directory.devices.get(device) if directory else None
    doors: dict[Road, str] = {"mqtt": listen} if listen else {}
    doors |= {"http": http} if http else {}
    recorder = recorder_of(device, known.kind if known else kind, beat, directory, tuple(doors))
    limit = seconds or (900 if doors else 120)
    if doors:
        work = _own_doors(doors, recorder, limit, _secret_fits(database), whole=whole)
    else:
        topics = {f"carewatch/v1/+/+/{device}"}
        topics |= {known.topic} if known and known.topic else set()
        work = _overhear(parts(mqtt_url)[0], topics, recorder, limit)
    reports = _reports(recorder, work)
    report = reports[lang or settings.lang]
    _give(report, json, junit)
    if keep and known is not None:
        _keep(database, reports)
    raise typer.Exit(0 if passed(report.results) else 1)


def _give(report: Report, json: str | None, junit: Path | None) -> None:
    """Print the report, and write it where it is wanted."""
    if json != "-":
        typer.echo(as_text(report))
    _write(json, as_json(report))
    _write(str(junit) if junit else None, as_junit(report))


def _register(database: str) -> Directory | None:
    if not database:
        return None
    try:
        with connect(database, "carewatch conformance") as conn:
            return load_directory(conn)
    except psycopg.Error as error:
        why = type(error).__name__
        raise CarewatchError(
            f"the register can't be read ({why}): see `carewatch doctor`"
        ) from None


def _secret_fits(database: str) -> SecretFits:
    """Return who asks the register whether a secret fits, off the event loop."""

    def ask(user: str, secret: str) -> bool:
        with connect(database, "carewatch conformance") as conn:
            return credential_fits(conn, user, secret)

    async def fits(user: str, secret: str) -> bool | None:
        return await asyncio.to_thread(ask, user, secret) if database else None

    return fits


def recorder_of(
    device: str,
    kind: str | None,
    beat: float,
    directory: Directory | None,
    own: tuple[Road, ...],
) -> Recorder:
    """Return what writes a run down; `own`: the roads on which the checklist is the device's
    broker or server."""

    def understand(envelope: Envelope) -> dict[str, Any]:
        admitted = admit(envelope, directory)
        return {
            "readings": admitted.readings,
            "rejections": admitted.rejections,
            "repaired": admitted.repaired,
            "redacted": admitted.redacted,
        }

    return Recorder(
        device,
        kind,
        understand,
        clock=_now,
        beat=timedelta(seconds=beat),
        roads=own or ("mqtt",),
        own_broker=bool(own),
        registered=None if directory is None else device in directory.devices,
    )


def _now() -> datetime:
    return datetime.now(UTC)


def _reports(recorder: Recorder, work: Any) -> dict[Lang, Report]:
    """Return what the work has found, in each language."""
    run_until_stopped(work)
    ended = _now()
    run = recorder.run(ended)
    return {lang: _report(run, ended, lang) for lang in get_args(Lang)}


def _report(run: ConformanceRun, ended: datetime, lang: Lang) -> Report:
    return Report(
        device=run.device,
        kind=run.kind,
        begun=run.begun or ended,
        ended=ended,
        roads=run.roads,
        heard=len(run.heard),
        lang=lang,
        results=tuple(judge(run, lang)),
    )


def _keep(database: str, reports: dict[Lang, Report]) -> None:
    """Keep the run for the console; a result that can't be kept was printed all the same."""
    try:
        with connect(database, "carewatch conformance") as conn:
            number = keep_run(conn, reports, version())
    except psycopg.Error as error:
        typer.echo(f"not kept: {type(error).__name__}; see `carewatch doctor`", err=True)
        return
    typer.echo(f"kept as run {number}: /vendor/conformance/{number} on the console", err=True)


def _write(place: str | None, said: str) -> None:
    if place == "-":
        typer.echo(said)
    elif place is not None:
        try:
            Path(place).write_text(said + "\n", encoding="utf-8")
        except OSError as error:
            raise CarewatchError(f"{place} can't be written: {error.strerror}") from None


async def _until_passed(recorder: Recorder, seconds: float) -> None:
    """Return when every check has passed, or the time is over."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not complete(judge(recorder.run(_now()))):
                await asyncio.sleep(LOOK)


async def _own_doors(
    doors: dict[Road, str], recorder: Recorder, seconds: float, fits: SecretFits, *, whole: bool
) -> None:
    """Be the device's broker, its HTTP server, or both. Raise CarewatchError when an address can't
    be listened on."""
    async with AsyncExitStack() as stack:
        for road, place in doors.items():
            host, port = _host_port(road, place)
            door = (
                OwnBroker(host, port, recorder, fits)
                if road == "mqtt"
                else OwnHttp(host, port, recorder, _proven(fits))
            )
            try:
                await stack.enter_async_context(door)
            except OSError as error:
                raise CarewatchError(f"{OPTION[road]} {place}: {error.strerror}") from None
            _say_listening(f"{road}://{host}:{door.port}", seconds)
        await (asyncio.sleep(seconds) if whole else _until_passed(recorder, seconds))


def _host_port(road: Road, place: str) -> tuple[str, int]:
    host, _, port = place.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise CarewatchError(f"{OPTION[road]} {place}: give HOST:PORT, such as 0.0.0.0:1884")
    return host.strip("[]"), int(port)


def _proven(fits: SecretFits) -> Proven:
    """Return who reads what an HTTP request shows, as the service reads it."""

    async def proven(authorization: str | None, prefix: str | None, device: str) -> bool | None:
        shown = proof_of("", authorization, prefix, device)
        return await fits(shown.device or "", shown.secret or "")

    return proven


def _say_listening(where: str, seconds: float) -> None:
    typer.echo(f"listening on {where} for {seconds:g} s: use the device", err=True)


async def _overhear(broker: str, topics: set[str], recorder: Recorder, seconds: float) -> None:
    """Listen beside the service. Raise CarewatchError when the broker is away."""
    name = f"carewatch-conformance-{os.getpid()}"
    async with Connection(broker, topics, name) as connection:
        _say_listening(f"{Address.of(broker)}", seconds)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                async for envelope, qos in envelopes(connection):
                    recorder.hear(envelope, qos=qos)
