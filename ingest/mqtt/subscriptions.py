"""The filters that a session asks for, and what the broker has answered. One thread's alone."""

from collections.abc import Callable, Iterable, Sequence

import structlog

from ingest.mqtt import packets

FILTERS_A_PACKET = 200  # some tens of bytes each: a SUBSCRIBE stays within a few kilobytes

log = structlog.get_logger()


class PacketIds:
    """Numbers for the packets that we send and that the broker answers: 1 to 65,535, then again."""

    def __init__(self) -> None:
        self._last = 0

    def new(self) -> int:
        """Return the next number."""
        self._last = self._last % 65_535 + 1
        return self._last


class Subscriptions:
    """What is wanted, asked for, granted and refused. The socket's thread alone writes it.

    `granted` is called with all filters that the broker grants, when all that was asked for is
    answered and when some are given up.
    """

    def __init__(
        self,
        name: str,
        wanted: Iterable[str],
        unwanted: Iterable[str],
        ids: PacketIds,
        granted: Callable[[frozenset[str]], None],
    ) -> None:
        self.refused: frozenset[str] = frozenset()
        self.confirmed: frozenset[str] = frozenset()  # in this connection
        self._name = name
        self._wanted = dict.fromkeys(wanted)
        self._unwanted = tuple(unwanted)  # what the session may have from an earlier release
        self._ids = ids
        self._granted = granted
        self._asked: dict[int, tuple[str, ...]] = {}

    @property
    def is_answered(self) -> bool:
        """Return True if the broker has answered all that was asked for."""
        return not self._asked

    def begin(self) -> bytes:
        """Return the packets that subscribe on a new connection.

        A broker that fell may have forgotten the newest filters, so all are asked for again.
        """
        self.confirmed = frozenset()
        self._asked.clear()
        asked = self._ask(list(self._wanted))
        if not self._unwanted:
            return asked
        return asked + packets.unsubscribe(self._ids.new(), self._unwanted)

    def change(self, filters: Iterable[str]) -> bytes:
        """Return the packets that make these the filters from now on.

        What is given up is taken out of `confirmed`, and `granted` called, before.
        """
        wanted = dict.fromkeys(filters)
        more = [each for each in wanted if each not in self._wanted]
        fewer = [each for each in self._wanted if each not in wanted]
        self._wanted = wanted
        given_up = b""
        if fewer:
            self.confirmed -= frozenset(fewer)
            self._granted(self.confirmed)
            given_up = packets.unsubscribe(self._ids.new(), fewer)
        return given_up + self._ask(more)

    def answered(self, answer: packets.Suback) -> None:
        """Note what the broker grants and refuses; it may have been given up meanwhile."""
        asked = self._asked.pop(answer.packet_id, ())
        refused = {each for each, code in zip(asked, answer.codes, strict=False) if code & 128}
        self.confirmed |= frozenset(self._wanted).intersection(asked) - refused
        self.refused = (self.refused - frozenset(asked)) | refused
        if refused:
            log.error("subscription refused", session=self._name, filters=sorted(refused))
        if not self._asked:
            self._granted(self.confirmed)

    def _ask(self, filters: Sequence[str]) -> bytes:
        packed = b""
        for start in range(0, len(filters), FILTERS_A_PACKET):
            some = tuple(filters[start : start + FILTERS_A_PACKET])
            number = self._ids.new()
            self._asked[number] = some
            packed += packets.subscribe(number, some)
        return packed
