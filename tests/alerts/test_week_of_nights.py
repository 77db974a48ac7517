"""A week of nights with random answers, swaps, failures and restarts, and a checker over it all:
no open alert is ever without a next step, and nobody is paged who is not on duty."""

import heapq
import random
from datetime import datetime, timedelta
from itertools import count

import msgspec
import pytest
from ladder_story import NOON, SHANGHAI, made, staff

from alerts.casebook import Casebook
from alerts.roster import Roster, roster_of
from alerts.rota import on_call
from alerts.types import (
    Acknowledged,
    Alert,
    Arrived,
    Entry,
    Escalated,
    Finding,
    Ladder,
    LadderFor,
    Page,
    PlanSet,
    Receipt,
    Resolved,
    Rota,
    RotaSwap,
    Rung,
    Severity,
    TownChanged,
)
from devices.directory import Directory

WEEK = timedelta(days=7)
NIGHT = tuple(staff(f"n-{n}", "on_call", f"webhook://n{n}", f"webhook://n{n}b") for n in range(5))
DAY = tuple(staff(f"d-{n}", "on_call", f"webhook://d{n}") for n in range(4))
BOSSES = (staff("m-1", "manager"), staff("m-2", "manager"))
LADDERS = (
    Ladder(
        id="life",
        for_=LadderFor(severities=(Severity.LIFE,)),
        rungs=(
            Rung(after=0, page=("rota:night",)),
            Rung(after=60, page=("rota:day",)),
            Rung(after=180, page=("role:manager",)),
        ),
        repeat=60,
    ),
    Ladder(
        id="rest",
        rungs=(Rung(after=0, page=("rota:day",)), Rung(after=300, page=("rota:night",))),
        repeat=1800,
    ),
)
Happening = Finding | Entry


class Week:
    """Happenings in order of time; each answer and receipt is itself a later happening."""

    def __init__(self, seed: int, alerts: int) -> None:
        self.chance = random.Random(seed)
        rotas = (
            Rota(id="night", people=tuple(p.id for p in NIGHT), handover="20:00"),
            Rota(id="day", people=tuple(p.id for p in DAY), rotation="weekly", handover="08:00"),
        )
        plans = PlanSet(people=(*NIGHT, *DAY, *BOSSES), rotas=rotas, ladders=LADDERS)
        self.roster = roster_of(Directory(), plans, SHANGHAI)
        self.book = Casebook(self.roster)
        self.open: dict[str, Alert] = {}
        self.pages = 0
        self.opened = 0
        self._order = count()
        self._coming: list[tuple[datetime, int, Happening]] = []
        for n in range(alerts):
            at = NOON + WEEK * self.chance.random()
            severity = self.chance.choice([Severity.LIFE, Severity.HIGH, Severity.MEDIUM])
            self.comes(made(at, subject=f"client:c-{n}", severity=severity, rule=f"r-{severity}"))
        for _ in range(40):
            self.comes(self.swap())

    def comes(self, happening: Happening) -> None:
        heapq.heappush(self._coming, (happening.at, next(self._order), happening))

    def swap(self) -> TownChanged:
        at = NOON + WEEK * self.chance.random()
        rota = self.roster.rotas[self.chance.choice(["night", "day"])]
        person = self.chance.choice([*NIGHT, *DAY]).id
        swap = RotaSwap(from_=at, until=at + timedelta(hours=6), person=person)
        changed = msgspec.structs.replace(rota, swaps=(swap,))
        return TownChanged(at=at, plans=PlanSet(rotas=(changed,)))

    def run(self) -> None:
        while self._coming or self.book.next_due() is not None:
            coming = self._coming[0][0] if self._coming else None
            due = self.book.next_due()
            now = min(moment for moment in (coming, due) if moment is not None)
            if coming is not None and coming <= now:
                self.happens(heapq.heappop(self._coming)[2], now)
            self.book.wake(now)
            self.look(now)
            if self.chance.random() < 0.01:
                self.restart()

    def happens(self, happening: Happening, now: datetime) -> None:
        if isinstance(happening, Finding):
            self.book.settle(happening, None, now)
        else:
            self.book.hear(happening, now)

    def look(self, now: datetime) -> None:
        """What the checker asks after every step, and what people then do."""
        changed = self.book.take()
        self.opened += len(changed.opened)
        for alert in changed.alerts:
            self.open[alert.id] = alert
            if alert.state == "open":
                assert alert.next_at is not None, alert.story
                assert alert.next_at > now
            elif alert.state == "acknowledged":
                assert alert.next_at is not None or alert.arrived_at is not None
            else:
                del self.open[alert.id]
        for page in changed.pages:
            self.pages += 1
            assert page.person in meant(self.book.roster, self.open[page.alert], page, now)
            self.answers(page, now)

    def answers(self, page: Page, now: datetime) -> None:
        """Chance decides what becomes of a page and what its person does."""
        said = self.chance.choices(
            ["delivered", "sent", "failed_temporary", "failed_permanent"], [80, 10, 4, 6]
        )[0]
        soon = now + timedelta(seconds=self.chance.uniform(0.01, 5))
        self.comes(Receipt(at=soon, page=page.id, state=said))  # type: ignore[arg-type]
        if said.startswith("failed") or self.chance.random() < 0.5:
            return
        at = soon + timedelta(seconds=self.chance.expovariate(1 / 60))
        about = {"alert": page.alert, "person": page.person}
        if self.chance.random() < 0.05:
            self.comes(Escalated(at=at, **about))
        self.comes(Acknowledged(at=at, **about))
        if self.chance.random() < 0.7:
            at += timedelta(minutes=self.chance.uniform(1, 25))
            self.comes(Arrived(at=at, **about))
        if self.chance.random() < 0.9:
            at += timedelta(minutes=self.chance.uniform(1, 60))
            self.comes(Resolved(at=at, outcome="helped", **about))

    def restart(self) -> None:
        """All that is known comes back from what was stored."""
        stored = [msgspec.json.encode(alert) for alert in self.open.values()]
        alerts = [msgspec.json.decode(body, type=Alert) for body in stored]
        assert alerts == list(self.open.values())
        self.book = Casebook(self.book.roster, alerts)


def meant(roster: Roster, alert: Alert, page: Page, now: datetime) -> set[str]:
    """Whom this rung may page at this moment: who is on call, or has the role."""
    assert alert.ladder is not None
    people: set[str] = set()
    for target in alert.ladder.rungs[page.rung - 1].page:
        kind, _, name = target.partition(":")
        if kind == "rota":
            people.add(on_call(roster.rotas[name], now, SHANGHAI) or "")
        else:
            people |= {staff.id for staff in roster.people.values() if staff.role == name}
    return people


@pytest.mark.parametrize(
    ("seed", "alerts"), [(1, 1500), pytest.param(2, 10_000, marks=pytest.mark.chaos)]
)
def test_no_alert_is_left_and_nobody_off_duty_is_paged(seed: int, alerts: int) -> None:
    week = Week(seed, alerts)
    week.run()
    assert week.opened == alerts
    assert all(alert.arrived_at is not None for alert in week.open.values())
    assert week.pages > alerts
