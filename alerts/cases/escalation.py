"""Climbing a ladder: who is paged, by which contact, and when next. Exact to the second.

Pure: an alert, the roster and a moment go in; the alert afterwards and its pages come out. Each
due time follows from the last due time, not from when somebody looked, so a late look shifts
nothing. Rungs missed while we were away are all paged at once; missed repeats only once.
"""

from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from alerts.cases.lifecycle import reopened, told
from alerts.cases.page_names import PageName, page_name
from alerts.cases.relief import people_meant
from alerts.plans.roster import DEFAULT_LADDER, Roster
from alerts.types import Alert, Ladder, Page, Receipt, Rung, Severity

LIFE_REPEAT = 60  # seconds between repeats of a life alert whose ladder names none
TRY_AGAIN = timedelta(minutes=10)  # until a ladder that reached nobody is climbed again


class Climb(msgspec.Struct, frozen=True):
    """An alert afterwards, and whom to page."""

    alert: Alert
    pages: tuple[Page, ...] = ()


def due(alert: Alert, roster: Roster, now: datetime) -> Climb:
    """Climb everything of this alert's ladder that is due by now."""
    pages: list[Page] = []
    while alert.next_at is not None and alert.next_at <= now:
        step = _next_step(alert, roster, now)
        alert = step.alert
        pages.extend(step.pages)
    return Climb(alert, tuple(pages))


def climb_now(alert: Alert, roster: Roster, now: datetime) -> Climb:
    """Climb one rung at once because a person asks for it; an answer that stands keeps standing."""
    asked = replace(alert, ladder=alert.ladder or DEFAULT_LADDER, state="open", next_at=now)
    return _beside_answer(alert, due(asked, roster, now))


def received(alert: Alert, receipt: Receipt, roster: Roster) -> Climb:
    """Return what follows from a channel's receipt: the story's line, and the next contact on
    failure."""
    name = page_name(receipt.page)
    if name is None:
        return Climb(alert)
    alert = _with_receipt(alert, name, receipt)
    if not _asks_for_next(alert, receipt) or not (alert.state == "open" or _wants_more(alert)):
        return Climb(alert)
    return _beside_answer(alert, _onwards(replace(alert, state="open"), name, receipt, roster))


def _beside_answer(alert: Alert, climb: Climb) -> Climb:
    """Return a climb that a person asked for, with the state and timer of an answer kept."""
    if alert.state == "open":
        return climb
    return Climb(replace(climb.alert, state=alert.state, next_at=alert.next_at), climb.pages)


# ---------------------------------------------------------------- one step of the ladder


def _next_step(alert: Alert, roster: Roster, now: datetime) -> Climb:
    assert alert.next_at is not None
    at, ladder = alert.next_at, alert.ladder
    if alert.state == "acknowledged":
        line = told(alert, at, "not_arrived", alert.acked_by or "")
        return Climb(reopened(line, at))
    if alert.state != "open" or ladder is None or not ladder.rungs:
        return Climb(replace(alert, next_at=None))
    if alert.rung < len(ladder.rungs):
        return _rung(alert, ladder, roster, at, now)
    return _repeat(alert, ladder, roster, at, now)


def _rung(alert: Alert, ladder: Ladder, roster: Roster, at: datetime, now: datetime) -> Climb:
    """Climb the next rung; name one that reaches nobody and pass it at once."""
    number = alert.rung + 1
    rung, is_last = ladder.rungs[alert.rung], number == len(ladder.rungs)
    climb = _page_rung(replace(alert, rung=number), rung, roster, at, now)
    if climb.pages and not is_last:
        gap = ladder.rungs[number].after - rung.after
        return _then(climb, at + timedelta(seconds=max(gap, 0)))
    if climb.pages:
        return _then(climb, _repeat_at(climb.alert, ladder, at, now))
    if not is_last:
        return _then(climb, at)
    if climb.alert.paged and (alert.severity is not Severity.LIFE or _was_paged_at(alert, at)):
        return _then(climb, _repeat_at(climb.alert, ladder, at, now))
    return _last_resort(climb.alert, ladder, roster, at, now)


