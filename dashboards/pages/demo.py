"""The demo's phones: pages arrive here as on people's phones, and can be answered.

Mounted in a demo alone. What arrives is kept in memory and forgotten with the process.
"""

import threading
from collections import deque
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from dashboards.auth.access import words_of
from dashboards.masking import mask_name
from dashboards.site import Site, site_of
from dashboards.texts import Words
from dashboards.views.format import Formatter

router = APIRouter(prefix="/demo/phone", include_in_schema=False)
KEPT = 30  # pages a phone
PHONES = 50


class Received(msgspec.Struct, frozen=True):
    """A page as the webhook brings it; more fields may come."""

    page: str
    title: str
    message: str
    severity: str
    ack_url: str
    text: str = ""  # the message without its link
    alert: str = ""
    rung: int = 1
    attempt: int = 1
    arrived_at: datetime | None = None


class Phones:
    """What each phone has received, newest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pages: dict[str, deque[Received]] = {}

    def take(self, person: str, page: Received) -> None:
        """Take a page that arrives. The same page id again is the same message, not another."""
        with self._lock:
            if person not in self._pages and len(self._pages) >= PHONES:
                return
            pages = self._pages.setdefault(person, deque(maxlen=KEPT))
            if all(known.page != page.page for known in pages):
                pages.appendleft(page)

    def all(self) -> dict[str, list[Received]]:
        """Return person -> pages, newest first; who was paged first comes first."""
        with self._lock:
            return {person: list(pages) for person, pages in self._pages.items()}


PHONES_OF_THE_DEMO = Phones()


@router.post("/{person}")
async def arrive(person: str, request: Request) -> Response:
    """Receive what the demo's `webhook://` contacts are sent."""
    try:
        page = msgspec.json.decode(await request.body(), type=Received)
    except msgspec.DecodeError as wrong:
        return JSONResponse({"error": str(wrong)}, 400)
    now = datetime.now(UTC)
    PHONES_OF_THE_DEMO.take(person, msgspec.structs.replace(page, arrived_at=now))
    return Response(status_code=204)


@router.get("")
def phones(
    request: Request,
    site: Annotated[Site, Depends(site_of)],
    words: Annotated[Words, Depends(words_of)],
) -> HTMLResponse:
    """Show all phones side by side; `?part=list` gives them alone, for the page's module."""
    board = site.stream.board
    staff = board.staff if board else {}
    zone = board.directory.timezone if board else "Asia/Shanghai"
    shown = Formatter(words, zone, datetime.now(UTC), staff)
    part = request.query_params.get("part") == "list"
    return site.page(
        "demo_list.html" if part else "demo_phone.html",
        words,
        phones=PHONES_OF_THE_DEMO.all(),
        alerts=board.alerts if board else {},
        names={key: mask_name(name) for key, name in staff.items()},
        **shown.values(),
    )
