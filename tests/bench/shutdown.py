"""Ends a run in order, whoever asks: what was started ends too."""

import signal
from functools import partial

from deploy.stack.local import die_with_parent

# For what a test starts: it may be frozen when we are killed, and must not stay so for ever.
vanish_with_us = partial(die_with_parent, signal.SIGKILL)


def end_in_order() -> None:
    """From here on SIGTERM and Ctrl-C leave every `with` block; a second one changes nothing."""

    def end(number: int, frame: object) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