def _was_paged_at(alert: Alert, at: datetime) -> bool:
    """Return True if an earlier rung paged somebody in this very moment."""
    return any(line.what == "paged" and line.at == at for line in alert.story[-20:])


def _repeat(alert: Alert, ladder: Ladder, roster: Roster, at: datetime, now: datetime) -> Climb:
    """Page the last rung again."""
    again = replace(alert, round=alert.round + 1, paged=())
    climb = _page_rung(again, ladder.rungs[-1], roster, at, now)
    if not climb.pages:
        return _last_resort(climb.alert, ladder, roster, at, now)
    return _then(climb, _repeat_at(climb.alert, ladder, at, now))


def _last_resort(
    alert: Alert, ladder: Ladder, roster: Roster, at: datetime, now: datetime
) -> Climb:
    """Try again where the whole ladder reached nobody; page a life alert to anyone."""
    if alert.severity is not Severity.LIFE:
        alert = _named(alert, at, "nobody_to_page")
        return Climb(replace(alert, rung=0, round=alert.round + 1, next_at=now + TRY_AGAIN))
    anyone = _pages(alert, roster.anyone(), roster, at, now)
    climb = _paged(alert, anyone, at) if anyone else Climb(_named(alert, at, "nobody_to_page"))
    return _then(climb, _repeat_at(alert, ladder, at, now))


def _page_rung(alert: Alert, rung: Rung, roster: Roster, at: datetime, now: datetime) -> Climb:
    people: dict[str, None] = {}
    for target in rung.page:
        reached = roster.reached_by(target, alert, now)
        people.update(dict.fromkeys(reached))
        if not reached:
            alert = _named(alert, at, "skipped", detail=f"rung {alert.rung}: {target} is nobody")
    pages = _pages(alert, tuple(people), roster, at, now)
    reached_people = {page.person for page in pages}
    for person in (person for person in people if person not in reached_people):
        detail = f"rung {alert.rung}: no contact serves now"
        alert = _named(alert, at, "skipped", person, detail)
    return _paged(alert, pages, at) if pages else Climb(alert)


def _pages(
    alert: Alert, people: tuple[str, ...], roster: Roster, at: datetime, now: datetime
) -> tuple[Page, ...]:
    found = (_page(alert, person, roster, at, now, after=-1) for person in people)
    return tuple(page for page in found if page is not None)


def _page(
    alert: Alert, person: str, roster: Roster, at: datetime, now: datetime, *, after: int
) -> Page | None:
    """Return a page to the person's first contact behind number `after` that serves now."""
    is_life = alert.severity is Severity.LIFE
    serving = roster.contacts_of(person, now, at_any_hour=is_life)
    numbers = [number for number, _ in serving]
    start = numbers.index(after) + 1 if after in numbers else 0
    if after >= 0 and after not in numbers:
        start = len(numbers)
    for number, contact in serving[start:]:
        name = PageName(alert.id, max(alert.rung, 1), alert.round, person, number)
        return Page(
            id=name.id,
            alert=alert.id,
            person=person,
            contact=number,
            channel=contact.channel,
            rung=name.rung,
            round=alert.round,
            attempt=1,
            severity=alert.severity,
            due_at=at,
        )
    return None


def _paged(alert: Alert, pages: tuple[Page, ...], at: datetime) -> Climb:
    for page in pages:
        again = f", again ({page.round})" if page.round else ""
        alert = told(alert, at, "paged", page.person, f"rung {page.rung}{again}")
    people = tuple(page.person for page in pages)
    return Climb(replace(alert, paged=people, unreached=()), pages)


def _then(climb: Climb, next_at: datetime | None) -> Climb:
    return Climb(replace(climb.alert, next_at=next_at), climb.pages)


