"""Where an outage lies: from the devices lost to the smallest node that explains it. Pure.

Nodes and places are those of `alerts.rules.shared.places`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import NamedTuple

import msgspec

from alerts.rules.shared.places import above, around, is_area
from devices.directory import Directory


class Loss(msgspec.Struct, frozen=True, array_like=True):
    """A device that is lost."""

    device: str
    at: datetime  # when it was there last, however late that is found
    incident: str | None = None  # the node of the outage that lists it
    found_at: datetime | None = None  # None: saved by a release that kept only one of the two


class Measure(msgspec.Struct, frozen=True):
    """How much must be lost, and how quickly, to be an outage."""

    devices: int
    share: float  # of the devices heard before, 0-1
    within: timedelta


Losses = Mapping[str, Sequence[Loss]]  # by place


def outages(
    lost: Losses,
    heard: Mapping[str, int],
    directory: Directory,
    measure_of: Callable[[str], Measure],
) -> dict[str, tuple[Loss, ...]]:
    """Return the nodes with an outage, each the smallest that explains it, and its losses.

    An area counts all areas below it, a gateway all that speaks through it. Where two areas or
    gateways in one area qualify, and the area does too, it is one outage of the area; so it is
    where enough else was lost around a single one that qualifies.
    """
    below = rolled_up(lost, directory)
    dense = {node: densest(losses, measure_of(node).within) for node, losses in below.items()}
    dense = {node: found for node, found in dense.items() if len(found) >= measure_of(node).devices}
    totals = totals_below(heard, dense, directory)
    needed = {node: needed_of(totals[node], measure_of(node)) for node in dense}
    qualified = {node: found for node, found in dense.items() if len(found) >= needed[node]}
    tops = [one for one in qualified if not qualified.keys() & set(above(one, directory))]
    search = Search(qualified, below, needed, totals, directory)
    return listed_once({search.smallest(top) for top in tops}, qualified, needed)


class Search(NamedTuple):
    """The nodes in which enough was lost, and what it takes to find the smallest of them."""

    qualified: Mapping[str, tuple[Loss, ...]]
    below: Mapping[str, Sequence[Loss]]  # all that was lost in a node, however slowly
    needed: Mapping[str, int]
    totals: Mapping[str, int]  # devices heard in a node
    directory: Directory

    def smallest(self, node: str) -> str:
        """Return the smallest part of a node that explains its outage, or the node itself."""
        gateways = [one for one in self._gateways_in(node) if self._explains(one, node)]
        if gateways:
            first = min(gateways, key=lambda one: (self._rest(node, one), self.totals[one]))
            return self.smallest(first)
        areas = [one for one in self.qualified if above(one, self.directory)[:1] == (node,)]
        is_one = len(areas) == 1 and self._explains(areas[0], node)
        return self.smallest(areas[0]) if is_one else node

    def _gateways_in(self, node: str) -> list[str]:
        """Return the gateways that reach into an area, or that speak through a gateway."""
        gateways = sorted(one for one in self.qualified if not is_area(one))
        return [one for one in gateways if is_area(node) or node in above(one, self.directory)]

    def _explains(self, part: str, node: str) -> bool:
        """Return True if what was lost in a node besides this part of it is no outage."""
        return self._rest(node, part) < self.needed[node]

    def _rest(self, node: str, part: str) -> int:
        """Return how much of what is lost in a node is not in this part of it."""
        inside = {loss.device for loss in self.below[part]}
        return sum(loss.device not in inside for loss in self.qualified[node])


def listed_once(
    nodes: Iterable[str], qualified: Mapping[str, tuple[Loss, ...]], needed: Mapping[str, int]
) -> dict[str, tuple[Loss, ...]]:
    """Return what was lost in each node, nothing twice.

    A gateway may reach into an area with an outage of its own: what lies there is no loss of the
    gateway.
    """
    found = {node: qualified[node] for node in sorted(nodes)}
    in_areas = {loss.device for node in found if is_area(node) for loss in found[node]}
    for node in [node for node in found if not is_area(node)]:
        found[node] = tuple(loss for loss in found[node] if loss.device not in in_areas)
    return {node: losses for node, losses in found.items() if len(losses) >= needed[node]}


def needed_of(total: int, measure: Measure) -> int:
    """Return how many devices must be lost where `total` were heard before."""
    return max(measure.devices, ceil(measure.share * total - 1e-9))


def rolled_up(lost: Losses, directory: Directory) -> dict[str, list[Loss]]:
    """Return the losses of each node, with all that it holds."""
    found: dict[str, list[Loss]] = {}
    for place, losses in lost.items():
        for node in around(place, directory):
            found.setdefault(node, []).extend(losses)
    return found


def totals_below(
    heard: Mapping[str, int], nodes: Iterable[str], directory: Directory
) -> dict[str, int]:
    """Return how many devices were heard in these nodes."""
    totals = dict.fromkeys(nodes, 0)
    for place, devices in heard.items():
        for node in around(place, directory):
            if node in totals:
                totals[node] += devices
    return totals


def densest(losses: Iterable[Loss], within: timedelta) -> tuple[Loss, ...]:
    """Return the most losses that lie within this time of one another; of equals the latest."""
    ordered = sorted(losses, key=lambda loss: (loss.at, loss.device))
    first, best = 0, (0, 0)
    for last in range(len(ordered)):
        while ordered[last].at - ordered[first].at > within:
            first += 1
        if last + 1 - first >= best[1] - best[0]:
            best = (first, last + 1)
    return tuple(ordered[best[0] : best[1]])
