"""The wall: one page, drawn from the stream."""

from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, RedirectResponse

from dashboards.auth.access import words_of
from dashboards.auth.wall_access import Watching, watching
from dashboards.site import Site, site_of
from dashboards.texts import Words

router = APIRouter(include_in_schema=False)


@router.get("/")
def front() -> RedirectResponse:
    """Redirect to the wall, the front door."""
    return RedirectResponse("/wall", 307)


@router.get("/wall")
def wall(
    site: Annotated[Site, Depends(site_of)],
    words: Annotated[Words, Depends(words_of)],
    watch: Annotated[Watching, Depends(watching)],
    theme: Literal["dark", "light"] = "dark",
) -> HTMLResponse:
    """Show the wall, by a token in its address or to who has signed in."""
    board = site.stream.board
    ticket = f"?token={quote(watch.token)}" if watch.token else ""
    return site.page(
        "wall.html",
        words,
        theme=theme,
        title=words("wall.title"),
        stream=f"/api/v1/stream{ticket}",
        map=f"/api/v1/board/map{ticket}",
        zone=board.directory.timezone if board else "Asia/Shanghai",
    )
