"""What becomes of an alert: a finding opens, joins, revises or clears it; people answer it.

Pure: an alert and a fact go in, the alert afterwards comes out. Lines are only ever added to its
story. Who is paged and when is `escalation`'s to say; here only `next_at` is set or cleared.
"""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

from msgspec.structs import replace

from alerts.types import (
    Acknowledged,
    Alert,
    AlertKey,
    Arrived,
    Entry,
    Escalated,
    Evidence,
    Finding,
    Ladder,
    Noted,
    Opened,
    Resolved,
    Severity,
    StoryLine,
)
from devices.readings import Reading

ARRIVAL_TIME = timedelta(minutes=15)  # from "I'm going" to "I'm there"; then it climbs again
MAX_EVIDENCE = 5000  # facts kept in one alert, the first and the latest; all are in `finding`
ACTIVE = ("open", "acknowledged")


def alert_id(key: AlertKey, raised_at: datetime) -> str:
    """The same alert gets the same id whenever it is concluded again: 13 letters and digits.

    The moment counts, not the zone it is written in: one that was read from the database may be in
    the server's.
    """
    moment = raised_at.astimezone(UTC).isoformat()
    name = "\0".join((key.rule, key.subject, key.key, moment))
    digest = blake2b(name.encode(), digest_size=8).digest()
    return base64.b32encode(digest).decode().rstrip("=").lower()


def key_of(finding: Finding) -> AlertKey:
    """Return the alert that a finding speaks of, while it is open."""
    return AlertKey(finding.rule, finding.subject, finding.key)


def settle(
    alert: Alert | None, finding: Finding, opening: Callable[[Finding], Alert]
) -> Alert | None:
    """Return the alert after a finding; None where there is none and none is needed.

    `alert` is the one open under the finding's key. A finding that presupposes an alert which is
    gone (a person resolved it) opens another only when it says that something happened again.
    """
    if finding.event == "cleared":
        return cleared(alert, finding) if alert else None
    if finding.event == "revised":
        return revised(alert, finding) if alert else None
    if alert is None:
        return opening(finding)
    if alert.id == alert_id(key_of(finding), finding.at):
        return alert  # concluded again after a restart
    return joined(alert, finding)


def open_alert(
    finding: Finding,
    *,
    cause: Reading | None,
    area: str | None,
    agency: str | None,
    ladder: Ladder | None,
    now: datetime,
) -> Alert:
    """Return a new alert with its ladder frozen in.

    `cause` is the reading that decided, if one did.

    A life alert's ladder counts from the finding, however long we were away; others from now,
    so that a service that comes back does not wake every rung at once.
    """
    start = min(finding.at, now) if finding.severity is Severity.LIFE else now
    return Alert(
        id=alert_id(key_of(finding), finding.at),
        rule=finding.rule,
        subject=finding.subject,
        key=finding.key,
        severity=finding.severity,
        state="open",
        reason=finding.reason,
        detail=finding.detail,
        visit=finding.visit,
        area=area,
        agency=agency,
        raised_at=finding.at,
        observed_at=cause.observed_at if cause else None,
        received_at=cause.received_at if cause else None,
        evidence=finding.evidence,
        rule_version=finding.rule_version,
        settings=finding.settings,
        settings_version=finding.settings_version,
        ladder=ladder,
        next_at=first_due(ladder, start),
        story=(StoryLine(at=finding.at, what="raised", detail=finding.detail),),
    )


def first_due(ladder: Ladder | None, start: datetime) -> datetime | None:
    """Return when the first rung is due. None: no ladder, or one without rungs."""
    if ladder is None or not ladder.rungs:
        return None
    return start + timedelta(seconds=ladder.rungs[0].after)


def told(alert: Alert, at: datetime, what: str, who: str = "", detail: str = "") -> Alert:
    """Return the alert with one more line in its story."""
    line = StoryLine(at=at, what=what, who=who, detail=detail)
    return replace(alert, story=(*alert.story, line))


def joined(alert: Alert, finding: Finding) -> Alert:
    """Add an occurrence; a new press under an answered life alert climbs anew."""
    alert = replace(
        told(alert, finding.at, "joined", detail=finding.detail),
        occurrences=alert.occurrences + 1,
        evidence=_with(alert.evidence, finding.evidence),
    )
    anew = finding.event == "raised" and alert.severity is Severity.LIFE
    return reopened(alert, finding.at) if anew and alert.state == "acknowledged" else alert


