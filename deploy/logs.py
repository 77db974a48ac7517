"""How the services log: one JSON object a line on stderr, without secrets or whereabouts."""

import logging
import os
import sys
import threading
from contextlib import suppress
from typing import TextIO, cast

import structlog

from core.errors import origin

FELL = 70  # exit status of a process that a fault of ours ended (EX_SOFTWARE of sysexits.h)


def configure(level: str) -> None:
    """Log from `level` ("debug", "info", "warning", "error") upwards."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.PrintLoggerFactory(stderr()),
        cache_logger_on_first_use=True,
    )


def configure_console() -> None:
    """Log for a person who reads along, on stderr."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(stderr()))


def stderr() -> TextIO:
    """Return the standard error stream of the moment, as one that never raises an error.

    A full disk or a reader that is gone loses lines of the log; it must not end the thread that
    wrote one, which may be the one that stores an SOS.
    """
    return cast(TextIO, _Stderr())


def end_with_any_thread() -> None:
    """End this process with status 70 as soon as one of its threads falls, after a line on it.

    Otherwise the rest would go on as if nothing were missing. A thread that only serves beside the
    road of an SOS begins again by itself instead. Whoever started the process starts
    it again, and nothing is lost: it may be killed at any moment.
    """
    threading.excepthook = _end


def _end(fall: threading.ExceptHookArgs) -> None:
    if issubclass(fall.exc_type, SystemExit):
        return
    where = origin(fall.exc_value) if fall.exc_value is not None else []
    thread = fall.thread.name if fall.thread is not None else "?"
    structlog.get_logger().error(
        "thread fell", thread=thread, why=fall.exc_type.__name__, where=where
    )
    os._exit(FELL)


class _Stderr:
    """The standard error stream: loggers outlive one that was put in its place."""

    def write(self, text: str) -> int:
        """Write to the stream that is in place now."""
        with suppress(OSError, ValueError):  # no room, nobody reads, or closed
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush the stream that is in place now."""
        with suppress(OSError, ValueError):
            sys.stderr.flush()
