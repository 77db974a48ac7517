"""How the services log: one JSON object a line on stderr, without secrets or whereabouts."""

import logging
import sys
from typing import TextIO, cast

import structlog


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
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _Stderr())),
        cache_logger_on_first_use=True,
    )


class _Stderr:
    """The standard error stream of the moment: loggers outlive one that was put in its place."""

    def write(self, text: str) -> int:
        """Write to the stream that is in place now."""
        return sys.stderr.write(text)

    def flush(self) -> None:
        """Flush the stream that is in place now."""
        sys.stderr.flush()
