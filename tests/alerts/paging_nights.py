"""Nights of alerts against the pure pieces: people answer or don't, channels fail, rotas change
hands, and the process dies between two facts. All that is said and sent is kept in a log.

The same seed makes the same nights.
"""

import heapq
import itertools
import random
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from alerts.cases.casebook import ABOUT_AN_ALERT, Casebook, Changed
from alerts.cases.lifecycle import ACTIVE
from alerts.cases.relief import OFF_DUTY, is_meant
from alerts.channels.notice import SendResult
from alerts.paging.bundling import Waiting, bundle
from alerts.paging.notices import Claimed
from alerts.paging.outbox import PageResult, is_called_off, retry_after
from alerts.plans.roster import roster_of
from alerts.types import (
    Acknowledged,
    Alert,
    Arrived,
    Entry,
    Escalated,
    Finding,
    Muted,
    Noted,
    Page,
    PlanSet,
    Receipt,
    Resolved,
    Rota,
    RotaSwap,
    Severity,
    TownChanged,
)
from devices.directory import Directory
from tests.alerts.ladder_story import SHANGHAI, made
from tests.alerts.paging_town import BEGIN, CLIENTS, KINDS, LADDERS, NIGHTS, PEOPLE, REGISTER, ROTAS

OUTCOMES = ("delivered", "failed_temporary", "failed_permanent"), (80, 12, 8)
HELD = timedelta(seconds=20)  # between two looks at what the rate limit holds back


class Said(msgspec.Struct, frozen=True):
    """One alert as it was committed, with the pages of that step."""

    at: datetime
    alert: Alert
    pages: tuple[Page, ...]
    cause: str  # "ladder", "finding", or the entry's type


class Left(msgspec.Struct, frozen=True):
    """One message that left for a phone."""

    at: datetime
    pages: tuple[Page, ...]
    alerts: tuple[Alert, ...]  # as they stood then


class Handed(msgspec.Struct, frozen=True):
    """The rotas from a moment on."""

    at: datetime
    rotas: tuple[Rota, ...]


Log = list[Said | Left | Handed]


class _Row(msgspec.Struct):
    page: Page
    due_at: datetime
    attempts: int = 0
    state: str = "due"


