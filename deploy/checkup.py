"""What `carewatch doctor` looks at: settings, broker, database, clock, services, messages, rota.

Each check yields findings: what is well, and what is wrong with its mend. None raises; a check
whose ground is missing (no database, say) is not made.
"""

import asyncio
import tomllib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec
import psycopg

from alerts.history import Flaw, paging_flaws
from alerts.watchdog.audit import WORDS, PagingFault, look
from core.database import connect, first_line
from core.errors import CarewatchError
from core.keys_in_use import keys_in_use
from core.signing import fingerprint
from deploy.migrate import migrations
from deploy.settings import Settings, load_settings
from deploy.stack.running import RUN_FILE
from devices.broker_address import Address
from devices.codecs import OUTSIDE
from devices.codecs.outside import GROUP
from devices.connection import BrokerAway, reach
from devices.credentials import credentials
from devices.registry import load_directory
from ingest.history import Intrusion, MessageCount, message_counts, recent_drops, recent_intrusions
from ingest.lanes.accounts import Plan, compared
from ingest.mqtt.control import BrokerControl, ControlFault

CLOCKS_APART = 2.0  # seconds between our clock and the database's that are too many
COUNTED = timedelta(days=1)  # how far back the messages' sums and the broker's drops are looked at
NAMED = 10  # devices that a line names
PATIENCE = 5  # seconds for the broker or the database to answer
MENDS = {
    "unknown_person": "name a person of the town file's `people`, and load it again",
    "unknown_rota": "name a rota of the town file, and load it again",
    "unknown_role": "use viewer, operator, on_call, manager, vendor or admin",
    "empty_rota": "give the rota people",
    "rota_gap": "let the rota start earlier, or add a swap for the stretch",
    "empty_role": "give somebody the role, or page somebody else",
    "empty_agency": "give the agency an on_call person, or page somebody else",
    "empty_rung": "name somebody to page",
    "no_contact": "give the person a contact",
    "contact_failed": "ask the person, and mend the contact in the town file",
    "nobody_for_life": "give an on_call person a contact: an SOS would reach nobody",
}
FAULT_MENDS = {
    "alert_without_step": "answer it on the desk; give its ladder a repeat",
    "rung_overdue": "start `carewatch alerts`, or read its log",
    "page_unsent": "start `carewatch alerts`, or read its log",
    "page_held": "resolve or mute what floods the person",
    "engine_silent": "start `carewatch alerts`",
    "feed_behind": "read the log of `carewatch alerts`; it may need a faster machine",
    "ingest_silent": "start `carewatch ingest`",
    "session_intruded": "change the services' password at the broker",
    "broker_silent": "see whether devices reach the broker, and `carewatch ingest` its topics",
}


class Checked(msgspec.Struct, frozen=True):
    """One thing looked at. `mend` is empty where all is well; a note may be as it is."""

    what: Literal[
        "settings", "codecs", "database", "broker", "clock", "services", "messages", "rota"
    ]
    says: str
    mend: str = ""
    is_note: bool = False

    @property
    def mark(self) -> str:
        """Return the label it has in the list."""
        if not self.mend:
            return "ok"
        return "--" if self.is_note else "!!"


def check_up() -> Iterator[Checked]:
    """Check everything, in the order in which one would mend it."""
    try:
        settings = load_settings()
    except CarewatchError as error:
        yield Checked("settings", str(error), "set it right in the environment, .env or the file")
        return
    yield from of_settings(settings)
    yield from of_codecs()
    yield from of_broker(_url(settings, "mqtt_url"))
    yield from of_database(_url(settings, "database_url"), settings)
    yield from of_accounts(_url(settings, "mqtt_control_url"), _url(settings, "database_url"))


def of_settings(settings: Settings) -> Iterator[Checked]:
    """Check what is set, and what that means."""
    yield Checked("settings", "can be read")
    if settings.secret_key is not None and len(settings.secret_key.get_secret_value()) < 32:
        mend = "set CAREWATCH_SECRET_KEY to 32 random characters or more"
        yield Checked("settings", "the secret key is short, links could be forged", mend)
    if urlsplit(settings.base_url).hostname in ("127.0.0.1", "localhost", "0.0.0.0"):
        mend = "set CAREWATCH_PUBLIC_URL to the address that phones reach"
        says = f"links begin with {settings.base_url}: they work on this machine only"
        yield Checked("settings", says, mend, is_note=True)


def of_codecs() -> Iterator[Checked]:
    """Name the codecs of installed packages, and those that were left out."""
    mend = f"mend or uninstall the package; its tests say more ({GROUP})"
    yield from (Checked("codecs", fault, mend) for fault in OUTSIDE.faults)
    for codec in OUTSIDE.codecs:
        yield Checked("codecs", f"{codec.family} is read by a package from outside")


