"""On which side of a fence a device is, by its latest fixes in the order of their own times. Pure.

Late fixes and repeats fall into place, so any order of the same fixes ends in the same verdict.
"""

from bisect import insort
from datetime import datetime
from itertools import takewhile

import msgspec

KEPT = 48  # fixes ranked a device: half of them always suffice to confirm; our choice


class Confirmation(msgspec.Struct, frozen=True, gc=False):
    """What a run of fixes of one side must come to."""

    fixes: int
    seconds: float  # from its first to its last


class Fix(msgspec.Struct, frozen=True, order=True, array_like=True, gc=False):
    """One fix that says something."""

    at: datetime
    id: str
    out: bool


class Trail(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The latest fixes of one device, and what was confirmed before them."""

    fixes: tuple[Fix, ...] = ()
    out: bool = False


def ranked(trail: Trail, fix: Fix, needs: Confirmation) -> Trail:
    """Return the trail with one more fix in its place; the same for a repeat or one too old.

    Of the fixes of one side in one grain of time the first stands for all.
    """
    kept = max(KEPT, needs.fixes * 2)
    fixes = list(trail.fixes)
    if len(fixes) == kept and fix < fixes[0]:
        return trail
    twin = twin_of(fix, fixes, needs.seconds * 2 / KEPT)
    if twin is not None:
        if twin <= fix:
            return trail
        fixes.remove(twin)
    insort(fixes, fix)
    if len(fixes) <= kept:
        return Trail(tuple(fixes), trail.out)
    leading = tuple(takewhile(lambda other: other.out == fixes[0].out, fixes))
    return Trail(tuple(fixes[1:]), confirmed(Trail(leading, trail.out), needs)[0])


def twin_of(fix: Fix, fixes: list[Fix], grain: float) -> Fix | None:
    """Return the fix of the same side in the same grain of time (seconds), if there is one."""
    start = fix.at.timestamp() // grain * grain if grain > 0 else fix.at.timestamp()
    for other in reversed(fixes):
        at = other.at.timestamp()
        if at < start:
            return None
        if other.out == fix.out and (at < start + grain or other.at == fix.at):
            return other
    return None


def confirmed(trail: Trail, needs: Confirmation) -> tuple[bool, tuple[Fix, ...]]:
    """Return the side of the latest run that is long enough, with the fixes that prove it."""
    run: list[Fix] = []
    for fix in reversed(trail.fixes):
        if run and run[-1].out != fix.out:
            run = []
        run.append(fix)
        lasted = (run[0].at - fix.at).total_seconds()
        if len(run) >= needs.fixes and lasted >= needs.seconds:
            return fix.out, (run[-1], run[0])
    return trail.out, ()
