"""Ends a run in order, whoever asks: what was started ends too."""

import signal

# Before the command of what a test starts: it may be frozen when we are killed, and must not stay
# so for ever. No Python between fork and exec: a lock that another thread holds would never open.
VANISHING = ("setpriv", "--pdeathsig", "KILL")


def end_in_order() -> None:
    """From here on SIGTERM and Ctrl-C leave every `with` block; a second one changes nothing."""

    def end(number: int, frame: object) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
