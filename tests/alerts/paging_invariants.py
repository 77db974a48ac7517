"""What must be true of a log of nights. Written apart from the service: it shares no rule with it.

Every check answers with what it found wrong, in words; nothing found is an empty list.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta

import msgspec

from alerts.types import Alert, Ladder, Page, Rota, Severity, Staff
from tests.alerts.ladder_story import SHANGHAI
from tests.alerts.paging_nights import Handed, Left, Log, Said

ARRIVE_WITHIN = timedelta(minutes=15)
EMPTY_LADDER_AGAIN = timedelta(minutes=10)


def wrongs(log: Log, people: Sequence[Staff]) -> list[str]:
    """Everything that is wrong with a log."""
    return [
        *without_a_next_step(log),
        *off_duty(log, {staff.id: staff for staff in people}),
        *two_of_one_name(log),
        *paged_though_answered(log),
        *off_the_second(log),
        *held_back(log),
    ]


def said(log: Log) -> Iterator[Said]:
    return (entry for entry in log if isinstance(entry, Said))


def left(log: Log) -> Iterator[Left]:
    return (entry for entry in log if isinstance(entry, Left))


def without_a_next_step(log: Log) -> Iterator[str]:
    """An open alert waits for something, unless its ladder was made to end; so does an answered
    one until somebody is there."""
    for entry in said(log):
        alert = entry.alert
        waits = alert.state == "open" or (alert.state == "acknowledged" and not alert.arrived_at)
        if waits and alert.next_at is None and not _has_ended(alert):
            yield f"{entry.at} {alert.id} {alert.state}: no next step"
        has_passed = alert.next_at is not None and alert.next_at <= entry.at
        if waits and has_passed and entry.cause == "ladder":
            yield f"{entry.at} {alert.id}: its next step has passed"


def _has_ended(alert: Alert) -> bool:
    ladder = alert.ladder
    assert ladder is not None
    is_endless = ladder.repeat is not None or alert.severity is Severity.LIFE
    return alert.state == "open" and not is_endless and alert.rung == len(ladder.rungs)


def off_duty(log: Log, people: dict[str, Staff]) -> Iterator[str]:
    """Every message reaches somebody whom the rung names at the moment it leaves."""
    rotas: dict[str, Rota] = {}
    for entry in log:
        if isinstance(entry, Handed):
            rotas = {rota.id: rota for rota in entry.rotas}
            continue
        named = (
            zip(entry.pages, entry.alerts, strict=True)
            if isinstance(entry, Left)
            else [(page, entry.alert) for page in entry.pages]
        )
        for page, alert in named:
            assert alert.ladder is not None
            # What a person or a channel said is heard late after a death, and judged by when it
            # was said; whether the page then leaves is judged by when it leaves.
            is_late = isinstance(entry, Said) and entry.cause != "ladder"
            at = page.due_at if is_late else entry.at
            meant = _meant(alert.ladder, page.rung, rotas, people, at)
            nobody = not any(people[one].contacts for one in meant)
            last_resort = alert.severity is Severity.LIFE and nobody
            if page.person not in meant and not last_resort:
                yield f"{entry.at} {page.id} to {page.person}, on duty {sorted(meant)}"


def _meant(
    ladder: Ladder, rung: int, rotas: dict[str, Rota], people: dict[str, Staff], at: datetime
) -> set[str]:
    found: set[str] = set()
    for target in ladder.rungs[rung - 1].page:
        kind, _, name = target.partition(":")
        if kind == "rota":
            person = plain_on_call(rotas[name], at)
            found |= {person} if person else set()
        elif kind == "role":
            found |= {one.id for one in people.values() if one.role == name.partition("@")[0]}
        else:
            found.add(target)
    return found


def plain_on_call(rota: Rota, at: datetime) -> str | None:
    """Who is on call, by counting turns; right where clocks are never put forward or back."""
    for swap in reversed(rota.swaps):
        if swap.from_ <= at < swap.until:
            return swap.person
    day, hour = datetime.fromisoformat(rota.start), time.fromisoformat(rota.handover)
    first = datetime.combine(day, hour, SHANGHAI)
    turn = (at - first) // timedelta(days=7 if rota.rotation == "weekly" else 1)
    return rota.people[turn % len(rota.people)] if rota.people and turn >= 0 else None


def two_of_one_name(log: Log) -> Iterator[str]:
    """A page's id is the same page for ever."""
    named: dict[str, Page] = {}
    for page in (page for entry in log if not isinstance(entry, Handed) for page in entry.pages):
        if named.setdefault(page.id, page) != page:
            yield f"{page.id}: {page} and {named[page.id]}"


