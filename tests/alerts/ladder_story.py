"""A timeline for ladders: `at("00:01:00")` then what is heard, then who is paged by then."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.cases.casebook import Casebook, Changed
from alerts.cases.page_names import page_name
from alerts.plans.roster import roster_of
from alerts.types import (
    Acknowledged,
    Alert,
    Arrived,
    Entry,
    Evidence,
    Finding,
    Ladder,
    Muted,
    Page,
    PlanSet,
    Receipt,
    Rota,
    Rung,
    Severity,
    Staff,
)
from alerts.types import Contact as Reached
from devices.directory import Area, Client, Device, Directory, RegisterChange

NOON = datetime(2026, 11, 2, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai, a Monday
SHANGHAI = ZoneInfo("Asia/Shanghai")


def staff(id: str, role: str = "on_call", *channels: str, **fields: object) -> Staff:
    contacts = tuple(Reached(channel=channel) for channel in channels or (f"webhook://{id}",))
    return Staff(id=id, name=id, role=role, contacts=contacts, **fields)  # type: ignore[arg-type]


def ladder(*rungs: tuple[int, tuple[str, ...]], repeat: int | None = 60) -> Ladder:
    return Ladder(
        id="life", rungs=tuple(Rung(after=after, page=page) for after, page in rungs), repeat=repeat
    )


TOWN = RegisterChange(
    areas=(
        Area(id="heze", name="菏泽"),
        Area(id="mudan", name="牡丹区", parent="heze"),
        Area(id="wangji", name="王集", parent="mudan"),
    ),
    clients=(
        Client(id="c-1", name="王秀英", area="wangji", address="3号"),
        Client(id="c-2", name="李明", area="mudan"),
    ),
    devices=(Device(id="btn-1", kind="sos", holder="client:c-1"),),
)


def made(
    at: datetime,
    rule: str = "sos_pressed",
    subject: str = "client:c-1",
    event: str = "raised",
    severity: Severity = Severity.LIFE,
    **fields: object,
) -> Finding:
    """A finding as a rule makes it."""
    defaults: dict[str, object] = {
        "reason": "pressed",
        "detail": "It happened.",
        "evidence": (Evidence(what="sos", device="btn-1", id="1"),),
    }
    return Finding(
        at=at,
        rule=rule,
        subject=subject,
        event=event,  # type: ignore[arg-type]
        severity=severity,
        **{**defaults, **fields},  # type: ignore[arg-type]
    )


class LadderStory:
    """Drives a casebook; collects who is paged when, in seconds from noon."""

    def __init__(self, plans: PlanSet, register: RegisterChange = TOWN) -> None:
        directory = Directory().changed(register)
        self.book = Casebook(roster_of(directory, plans, SHANGHAI))
        self.now = NOON
        self.pages: list[tuple[float, str]] = []  # seconds, person
        self.sent: list[Page] = []
        self.cancelled: list[str] = []
        self.alerts: dict[str, Alert] = {}
        self.changes: list[Changed] = []

    def at(self, seconds: float) -> "LadderStory":
        """Let time pass, looking every second as the service may."""
        end = NOON + timedelta(seconds=seconds)
        while (due := self.book.next_due()) is not None and due <= end:
            self.now = max(due, self.now)
            self._take()
        self.now = end
        self._take()
        return self

    def at_once(self, seconds: float) -> "LadderStory":
        """Look only now: we were away in between."""
        self.now = NOON + timedelta(seconds=seconds)
        self._take()
        return self

    def found(
        self,
        rule: str = "sos_pressed",
        subject: str = "client:c-1",
        event: str = "raised",
        severity: Severity = Severity.LIFE,
        **fields: object,
    ) -> "LadderStory":
        finding = made(self.now, rule, subject, event, severity, **fields)
        self.book.settle(finding, None, self.now)
        self._take()
        return self

    def heard(self, entry: Entry) -> "LadderStory":
        self.book.hear(entry, self.now)
        self._take()
        return self

    def acked(self, person: str = "u-1") -> "LadderStory":
        return self.heard(Acknowledged(at=self.now, alert=self.alert.id, person=person))

    def arrived(self, person: str = "u-1") -> "LadderStory":
        return self.heard(Arrived(at=self.now, alert=self.alert.id, person=person))

    def answered(self, page: Page, state: str) -> "LadderStory":
        return self.heard(Receipt(at=self.now, page=page.id, state=state))  # type: ignore[arg-type]

    def answered_first(self, state: str) -> "LadderStory":
        return self.answered(self.sent[0], state)

    def muted(self, minutes: int = 10, **fields: str) -> "LadderStory":
        until = self.now + timedelta(minutes=minutes)
        return self.heard(
            Muted(at=self.now, id="m-1", until=until, reason="repair", person="u-9", **fields)  # type: ignore[arg-type]
        )

    @property
    def alert(self) -> Alert:
        """The alert that changed last."""
        return next(reversed(self.alerts.values()))

    def words(self) -> list[str]:
        return [line.what for line in self.alert.story]

    def _take(self) -> None:
        self.book.wake(self.now)
        changed = self.book.take()
        self.changes.append(changed)
        for alert in changed.alerts:
            self.alerts.pop(alert.id, None)
            self.alerts[alert.id] = alert
        self.sent.extend(changed.pages)
        self.cancelled.extend(changed.cancelled)
        seconds = (self.now - NOON).total_seconds()
        self.pages.extend((seconds, page.person) for page in changed.pages)


def town(
    people: tuple[Staff, ...],
    *ladders: Ladder,
    rotas: tuple[Rota, ...] = (),
) -> LadderStory:
    return LadderStory(PlanSet(people=people, ladders=ladders, rotas=rotas))


__all__ = ("NOON", "SHANGHAI", "LadderStory", "ladder", "made", "page_name", "staff", "town")
