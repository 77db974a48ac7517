"""`/me`: the list of somebody on call."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from dashboards.views.desk import DeskView, desk_of

router = APIRouter(include_in_schema=False)


@router.get("/me")
def me(desk: Annotated[DeskView, Depends(desk_of)]) -> HTMLResponse:
    """Show one's own unanswered alerts first, then others', then the answered."""
    return desk.mine()
