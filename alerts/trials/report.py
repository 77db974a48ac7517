"""What a backtest says: each finding, then the summary, as JSON lines or to be read. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from alerts.figures.alarm_load import AlarmLoad
from alerts.trials.backtest import Trial, in_zone, line_of
from alerts.trials.difference import Difference, differences
from alerts.types import Finding

_encode = msgspec.json.Encoder().encode
MINUTE = "%Y-%m-%d %H:%M"


class MessageCounts(msgspec.Struct):
    """What became of the messages: received = stored + duplicate + rejected + ignored."""

    received: int = 0
    stored: int = 0
    duplicate: int = 0
    rejected: int = 0
    ignored: int = 0
    readings: int = 0  # a message may hold several
    rejections: dict[str, int] = {}  # by reason


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What was read, what was found, and how heavy it weighs."""

    settings: Mapping[str, Any]  # what was changed for the trial
    messages: MessageCounts | None = None  # of a recording
    findings: dict[str, dict[str, int]]  # rule -> event -> number
    alarm_load: AlarmLoad | None
    live: tuple[Difference, ...] | None = None  # beside what was raised live; None: unknown
    live_load: AlarmLoad | None = None  # how heavy that weighed


def summed_up(
    trial: Trial,
    *,
    settings: Mapping[str, Any],
    messages: MessageCounts | None = None,
    live: list[Finding] | None = None,
    seats: int = 1,
) -> Summary:
    """Return the summary of a trial that has run."""
    summary = Summary(
        settings=settings,
        messages=messages,
        findings=trial.counts(),
        alarm_load=trial.load(trial.alarms, seats),
    )
    if live is None:
        return summary
    was = [in_zone(finding, trial.zone) for finding in live if trial.shows(finding)]
    beside = tuple(differences(was, trial.alarms))
    return msgspec.structs.replace(summary, live=beside, live_load=trial.load(was, seats))


def json_line(value: Finding | Summary) -> bytes:
    """Return one line of JSON; the same value always gives the same bytes."""
    whole = {"summary": value} if isinstance(value, Summary) else line_of(value)
    return _encode(whole) + b"\n"


def text_line(finding: Finding) -> str:
    """Return a finding as a line for people."""
    return (
        f"{finding.at:%Y-%m-%d %H:%M:%S}  {finding.severity.value:<6}  {finding.event:<7}  "
        f"{finding.rule}  {finding.subject}  {finding.reason}: {finding.detail}"
    )


def text_of(summary: Summary) -> Iterator[str]:
    """Yield the lines of the summary for people."""
    yield ""
    for rule, events in summary.findings.items():
        yield f"{rule:<24}" + "  ".join(f"{event} {n}" for event, n in events.items())
    if not summary.findings:
        yield "nothing found"
    if summary.messages is not None:
        yield _messages(summary.messages)
    if summary.alarm_load is not None:
        yield from _load(summary.alarm_load)
    for one in summary.live or ():
        yield f"{one.side}: {one.at:{MINUTE}} {one.rule} {one.subject} {one.key} {one.why}"
    if summary.live_load is not None:
        yield (
            f"raised live: {summary.live_load.alarms} alarms, "
            f"{summary.live_load.per_seat_per_day:g} a seat and day"
        )
    if summary.live == ():
        yield "raised live: the same"


def _messages(counts: MessageCounts) -> str:
    reasons = ", ".join(f"{reason} {n}" for reason, n in counts.rejections.items())
    return (
        f"{counts.received} messages: {counts.stored} stored ({counts.readings} readings), "
        f"{counts.duplicate} duplicate, {counts.rejected} rejected"
        f"{f' ({reasons})' if reasons else ''}, {counts.ignored} ignored"
    )


def _load(load: AlarmLoad) -> Iterator[str]:
    yield (
        f"{load.begin:{MINUTE}} to {load.end:{MINUTE}}: {load.alarms} alarms, "
        f"{load.per_seat_per_day:g} a seat and day on {load.seats} seat(s): {load.rating} "
        "(ISA-18.2: up to 150 manageable, from 300 overloaded)"
    )
    peak = f", the last at {load.peak_at:{MINUTE}}" if load.peak_at else ""
    yield f"most in 10 minutes: {load.peak_10_minutes:g} a seat{peak}"
    yield f"floods (more than 10 in 10 minutes): {len(load.floods)}, {load.flood_share:.1%} of time"
    yield "priorities: " + ", ".join(f"{name} {n}" for name, n in load.by_severity.items())
    yield f"chattering: {len(load.chattering)}; standing over 24 h: {len(load.stale)}"
    yield "areas: " + ", ".join(f"{area or 'none'} {n}" for area, n in load.by_area.items())
    yield "hours: " + ", ".join(f"{hour} {n}" for hour, n in load.by_hour.items())
    for source in load.busiest[:3]:
        yield f"busiest: {source.rule} {source.subject} {source.alarms}"
