"""Rejected messages read again after a mend: asked first, then done by the code of the command
`carewatch deadletters replay`, and written down before and after."""

from collections import Counter
from typing import Annotated

import psycopg
from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from core.errors import CarewatchError
from dashboards.auth.access import Visitor, having
from dashboards.auth.sessions import log_access
from dashboards.pages.vendor import Numbered, Short, VendorDesk
from dashboards.views.desk import DeskView
from dashboards.views.inspector import FilterOfMessages, asked_devices
from dashboards.views.rejection import rejection_for
from devices.directory import Directory
from devices.readings import Reason
from devices.registry import load_directory
from ingest import deadletters, history
from ingest.deadletters import MessageOutcome

router = APIRouter(prefix="/vendor", include_in_schema=False)
Replaying = Annotated[Visitor, Depends(having("replay"))]
Confirmed = Annotated[str, Form(max_length=10)]
Field = Annotated[str, Form(max_length=512)]
OUTCOMES: tuple[MessageOutcome, ...] = ("stored", "duplicate", "ignored", "rejected")


@router.get("/replay")
def ask(
    desk: VendorDesk, who: Replaying, device: Short = "", place: Short = "", reason: Short = ""
) -> HTMLResponse:
    """Show how many messages would be read again, and ask."""
    wanted = _wanted(device, place, reason)
    with desk.site.pool.connection() as conn:
        waiting = history.waiting_rejections(conn, asked_devices(desk, wanted), reason or None)
    return _page(desk, wanted, waiting=waiting)


@router.post("/replay")
def replay(
    desk: VendorDesk,
    who: Replaying,
    confirm: Confirmed = "",
    device: Field = "",
    place: Field = "",
    reason: Field = "",
) -> HTMLResponse:
    """Read again what waits and fits, of the devices that the visitor sees."""
    _insist(confirm)
    wanted = _wanted(device, place, reason)
    devices = asked_devices(desk, wanted)
    with desk.site.pool.connection() as conn:
        log_access(conn, who.person, "replay", _told(wanted))
        directory = _register(conn)
        outcomes = deadletters.replay(conn, directory, devices=devices, reason=reason or None)
        log_access(conn, who.person, "replayed", f"{_told(wanted)}: {_summed(outcomes)}")
        waiting = history.waiting_rejections(conn, devices, reason or None)
    return _page(desk, wanted, waiting=waiting, outcomes=outcomes)


@router.post("/rejections/{n}/replay")
def replay_one(n: Numbered, desk: VendorDesk, who: Replaying, confirm: Confirmed = "") -> Response:
    """Read one rejected message again, if the visitor sees its device."""
    with desk.site.pool.connection() as conn:
        rejection_for(conn, n, desk)
        _insist(confirm)
        log_access(conn, who.person, "replay", f"rejection {n}")
        outcomes = deadletters.replay(conn, _register(conn), [n])
        log_access(conn, who.person, "replayed", f"rejection {n}: {_summed(outcomes)}")
    (outcome,) = outcomes
    return RedirectResponse(f"/vendor/rejections/{n}?read={outcome}", status_code=303)


def _wanted(device: str, place: str, reason: str) -> FilterOfMessages:
    if reason and reason not in list(Reason):
        raise CarewatchError(f"reason {reason!r} is none of: {', '.join(Reason)}")
    return FilterOfMessages(device=device.strip(), place=place, verdict="rejected", reason=reason)


def _insist(confirm: str) -> None:
    if confirm != "yes":
        raise CarewatchError("nothing was read again: confirm it by ticking the box")


def _register(conn: psycopg.Connection) -> Directory:
    """Return the register as it is stored now: a device that was just registered counts."""
    with conn.transaction():
        return load_directory(conn)


def _told(wanted: FilterOfMessages) -> str:
    said = {"device": wanted.device, "place": wanted.place, "reason": wanted.reason}
    narrowed = ", ".join(f"{key} {value}" for key, value in said.items() if value)
    return f"rejections of {narrowed}" if narrowed else "all rejections"


def _summed(outcomes: Counter[MessageOutcome]) -> str:
    return ", ".join(f"{outcomes[each]} {each}" for each in OUTCOMES)


def _page(
    desk: DeskView,
    wanted: FilterOfMessages,
    *,
    waiting: int,
    outcomes: Counter[MessageOutcome] | None = None,
) -> HTMLResponse:
    return desk.page(
        "vendor_replay.html",
        here="vendor",
        tab="inspector",
        wanted=wanted,
        waiting=waiting,
        outcomes=outcomes,
        kinds=OUTCOMES,
    )
