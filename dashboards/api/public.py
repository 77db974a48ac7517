"""The OpenAPI document and a page to read it, both served from here: nothing is fetched outside."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse, Response

from alerts.types import Finding, VisitRecord
from dashboards.api.alerts import ApiAlert, Deed, Done
from dashboards.api.answer import components
from dashboards.api.devices import ApiDevice
from dashboards.api.figures import AnsweringPage
from dashboards.api.records import ApiRejection, LedgerPage, VisitHistory
from dashboards.api.session import SignIn, Token
from dashboards.auth.access import words_of
from dashboards.live.patch import Figures, Snapshot
from dashboards.live.townmap import TownMap
from dashboards.site import Site, site_of
from dashboards.texts import Words
from dashboards.views.attendance import ResidentMonth
from devices.readings import Reading
from ingest.history import DeviceDay, HourCount

router = APIRouter(prefix="/api/v1", include_in_schema=False)
KINDS = (
    *(ApiAlert, Deed, Done, Finding, VisitRecord, VisitHistory, ApiDevice, DeviceDay, ApiRejection),
    *(LedgerPage, ResidentMonth, Snapshot, TownMap, Figures, AnsweringPage, SignIn, Token, Reading),
    HourCount,
)


def document(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of everything under /api and /ingest."""
    made = get_openapi(
        title="carewatch",
        version="1",
        routes=app.routes,
        description="Times are RFC 3339; one without an offset is taken as UTC.",
    )
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(components(KINDS))
    made["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    made["security"] = [{"bearer": []}]
    return made


@router.get("/openapi.json")
def openapi(request: Request) -> Response:
    """Return the OpenAPI document."""
    return JSONResponse(document(request.app))


@router.get("/docs")
def docs(
    request: Request,
    site: Annotated[Site, Depends(site_of)],
    words: Annotated[Words, Depends(words_of)],
) -> HTMLResponse:
    """Show the OpenAPI document as a page."""
    return site.page("api.html", words, document=document(request.app))
