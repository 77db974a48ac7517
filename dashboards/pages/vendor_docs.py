"""What a vendor reads: the contract, its files for machines, and how each fault is mended."""

from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse

from dashboards.actions import NoSuchPage
from dashboards.pages.vendor import CONTRACT, FILES, VendorDesk
from devices.readings import Reason

router = APIRouter(prefix="/vendor", include_in_schema=False)


@router.get("/contract")
def contract(desk: VendorDesk) -> HTMLResponse:
    """Show the device contract in the reader's language."""
    name = "contract-v1.zh-CN.md" if desk.words.lang == "zh" else "contract-v1.md"
    text = (CONTRACT / name).read_text(encoding="utf-8")
    return desk.page("vendor_contract.html", here="vendor", text=text)


@router.get("/errors")
def errors(desk: VendorDesk) -> HTMLResponse:
    """Show what each reason of a rejection means and how it is mended."""
    return desk.page("vendor_errors.html", here="vendor", tab="errors", reasons=list(Reason))


@router.get("/files/{name}")
def file(name: str, desk: VendorDesk) -> FileResponse:
    """Send the contract's files for machines. Raises NoSuchPage."""
    path = FILES.get(name)
    if path is None:
        raise NoSuchPage(f"{name}: no such file; there are {', '.join(FILES)}")
    return FileResponse(path, filename=name)
