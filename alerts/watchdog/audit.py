"""The watcher of the watchers: each minute, does everything still lead to a person?

It reads the tables with a connection of its own and pages administrators by a road of its own,
past engine, ladders and pagers. While all is well it calls an outside address (a dead-man's
switch): if that falls silent, somebody outside learns that we have.
"""

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

import httpx
import msgspec
import psycopg
import structlog
from psycopg.rows import scalar_row

from alerts import metrics
from alerts.channels import Channels, Notice
from alerts.clock import Clock
from alerts.connections import connect
from alerts.records.lint import check_paging, paging_checked_at
from alerts.records.standing import people
from alerts.settings import AlertsSettings
from alerts.types import Severity, Staff
from core.database import first_line
from core.locks import Lock
from core.outage_log import OutageLog
from devices.registry import load_directory
from devices.subject import Subject
from ingest.history import silent_lanes

EVERY = 60.0  # seconds between two looks
REMIND = timedelta(minutes=30)  # until a fault that stands is told again
LINT_EVERY = timedelta(days=1)
INGEST_SILENT = timedelta(seconds=60)

log = structlog.get_logger()

FaultKind = Literal[
    "alert_without_step",  # nobody answered, and nothing more will happen
    "rung_overdue",  # a rung was due and has not been climbed
    "page_unsent",  # a page is due and has not left
    "page_held",  # the rate limit holds pages back for long
    "engine_silent",  # no alerts process is at work
    "feed_behind",  # readings wait to be judged
    "ingest_silent",  # a lane of ingest has no process at work
    "broker_silent",  # ingest is at work and hears nothing
    "session_intruded",  # somebody else reads a broker session of ours
    "database_silent",
]
# Each answers how many, and the first of them; none where all is well.
QUESTIONS: dict[FaultKind, str] = {
    "alert_without_step": """
        SELECT count(*), min(id) FROM alert WHERE state = 'open' AND next_at IS NULL
        AND body ->> 'muted' IS NULL AND (severity = 'life'
            OR jsonb_array_length(body #> '{ladder,rungs}') > (body ->> 'rung')::int)""",
    "rung_overdue": """
        SELECT count(*), min(id) FROM alert WHERE state IN ('open', 'acknowledged')
        AND next_at < %(now)s - interval '30 s'""",
    "page_unsent": """
        SELECT count(*), min(id) FROM page WHERE state IN ('due', 'sending') AND due_at < %(now)s
        - CASE WHEN severity = 'life' THEN interval '10 s' ELSE interval '2 min' END""",
    "page_held": """
        SELECT count(*), min(id) FROM page WHERE state = 'held'
        AND due_at < %(now)s - interval '15 min'""",
    "engine_silent": """
        SELECT count(*), min(lane) FROM checkpoint
        WHERE renewed_at < clock_timestamp() - interval '60 s'""",
    "feed_behind": """
        SELECT count(*), min(lane) FROM checkpoint c WHERE EXISTS (SELECT FROM arrival_log l
            WHERE l.last > c.outputs_at AND (l.life OR c.lane = 'main')
            AND l.stored_at < clock_timestamp() - interval '60 s')""",
    "broker_silent": """
        SELECT 1, to_char(max(stored_at) AT TIME ZONE 'UTC', 'HH24:MI "UTC"') FROM arrival_log
        HAVING max(stored_at) < clock_timestamp() - interval '15 min'""",
    "session_intruded": """
        SELECT sum(count)::int, min(slot) FROM session_intrusion
        WHERE seen_at > clock_timestamp() - interval '1 h'""",
}

WORDS: dict[FaultKind, dict[str, str]] = {
    "alert_without_step": {
        "zh": "有警报无人应答且无下一步",
        "en": "alerts nobody will be paged for",
    },
    "rung_overdue": {"zh": "升级呼叫未执行", "en": "rungs are overdue"},
    "page_unsent": {"zh": "呼叫未发出", "en": "pages have not left"},
    "page_held": {"zh": "呼叫被限流过久", "en": "pages are held back for long"},
    "engine_silent": {"zh": "警报服务没有运行", "en": "no alerts process is at work"},
    "feed_behind": {"zh": "数据处理滞后", "en": "readings wait to be judged"},
    "ingest_silent": {"zh": "接入通道没有运行", "en": "no ingest process is at work on a lane"},
    "broker_silent": {"zh": "15分钟没有收到任何数据", "en": "nothing came in for 15 min"},
    "session_intruded": {
        "zh": "有人在读取本系统的消息会话",
        "en": "somebody else reads our broker session",
    },
    "database_silent": {"zh": "数据库没有应答", "en": "the database does not answer"},
}


class PagingFault(msgspec.Struct, frozen=True):
    """Something that keeps an alarm from reaching a person."""

    kind: FaultKind
    count: int = 1
    first: str = ""  # the id of the first that is concerned


