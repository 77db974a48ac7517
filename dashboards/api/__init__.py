"""The HTTP API under `/api/v1` with its OpenAPI document, and this service's health and metrics."""

from dashboards.api import alerts, devices, figures, live, public, records, replies, session, watch

ROUTERS = (
    session.router,
    alerts.router,
    devices.router,
    records.router,
    figures.router,
    live.router,
    replies.router,
    public.router,
    watch.router,
)