class Nights:
    """A week; `run` it, then read its `log`, the stored `alerts` and the `rows` of pages."""

    def __init__(self, alerts: int, seed: int) -> None:
        self.log: Log = []
        self.alerts: dict[str, Alert] = {}  # as stored
        self.rows: dict[str, _Row] = {}
        self.restarts = 0
        self._chance = random.Random(seed)
        self._now = BEGIN
        self._order = itertools.count()
        self._events: list[tuple[datetime, int, Callable[[], None]]] = []
        self._mutes: dict[str, Muted] = {}
        self._rotas = {rota.id: rota for rota in ROTAS}
        plans = PlanSet(people=PEOPLE, rotas=ROTAS, ladders=LADDERS)
        self._roster = roster_of(Directory().changed(REGISTER), plans, SHANGHAI)
        self._books = self._rebuilt()
        self._waiting: list[Finding | Entry] = []  # came while the process was down
        self._back_at: datetime | None = None
        self._open_pages: set[str] = set()
        self._recent: dict[str, list[datetime]] = {}
        self._on_its_way: set[str] = set()
        self._look_at: dict[str, datetime] = {}
        self.log.append(Handed(BEGIN, ROTAS))
        self._plan(alerts)

    def run(self) -> "Nights":
        while self._events:
            at, _, act = heapq.heappop(self._events)
            self._now = max(self._now, at)
            act()
            if self._back_at is None:
                self._look()
        return self

    # ------------------------------------------------------------ what happens by chance

    def _plan(self, alerts: int) -> None:
        weights = [weight for _, _, weight in KINDS]
        for n in range(alerts):
            rule, severity, _ = self._chance.choices(KINDS, weights)[0]
            subject = f"client:c-{self._chance.randrange(CLIENTS)}"
            finding = made(self._night(), rule, subject, severity=severity, key=f"{n // 2}")
            self._at(finding.at, lambda f=finding: self._fact(f))
            again = replace(finding, at=finding.at + self._seconds(60, 1800))
            if self._chance.random() < 0.1:
                self._at(again.at, lambda f=again: self._fact(f))
            over = replace(finding, event="cleared", at=finding.at + self._seconds(60, 20_000))
            if self._chance.random() < 0.2:
                self._at(over.at, lambda f=over: self._fact(f))
        for _ in range(60):
            self._at(self._night(), self._swap)
        for n in range(80):
            self._at(self._night(), lambda n=n: self._mute(n))
        for _ in range(60):
            self._at(self._night(), self._die)

    def _night(self) -> datetime:
        night = timedelta(days=self._chance.randrange(NIGHTS))
        return BEGIN + night + self._seconds(0, 12 * 3600)

    def _seconds(self, least: float, most: float) -> timedelta:
        return timedelta(milliseconds=round(self._chance.uniform(least, most) * 1000))

    def _at(self, at: datetime, act: Callable[[], None]) -> None:
        heapq.heappush(self._events, (at, next(self._order), act))

    def _swap(self) -> None:
        rota = self._rotas[self._chance.choice(("night", "second", "week"))]
        since = self._now + self._seconds(-600, 3600)
        person = self._chance.choice(("u-0", "u-3", "u-5", "u-6"))
        swap = RotaSwap(from_=since, until=since + self._seconds(60, 10_000), person=person)
        rota = self._rotas[rota.id] = replace(rota, swaps=(*rota.swaps, swap))
        self._fact(TownChanged(at=self._now, plans=PlanSet(rotas=(rota,))))

    def _mute(self, n: int) -> None:
        until = self._now + self._seconds(60, 3600)
        area = self._chance.choice(("wangji", "mudan"))
        rule = self._chance.choice(KINDS)[0]
        self._fact(Muted(at=self._now, id=f"m-{n}", until=until, reason="repair", person="m-1",
                         area=area, rule=rule))  # fmt: skip

    def _answer(self, alert: Alert, person: str) -> None:
        """Somebody's phone rang: they go or don't, arrive or don't, and close it."""
        if self._chance.random() > 0.3:
            return
        goes = self._now + self._seconds(2, 400)
        self._tell(Acknowledged(at=goes, alert=alert.id, person=person))
        if self._chance.random() < 0.1:
            at = goes + self._seconds(1, 900)
            self._tell(Escalated(at=at, alert=alert.id, person=person))
        if self._chance.random() < 0.7:
            there = goes + self._seconds(60, 1200)
            self._tell(Arrived(at=there, alert=alert.id, person=person))
            done = there + self._seconds(60, 1200)
            self._tell(Resolved(at=done, alert=alert.id, person=person, outcome="helped"))
            self._tell(Noted(at=done + self._seconds(1, 60), alert=alert.id, person=person,
                             note="slept"))  # fmt: skip

    def _tell(self, entry: Entry) -> None:
        self._at(entry.at, lambda: self._fact(entry))

    def _closed_at_last(self, alert: Alert) -> None:
        self._tell(Resolved(at=self._now + self._seconds(7200, 30_000), alert=alert.id,
                            person="m-2", outcome="other"))  # fmt: skip

    # ------------------------------------------------------------ the process

    def _rebuilt(self) -> dict[str, Casebook]:
        """Both lanes' books from what is stored, as after a restart."""
        stored = msgspec.json.encode([a for a in self.alerts.values() if a.state in ACTIVE])
        alerts = msgspec.json.decode(stored, type=list[Alert])
        mutes = [mute for mute in self._mutes.values() if mute.until > self._now]
        life = [alert for alert in alerts if alert.severity is Severity.LIFE]
        rest = [alert for alert in alerts if alert.severity is not Severity.LIFE]
        return {"life": Casebook(self._roster, life), "main": Casebook(self._roster, rest, mutes)}

    def _die(self) -> None:
        """In the middle of a step: what was not committed is gone, what comes waits."""
        self._back_at = self._now + self._seconds(1, 900)
        self._at(self._back_at, self._come_back)

    def _come_back(self) -> None:
        if self._back_at is None or self._now < self._back_at:
            return
        self._back_at = None
        self.restarts += 1
        self._books = self._rebuilt()
        for key in self._on_its_way:  # sent or not: it was never written down
            self.rows[key].state = "due"
        self._on_its_way.clear()
        waiting, self._waiting = self._waiting, []
        for fact in waiting:
            self._take_in(fact)

    def _fact(self, fact: Finding | Entry) -> None:
        if self._back_at is not None:
            self._waiting.append(fact)
            return
        if self._chance.random() < 0.005:  # dies before it is committed: it is taken in again
            self._hear(fact)
            self._waiting.append(fact)
            self._die()
            return
        self._take_in(fact)

    def _take_in(self, fact: Finding | Entry) -> None:
        self._hear(fact)
        if isinstance(fact, TownChanged):
            self._roster = self._roster.changed(fact.plans)
            self.log.append(Handed(self._now, tuple(self._roster.rotas.values())))
        cause = "finding" if isinstance(fact, Finding) else str(type(fact).__name__)
        self._commit(cause)

    def _hear(self, fact: Finding | Entry) -> None:
        if isinstance(fact, Finding):
            lane = "life" if fact.severity is Severity.LIFE else "main"
            self._books[lane].settle(fact, None, self._now)
            return
        for lane, book in self._books.items():
            if lane == "life" and isinstance(fact, Muted):
                continue
            if isinstance(fact, ABOUT_AN_ALERT) and not book.holds(fact.alert):
                self._recall(lane, fact.alert)
            book.hear(fact, self._now)  # type: ignore[arg-type]

    def _recall(self, lane: str, id: str) -> None:
        alert = self.alerts[id]
        if (alert.severity is Severity.LIFE) == (lane == "life"):
            self._books[lane].recall(alert)

    def _look(self) -> None:
        """Climb what is due, send what is due, and say when to look again."""
        for book in self._books.values():
            book.wake(self._now)
        self._commit("ladder")
        self._send_life()
        self._send_others()
        for lane, book in self._books.items():
            self._look_again(lane, book.next_due())

    def _look_again(self, what: str, at: datetime | None) -> None:
        if at is None or self._look_at.get(what) == at:
            return
        self._look_at[what] = at
        self._at(at, lambda: None)

    def _commit(self, cause: str) -> None:
        for book in self._books.values():
            self._write(book.take(), cause)

    def _write(self, changed: Changed, cause: str) -> None:
        for mute in changed.mutes:
            self._mutes[mute.id] = mute
        for key in [
            key for key in self._open_pages if self.rows[key].page.alert in changed.cancelled
        ]:
            if self.rows[key].state in ("due", "held"):
                self._settle_row(key, "cancelled")
        for alert in changed.alerts:
            if alert.id not in self.alerts:
                self._closed_at_last(alert)
            self.alerts[alert.id] = alert
            new = (page for page in changed.pages if page.id not in self.rows)  # as the table does
            pages = tuple(page for page in new if page.alert == alert.id)
            self.log.append(Said(self._now, alert, pages, cause))
        for page in changed.pages:
            if page.id not in self.rows:  # ON CONFLICT DO NOTHING
                self.rows[page.id] = _Row(page, page.due_at)
                self._open_pages.add(page.id)
        if changed.pages:
            self._look_again("pages", self._now)  # as the pager is rung

    # ------------------------------------------------------------ the pager

    def _settle_row(self, key: str, state: str) -> None:
        self.rows[key].state = state
        self._open_pages.discard(key)

    def _due(self, *, life: bool) -> list[Waiting]:
        found = []
        for key in sorted(self._open_pages):
            row = self.rows[key]
            if (row.page.severity is Severity.LIFE) != life or row.state == "sending":
                continue
            if row.due_at > self._now:
                self._look_again(key, row.due_at)
                continue
            waiting = Waiting(row.page, self.alerts[row.page.alert])
            if is_called_off(waiting):
                self._settle_row(key, "cancelled")
                continue
            found.append(waiting)
        return found

    def _send_life(self) -> None:
        for waiting in self._due(life=True):
            self._send((waiting,))

    def _send_others(self) -> None:
        people: dict[str, list[Waiting]] = {}
        for waiting in self._due(life=False):
            people.setdefault(waiting.page.person, []).append(waiting)
        for person, due in people.items():
            recent = [
                at for at in self._recent.get(person, ()) if at > self._now - timedelta(minutes=10)
            ]
            self._recent[person] = recent
            sending = bundle(due, recent, self._now)
            for message in sending.messages:
                self._send(message)
            for held in sending.held:
                self.rows[held.page.id].state = "held"
            if sending.held:  # on one grid for all: each look must not ask for another of its own
                self._look_again("held", self._now + HELD - (self._now - BEGIN) % HELD)

    def _send(self, message: tuple[Waiting, ...]) -> None:
        meant = tuple(one for one in message if self._is_meant(one))
        for one in message:
            row = self.rows[one.page.id]
            row.state, row.attempts = "sending", row.attempts + 1
            self._on_its_way.add(one.page.id)
            if one not in meant:
                self._answered(one, SendResult("failed_permanent", OFF_DUTY))
        if not meant:
            return
        self.log.append(
            Left(self._now, tuple(m.page for m in meant), tuple(m.alert for m in meant))
        )
        if meant[0].page.severity is not Severity.LIFE:
            self._recent.setdefault(meant[0].page.person, []).append(self._now)
        answer = SendResult(self._chance.choices(*OUTCOMES)[0])  # type: ignore[arg-type]
        back = self._now + self._seconds(0.1, 3)
        for one in meant:
            self._at(back, lambda one=one: self._answered(one, answer))
            if answer.state == "delivered":
                self._answer(one.alert, one.page.person)

    def _is_meant(self, one: Waiting) -> bool:
        return is_meant(one.page, one.alert, self._roster, self._now)

    def _answered(self, one: Waiting, answer: SendResult) -> None:
        row = self.rows[one.page.id]
        if self._back_at is not None or row.state != "sending":
            return  # nobody was there to write it down
        self._on_its_way.discard(one.page.id)
        result = PageResult(Claimed(one, row.attempts), answer, self._now)
        pause, state = retry_after(result), answer.state
        if not answer.has_failed:
            self._settle_row(one.page.id, "delivered")
        elif pause is None:
            self._settle_row(one.page.id, "failed")
            state = "failed_permanent"
        else:
            row.state, row.due_at = "due", self._now + pause
        self._fact(Receipt(at=self._now, page=one.page.id, state=state, detail=answer.detail))