def look(conn: psycopg.Connection, now: datetime) -> list[PagingFault]:
    """Return everything that is wrong at this moment. Raises psycopg.Error."""
    found = []
    for kind, question in QUESTIONS.items():
        row = conn.execute(question.encode(), {"now": now}).fetchone()
        if row is not None and row[0]:
            found.append(PagingFault(kind, row[0], row[1] or ""))
    silent = silent_lanes(conn, INGEST_SILENT)
    if silent:
        found.append(PagingFault("ingest_silent", len(silent), silent[0]))
    return found


class Watchdog:
    """Looks each minute on a thread of its own."""

    def __init__(self, settings: AlertsSettings, channels: Channels, clock: Clock) -> None:
        self._settings = settings
        self._channels = channels
        self._clock = clock
        self._told: dict[FaultKind, datetime] = {}
        self._answerable: Sequence[Staff] = ()  # remembered: the database may be the fault
        self._outage = OutageLog(log)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End after the look in hand."""
        self._stopping.set()
        self._thread.join()

    def heed(self, faults: Sequence[PagingFault]) -> None:
        """Tell who must know of what is new or still stands; call outside when all is well."""
        metrics.FAULTS.set(len(faults))
        now = self._clock.now()
        standing = {fault.kind for fault in faults}
        self._told = {kind: at for kind, at in self._told.items() if kind in standing}
        for fault in faults:
            log.error("watcher", fault=fault.kind, count=fault.count, first=fault.first)
            if now - self._told.get(fault.kind, now - REMIND) >= REMIND:
                self._tell(fault, now)
                self._told[fault.kind] = now
        if not faults:
            self._call_outside()

    def learn(self, conn: psycopg.Connection) -> None:
        """Remember whom to tell, and lint what they depend on once a day. Raises psycopg.Error."""
        self._answerable = answerable(people(conn))
        now = self._clock.now()
        last = paging_checked_at(conn)
        if last is not None and now - last < LINT_EVERY:
            return
        for flaw in check_paging(conn, load_directory(conn), now):
            log.warning("paging flaw", kind=flaw.kind, where=flaw.where, detail=flaw.detail)

    def _run(self) -> None:
        while not self._stopping.wait(EVERY):
            try:
                with connect(self._settings.database_url, "watcher") as conn:
                    self._watch(conn)
            except psycopg.Error as error:
                self._outage.away(first_line(error))
                self.heed([PagingFault("database_silent")])
            except Exception:
                log.exception("watcher failed, begins again")

    def _watch(self, conn: psycopg.Connection) -> None:
        """Look until asked to end. Raises psycopg.Error."""
        while not self._stopping.is_set():
            taken = conn.cursor(row_factory=scalar_row).execute(
                "SELECT pg_try_advisory_lock(%s)", (Lock.WATCHER,)
            )
            if taken.fetchone():
                self._outage.back()
                self.learn(conn)
                self.heed(look(conn, self._clock.now()))
                conn.execute("SELECT pg_advisory_unlock(%s)", (Lock.WATCHER,))
            self._stopping.wait(EVERY)

    def _tell(self, fault: PagingFault, now: datetime) -> None:
        for staff in self._answerable:
            notice = notice_of(fault, staff, self._settings, now)
            for contact in staff.contacts:
                if not self._channels.send(contact.channel, notice).has_failed:
                    break

    def _call_outside(self) -> None:
        if self._settings.dead_man_url is None:
            return
        try:
            httpx.get(self._settings.dead_man_url, timeout=10)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            log.warning("dead-man address not reached", why=type(error).__name__)


def answerable(everybody: Sequence[Staff]) -> list[Staff]:
    """Return whom the watcher tells: administrators; where there is none, managers."""
    for role in ("admin", "manager"):
        found = [staff for staff in everybody if staff.role == role and staff.contacts]
        if found:
            return found
    return []


def notice_of(fault: PagingFault, staff: Staff, settings: AlertsSettings, now: datetime) -> Notice:
    """Return the watcher's own message."""
    lang = staff.contacts[0].lang or settings.lang
    text = f"{WORDS[fault.kind][lang]} ({fault.count}: {fault.first})"
    head = "carewatch 自检" if lang == "zh" else "carewatch watches itself"
    return Notice(
        page=f"watch-{fault.kind}-{now:%Y%m%d%H%M%S}-{staff.id}",
        alert="",
        rule="watch",
        subject=str(Subject("service", fault.kind)),
        severity=Severity.HIGH,
        title=head,
        message=f"{head}: {text} {settings.public_url}/desk",
        text=f"{head}: {text}",
        raised_at=now,
        observed_at=None,
        received_at=None,
        rung=1,
        attempt=1,
        to=staff.id,
        ack_url=f"{settings.public_url}/desk",
        lang=lang,
    )
