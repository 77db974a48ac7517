"""What a screen is drawn from: the board, its map, the stream of changes, and the figures."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends
from fastapi.responses import Response, StreamingResponse

from alerts import history
from alerts.history import AlertFilter
from dashboards.answering import Answering, answering
from dashboards.api.answer import as_json, described
from dashboards.desking import MANY, WEEK, Desk, Starting, desk_of
from dashboards.room import Room, room_of
from dashboards.screens import Watching, watching
from dashboards.townmap import TownMap
from dashboards.wire import Figures, Snapshot

router = APIRouter(prefix="/api/v1", tags=["live"])
InRoom = Annotated[Room, Depends(room_of)]
Watch = Annotated[Watching, Depends(watching)]


class ApiFigures(msgspec.Struct, frozen=True):
    """The wall's key figures, and how alarms of the last seven days were answered."""

    now: Figures
    week: Answering


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


@router.get("/figures", openapi_extra=described(ApiFigures))
def figures(desk: Annotated[Desk, Depends(desk_of)]) -> Response:
    """Key figures by their definitions, and the shares answered within 60 s and 180 s."""
    screen = desk.room.stream.screen(desk.who.scope)
    since = desk.now - WEEK
    with desk.room.pool.connection() as conn:
        week = desk.visible(history.alerts(conn, AlertFilter(since=since, limit=MANY)))
    now = screen.figures if screen else Figures()
    return as_json(ApiFigures(now, answering(week, since, desk.now)))
