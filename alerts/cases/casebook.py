"""The open alerts of one lane, and the step that every fact about them takes.

settle -> mute -> due, in this order and nowhere else. Values go in; `take` hands out what has
changed, to be committed at once. No clock, no database: the same calls give the same changes.
"""

import heapq
from collections.abc import Callable, Iterable
from datetime import datetime

import msgspec
from msgspec.structs import replace

from alerts.cases import escalation, lifecycle
from alerts.cases.escalation import Climb
from alerts.cases.lifecycle import ACTIVE
from alerts.cases.mute import Chatter, Mute, mute, shelf
from alerts.cases.page_names import page_name
from alerts.plans.roster import Roster
from alerts.types import (
    Acknowledged,
    Alert,
    AlertKey,
    Arrived,
    Entry,
    Escalated,
    Finding,
    Muted,
    Noted,
    Opened,
    Page,
    Receipt,
    Resolved,
    Severity,
    TownChanged,
    Unmuted,
)
from devices.readings import Reading
from devices.subject import Subject

About = Acknowledged | Arrived | Escalated | Noted | Opened | Resolved
ABOUT_AN_ALERT = (Acknowledged, Arrived, Escalated, Noted, Opened, Resolved)


class Changed(msgspec.Struct, frozen=True):
    """What came of a step; all of it is committed in one transaction, or none."""

    findings: tuple[tuple[Finding, str | None], ...] = ()  # with the alert each is about
    alerts: tuple[Alert, ...] = ()  # closed ones first
    pages: tuple[Page, ...] = ()
    cancelled: tuple[str, ...] = ()  # alerts whose pages not yet sent are called off
    mutes: tuple[Muted, ...] = ()
    opened: tuple[Alert, ...] = ()  # of the alerts, those that are new

    def __bool__(self) -> bool:
        return bool(self.findings or self.alerts or self.pages or self.cancelled or self.mutes)


