"""The HTTP API of other programs, with its OpenAPI document, and what watches this service."""

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
