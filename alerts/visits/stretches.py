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

    @property
    def length(self) -> timedelta:
        return self.last - self.first


Stretches = tuple[Stretch, ...]  # sorted, further than the gap apart


def with_fix(
    stretches: Stretches, at: datetime, device: str, reading: str, gap: timedelta
) -> Stretches:
    """The stretches with one more fix. The very same tuple when it changes nothing."""
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
    """Has only the last stretch grown at its end?"""
    return (
        len(before) == len(after) > 0
        and before[-1].first == after[-1].first
        and before[-1].last < after[-1].last
        and before[:-1] == after[:-1]
    )


def joined(stretches: Iterable[Stretch], gap: timedelta, before: Stretches = ()) -> Stretches:
    """Stretches less than `gap` apart made one. Of two fixes of one moment the lesser id leads."""
    found: list[Stretch] = []
    for stretch in sorted(stretches):
        if found and stretch.first - found[-1].last < gap:
            found[-1] = union(found[-1], stretch)
        else:
            found.append(stretch)
    after = tuple(found)
    return before if after == before else after


def union(one: Stretch, other: Stretch) -> Stretch:
    first, first_fix = min((one.first, one.first_fix), (other.first, other.first_fix))
    last, last_fix = max((one.last, one.last_fix), (other.last, other.last_fix))
    return Stretch(first, last, first_fix, last_fix)


def within(stretch: Stretch, start: datetime, end: datetime) -> timedelta:
    """How long a stretch lasts between two moments; zero or less when it lies outside."""
    return min(stretch.last, end) - max(stretch.first, start)


def touches(stretches: Stretches, start: datetime, end: datetime) -> bool:
    """Is there a fix's stretch between two moments, both included?"""
    return any(stretch.last >= start and stretch.first <= end for stretch in stretches)


def covers(stretches: Stretches, moment: datetime) -> bool:
    """Does a moment lie within a stretch?"""
    return any(stretch.first <= moment <= stretch.last for stretch in stretches)


def time_in(stretches: Stretches, start: datetime, end: datetime, besides: Stretches) -> timedelta:
    """The time between two moments that the stretches cover and the others do not."""
    covered = sum((max(NONE, within(stretch, start, end)) for stretch in stretches), NONE)
    shared = (
        within(stretch, max(start, other.first), min(end, other.last))
        for stretch in stretches
        for other in besides
    )
    return covered - sum((max(NONE, part) for part in shared), NONE)


def longest_unseen(stretches: Stretches, start: datetime, end: datetime) -> timedelta:
    """The longest time between two moments without a fix."""
    longest, seen = NONE, start
    for stretch in stretches:
        if stretch.last >= start and stretch.first <= end:
            longest = max(longest, stretch.first - seen)
            seen = max(seen, stretch.last)
    return max(longest, end - seen)


def left_after(elsewhere: Stretches, moment: datetime, steady: timedelta) -> bool:
    """Do fixes elsewhere after a moment, over a steady time, show that somebody has left?"""
    after = [stretch for stretch in elsewhere if stretch.last > moment]
    return bool(after) and after[-1].last - max(after[0].first, moment) >= steady