class Casebook:
    """Every open alert of a lane, who may be paged, and the mutes in force."""

    def __init__(
        self,
        roster: Roster,
        alerts: Iterable[Alert] = (),
        mutes: Iterable[Muted] = (),
        raised: Iterable[tuple[AlertKey, datetime]] = (),  # of late, for telling chattering
    ) -> None:
        self.roster = roster
        self._open: dict[str, Alert] = {}
        self._by_key: dict[AlertKey, str] = {}
        self._mutes = {one.id: one for one in mutes}
        self._due: list[tuple[datetime, str]] = []  # heap; an entry that is out of date is skipped
        self._chatter = Chatter()
        self._findings: list[tuple[Finding, str | None]] = []
        self._changed: dict[str, Alert] = {}
        self._opened: list[str] = []
        self._pages: list[Page] = []
        self._cancelled: dict[str, None] = {}
        self._new_mutes: dict[str, Muted] = {}
        self._recalled: list[str] = []
        for alert in alerts:
            self._hold(alert)
        for key, at in raised:
            self._chatter.heard(key, at)

    # ------------------------------------------------------------ facts go in

    def settle(self, finding: Finding, cause: Reading | None, now: datetime) -> None:
        """Take in what a rule found. `cause` is the reading being heard, None at a timer."""
        key = lifecycle.key_of(finding)
        before = self._open.get(self._by_key.get(key, ""))
        after = lifecycle.settle(before, finding, lambda new: self._opening(new, cause, now))
        self._findings.append((finding, after.id if after else None))
        if after is None or after is before:
            return
        self._put(after)
        if before is None:
            self._opened.append(after.id)
        if finding.event == "raised" and finding.severity is not Severity.LIFE:
            self._shelve_chatter(key, finding.at)
        self._mute_or_not(after.id, now)

    def hear(self, entry: Entry, now: datetime) -> None:
        """Take in an entry of the inbox. What is about another lane's alerts changes nothing."""
        match entry:
            case TownChanged():
                self.roster = self.roster.changed(entry.plans)
            case Muted():
                self._set_mute(entry, now)
            case Unmuted():
                self._end_mute(entry, now)
            case Receipt():
                self._receive(entry)
            case _ if isinstance(entry, ABOUT_AN_ALERT):
                self._answer(entry)

    def wake(self, now: datetime) -> None:
        """Page everything that is due by now, unless it is muted."""
        while self._due and self._due[0][0] <= now:
            at, key = heapq.heappop(self._due)
            alert = self._open.get(key)
            if alert is None or alert.next_at != at:
                continue
            if alert.state == "open" and self._mute_or_not(key, now):
                continue
            self._climbed(escalation.due(self._open[key], self.roster, now))

    # ------------------------------------------------------------ questions

    def next_due(self) -> datetime | None:
        """Return when the next rung is due, or None if nothing is."""
        while self._due:
            at, key = self._due[0]
            alert = self._open.get(key)
            if alert is not None and alert.next_at == at:
                return at
            heapq.heappop(self._due)
        return None

    def holds(self, alert: str) -> bool:
        """Return True if this alert is open here."""
        return alert in self._open

    def recall(self, alert: Alert) -> None:
        """Take a closed alert in again, so that what people still say of it is told."""
        if self._open.setdefault(alert.id, alert) is alert:
            self._recalled.append(alert.id)

    def take(self) -> Changed:
        """Return what has changed since the last call, and forget closed alerts."""
        closed = [a for a in self._changed.values() if a.state not in ACTIVE]
        active = [a for a in self._changed.values() if a.state in ACTIVE]
        changed = Changed(
            findings=tuple(self._findings),
            alerts=(*closed, *active),
            pages=tuple(self._pages),
            cancelled=tuple(self._cancelled),
            mutes=tuple(self._new_mutes.values()),
            opened=tuple(self._changed[key] for key in self._opened),
        )
        for key in (*(alert.id for alert in closed), *self._recalled):
            self._open.pop(key, None)
        self._recalled.clear()
        self._findings.clear()
        self._opened.clear()
        self._changed.clear()
        self._pages.clear()
        self._cancelled.clear()
        self._new_mutes.clear()
        return changed

    # ------------------------------------------------------------ moves

    def _opening(self, finding: Finding, cause: Reading | None, now: datetime) -> Alert:
        subject = Subject.parse(finding.subject)
        area = self.roster.directory.area_of(subject)
        agency = self.roster.agency_for(subject)
        decided = cause is not None and any(
            fact.device == cause.device and fact.id == cause.id for fact in finding.evidence
        )
        return lifecycle.open_alert(
            finding,
            cause=cause if decided else None,
            area=area,
            agency=agency,
            ladder=self.roster.ladder_for(finding.rule, finding.severity, area, agency),
            now=now,
        )

    def _answer(self, entry: About) -> None:
        alert = self._open.get(entry.alert)
        if alert is None:
            return
        after = lifecycle.answer(alert, entry)
        self._put(after)
        if isinstance(entry, Escalated) and after.state in ACTIVE:
            self._climbed(escalation.climb_now(after, self.roster, entry.at))

    def _receive(self, receipt: Receipt) -> None:
        name = page_name(receipt.page)
        alert = self._open.get(name.alert) if name else None
        if alert is not None:
            self._climbed(escalation.received(alert, receipt, self.roster))

    def _climbed(self, climb: Climb) -> None:
        self._put(climb.alert)
        self._pages.extend(climb.pages)

    def _hold(self, alert: Alert) -> None:
        self._open[alert.id] = alert
        if alert.state in ACTIVE:
            self._by_key[alert.alert_key] = alert.id
        elif self._by_key.get(alert.alert_key) == alert.id:
            del self._by_key[alert.alert_key]
        if alert.next_at is not None:
            heapq.heappush(self._due, (alert.next_at, alert.id))

    def _put(self, alert: Alert) -> None:
        before = self._open.get(alert.id)
        if alert is before:
            return
        self._hold(alert)
        self._changed[alert.id] = alert
        if alert.state != "open" and (before is None or before.state == "open"):
            self._call_off(alert.id)

    def _call_off(self, alert: str) -> None:
        """Drop pages of this step that nobody needs any more, before they are written."""
        self._pages = [page for page in self._pages if page.alert != alert]
        self._cancelled[alert] = None

    # ------------------------------------------------------------ mutes

    def _mute_or_not(self, key: str, now: datetime) -> bool:
        """Give an open alert its mute or take it away; True: it is muted."""
        alert = self._open[key]
        if alert.state != "open":
            return False
        found = mute(alert, self._mutes.values(), self.roster.directory, now)
        if found is not None:
            self._silence(alert, found, now)
            return True
        if alert.muted is not None:
            spoken = replace(lifecycle.told(alert, now, "unmuted"), muted=None)
            self._put(lifecycle.reopened(spoken, now))
        return False

    def _silence(self, alert: Alert, found: Mute, now: datetime) -> None:
        after = replace(alert, muted=found.reason, next_at=found.until if alert.ladder else None)
        if alert.muted != found.reason:
            after = lifecycle.told(after, now, "muted", detail=found.reason)
            self._call_off(alert.id)
        self._put(after)

    def _look_again(self, concerned: Callable[[Alert], bool], now: datetime) -> None:
        for key in [alert.id for alert in self._open.values() if concerned(alert)]:
            self._mute_or_not(key, now)

    def _set_mute(self, muted: Muted, now: datetime) -> None:
        self._mutes[muted.id] = self._new_mutes[muted.id] = muted
        self._mutes = {key: one for key, one in self._mutes.items() if one.until > muted.at}
        self._look_again(lambda alert: True, now)

    def _end_mute(self, entry: Unmuted, now: datetime) -> None:
        muted = self._mutes.pop(entry.id, None)
        if muted is None or muted.until <= entry.at:
            return
        self._new_mutes[entry.id] = replace(muted, until=entry.at)
        self._look_again(lambda alert: alert.muted is not None, now)

    def _shelve_chatter(self, key: AlertKey, at: datetime) -> None:
        if self._chatter.heard(key, at):
            shelved = shelf(key, at)
            self._mutes[shelved.id] = self._new_mutes[shelved.id] = shelved


__all__ = ("Casebook", "Changed")
