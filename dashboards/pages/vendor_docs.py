"""What a vendor reads: the contract, its samples, and how each fault is mended."""

from functools import cache

import msgspec
from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from dashboards.pages.contract import CONTRACT, FILES
from dashboards.pages.vendor import VendorDesk
from devices.readings import Reason

router = APIRouter(prefix="/vendor", include_in_schema=False)


class Sample(msgspec.Struct, frozen=True):
    """A line of the contract's samples."""

    topic: str
    payload: msgspec.Raw = msgspec.Raw()  # of a good one
    text: str = ""  # of a bad one
    why: str = ""
    rejected: str = ""  # the reason, of a bad one

    @property
    def said(self) -> str:
        """Return what is published."""
        return self.text or bytes(self.payload).decode()


@router.get("/docs")
def docs(desk: VendorDesk) -> HTMLResponse:
    """Show what there is to read, and the samples with a line that publishes each."""
    return desk.page(
        "vendor_docs.html",
        here="vendor",
        tab="docs",
        schemas=[name for name in FILES if name.startswith("schemas/")],
        good=_samples("good.jsonl"),
        bad=_samples("bad.jsonl"),
    )


@router.get("/contract")
def contract(desk: VendorDesk) -> HTMLResponse:
    """Show the device contract in the reader's language."""
    return _document(desk, "contract-v1", "vendor.contract")


@router.get("/changelog")
def changelog(desk: VendorDesk) -> HTMLResponse:
    """Show what has changed in the contract, in the reader's language."""
    return _document(desk, "changelog", "vendor.changelog")


def _document(desk: VendorDesk, name: str, title: str) -> HTMLResponse:
    language = ".zh-CN" if desk.words.lang == "zh" else ""
    text = (CONTRACT / f"{name}{language}.md").read_text(encoding="utf-8")
    return desk.page("vendor_contract.html", here="vendor", tab="docs", title=title, text=text)


@cache
def _samples(name: str) -> tuple[Sample, ...]:
    lines = FILES[f"samples/{name}"].read_bytes().splitlines()
    return tuple(msgspec.json.decode(line, type=Sample) for line in lines)


@router.get("/errors")
def errors(desk: VendorDesk) -> HTMLResponse:
    """Show what each reason of a rejection means and how it is mended."""
    return desk.page("vendor_errors.html", here="vendor", tab="docs", reasons=list(Reason))
