"""What a screen is drawn from: the board, its map, the stream of changes, and the figures."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response, StreamingResponse

from dashboards.api.answer import as_json, described
from dashboards.auth.wall_access import Watching, watching
from dashboards.live.patch import Figures, Snapshot
from dashboards.live.townmap import TownMap
from dashboards.site import Site, site_of
from dashboards.views.desk import DeskView, Starting, desk_of

router = APIRouter(prefix="/api/v1", tags=["live"])
InSite = Annotated[Site, Depends(site_of)]
Watch = Annotated[Watching, Depends(watching)]


@router.get("/board", openapi_extra=described(Snapshot))
def board(site: InSite, watch: Watch) -> Response:
    """Return the whole board as it is now, names masked."""
    screen = site.stream.screen(watch.scope)
    if screen is None:
        raise Starting("the town is being read; try again in some seconds")
    return as_json(screen)


@router.get("/board/map", openapi_extra=described(TownMap))
def board_map(site: InSite, watch: Watch) -> Response:
    """Return the geometry: outlines of the areas, homes as counts in cells."""
    found = site.stream.map(watch.scope)
    if found is None:
        raise Starting("the town is being read; try again in some seconds")
    return as_json(found)


@router.get("/stream", responses={200: {"content": {"text/event-stream": {}}}})
async def stream(site: InSite, watch: Watch) -> StreamingResponse:
    """Stream server-sent events: `snapshot` first, then `delta`s with ids, a `heartbeat` each
    second."""
    return StreamingResponse(
        site.stream.frames(watch.scope),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


@router.get("/figures", openapi_extra=described(Figures))
def figures(desk: Annotated[DeskView, Depends(desk_of)]) -> Response:
    """Return the wall's key figures by their definitions."""
    screen = desk.site.stream.screen(desk.who.scope)
    return as_json(screen.figures if screen else Figures())