def of_database(url: str | None, settings: Settings) -> Iterator[Checked]:
    """Check the database, and all that is read from it."""
    if url is None:
        yield Checked("database", "none is set: `carewatch up` brings its own")
        return
    try:
        with connect(url, "carewatch doctor") as conn:
            yield from _of_schema(conn)
            yield _of_clock(conn)
            yield from _of_services(conn)
            yield from of_keys(conn, settings)
            yield from _of_counts(conn)
            yield from _of_rota(conn)
    except psycopg.OperationalError as error:
        yield _of_refusal(error)
    except psycopg.errors.UndefinedTable:
        yield Checked("database", "has no schema", "run `carewatch migrate`")


def _of_refusal(error: psycopg.OperationalError) -> Checked:
    """Say in the database's own words why it does not take us; they never hold the password."""
    said = first_line(error)
    if "password authentication failed" in said or "no password supplied" in said:
        mend = "set the right password in CAREWATCH_DATABASE_URL"
        return Checked("database", f"wrong password: {said}", mend)
    return Checked(
        "database", f"does not answer: {said}", "start it, or mend CAREWATCH_DATABASE_URL"
    )


def of_broker(url: str | None) -> Iterator[Checked]:
    """Check that the broker takes our connection."""
    if url is None:
        yield Checked("broker", "none is set: `carewatch up` brings its own")
        return
    try:
        place = Address.of(url)
        asyncio.run(reach(url))
        yield Checked("broker", f"{place} takes our connection")
    except BrokerAway as away:
        yield Checked("broker", f"{place}: {away.why}", "start it, or mend CAREWATCH_MQTT_URL")


def of_accounts(control_url: str | None, database_url: str | None) -> Iterator[Checked]:
    """Do the broker's accounts agree with the register? Looked at where both can be asked."""
    if control_url is None or database_url is None:
        return
    try:
        with psycopg.connect(database_url, connect_timeout=PATIENCE) as conn:
            known = credentials(conn)
        with BrokerControl(control_url) as control:
            found, is_open = compared(control, known), control.receives_unasked()
    except psycopg.Error:
        return  # said already
    except ControlFault as fault:
        yield Checked("broker", str(fault), "mend CAREWATCH_MQTT_CONTROL_URL")
        return
    yield from _of_plan(found)
    if is_open:
        says = "it sends clients what no role of theirs lets them hear"
        mend = "mosquitto_ctrl dynsec setDefaultACLAccess publishClientReceive deny"
        yield Checked("broker", says, mend)


def _of_plan(found: Plan) -> Iterator[Checked]:
    if found.missing:
        says = f"{_named(found.missing)}: a secret in the register and no account at the broker"
        yield Checked("broker", says, "run `carewatch device rotate` for each")
    if found.surplus:
        says = f"{_named(found.surplus)}: an account at the broker and no right to it"
        yield Checked("broker", says, "start `carewatch ingest`: it takes them away")
    elif found.commands:
        says = f"{len(found.commands)} rights at the broker are not those of the register"
        yield Checked("broker", says, "start `carewatch ingest`: it makes them right")
    if not found.missing and not found.commands:
        yield Checked("broker", "its accounts are those of the register")


def _named(devices: Sequence[str]) -> str:
    more = f" and {len(devices) - NAMED} more" if len(devices) > NAMED else ""
    return ", ".join(devices[:NAMED]) + more


def _of_schema(conn: psycopg.Connection) -> Iterator[Checked]:
    version = conn.execute("SELECT current_setting('server_version')").fetchone()
    done = {number for (number,) in conn.execute("SELECT number FROM migration")}
    waiting = [each.name for each in migrations() if each.number not in done]
    if waiting:
        yield Checked("database", f"lacks {', '.join(waiting)}", "run `carewatch migrate`")
    else:
        yield Checked("database", f"PostgreSQL {version[0] if version else ''}, schema up to date")


def _of_clock(conn: psycopg.Connection) -> Checked:
    row = conn.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    apart = (datetime.now(UTC) - row[0]).total_seconds()
    if abs(apart) <= CLOCKS_APART:
        return Checked("clock", "ours and the database's agree")
    mend = "let both machines follow a time server (chrony or systemd-timesyncd)"
    return Checked("clock", f"ours is {apart:+.1f} s from the database's", mend)