def paged_though_answered(log: Log) -> Iterator[str]:
    """Once an answer or an end is written down, nothing more leaves, but what a person asks for,
    and what follows where that fails."""
    asked: set[str] = set()
    wanted: set[str] = set()  # answered alerts for which a person has asked for more help
    for entry in log:
        if isinstance(entry, Handed):
            continue
        if isinstance(entry, Left):
            for page, alert in zip(entry.pages, entry.alerts, strict=True):
                if alert.state != "open" and page.id not in asked:
                    yield f"{entry.at} {page.id}: leaves though {alert.state}"
            continue
        if entry.alert.state != "acknowledged":
            wanted.discard(entry.alert.id)
        elif entry.cause == "Escalated":
            wanted.add(entry.alert.id)
        if entry.cause == "Escalated" or (entry.cause == "Receipt" and entry.alert.id in wanted):
            asked |= {page.id for page in entry.pages}
        elif entry.pages and entry.alert.state != "open":
            yield f"{entry.at} {entry.alert.id}: pages though {entry.alert.state}"


class _Step(msgspec.Struct, frozen=True):
    """The rung from which the next is counted; rung 0: the climb's beginning."""

    rung: int
    round: int
    due_at: datetime


def off_the_second(log: Log) -> Iterator[str]:
    """Every rung is due to the second after the one before, every repeat on the ladder's grid."""
    before: dict[str, Alert] = {}
    steps: dict[str, _Step] = {}
    for entry in said(log):
        alert, last = entry.alert, before.get(entry.alert.id)
        before[alert.id] = alert
        begun = _begun(last, entry)
        if begun is not None:
            steps[alert.id] = _Step(0, 0, begun)
        for page in sorted(entry.pages, key=lambda page: (page.due_at, page.round, page.rung)):
            step, now = steps[alert.id], _Step(page.rung, page.round, page.due_at)
            if (step.rung, step.round) == (now.rung, now.round):
                continue  # another person of the rung, or another contact
            if entry.cause in ("ladder", "finding") and not _in_time(now, step, alert):
                yield f"{entry.at} {page.id} due {page.due_at}, counted from {step}"
            steps[alert.id] = now
        steps[alert.id] = _passed(steps[alert.id], last, entry)


def _begun(last: Alert | None, entry: Said) -> datetime | None:
    """When the climb begins that this entry begins; None: it begins none."""
    alert = entry.alert
    if last is None:
        return alert.raised_at if alert.severity is Severity.LIFE else entry.at
    if last.muted and not alert.muted:
        return entry.at
    if last.state == "acknowledged" and alert.state == "open":
        if entry.cause == "ladder":
            assert last.acked_at is not None
            return last.acked_at + ARRIVE_WITHIN
        return max(line.at for line in alert.story if line.what == "joined")
    if alert.ladder and not alert.rung and alert.round > last.round and alert.state == "open":
        first = timedelta(seconds=alert.ladder.rungs[0].after)
        return entry.at + EMPTY_LADDER_AGAIN - first
    return None


def _passed(step: _Step, last: Alert | None, entry: Said) -> _Step:
    """Rungs that reached nobody count as climbed, at their own time."""
    alert, ladder = entry.alert, entry.alert.ladder
    if last is None or entry.pages or ladder is None or alert.rung <= max(step.rung, last.rung):
        return step
    if entry.cause != "ladder":
        return _Step(alert.rung, alert.round, entry.at)
    at = step.due_at + timedelta(seconds=_gap(ladder, step.rung))
    return _Step(alert.rung, alert.round, at)


def _gap(ladder: Ladder, rung: int) -> int:
    """Seconds from a rung to the next."""
    rungs = ladder.rungs
    return rungs[rung].after - (rungs[rung - 1].after if rung else 0)


def _in_time(now: _Step, step: _Step, alert: Alert) -> bool:
    ladder, passed = alert.ladder, now.due_at - step.due_at
    assert ladder is not None
    if now.rung > step.rung:
        return passed == timedelta(seconds=_gap(ladder, step.rung))
    return passed > timedelta(0) and passed % timedelta(seconds=ladder.repeat or 60) == timedelta(0)


def held_back(log: Log) -> Iterator[str]:
    """A life page leaves alone, and in the very moment in which it is made (or tried again)."""
    made: dict[str, datetime] = {}
    for entry in log:
        if isinstance(entry, Said):
            for page in entry.pages:
                made.setdefault(page.id, entry.at)
        if isinstance(entry, Left) and entry.pages[0].severity is Severity.LIFE:
            first = made.pop(entry.pages[0].id, entry.at)
            if len(entry.pages) > 1 or first != entry.at:
                yield f"{entry.at} {entry.pages[0].id}: made {first}, left late or bundled"
