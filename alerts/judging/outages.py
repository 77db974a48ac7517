"""Where an outage lies: from the devices lost to the smallest area that holds them. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from math import ceil

import msgspec

from devices.directory import Directory


class Loss(msgspec.Struct, frozen=True, array_like=True):
    """A device that is lost."""

    device: str
    at: datetime  # since when
    incident: str | None = None  # the area of the outage it is told of in


class Measure(msgspec.Struct, frozen=True):
    """How much must be lost, and how quickly, to be an outage."""

    devices: int
    share: float  # of the devices heard before, 0-1
    within: timedelta


Losses = Mapping[str, Sequence[Loss]]  # by the area itself, what lies below left out


def outage_areas(
    lost: Losses,
    heard: Mapping[str, int],
    directory: Directory,
    measure_of: Callable[[str], Measure],
) -> dict[str, tuple[Loss, ...]]:
    """The areas with an outage, each the smallest that qualifies, and what was lost there.

    An area counts all areas below it. Where two areas beside each other qualify, and the one
    above both does too, it is one outage of the one above; so it is where enough else was lost
    around a single area that qualifies.
    """
    below = rolled_up(lost, directory)
    dense = {area: densest(losses, measure_of(area).within) for area, losses in below.items()}
    dense = {area: found for area, found in dense.items() if len(found) >= measure_of(area).devices}
    totals = totals_below(heard, dense, directory)
    needed = {area: needed_of(totals[area], measure_of(area)) for area in dense}
    qualified = {area: found for area, found in dense.items() if len(found) >= needed[area]}

    def smallest(area: str) -> str:
        inside = [one for one in qualified if parent_of(one, directory) == area]
        if len(inside) != 1:
            return area
        others = {loss.device for loss in qualified[area]}
        others -= {loss.device for loss in below[inside[0]]}
        return area if len(others) >= needed[area] else smallest(inside[0])

    tops = [one for one in qualified if not set(directory.area_path(one)[1:]) & qualified.keys()]
    return {area: qualified[area] for area in sorted(smallest(top) for top in tops)}


def needed_of(total: int, measure: Measure) -> int:
    """How many devices must be lost where `total` were heard before."""
    return max(measure.devices, ceil(measure.share * total - 1e-9))


def rolled_up(lost: Losses, directory: Directory) -> dict[str, list[Loss]]:
    """The losses of each area and of all above it."""
    found: dict[str, list[Loss]] = {}
    for area, losses in lost.items():
        for above in directory.area_path(area):
            found.setdefault(above, []).extend(losses)
    return found


def totals_below(
    heard: Mapping[str, int], areas: Iterable[str], directory: Directory
) -> dict[str, int]:
    """How many devices were heard in these areas and below."""
    totals = dict.fromkeys(areas, 0)
    for area, devices in heard.items():
        for above in directory.area_path(area):
            if above in totals:
                totals[above] += devices
    return totals


def densest(losses: Iterable[Loss], within: timedelta) -> tuple[Loss, ...]:
    """The most losses that lie within this time of one another; of equals the latest."""
    ordered = sorted(losses, key=lambda loss: (loss.at, loss.device))
    first, best = 0, (0, 0)
    for last in range(len(ordered)):
        while ordered[last].at - ordered[first].at > within:
            first += 1
        if last + 1 - first >= best[1] - best[0]:
            best = (first, last + 1)
    return tuple(ordered[best[0] : best[1]])


def parent_of(area: str, directory: Directory) -> str | None:
    found = directory.areas.get(area)
    return found.parent if found else None