def _of_services(conn: psycopg.Connection) -> Iterator[Checked]:
    faults = look(conn, datetime.now(UTC))
    for fault in faults:
        yield Checked("services", _fault_text(fault), FAULT_MENDS.get(fault.kind, "read the logs"))
    dropped = recent_drops(conn, datetime.now(UTC) - COUNTED)
    if dropped:
        mend = "lift its queue limits as deploy/mosquitto/conf.d/limits.conf does"
        yield Checked("services", f"the broker has dropped {dropped} messages", mend)
    intrusions = recent_intrusions(conn, datetime.now(UTC) - COUNTED)
    yield from map(_of_intrusion, intrusions)
    if not faults and not dropped and not intrusions:
        yield Checked("services", "every alert, page and reading is on its way")


def _fault_text(fault: PagingFault) -> str:
    """Return what the watcher found, as a sentence with its number and its first example."""
    if fault.kind == "ingest_silent":
        lanes = "lane" if fault.count == 1 else "lanes"
        return f"no ingest process is at work on {fault.count} {lanes} (first: {fault.first})"
    first = f", first {fault.first}" if fault.first else ""
    return f"{WORDS[fault.kind]['en']} ({fault.count}{first})"


def _of_intrusion(seen: Intrusion) -> Checked:
    says = {
        "missing": f"{seen.count} messages for it never came: somebody acknowledged them",
        "taken_over": f"it was taken from us {seen.count} times in 24 h",
        "ended": f"somebody ended it {seen.count} times in 24 h; what waited in it is gone",
    }[seen.sign]
    mend = (
        "change the services' password at the broker, and bind each device's account to its "
        "client id (docs/how-to/operate.md)"
    )
    return Checked("services", f"broker session {seen.slot}: {says}", mend)


def of_keys(conn: psycopg.Connection, settings: Settings) -> Iterator[Checked]:
    """Check that whoever signs and whoever reads what was signed have the same key."""
    known = {each.service: each.fingerprint for each in keys_in_use(conn)}
    try:
        known["this command"] = fingerprint(settings.secret(make=False))
    except CarewatchError:
        if not known:
            return
    said = ", ".join(f"{service} {key}" for service, key in known.items())
    if len(set(known.values())) == 1:
        yield Checked("settings", f"one secret key everywhere ({said})")
    elif len({key for service, key in known.items() if service != "this command"}) <= 1:
        mend = "run commands as the services' user, with their settings"
        yield Checked("settings", f"our secret key is not the services' ({said})", mend, True)
    else:
        mend = "give all services the same CAREWATCH_SECRET_KEY, and start them again"
        yield Checked("settings", f"links open nothing: services have other keys ({said})", mend)


def _of_counts(conn: psycopg.Connection) -> Iterator[Checked]:
    """Check that what was received adds up to what became of it."""
    counts = message_counts(conn, datetime.now(UTC) - COUNTED)
    uneven = [each for each in counts if each.missing]
    yield from (_of_uneven(each) for each in uneven)
    if not uneven:
        received = sum(each.received for each in counts)
        yield Checked("messages", f"of {received} received in 24 h each is accounted for")


def _of_uneven(count: MessageCount) -> Checked:
    says = (
        f"{count.family}: of {count.received} received in 24 h {count.stored} were stored,"
        f" {count.rejected} rejected, {count.duplicate} duplicates, {count.ignored} ignored:"
        f" {abs(count.missing)} too {'few' if count.missing > 0 else 'many'}"
    )
    mend = "keep the log of `carewatch ingest` of that time, and tell carewatch's makers"
    return Checked("messages", says, mend)


def _of_rota(conn: psycopg.Connection) -> Iterator[Checked]:
    directory = load_directory(conn)
    flaws = paging_flaws(conn, directory, datetime.now(UTC))
    yield from (_of_flaw(flaw, ZoneInfo(directory.timezone)) for flaw in flaws)
    if not flaws:
        yield Checked("rota", "everybody who may be paged can be")


def _of_flaw(flaw: Flaw, zone: ZoneInfo) -> Checked:
    detail = f" ({flaw.detail})" if flaw.detail else ""
    since = f", since {flaw.since.astimezone(zone):%Y-%m-%d %H:%M}" if flaw.since else ""
    says = f"{flaw.where}: {flaw.kind.replace('_', ' ')}{detail}{since}"
    return Checked("rota", says, MENDS[flaw.kind])


def _url(
    settings: Settings, name: Literal["mqtt_url", "mqtt_control_url", "database_url"]
) -> str | None:
    """Return what is set, else what a running `carewatch up` wrote down."""
    secret = settings.database_url
    given = {
        "mqtt_url": settings.broker_url(),
        "mqtt_control_url": settings.broker_control(),
        "database_url": secret.get_secret_value() if secret else None,
    }
    if given[name] is not None:
        return given[name]
    kept = settings.data_dir / RUN_FILE
    running = tomllib.loads(kept.read_text()).get(name) if kept.exists() else None
    return str(running) if running else None
