"""The dashboards service: pages, API and stream in one FastAPI application."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import quote

import psycopg
from fastapi import APIRouter, FastAPI, Request
from fastapi.exception_handlers import http_exception_handler
from fastapi.responses import JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from core.errors import CarewatchError
from dashboards import api, pages
from dashboards.actions import NoSuchPage
from dashboards.api.watch import measure
from dashboards.auth.access import NotAllowed, NotSignedIn, words_of
from dashboards.auth.middleware import Shield
from dashboards.auth.sign_in import sign_in_desk
from dashboards.live.follower import Follower
from dashboards.settings import DashboardSettings
from dashboards.site import STATIC, Site
from dashboards.views.desk import Starting


def create_app(settings: DashboardSettings, routers: Sequence[APIRouter] = ()) -> FastAPI:
    """Return the application; `routers` of other rooms (HTTP ingestion) are served beside the
    pages.

    It starts without a database and shows what it can as soon as one answers.
    """
    site = Site(settings)
    follower = Follower(settings.database_url, site.stream, settings.secret)
    measure(site)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        site.stream.attach(asyncio.get_running_loop())
        site.pool.open()
        follower.start()
        try:
            yield
        finally:
            site.stream.end()
            await asyncio.to_thread(follower.stop)
            await asyncio.to_thread(site.pool.close)

    app = FastAPI(
        title="carewatch", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None
    )
    app.state.site = site
    app.state.sign_in_desk = sign_in_desk(site)
    app.add_middleware(Shield, public_url=settings.public_url, hosts=settings.hosts)
    for router in (*api.ROUTERS, *pages.ROUTERS, *routers):
        app.include_router(router)
    if settings.demo:
        app.include_router(pages.DEMO)
    app.mount("/static/{version}", StaticFiles(directory=STATIC), name="static")
    for error, answer in ERRORS.items():
        app.add_exception_handler(error, answer)
    return app


HOME = "/desk"  # where a sign-in leads


def _is_api(request: Request) -> bool:
    return request.url.path.startswith("/api/")


async def _not_signed_in(request: Request, _: Exception) -> Response:
    if _is_api(request):
        answer = {"error": "not signed in: POST name and secret to /api/v1/session"}
        return JSONResponse(answer, 401, {"www-authenticate": "Bearer"})
    if request.method != "GET":
        return RedirectResponse("/sign-in", 303)
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/sign-in?next={quote(wanted)}", 303)


async def _not_allowed(request: Request, error: Exception) -> Response:
    if _is_api(request):
        return JSONResponse({"error": "your role does not allow this"}, 403)
    assert isinstance(error, NotAllowed)
    if request.url.path == HOME and error.who.may("vendor"):  # a vendor's first page is another
        return RedirectResponse("/vendor", 303)
    return _refusal(request, "not_allowed", 403)


async def _mendable(request: Request, error: Exception) -> Response:
    if _is_api(request):
        return JSONResponse({"error": str(error)}, 400)
    return _refusal(request, "mendable", 400, detail=str(error))


async def _not_there(request: Request, error: Exception) -> Response:
    if _is_api(request):
        return JSONResponse({"error": str(error)}, 404)
    return _refusal(request, "not_there", 404)


async def _http_error(request: Request, error: Exception) -> Response:
    """Answer FastAPI's own errors; show a page for an unknown address to whoever accepts HTML."""
    assert isinstance(error, HTTPException)
    wants_page = "text/html" in request.headers.get("accept", "")
    if error.status_code == 404 and wants_page and not _is_api(request):
        return _refusal(request, "not_there", 404)
    return await http_exception_handler(request, error)


async def _starting(request: Request, error: Exception) -> Response:
    if _is_api(request):
        return JSONResponse({"error": str(error)}, 503)
    return _refusal(request, "starting", 503)


async def _database_away(request: Request, _: Exception) -> Response:
    if _is_api(request):
        return JSONResponse({"error": "the database does not answer; try again"}, 503)
    return _refusal(request, "database_away", 503)


def _refusal(request: Request, why: str, status: int, detail: str = "") -> Response:
    site: Site = request.app.state.site
    words = words_of(request, site)
    return site.page("refusal.html", words, status=status, why=why, detail=detail)


async def _gone(request: Request, _: Exception) -> Response:
    """The client hung up in the middle of its body: nobody is there to be answered."""
    return Response(status_code=400)


async def _unanswerable(request: Request, _: Exception) -> Response:
    """Answer 404 or 400 to what no row can hold: a NUL in a text, a number out of range."""
    return await _mendable(request, CarewatchError("a value in the request can't be looked up"))


ERRORS = {
    NotSignedIn: _not_signed_in,
    NotAllowed: _not_allowed,
    HTTPException: _http_error,
    ClientDisconnect: _gone,
    NoSuchPage: _not_there,
    Starting: _starting,
    CarewatchError: _mendable,
    PoolTimeout: _database_away,
    psycopg.OperationalError: _database_away,
    psycopg.DataError: _unanswerable,
}
