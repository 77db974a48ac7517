"""Sends pages. Life pages have threads and connections of their own and go out in parallel, each
at once; all others are bundled and limited (`bundling`), and what is held back can be seen.
"""

import threading
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Literal

import psycopg
import structlog
from psycopg_pool import ConnectionPool, PoolTimeout

from alerts import metrics
from alerts.cases.relief import OFF_DUTY, is_meant
from alerts.channels import Channels, SendResult
from alerts.clock import Clock
from alerts.connections import commit_without_the_disk, connect, conninfo
from alerts.paging import outbox
from alerts.paging.bundling import bundle
from alerts.paging.notices import Claimed, notice_of
from alerts.paging.outbox import Claimer, PageResult
from alerts.plans.roster import Roster
from alerts.settings import AlertsSettings
from core.database import first_line
from core.outage_log import OutageLog

POLL = 0.5  # seconds; the bell is only a hint, and retries come due without one
SENDERS = {"life": 16, "others": 4}  # messages on their way at once
PAUSE = 0.5  # seconds between attempts on the database
RELIEVED = SendResult("failed_permanent", OFF_DUTY)

log = structlog.get_logger()


class Pager:
    """One pool of senders. `ring` wakes it; `stop` ends it after the messages in hand."""

    def __init__(
        self,
        kind: Literal["life", "others"],
        settings: AlertsSettings,
        channels: Channels,
        clock: Clock,
        roster: Callable[[], Roster],
    ) -> None:
        self._kind = kind
        self._settings = settings
        self._channels = channels
        self._clock = clock
        self._roster = roster
        self._bell = threading.Event()
        self._stopping = threading.Event()
        self._name = uuid.uuid4().hex
        self._in_hand: dict[str, str] = {}  # pages claimed and not yet written down -> person
        self._guard = threading.Lock()
        self._senders = ThreadPoolExecutor(SENDERS[kind], thread_name_prefix=f"pager {kind}")
        self._pool = ConnectionPool(
            conninfo(settings.database_url, f"pager {kind}"),
            min_size=1,
            max_size=SENDERS[kind],
            kwargs={"autocommit": True},
            configure=commit_without_the_disk,
            open=False,
        )
        self._outage = OutageLog(log, pager=kind)  # of the thread that claims
        self._thread = threading.Thread(target=self._run, name=f"pager {kind}", daemon=True)

    def start(self) -> None:
        self._pool.open()
        self._thread.start()

    def ring(self) -> None:
        """Wake the sender: there may be something to send."""
        self._bell.set()

    def stop(self) -> None:
        """End after the messages in hand."""
        self._stopping.set()
        self._bell.set()
        self._thread.join()
        self._senders.shutdown()
        self._pool.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with connect(self._settings.database_url, f"pager {self._kind} claims") as conn:
                    self._serve(conn)
            except psycopg.Error as error:
                self._outage.away(first_line(error))
            except Exception:
                log.exception("pager failed, begins again", pager=self._kind)
            self._stopping.wait(PAUSE)

    def _serve(self, conn: psycopg.Connection) -> None:
        """Claim and send until asked to end. Raises psycopg.Error."""
        while not self._stopping.is_set():
            self._bell.clear()
            messages = self._claimed(conn)
            self._outage.back()
            for message in messages:
                self._senders.submit(self._send, message)
            if not messages:
                self._bell.wait(POLL)

    def _claimed(self, conn: psycopg.Connection) -> Sequence[tuple[Claimed, ...]]:
        with self._guard:
            in_hand = dict(self._in_hand)
        free = SENDERS[self._kind] - len(in_hand)
        by = Claimer(self._name, self._clock.now())
        messages: Sequence[tuple[Claimed, ...]] = ()
        if self._kind == "others":
            messages = outbox.claim_others(
                conn,
                by,
                lambda due, recent: bundle(due, recent, by.now),
                except_for=set(in_hand.values()),
            )
        elif free > 0:
            due = outbox.claim_life(conn, by, limit=free, except_for=in_hand)
            messages = [(one,) for one in due]
        with self._guard:
            for one in (one for message in messages for one in message):
                self._in_hand[one.waiting.page.id] = one.waiting.page.person
        return messages

    def _send(self, message: tuple[Claimed, ...]) -> None:
        try:
            self._record(self._results(message))
        finally:
            with self._guard:
                for one in message:
                    self._in_hand.pop(one.waiting.page.id, None)
            self._bell.set()

    def _results(self, message: tuple[Claimed, ...]) -> list[PageResult]:
        """Send what is still meant for this person; whose turn has ended is not woken."""
        roster, now = self._roster(), self._clock.now()
        meant = tuple(one for one in message if _is_meant(one, roster, now))
        gone = [PageResult(one, RELIEVED, now) for one in message if one not in meant]
        if not meant:
            return gone
        answer = self._answer(meant)
        at = self._clock.now()
        return [*gone, *(PageResult(one, answer, at) for one in meant)]

    def _answer(self, message: tuple[Claimed, ...]) -> SendResult:
        """Send; a fault of ours counts as a failure for now, and is told in the log."""
        try:
            notice = notice_of(message, self._roster(), self._settings, self._clock.now())
            return self._channels.send(message[0].waiting.page.channel, notice)
        except Exception as fault:
            log.exception("sending failed", page=message[0].waiting.page.id)
            return SendResult("failed_temporary", type(fault).__name__)

    def _record(self, results: list[PageResult]) -> None:
        """Write down, however long the database is away: until then nobody claims these."""
        outage = OutageLog(log, pager=self._kind, page=results[0].claimed.waiting.page.id)
        while True:
            try:
                with self._pool.connection(timeout=5) as conn:
                    outbox.record(conn, results)
            except (psycopg.Error, PoolTimeout) as error:
                outage.away(first_line(error))
                if self._stopping.wait(PAUSE):
                    return
            else:
                _measure(results)
                return


def _is_meant(claimed: Claimed, roster: Roster, now: datetime) -> bool:
    return is_meant(claimed.waiting.page, claimed.waiting.alert, roster, now)


def _measure(results: list[PageResult]) -> None:
    for result in results:
        page, alert = result.claimed.waiting.page, result.claimed.waiting.alert
        metrics.PAGES.labels(result.answer.state).inc()
        _log_result(page.id, result)
        is_first = (page.rung, page.round, result.claimed.attempt) == (1, 0, 1)
        if is_first and alert.received_at is not None and not result.answer.has_failed:
            latency = (result.at - alert.received_at).total_seconds()
            metrics.PAGE_LATENCY.observe(max(latency, 0.0))


def _log_result(page: str, result: PageResult) -> None:
    """One line a page, by ids alone; who it was for and what it said stay in the database."""
    state, attempt = result.answer.state, result.claimed.attempt
    if result.answer.has_failed:
        log.warning("page failed", page=page, state=state, attempt=attempt)
    else:
        log.info("page", page=page, state=state, attempt=attempt)


__all__ = ("Pager",)
