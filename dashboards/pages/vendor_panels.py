"""The console's panels beside the inspector: errors of a day, the way to production, quality."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from dashboards.actions import NoSuchPage
from dashboards.pages.vendor import VendorDesk
from dashboards.views import onboarding
from dashboards.views.makes import error_rows, quality, skew_said
from devices.subject import Subject
from ingest.history import LIMITS

router = APIRouter(prefix="/vendor", include_in_schema=False)


@router.get("/summary")
def summary(desk: VendorDesk) -> HTMLResponse:
    """Show what was rejected in 24 hours, by model, firmware and reason."""
    with desk.site.pool.connection() as conn:
        rows = error_rows(conn, desk)
    return desk.page("vendor_summary.html", here="vendor", tab="summary", rows=rows)


@router.get("/quality")
def speaking(desk: VendorDesk) -> HTMLResponse:
    """Show limits and what is used of them, clocks, and the shares sent again and late."""
    with desk.site.pool.connection() as conn:
        found = quality(conn, desk)
    return desk.page(
        "vendor_quality.html",
        here="vendor",
        tab="quality",
        found=found,
        limits=LIMITS,
        seconds_between=lambda bar: skew_said(bar, desk.words, desk.shown.seconds),
    )


@router.get("/onboarding")
def journeys(desk: VendorDesk, device: Annotated[str, Query(max_length=512)] = "") -> HTMLResponse:
    """Show how far one device has come, or all that the visitor sees. Raises NoSuchPage."""
    seen = desk.records.devices()
    every = sorted(seen if seen is not None else [one.id for one in desk.directory.devices])
    if device:
        sees = device in desk.directory.devices and desk.records.sees(Subject("device", device))
        if not sees:
            raise NoSuchPage(f"device {device}: there is none with this id")
    with desk.site.pool.connection() as conn:
        asked = [device] if device else every[: onboarding.LISTED]
        found = onboarding.journeys(conn, desk, asked)
    return desk.page(
        "vendor_onboarding.html",
        here="vendor",
        tab="onboarding",
        journeys=found,
        one=found[0] if device and found else None,
        steps=onboarding.STEPS,
        more=0 if device else len(every) - len(asked),
    )
