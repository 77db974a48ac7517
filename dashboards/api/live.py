"""What a screen is drawn from: the board, its map, the stream of changes, and the figures."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response, StreamingResponse

from dashboards.api.answer import as_json, described
from dashboards.auth.wall_access import Watching, watching
from dashboards.live.patch import Figures, Snapshot
from dashboards.live.townmap import TownMap
from dashboards.site import Room, room_of
from dashboards.views.desk import Desk, Starting, desk_of

router = APIRouter(prefix="/api/v1", tags=["live"])
InRoom = Annotated[Room, Depends(room_of)]
Watch = Annotated[Watching, Depends(watching)]


@router.get("/board", openapi_extra=described(Snapshot))
def board(room: InRoom, watch: Watch) -> Response:
    """The whole board as it is now; names masked."""
    screen = room.stream.screen(watch.scope)
    if screen is None:
        raise Starting("the town is being read; try again in some seconds")
    return as_json(screen)


@router.get("/board/map", openapi_extra=described(TownMap))
def board_map(room: InRoom, watch: Watch) -> Response:
    """The geometry: outlines of the areas, homes as counts in cells."""
    found = room.stream.map(watch.scope)
    if found is None:
        raise Starting("the town is being read; try again in some seconds")
    return as_json(found)


@router.get("/stream", responses={200: {"content": {"text/event-stream": {}}}})
async def stream(room: InRoom, watch: Watch) -> StreamingResponse:
    """Server-sent events: `snapshot` first, then `delta`s with ids, a `heartbeat` each second."""
    return StreamingResponse(
        room.stream.frames(watch.scope),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


@router.get("/figures", openapi_extra=described(Figures))
def figures(desk: Annotated[Desk, Depends(desk_of)]) -> Response:
    """The wall's key figures by their definitions."""
    screen = desk.room.stream.screen(desk.who.scope)
    return as_json(screen.figures if screen else Figures())
