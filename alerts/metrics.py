"""What alerts counts and measures, as docs/reference/metrics.md lists it."""

from typing import get_args

from prometheus_client import Counter, Gauge, Histogram

from alerts.cases.casebook import Changed
from alerts.types import ReceiptState
from core.ages import Age

SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 180, 600)

ALERTS = Counter("carewatch_alerts_total", "Alerts opened", ["rule", "severity"])
PAGES = Counter("carewatch_pages_total", "Pages by what became of them", ["state"])
for _state in get_args(ReceiptState):
    PAGES.labels(_state)  # from 0 on: the first that fails is an increase too
PAGE_LATENCY = Histogram(
    "carewatch_page_latency_seconds",
    "From the device's message received to its first page sent",
    buckets=SECONDS,
)
OLDEST_UNSENT = Gauge("carewatch_oldest_unsent_page_seconds", "Age of the oldest page not sent")
FEED_LAG = Gauge("carewatch_feed_lag_seconds", "Age of the oldest reading not judged")
unsent_age, feed_lag = Age(), Age()
OLDEST_UNSENT.set_function(unsent_age.seconds)
FEED_LAG.set_function(feed_lag.seconds)
COMMIT = Histogram("carewatch_step_commit_seconds", "One commit of a lane", ["lane"])
FAULTS = Gauge("carewatch_watch_faults", "What the watcher finds wrong now")


def count_opened(changed: Changed) -> None:
    """Count the alerts that a step has opened."""
    for alert in changed.opened:
        ALERTS.labels(alert.rule, str(alert.severity)).inc()
