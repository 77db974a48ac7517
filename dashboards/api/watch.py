"""For those who watch this service: is it up, is it ready, what does it count."""

from typing import Annotated

import psycopg
from fastapi import APIRouter, Depends, Request
from fastapi.responses import PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest
from psycopg_pool import PoolTimeout

from dashboards.auth.access import is_local
from dashboards.site import Site, site_of

router = APIRouter(include_in_schema=False)
SILENT = 10.0  # s after which ingest (and with it the broker) counts as away
ENGINE_SILENT = 30.0  # s

SCREENS = Gauge("carewatch_screens", "Screens connected to the stream")
DATA_AGE = Gauge("carewatch_data_age_seconds", "Age of the newest data on the wall")


@router.get("/healthz")
def healthz() -> Response:
    """Answer that the process is up."""
    return PlainTextResponse("ok\n")


@router.get("/readyz")
def readyz(site: Annotated[Site, Depends(site_of)]) -> Response:
    """Answer 200 if database, broker and feed are there and fresh, else 503 with one
    fault a line."""
    found = faults(site)
    return PlainTextResponse("\n".join(found or ["ok"]) + "\n", 503 if found else 200)


@router.get("/metrics")
def metrics(request: Request, site: Annotated[Site, Depends(site_of)]) -> Response:
    """Return the metrics as Prometheus text, to this machine alone.

    Whoever comes from elsewhere or by a proxy finds nothing: who watches from another machine asks
    at CAREWATCH_METRICS_PORT.
    """
    if not is_local(request, site.settings.public_url):
        return PlainTextResponse("not here\n", 404)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def measure(site: Site) -> None:
    """Let the metrics say what this site knows, as of each scrape."""
    SCREENS.set_function(lambda: site.stream.watching)
    DATA_AGE.set_function(site.stream.data_age.seconds)


def faults(site: Site) -> list[str]:
    """Return what keeps the pages from showing the truth, in words."""
    try:
        with site.pool.connection(timeout=2) as conn:
            conn.execute("SELECT 1")
    except (psycopg.Error, PoolTimeout):
        return ["database: it does not answer"]
    if not site.stream.ready:
        return ["feed: the town has not been read yet"]
    found = []
    health = site.stream.health
    if health.ingest is None or health.ingest > SILENT:
        found.append("broker: no ingest worker is connected to it")
    if health.engine is None or health.engine > ENGINE_SILENT:
        found.append("alerts: an engine has been silent")
    return found
