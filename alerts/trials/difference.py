"""What would have been raised beside what was, with reasons."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from alerts.types import AlertKey, Finding

Side = Literal["only_tried", "only_live", "otherwise"]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm that only one side raised, or that the two raised otherwise."""

    side: Side
    at: datetime
    rule: str
    subject: str
    key: str
    why: str  # one sentence


def differences(live: Iterable[Finding], tried: Iterable[Finding]) -> list[Difference]:
    """Return the differences by time; none where both raised the same.

    The alarms of one rule, subject and key are set beside one another in their order.
    """
    was, would = raised_by_key(live), raised_by_key(tried)
    found: list[Difference] = []
    for key in {**was, **would}:
        old, new = was.get(key, []), would.get(key, [])
        for before, now in zip(old, new, strict=False):
            found += [_one("otherwise", now, why) for why in otherwise(before, now)]
        found += [_one("only_tried", one, why_new(one)) for one in new[len(old) :]]
        found += [_one("only_live", one, why_gone(one)) for one in old[len(new) :]]
    return sorted(found, key=lambda one: (one.at, one.rule, one.subject, one.key))


def raised_by_key(findings: Iterable[Finding]) -> dict[AlertKey, list[Finding]]:
    """Return the raised findings of each alert's key, in their order."""
    raised: dict[AlertKey, list[Finding]] = {}
    for finding in findings:
        if finding.event == "raised":
            key = AlertKey(finding.rule, finding.subject, finding.key)
            raised.setdefault(key, []).append(finding)
    return raised


def otherwise(before: Finding, now: Finding) -> Iterable[str]:
    """Yield in one sentence how two alarms of the same thing differ; nothing where they do not."""
    parts: list[str] = []
    if now.at != before.at:
        minutes = abs(now.at - before.at) / timedelta(minutes=1)
        parts.append(f"{minutes:.1f} min {'later' if now.at > before.at else 'earlier'} than live")
    if now.reason != before.reason:
        parts.append(f"reason {now.reason} instead of {before.reason}")
    if now.severity != before.severity:
        parts.append(f"severity {now.severity} instead of {before.severity}")
    if not parts:
        return ()
    if now.rule_version != before.rule_version:
        parts.append(f"version {now.rule_version} instead of {before.rule_version}")
    if now.settings != before.settings:
        parts.append(f"with {_plain(now.settings)} instead of {_plain(before.settings)}")
    return ("; ".join(parts),)


def why_new(finding: Finding) -> str:
    """Return why a finding of the trial alone was raised."""
    return f"not raised live; with {_plain(finding.settings)}: {finding.reason}, {finding.detail}"


def why_gone(finding: Finding) -> str:
    """Return why a finding that the trial lacks was raised live."""
    said = f"version {finding.rule_version} with {_plain(finding.settings)}"
    return f"raised live: {said}: {finding.reason}, {finding.detail}"


def _one(side: Side, finding: Finding, why: str) -> Difference:
    return Difference(
        side=side,
        at=finding.at,
        rule=finding.rule,
        subject=finding.subject,
        key=finding.key,
        why=why,
    )


def _plain(settings: Mapping[str, object]) -> str:
    return msgspec.json.encode(settings, order="deterministic").decode()