def revised(alert: Alert, finding: Finding) -> Alert:
    """Revise the alert by what the rule concludes now, with its evidence."""
    return replace(
        told(alert, finding.at, "revised", detail=finding.detail),
        reason=finding.reason,
        detail=finding.detail,
        severity=finding.severity,
        evidence=_with(alert.evidence, finding.evidence),
    )


def cleared(alert: Alert, finding: Finding) -> Alert:
    """Clear the alert, which the rule finds over; a life alert that is answered stays open."""
    alert = replace(
        told(alert, finding.at, "cleared", detail=finding.detail),
        evidence=_with(alert.evidence, finding.evidence),
        cleared_at=finding.at,
    )
    if alert.severity is Severity.LIFE and alert.state == "acknowledged":
        return alert
    return replace(alert, state="cleared", reason=finding.reason, next_at=None)


def reopened(alert: Alert, at: datetime) -> Alert:
    """Reopen an alert that nobody is on any more: its ladder begins again at the first rung."""
    return replace(
        alert,
        state="open",
        acked_at=None,
        acked_by=None,
        rung=0,
        round=alert.round + 1,
        paged=(),
        unreached=(),
        next_at=first_due(alert.ladder, at),
    )


# ---------------------------------------------------------------- what people say


def answer(alert: Alert, entry: Entry) -> Alert:
    """Return the alert after a person's entry about it. Entries of other types change nothing."""
    change = _ANSWERS.get(type(entry))
    return change(alert, entry) if change else alert


def _acknowledged(alert: Alert, entry: Acknowledged) -> Alert:
    if alert.state not in ACTIVE:
        return told(alert, entry.at, "too_late", entry.person, f"already {alert.state}")
    if alert.acked_by == entry.person:
        return alert
    if alert.acked_by is not None:
        detail = f"{alert.acked_by} was first"
        return told(alert, entry.at, "also_acknowledged", entry.person, detail)
    alert = told(alert, entry.at, "acknowledged", entry.person, entry.via)
    due = entry.at + ARRIVAL_TIME if alert.arrived_at is None and alert.ladder else None
    return replace(
        alert, state="acknowledged", acked_at=entry.at, acked_by=entry.person, next_at=due
    )


def _arrived(alert: Alert, entry: Arrived) -> Alert:
    if alert.state not in ACTIVE:
        return told(alert, entry.at, "too_late", entry.person, f"already {alert.state}")
    if alert.arrived_at is not None and alert.acked_by == entry.person:
        return alert
    alert = told(alert, entry.at, "arrived", entry.person, entry.via)
    return replace(
        alert,
        state="acknowledged",
        acked_at=alert.acked_at or entry.at,
        acked_by=alert.acked_by or entry.person,
        arrived_at=alert.arrived_at or entry.at,
        next_at=None,
    )


def _resolved(alert: Alert, entry: Resolved) -> Alert:
    if alert.state == "resolved":
        return told(alert, entry.at, "too_late", entry.person, f"{alert.resolved_by} was first")
    detail = f"{entry.outcome}: {entry.note}" if entry.note else entry.outcome
    return replace(
        told(alert, entry.at, "resolved", entry.person, detail),
        state="resolved",
        resolved_at=entry.at,
        resolved_by=entry.person,
        outcome=entry.outcome,
        next_at=None,
    )


def _noted(alert: Alert, entry: Noted) -> Alert:
    return told(alert, entry.at, "noted", entry.person, entry.note)


def _opened(alert: Alert, entry: Opened) -> Alert:
    seen = any(line.what == "opened" and line.who == entry.person for line in alert.story)
    return alert if seen else told(alert, entry.at, "opened", entry.person)


def _escalated(alert: Alert, entry: Escalated) -> Alert:
    if alert.state not in ACTIVE:
        return told(alert, entry.at, "too_late", entry.person, f"already {alert.state}")
    return told(alert, entry.at, "escalated", entry.person)


_ANSWERS: dict[type, Callable[[Alert, Any], Alert]] = {
    Acknowledged: _acknowledged,
    Arrived: _arrived,
    Resolved: _resolved,
    Noted: _noted,
    Opened: _opened,
    Escalated: _escalated,
}


def _with(before: tuple[Evidence, ...], more: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """Return all facts once each, in order; of very many the first half and the latest."""
    every = tuple(dict.fromkeys((*before, *more)))
    if len(every) <= MAX_EVIDENCE:
        return every
    return every[: MAX_EVIDENCE // 2] + every[-MAX_EVIDENCE // 2 :]
