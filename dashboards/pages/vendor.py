"""The vendor's console: the last messages as they were understood, and each that was not."""

from datetime import timedelta
from typing import Annotated, Literal, get_args

from fastapi import APIRouter, Depends, Query
from fastapi import Path as PathParameter
from fastapi.responses import HTMLResponse

from dashboards.auth.access import Visitor, having, words_of
from dashboards.site import Site, site_of
from dashboards.texts import Words
from dashboards.views.copy_as import VARIABLES
from dashboards.views.desk import DeskView
from dashboards.views.inspector import (
    FilterOfMessages,
    Verdict,
    last_messages,
    places,
)
from dashboards.views.rejection import message_view, names_of, rejection_for
from devices.readings import Reason
from devices.subject import Subject
from ingest import history

router = APIRouter(prefix="/vendor", include_in_schema=False)
LATELY = timedelta(days=30)  # of what a device said day by day
VERDICTS = [verdict for verdict in get_args(Verdict) if verdict]


def desk_of_vendor(
    site: Annotated[Site, Depends(site_of)],
    words: Annotated[Words, Depends(words_of)],
    who: Annotated[Visitor, Depends(having("vendor"))],
) -> DeskView:
    """Return the desk of somebody who works on devices."""
    return DeskView(site, words, who)


VendorDesk = Annotated[DeskView, Depends(desk_of_vendor)]
Numbered = Annotated[int, PathParameter(ge=0, lt=2**63)]
Outcome = Literal["", "stored", "duplicate", "ignored", "rejected"]  # of a replay just done
Short = Annotated[str, Query(max_length=512)]


def wanted_of(
    device: Short = "", place: Short = "", verdict: Verdict = "", reason: Short = ""
) -> FilterOfMessages:
    """Return which messages the page's address asks for."""
    return FilterOfMessages(device=device.strip(), place=place, verdict=verdict, reason=reason)


Wanted = Annotated[FilterOfMessages, Depends(wanted_of)]


@router.get("")
def page(desk: VendorDesk, wanted: Wanted) -> HTMLResponse:
    """Show the inspector: the last messages that fit the filters."""
    known = desk.directory.devices.get(wanted.device)
    registered = known is not None and desk.records.sees(Subject("device", wanted.device))
    with desk.site.pool.connection() as conn:
        messages = last_messages(conn, desk, wanted, names_of(desk))
        asked = [wanted.device] * registered
        days = history.device_days(conn, asked, desk.now - LATELY, desk.now)
    return desk.page(
        "vendor.html",
        here="vendor",
        tab="inspector",
        messages=messages,
        wanted=wanted,
        verdicts=VERDICTS,
        reasons=list(Reason),
        places=places(desk),
        registered=registered,
        days=days,
        heard=desk.board.heard.get(wanted.device) if registered else None,
    )


@router.get("/list")
def messages(desk: VendorDesk, wanted: Wanted) -> HTMLResponse:
    """Show the messages alone, which the page's module fetches again."""
    with desk.site.pool.connection() as conn:
        found = last_messages(conn, desk, wanted, names_of(desk))
    return desk.page("vendor_list.html", messages=found)


@router.get("/rejections/{n}")
def rejection(n: Numbered, desk: VendorDesk, read: Outcome = "") -> HTMLResponse:
    """Show one rejected message: what is wrong with it, its bytes, how to send it again."""
    with desk.site.pool.connection() as conn:
        found = rejection_for(conn, n, desk)
    shown = message_view(found, desk.words, names_of(desk))
    return desk.page(
        "vendor_rejection.html",
        here="vendor",
        tab="inspector",
        message=shown,
        variables=VARIABLES,
        read=read,
    )
