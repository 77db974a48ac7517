"""When a lane saves its rule states: seldom, since a restart replays what came after."""

import time
from collections.abc import Callable

SAVE_EVERY = 5.0  # seconds between two savings: about what a restart has to replay
SAVE_SHARE = 0.1  # of the time may go into saving: a town with many states saves less often
RENEW_EVERY = 10.0  # seconds after which the checkpoint is renewed though nothing happened


class SavePolicy:
    """Decides at each step whether the rule states go along with it.

    `clock` gives seconds that only grow. A new lane (`is_new`) saves where it begins at once.
    """

    def __init__(self, *, is_new: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._must_save = is_new
        self._saved_at = clock()
        self._took = 0.0  # seconds that the last saving took

    def require(self) -> None:
        """Have the next step save: a replay from before it might end otherwise."""
        self._must_save = True

    def is_due(self, *, has_moved: bool) -> bool:
        """Return True if the states are to be saved now.

        `has_moved` tells whether anything was read since they were saved.
        """
        wait = max(SAVE_EVERY, self._took / SAVE_SHARE)
        if not has_moved:
            wait = max(wait, RENEW_EVERY)
        return self._must_save or self._clock() - self._saved_at > wait

    def note_saved(self, took: float) -> None:
        """Note a saving that took so many seconds."""
        self._must_save = False
        self._saved_at, self._took = self._clock(), took