def _repeat_at(alert: Alert, ladder: Ladder, at: datetime, now: datetime) -> datetime | None:
    """Return the next repeat on the ladder's own grid, those already past left out."""
    repeat = ladder.repeat or (LIFE_REPEAT if alert.severity is Severity.LIFE else None)
    if repeat is None:
        return None
    missed = max((now - at) // timedelta(seconds=repeat), 0)
    return at + timedelta(seconds=repeat) * (missed + 1)


def _named(alert: Alert, at: datetime, what: str, who: str = "", detail: str = "") -> Alert:
    """Return the story lines for what could not be done, each once and not at every repeat."""
    said = any(
        (line.what, line.who, line.detail) == (what, who, detail) for line in alert.story[-20:]
    )
    return alert if said else told(alert, at, what, who, detail)


# ---------------------------------------------------------------- receipts


def _wants_more(alert: Alert) -> bool:
    """Return True if a person has asked for more help since somebody said "I'm going"."""
    answered_at = alert.acked_at
    if alert.state != "acknowledged" or answered_at is None:
        return False
    return any(line.what == "escalated" and line.at >= answered_at for line in alert.story)


def _onwards(alert: Alert, name: PageName, receipt: Receipt, roster: Roster) -> Climb:
    """Return the next contact; where there is none and the failure is for good, whoever follows."""
    following = _following(alert, name, roster, receipt.at)
    if following.pages or receipt.state == "failed_temporary":
        return following
    return _given_up(alert, name, roster, receipt.at)


def _with_receipt(alert: Alert, name: PageName, receipt: Receipt) -> Alert:
    """Return every failure once, and of each person the first time each other state was reached."""
    if name.round and receipt.state in ("queued", "sent", "delivered"):
        return alert
    return _named(alert, receipt.at, receipt.state, name.person, receipt.detail)


def _asks_for_next(alert: Alert, receipt: Receipt) -> bool:
    """Return True if a receipt asks for the next contact: a failure for good, of a life
    alert any."""
    if receipt.state == "failed_permanent":
        return True
    return receipt.state == "failed_temporary" and alert.severity is Severity.LIFE


def _following(alert: Alert, name: PageName, roster: Roster, at: datetime) -> Climb:
    """Return the person's next contact; where their turn has ended, whoever has come on
    duty since."""
    if (name.rung, name.round) != (max(alert.rung, 1), alert.round):
        return Climb(alert)
    meant = people_meant(alert, name.rung, roster, at)
    if name.person not in meant:
        return _relieved(alert, name, meant, roster, at)
    page = _page(alert, name.person, roster, at, at, after=name.contact)
    if page is None:
        return Climb(alert)
    detail = f"contact {page.contact}"
    return Climb(_named(alert, at, "next_contact", name.person, detail), (page,))


def _relieved(
    alert: Alert, name: PageName, meant: tuple[str, ...], roster: Roster, at: datetime
) -> Climb:
    newcomers = tuple(person for person in meant if person not in alert.paged)
    pages = _pages(alert, newcomers, roster, at, at)
    if not pages:
        return Climb(alert)
    climb = _paged(alert, pages, at)
    paged = tuple(dict.fromkeys((*alert.paged, *climb.alert.paged)))
    unreached = tuple(dict.fromkeys((*alert.unreached, name.person)))
    return Climb(replace(climb.alert, paged=paged, unreached=unreached), pages)


def _given_up(alert: Alert, name: PageName, roster: Roster, at: datetime) -> Climb:
    """Note that a person can't be reached; make the next rung due now if nobody of this one can."""
    if (name.rung, name.round) != (max(alert.rung, 1), alert.round):
        return Climb(alert)
    if name.person not in alert.paged or name.person in alert.unreached:
        return Climb(alert)
    alert = replace(alert, unreached=(*alert.unreached, name.person))
    alert = told(alert, at, "unreachable", name.person)
    more = alert.ladder is not None and alert.rung < len(alert.ladder.rungs)
    if not more or set(alert.paged) - set(alert.unreached):
        return Climb(alert)
    return due(replace(alert, next_at=at), roster, at)
