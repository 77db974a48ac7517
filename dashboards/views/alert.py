"""One alert as its page tells it: who, where, why, what has happened, what comes next. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import msgspec

from alerts.types import WRITTEN_BY_RULES, Alert, Evidence, Finding
from dashboards.live.duty import SeenAt, by_distance
from dashboards.live.subjects import About, about
from dashboards.masking import mask_name
from devices.directory import Directory
from devices.subject import Subject

OPEN_TO = ("client", "caregiver", "resident", "device")  # subjects whose name is a person's


class Line(msgspec.Struct, frozen=True):
    """One line of the story."""

    at: datetime
    what: str  # machine word, group "story"
    who: str  # masked name, "" for the service itself
    detail: str
    found: Finding | None = None  # what the line tells, where a rule has its word


class NextRung(msgspec.Struct, frozen=True):
    """When it climbs, and to whom."""

    at: datetime
    targets: tuple[str, ...]  # as the ladder names them


class NearCarer(msgspec.Struct, frozen=True):
    """A caregiver who could go."""

    id: str
    name: str
    metres: float
    at: datetime  # of the position
    phone: str = ""


class AlertView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything an alert's page shows, in the words of one visitor's rights."""

    alert: Alert
    about: About
    name: str  # masked unless revealed
    phone: str  # "" unless revealed
    revealed: bool
    age: int | None = None  # years
    acked_by: str = ""
    lines: tuple[Line, ...] = ()
    next_rung: NextRung | None = None
    delay: timedelta | None = None  # received - observed
    near: tuple[NearCarer, ...] = ()
    false_alarm: datetime | None = None  # when the same was last resolved as one

    @property
    def arrive_by(self) -> datetime | None:
        """Return when the alert is paged anew unless whoever goes has arrived."""
        return self.alert.next_at if self.alert.state == "acknowledged" else None

    @property
    def answered(self) -> bool:
        """Return True if somebody has said that they are going."""
        return self.alert.acked_at is not None

    @property
    def ended(self) -> bool:
        """Return True if nothing is left to answer."""
        return self.alert.state in ("resolved", "cleared")

    @property
    def settings(self) -> list[tuple[str, str]]:
        """Return the parameters that applied, as text."""
        return [(key, _plain(value)) for key, value in sorted(self.alert.settings.items())]

    @property
    def counted(self) -> list[Evidence]:
        """Return the evidence, newest first."""
        oldest = datetime.min.replace(tzinfo=self.alert.raised_at.tzinfo)
        return sorted(self.alert.evidence, key=lambda fact: fact.at or oldest, reverse=True)


def view(
    alert: Alert,
    directory: Directory,
    staff: Mapping[str, str],
    *,
    now: datetime,
    reveal: bool = False,
    fixes: Mapping[str, SeenAt] | None = None,
    free: frozenset[str] = frozenset(),
    false_alarm: datetime | None = None,
    findings: Iterable[Finding] = (),
) -> AlertView:
    """Return the page's values. `reveal` shows names and numbers whole: who asks for it is logged.
    `findings` are those that the story tells of."""
    known = about(directory, Subject.parse(alert.subject))
    personal = known.kind in OPEN_TO
    born = known.client.born if known.client else None
    delay = None
    if alert.observed_at and alert.received_at:
        delay = alert.received_at - alert.observed_at
    return AlertView(
        alert=alert,
        about=known,
        name=mask_name(known.name) if personal and not reveal else known.name,
        phone=known.phone if reveal else "",
        revealed=reveal,
        age=now.year - born if born else None,
        acked_by=_person(staff, alert.acked_by),
        lines=_lines(alert, staff, findings),
        next_rung=next_rung(alert),
        false_alarm=false_alarm,
        delay=delay,
        near=_near(known, directory, fixes or {}, free, reveal),
    )


def _lines(alert: Alert, staff: Mapping[str, str], findings: Iterable[Finding]) -> tuple[Line, ...]:
    told = {(finding.at, finding.detail): finding for finding in findings}
    return tuple(
        Line(
            line.at,
            line.what,
            _person(staff, line.who),
            _detail(line.detail, staff),
            told.get((line.at, line.detail)) if line.what in WRITTEN_BY_RULES else None,
        )
        for line in alert.story
    )


def next_rung(alert: Alert) -> NextRung | None:
    """Return the rung that is due next while nobody answers, or the repeat of the last one."""
    ladder = alert.ladder
    if alert.state != "open" or alert.next_at is None or ladder is None or not ladder.rungs:
        return None
    rung = ladder.rungs[min(alert.rung, len(ladder.rungs) - 1)]
    return NextRung(alert.next_at, rung.page)


def _near(
    known: About,
    directory: Directory,
    fixes: Mapping[str, SeenAt],
    free: frozenset[str],
    reveal: bool,
) -> tuple[NearCarer, ...]:
    if known.place is None:
        return ()
    found = []
    for metres, key in by_distance(known.place, fixes, free):
        carer = directory.caregivers.get(key)
        name, phone = (carer.name, carer.phone) if carer else (key, "")
        shown = name if reveal else mask_name(name)
        found.append(NearCarer(key, shown, metres, fixes[key].at, phone if reveal else ""))
    return tuple(found)


def _person(staff: Mapping[str, str], person: str | None) -> str:
    return mask_name(staff.get(person, person)) if person else ""


def _detail(detail: str, staff: Mapping[str, str]) -> str:
    """Return a detail with the people it names by id ("u-1 was first") shown by name."""
    head, _, rest = detail.partition(" ")
    return f"{_person(staff, head)} {rest}" if head in staff else detail


def _plain(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
