"""The vendor's console: the last messages as they were understood."""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from fastapi.responses import FileResponse, HTMLResponse

import devices.contract
from dashboards.actions import NoSuchPage
from dashboards.auth.access import Visitor, having, words_of
from dashboards.site import Site, site_of
from dashboards.texts import Words
from dashboards.views.desk import DeskView
from dashboards.views.inspector import InspectorLine, seen
from devices.subject import Subject
from ingest import history

router = APIRouter(prefix="/vendor", include_in_schema=False)
SHOWN = 200  # messages
DAY = timedelta(hours=24)
LATELY = timedelta(days=30)  # of what a device said day by day
CONTRACT = Path(devices.contract.__file__).parent
FILES = {
    "good.jsonl": CONTRACT / "samples" / "good.jsonl",
    "bad.jsonl": CONTRACT / "samples" / "bad.jsonl",
    "asyncapi.yaml": CONTRACT / "asyncapi.yaml",
}
COUNTED = 5000  # rejections of a day that the summary counts


def desk_of_vendor(
    site: Annotated[Site, Depends(site_of)],
    words: Annotated[Words, Depends(words_of)],
    who: Annotated[Visitor, Depends(having("vendor"))],
) -> DeskView:
    """Return the desk of somebody who works on devices."""
    return DeskView(site, words, who)


VendorDesk = Annotated[DeskView, Depends(desk_of_vendor)]
Verdict = Literal["", "accepted", "repaired", "rejected"]


@router.get("")
def page(desk: VendorDesk, device: str = "", verdict: Verdict = "") -> HTMLResponse:
    """Show the inspector, what a device sent day by day, and what was rejected in 24 hours."""
    known = desk.directory.devices.get(device)
    registered = known is not None and desk.records.sees(Subject("device", device))
    with desk.site.pool.connection() as conn:
        rejected = history.rejections(conn, since=desk.now - DAY, limit=COUNTED)
        days = history.device_days(conn, [device] * registered, desk.now - LATELY, desk.now)
    reasons = Counter((each.family, each.reason) for each in rejected if desk.who.scope.whole)
    return desk.page(
        "vendor.html",
        here="vendor",
        messages=_messages(desk, device, verdict),
        device=device,
        verdict=verdict,
        reasons=reasons.most_common(20),
        files=FILES,
        registered=registered,
        days=days,
        heard=desk.board.heard.get(device) if known else None,
    )


@router.get("/contract")
def contract(desk: VendorDesk) -> HTMLResponse:
    """Show the device contract in the reader's language."""
    name = "contract-v1.zh-CN.md" if desk.words.lang == "zh" else "contract-v1.md"
    text = (CONTRACT / name).read_text(encoding="utf-8")
    return desk.page("vendor_contract.html", here="vendor", text=text)


@router.get("/files/{name}")
def file(name: str, desk: VendorDesk) -> FileResponse:
    """Send the contract's files for machines. Raises NoSuchPage."""
    path = FILES.get(name)
    if path is None:
        raise NoSuchPage(f"{name}: no such file; there are {', '.join(FILES)}")
    return FileResponse(path, filename=name)


@router.get("/list")
def messages(desk: VendorDesk, device: str = "", verdict: Verdict = "") -> HTMLResponse:
    """Show the messages alone, which the page's module fetches again."""
    return desk.page("vendor_list.html", messages=_messages(desk, device, verdict))


def _messages(desk: DeskView, device: str, verdict: str) -> list[InspectorLine]:
    with desk.site.pool.connection() as conn:
        readings = history.readings(conn, device=device or None, limit=SHOWN)
        rejections = history.rejections(conn, limit=SHOWN)
    return seen(readings, rejections, desk.board, device=device, verdict=verdict)
