"""When somebody's phone was somewhere: stretches of fixes, the same in whatever order they came.

A stretch joins fixes less than a gap apart. Which fixes end up in one stretch depends on the fixes
alone, not on their order, and a repeated fix changes nothing: so late evidence needs no rewinding.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

NONE = timedelta(0)


class Stretch(msgspec.Struct, frozen=True, array_like=True, order=True, gc=False):
    """An unbroken run of fixes, known by its first and last."""

    first: datetime
    last: datetime
    first_fix: tuple[str, str]  # device, reading id
    last_fix: tuple[str, str]


Stretches = tuple[Stretch, ...]  # sorted, further than the gap apart


def with_fix(
    stretches: Stretches, at: datetime, device: str, reading: str, gap: timedelta
) -> Stretches:
    """Return the stretches with one more fix; the very same tuple if it changes nothing."""
    fix = (device, reading)
    if stretches and NONE < at - stretches[-1].last < gap:  # most fixes come in their order
        last = stretches[-1]
        return (*stretches[:-1], Stretch(last.first, at, last.first_fix, fix))
    for stretch in reversed(stretches):
        if stretch.first < at < stretch.last:
            return stretches
        if stretch.last < at - gap:
            break
    return joined((*stretches, Stretch(at, at, fix, fix)), gap, before=stretches)


def lengthened(before: Stretches, after: Stretches) -> bool:
    """Return True if only the last stretch has grown, at its end."""
    return (
        len(before) == len(after) > 0
        and before[-1].first == after[-1].first
        and before[-1].last < after[-1].last
        and before[:-1] == after[:-1]
    )


def joined(stretches: Iterable[Stretch], gap: timedelta, before: Stretches = ()) -> Stretches:
    """Join stretches less than `gap` apart. Of two fixes of one moment the lesser id leads.

    Return `before` itself where the outcome equals it.
    """
    found: list[Stretch] = []
    for stretch in sorted(stretches):
        if found and stretch.first - found[-1].last < gap:
            found[-1] = union(found[-1], stretch)
        else:
            found.append(stretch)
    after = tuple(found)
    return before if after == before else after


def union(one: Stretch, other: Stretch) -> Stretch:
    """Return the stretch from the first fix of both to the last."""
    first, first_fix = min((one.first, one.first_fix), (other.first, other.first_fix))
    last, last_fix = max((one.last, one.last_fix), (other.last, other.last_fix))
    return Stretch(first, last, first_fix, last_fix)


def within(stretch: Stretch, start: datetime, end: datetime) -> timedelta:
    """Return how long a stretch lasts between two moments; zero or less if it lies outside."""
    return min(stretch.last, end) - max(stretch.first, start)


def touches(stretches: Stretches, start: datetime, end: datetime) -> bool:
    """Return True if a stretch reaches between two moments, both included."""
    return any(stretch.last >= start and stretch.first <= end for stretch in stretches)


def covers(stretches: Stretches, moment: datetime) -> bool:
    """Return True if a moment lies within a stretch."""
    return any(stretch.first <= moment <= stretch.last for stretch in stretches)


def time_in(stretches: Stretches, start: datetime, end: datetime, besides: Stretches) -> timedelta:
    """Return the time between two moments that the stretches cover and the others do not."""
    covered = sum((max(NONE, within(stretch, start, end)) for stretch in stretches), NONE)
    shared = (
        within(stretch, max(start, other.first), min(end, other.last))
        for stretch in stretches
        for other in besides
    )
    return covered - sum((max(NONE, part) for part in shared), NONE)


def longest_unseen(stretches: Stretches, start: datetime, end: datetime) -> timedelta:
    """Return the longest time between two moments without a fix."""
    longest, seen = NONE, start
    for stretch in stretches:
        if stretch.last >= start and stretch.first <= end:
            longest = max(longest, stretch.first - seen)
            seen = max(seen, stretch.last)
    return max(longest, end - seen)


def left_after(elsewhere: Stretches, moment: datetime, steady: timedelta) -> bool:
    """Return True if fixes elsewhere after a moment, over a steady time, show that one left."""
    after = [stretch for stretch in elsewhere if stretch.last > moment]
    return bool(after) and after[-1].last - max(after[0].first, moment) >= steady
