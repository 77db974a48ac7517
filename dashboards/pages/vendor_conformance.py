"""The conformance checklist on the console: each device's last run, each run test by test."""

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import HTMLResponse, Response

from dashboards.actions import NoSuchPage
from dashboards.pages.vendor import VendorDesk
from devices.conformance.kept import last_runs, report_of, runs_of
from devices.conformance.report import Report, as_json, as_junit
from devices.subject import Subject

router = APIRouter(prefix="/vendor/conformance", include_in_schema=False)
LISTED = 200  # devices
COLOURS = {"pass": "#3a6ea5", "fail": "#b3261e", "needs a person": "#8a6d00"}
BADGE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="210" height="20" role="img"'
    ' aria-label="conformance: {state}"><rect width="96" height="20" fill="#555"/>'
    '<rect x="96" width="114" height="20" fill="{colour}"/>'
    '<g fill="#fff" font-family="sans-serif" font-size="11"><text x="8" y="14">conformance</text>'
    '<text x="104" y="14">{state}</text></g></svg>'
)
Number = Annotated[int, Path(ge=1, le=2**62)]


@router.get("")
def overview(desk: VendorDesk) -> HTMLResponse:
    """Show the last run of each device that the visitor sees and that has one, worst first."""
    seen = desk.records.devices()
    ids = sorted(seen if seen is not None else [one.id for one in desk.directory.devices])
    with desk.site.pool.connection() as conn:
        runs = last_runs(conn, ids).values()
    worst_first = sorted(runs, key=lambda run: (list(COLOURS).index(run.state) != 1, run.device))
    return desk.page(
        "vendor_conformance.html",
        here="vendor",
        tab="conformance",
        runs=worst_first[:LISTED],
        more=max(0, len(worst_first) - LISTED),
    )


@router.get("/device/{device}.svg")
def badge(device: str, desk: VendorDesk) -> Response:
    """Draw the state of a device's last run. Raises NoSuchPage."""
    _see(desk, device)
    with desk.site.pool.connection() as conn:
        run = last_runs(conn, [device]).get(device)
    if run is None:
        raise NoSuchPage(f"device {device}: no run of the checklist is kept")
    drawn = BADGE.format(state=run.state, colour=COLOURS[run.state])
    return Response(drawn, media_type="image/svg+xml")


@router.get("/{number}")
def run(number: Number, desk: VendorDesk) -> HTMLResponse:
    """Show a run test by test, with what was found and the message that shows it."""
    report = _report(desk, number)
    with desk.site.pool.connection() as conn:
        others = runs_of(conn, report.device)
    return desk.page(
        "vendor_conformance_run.html",
        here="vendor",
        tab="conformance",
        report=report,
        number=number,
        runs=others,
    )


@router.get("/{number}/report.json")
def json(number: Number, desk: VendorDesk) -> Response:
    """Send a run as one JSON object."""
    return _file(as_json(_report(desk, number)), "application/json", f"conformance-{number}.json")


@router.get("/{number}/junit.xml")
def junit(number: Number, desk: VendorDesk) -> Response:
    """Send a run as a build server reads it."""
    return _file(as_junit(_report(desk, number)), "application/xml", f"conformance-{number}.xml")


def _report(desk: VendorDesk, number: int) -> Report:
    """Return a run that the visitor may see. Raises NoSuchPage, also for another maker's."""
    with desk.site.pool.connection() as conn:
        found = report_of(conn, number, desk.words.lang)
    if found is None:
        raise NoSuchPage(f"run {number}: there is none with this number")
    _see(desk, found.device)
    return found


def _see(desk: VendorDesk, device: str) -> None:
    known = device in desk.directory.devices
    if not known or not desk.records.sees(Subject("device", device)):
        raise NoSuchPage("there is none with this id")


def _file(body: str, kind: str, name: str) -> Response:
    return Response(
        body, media_type=kind, headers={"content-disposition": f'attachment; filename="{name}"'}
    )
