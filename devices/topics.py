"""MQTT topics: the contract's own shape, filters, and a look-up from topic to what claims it."""

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

import msgspec

CONTRACT_ROOT = "carewatch/v1/"
ANSWER = "answer"  # the level, beside the six kinds, on which a device is answered

T = TypeVar("T")


class ContractTopic(msgspec.Struct, frozen=True):
    """`carewatch/v1/{site}/{kind}/{device}`, taken apart."""

    site: str
    kind: str  # as written; whether we know it is for the codec to say
    device: str


class Rights(msgspec.Struct, frozen=True):
    """MQTT filters: what a device may publish on, and what it may subscribe and receive."""

    speaks: tuple[str, ...] = ()
    hears: tuple[str, ...] = ()

    def __add__(self, more: "Rights") -> "Rights":
        """Return both, each filter once."""
        return Rights(
            tuple(dict.fromkeys((*self.speaks, *more.speaks))),
            tuple(dict.fromkeys((*self.hears, *more.hears))),
        )


def contract_topic(topic: str) -> ContractTopic | None:
    """Return the parts of a contract topic; None when it has another shape."""
    if not topic.startswith(CONTRACT_ROOT):
        return None
    levels = topic.split("/")
    if len(levels) != 5 or not (levels[2] and levels[3] and levels[4]):
        return None
    return ContractTopic(levels[2], levels[3], levels[4])


def matches(topic_filter: str, topic: str) -> bool:
    """Return True if an MQTT filter (`+` one level, `#` the rest and the parent) takes
    this topic."""
    return _levels_match(topic_filter.split("/"), topic.split("/"))


def _levels_match(wanted: list[str], levels: list[str]) -> bool:
    if wanted[0] in ("+", "#") and levels[0].startswith("$"):
        return False  # the broker's own topics are not taken by a leading wildcard
    for depth, want in enumerate(wanted):
        if want == "#":
            return True
        if depth >= len(levels) or want not in ("+", levels[depth]):
            return False
    return len(wanted) == len(levels)


def covers(allowed: str, topic_filter: str) -> bool:
    """Return True if `allowed` takes every topic that `topic_filter` takes; both are filters."""
    wanted, asked = allowed.split("/"), topic_filter.split("/")
    if wanted[0] in ("+", "#") and asked[0].startswith("$"):
        return False
    for depth, want in enumerate(wanted):
        if want == "#":
            return True
        if depth >= len(asked) or asked[depth] == "#" or want not in ("+", asked[depth]):
            return False
    return len(wanted) == len(asked)


def parents(topic: str) -> Iterator[str]:
    """Yield the topics above this one, nearest first: `a/b/c` gives `a/b`, then `a`."""
    cut = topic.rfind("/")
    while cut > 0:
        yield topic[:cut]
        cut = topic.rfind("/", 0, cut)


class TopicTable(Generic[T]):
    """Which owner claims a topic: the first whose filter matches, in the order given."""

    __slots__ = ("_by_root", "_wild")

    def __init__(self, claims: Iterable[tuple[str, T]]) -> None:
        self._by_root: dict[str, list[tuple[list[str], T]]] = {}
        self._wild: list[tuple[list[str], T]] = []  # filters whose first level is a wildcard
        for topic_filter, owner in claims:
            levels = topic_filter.split("/")
            wild = levels[0] in ("+", "#")
            bucket = self._wild if wild else self._by_root.setdefault(levels[0], [])
            bucket.append((levels, owner))

    def owner(self, topic: str) -> T | None:
        """Return the owner of this topic; a literal first level goes before a wildcard."""
        levels = topic.split("/")
        for bucket in (self._by_root.get(levels[0], ()), self._wild):
            for wanted, owner in bucket:
                if _levels_match(wanted, levels):
                    return owner
        return None
