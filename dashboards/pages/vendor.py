"""The vendor's console: the last messages as they were understood."""

from collections import Counter
from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from dashboards.access import Visitor, having, words_of
from dashboards.desking import Desk
from dashboards.inspector import Seen, seen
from dashboards.room import Room, room_of
from dashboards.texts import Words
from ingest import history

router = APIRouter(prefix="/vendor", include_in_schema=False)
SHOWN = 200  # messages
DAY = timedelta(hours=24)
COUNTED = 5000  # rejections of a day that the summary counts


def desk_of_vendor(
    room: Annotated[Room, Depends(room_of)],
    words: Annotated[Words, Depends(words_of)],
    who: Annotated[Visitor, Depends(having("vendor"))],
) -> Desk:
    """The desk of somebody who works on devices."""
    return Desk(room, words, who)


VendorDesk = Annotated[Desk, Depends(desk_of_vendor)]
Verdict = Literal["", "accepted", "repaired", "rejected"]


@router.get("")
def page(desk: VendorDesk, device: str = "", verdict: Verdict = "") -> HTMLResponse:
    """The inspector, and what was rejected in the last 24 hours."""
    with desk.room.pool.connection() as conn:
        rejected = history.rejections(conn, since=desk.now - DAY, limit=COUNTED)
    reasons = Counter((each.family, each.reason) for each in rejected if desk.who.scope.whole)
    return desk.page(
        "vendor.html",
        here="vendor",
        messages=_messages(desk, device, verdict),
        device=device,
        verdict=verdict,
        reasons=reasons.most_common(20),
    )


@router.get("/list")
def messages(desk: VendorDesk, device: str = "", verdict: Verdict = "") -> HTMLResponse:
    """The messages alone: what the page's module fetches again."""
    return desk.page("vendor_list.html", messages=_messages(desk, device, verdict))


def _messages(desk: Desk, device: str, verdict: str) -> list[Seen]:
    with desk.room.pool.connection() as conn:
        readings = history.readings(conn, device=device or None, limit=SHOWN)
        rejections = history.rejections(conn, limit=SHOWN)
    return seen(readings, rejections, desk.board, device=device, verdict=verdict)
