"""What ingest counts, as docs/reference/metrics.md lists it, and a few figures of its own.

received = stored + duplicate + rejected + ignored, by family, at any quiet moment.
"""

from collections import Counter as Number
from collections.abc import Sequence
from functools import cache
from typing import get_args

from prometheus_client import REGISTRY, Counter, Gauge, Histogram

from core.ages import Age
from devices.readings import KIND_OF
from ingest.store.counts import Tally
from ingest.store.intrusions import Sign
from ingest.store.save import AdmittedMessage, Arrivals

RECEIVED = Counter("carewatch_messages_received_total", "Messages taken in", ["family"])
OUTCOMES = {
    "stored": Counter(
        "carewatch_messages_stored_total", "Messages with a reading that was new", ["family"]
    ),
    "duplicate": Counter(
        "carewatch_messages_duplicate_total", "Messages that were stored before", ["family"]
    ),
    "rejected": Counter(
        "carewatch_messages_rejected_total", "Messages that could not be read", ["family"]
    ),
    "ignored": Counter(
        "carewatch_messages_ignored_total", "Messages that say nothing we keep", ["family"]
    ),
}
READINGS = Counter("carewatch_readings_stored_total", "New readings", ["kind"])
REJECTIONS = Counter("carewatch_rejections_total", "What could not be read, by reason", ["reason"])
POSTPONED = Counter(
    "carewatch_http_postponed_total",
    "Messages answered 429, to be sent again",
    ["family"],
)

REPAIRED = Counter(
    "carewatch_messages_repaired_total",
    "Messages read only after their outer form was mended, by kind of repair",
    ["family", "repair"],
)

HELD = Gauge("carewatch_ingest_held_messages", "Messages taken and not yet stored", ["slot"])
CONNECTED = Gauge("carewatch_broker_connected", "1 while the session is connected", ["slot"])
# Registered when the broker has said it: from 0 to what it said would be an increase.
DROPPED = Gauge(
    "carewatch_broker_dropped_messages", "What the broker says it dropped ($SYS)", registry=None
)
SILENT = Gauge(
    "carewatch_message_silent_seconds", "Since this process last took a device's message, or began"
)
message_age = Age()
message_age.set()
SILENT.set_function(message_age.seconds)
INTRUSIONS = Counter(
    "carewatch_session_intrusions_total",
    "Signs that somebody else reads a broker session of ours",
    ["slot", "sign"],
)
ANSWERS = Counter(
    "carewatch_answers_total", "Answers to devices: sent, or dropped as too many waited", ["state"]
)
BATCH = Histogram(
    "carewatch_ingest_batch_messages",
    "Messages in one transaction",
    ["slot"],
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000),
)
SAVING = Histogram(
    "carewatch_ingest_save_seconds",
    "Time from admission to commit",
    ["slot"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5, 60),
)


def note_dropped(dropped: int) -> None:
    """Show what the broker says it has dropped since it began."""
    DROPPED.set(dropped)
    _show_drops()


@cache
def _show_drops() -> None:
    REGISTRY.register(DROPPED)


def begin_slot(slot: str) -> None:
    """Count the signs of a slot from 0 on: the first is an increase too."""
    for sign in get_args(Sign):
        INTRUSIONS.labels(slot, sign)


def end_slot(slot: str) -> None:
    """Say nothing more of a slot that another process reads now."""
    for gauge in (HELD, CONNECTED):
        gauge.remove(slot)


def count_received(messages: Sequence[AdmittedMessage]) -> Tally:
    """Count messages that were taken in; `count_outcomes` of each must follow."""
    tally = Tally((each.admitted.family, "received") for each in messages)
    for (family, _), number in tally.items():
        RECEIVED.labels(family).inc(number)
    message_age.set()
    for each in messages:
        for repair in each.admitted.repaired:
            REPAIRED.labels(each.admitted.family, repair).inc()
    return tally


def count_outcomes(messages: Sequence[AdmittedMessage], arrivals: Arrivals) -> Tally:
    """Count what became of messages that were taken in."""
    tally = Tally(
        (each.admitted.family, outcome)
        for each, outcome in zip(messages, arrivals.outcomes, strict=True)
    )
    for (family, outcome), number in tally.items():
        OUTCOMES[outcome].labels(family).inc(number)
    for kind, number in Number([type(each) for each in arrivals.stored]).items():
        READINGS.labels(KIND_OF[kind]).inc(number)
    for reason, number in Number([each.reason for each in arrivals.rejections]).items():
        REJECTIONS.labels(reason.value).inc(number)
    return tally
