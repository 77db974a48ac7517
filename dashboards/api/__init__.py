"""The HTTP API of other programs, with its OpenAPI document, and what watches this service."""

from dashboards.api import alerts, live, public, records, session, watch

ROUTERS = (
    session.router,
    alerts.router,
    records.router,
    live.router,
    public.router,
    watch.router,
)
