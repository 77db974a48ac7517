"""Whether a page still goes to the person it was made for: turns change hands while it waits.

Pure. A page may wait for a retry, behind the rate limit, or while we were down. Whoever has gone
off duty meanwhile is not woken; who has come on duty is paged instead (`escalation.received`).
"""

from datetime import datetime

from alerts.plans.roster import Roster
from alerts.types import Alert, Page, Severity

OFF_DUTY = "off duty by now"  # a receipt's detail


def people_meant(alert: Alert, rung: int, roster: Roster, now: datetime) -> tuple[str, ...]:
    """Return whom a rung (1-based) of an alert's ladder means now; for a life alert never nobody,
    as long as anyone can be reached at all.
    """
    if alert.ladder is None or not 0 < rung <= len(alert.ladder.rungs):
        return ()
    targets = alert.ladder.rungs[rung - 1].page
    found = [person for target in targets for person in roster.reached_by(target, alert, now)]
    people = tuple(dict.fromkeys(found))
    if alert.severity is Severity.LIFE and not any(_can_be_reached(p, roster) for p in people):
        return people + tuple(person for person in roster.anyone() if person not in people)
    return people


def is_meant(page: Page, alert: Alert, roster: Roster, now: datetime) -> bool:
    """Return True if the person of this page is still one whom its rung means."""
    return page.person in people_meant(alert, page.rung, roster, now)


def _can_be_reached(person: str, roster: Roster) -> bool:
    staff = roster.people.get(person)
    return staff is not None and bool(staff.contacts)
