"""Whether somebody else reads one of our broker sessions: what its canaries and its connections
say. Pure; two threads feed it (the session's and the witness's).

A canary is a numbered message that a connection of its own, the witness, publishes each second.
The witness hears it too, and the broker gives a message to all its subscribers in one go: what the
witness heard after the session was subscribed must come to the session, sooner or later, in its
order. A number that does not come although later ones do was acknowledged by somebody else.

No false alarm: what is queued comes late, and in its order. A broker or a network that was away
ends the witness's connection too; so a suspicion counts only when the witness hears, on the very
connection that it had before, a number that it published afterwards. What another process
acknowledged, when it took the session over in good order, counts in that process alone.
"""

import threading
from collections import deque

from ingest.store.intrusions import Intrusion, Sign

LATER = 3  # numbers that must have come before a missing one counts: a broker may swap neighbours
TAKEN_OVER = 3  # connections lost to somebody else ...
WITHIN = 60.0  # ... in so many seconds; one may be a broken network path of a single connection
FORGOTTEN = 1_000  # numbers kept that came to the session before the witness heard them


class SessionWatch:
    """What is expected of one session, and what was seen."""

    def __init__(self, slot: str) -> None:
        self.slot = slot
        self._turn = threading.Lock()
        self._due: set[int] = set()  # heard by the witness, not by the session yet
        self._early: set[int] = set()  # heard by the session first
        self._sent = 0  # newest number that the witness has published
        self._witnessed = 0  # newest number that it heard
        self._expected_from: int | None = None  # the first number that must come; None: none
        self._witness = 0  # number of the witness's connection
        self._witness_then = 0  # that number when the session connected the last time
        self._begun = 0  # sessions that the broker began for us
        self._lost: deque[float] = deque()  # when connections were lost to somebody else
        self._suspected: list[tuple[int, Intrusion]] = []  # after which number it was seen
        self._found: list[Intrusion] = []

    # ------------------------------------------------------------ the witness's side

    def sent(self, number: int) -> None:
        """The witness publishes this number."""
        with self._turn:
            self._sent = number

    def witnessed(self, number: int) -> None:
        """The witness heard its own number: the session will hear it too."""
        with self._turn:
            self._witnessed = max(self._witnessed, number)
            if number in self._early:
                self._early.discard(number)
            elif self._expected_from is not None and number >= self._expected_from:
                self._due.add(number)
            self._found += [each for after, each in self._suspected if after < number]
            self._suspected = [each for each in self._suspected if each[0] >= number]

    def witness_connected(self) -> None:
        """The witness has a new connection: what it said on the one before may be lost."""
        with self._turn:
            self._witness += 1
            self._due.clear()
            self._early.clear()
            self._lost.clear()
            self._suspected.clear()
            if self._expected_from is not None:
                self._expected_from = self._sent + 1

    # ------------------------------------------------------------ the session's side

    def connected(self, begun: int, now: float) -> None:
        """The session is connected, at `now` in seconds of a clock that never goes back.

        `begun` counts the sessions that the broker began for us, this one included.
        """
        with self._turn:
            was_connected, self._witness_then = self._witness_then, self._witness
            steady = was_connected == self._witness > 0  # the broker was there all the time
            if begun != self._begun:
                self._begun = begun
                self._due.clear()
                self._expected_from = None
                if steady:
                    self._suspect("ended", 1)
            elif steady:
                self._count_lost(now)

    def granted(self) -> None:
        """The session is subscribed: what the witness says from now on must come."""
        with self._turn:
            if self._expected_from is None:
                self._expected_from = self._sent + 1

    def heard(self, number: int) -> None:
        """A canary has come to the session."""
        with self._turn:
            if number in self._due:
                self._due.discard(number)
            elif number > self._witnessed:
                self._early.add(number)
            missing = [due for due in self._due if due <= number - LATER]
            self._due.difference_update(missing)
            if len(self._early) > FORGOTTEN:
                self._early = {each for each in self._early if each > number - FORGOTTEN}
            if missing:
                self._suspect("missing", len(missing))

    # ------------------------------------------------------------ for who writes it down

    def found(self) -> list[Intrusion]:
        """Return what was found since this was called last."""
        with self._turn:
            found, self._found = self._found, []
            return found

    def _count_lost(self, now: float) -> None:
        self._lost.append(now)
        while self._lost[0] <= now - WITHIN:
            self._lost.popleft()
        if len(self._lost) >= TAKEN_OVER:
            self._suspect("taken_over", len(self._lost))
            self._lost.clear()

    def _suspect(self, sign: Sign, count: int) -> None:
        self._suspected.append((self._sent, Intrusion(self.slot, sign, count)))
