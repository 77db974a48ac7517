"""The metrics that others build on: their names and labels, and that each is written down."""

import re
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.metrics import MetricWrapperBase

import dashboards.api.watch
from alerts import metrics as alerts
from ingest import metrics as ingest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/metrics.md").read_text()
OUTSIDE: dict[str, tuple[MetricWrapperBase, dict[str, str]]] = {
    "carewatch_messages_received_total": (ingest.RECEIVED, {"family": "x"}),
    "carewatch_messages_stored_total": (ingest.OUTCOMES["stored"], {"family": "x"}),
    "carewatch_messages_rejected_total": (ingest.OUTCOMES["rejected"], {"family": "x"}),
    "carewatch_messages_duplicate_total": (ingest.OUTCOMES["duplicate"], {"family": "x"}),
    "carewatch_messages_ignored_total": (ingest.OUTCOMES["ignored"], {"family": "x"}),
    "carewatch_readings_stored_total": (ingest.READINGS, {"kind": "x"}),
    "carewatch_rejections_total": (ingest.REJECTIONS, {"reason": "x"}),
    "carewatch_feed_lag_seconds": (alerts.FEED_LAG, {}),
    "carewatch_alerts_total": (alerts.ALERTS, {"rule": "x", "severity": "y"}),
    "carewatch_pages_total": (alerts.PAGES, {"state": "x"}),
    "carewatch_page_latency_seconds_count": (alerts.PAGE_LATENCY, {}),
    "carewatch_oldest_unsent_page_seconds": (alerts.OLDEST_UNSENT, {}),
}


def exposed() -> str:
    return generate_latest().decode()


@pytest.mark.parametrize("name", OUTSIDE)
def test_names_and_labels_stay(name: str) -> None:
    metric, labels = OUTSIDE[name]
    if labels:
        metric.labels(**labels)
    written = ",".join(f'{label}="{value}"' for label, value in labels.items())
    assert f"\n{name}{f'{{{written}}}' if written else ''} " in exposed()


def test_each_metric_is_written_down() -> None:
    assert dashboards.api.watch.SCREENS  # imported for its metrics
    names = set(re.findall(r"^# TYPE (carewatch_\w+)", exposed(), re.MULTILINE))
    named = {name for name in names if not name.endswith("_created")}
    assert {name for name in named if f"`{name}`" not in PAGE} == set()


def test_the_outside_eye_looks_at_metrics_that_there_are() -> None:
    rules = (ROOT / "deploy/prometheus/alerts.yml").read_text()
    names = set(re.findall(r"carewatch_\w+", rules))
    assert {name for name in names if f"`{name}`" not in PAGE} == set()
