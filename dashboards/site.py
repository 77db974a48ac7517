"""What the pages share: settings, database connections, the stream, templates."""

import hashlib
import shlex
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from psycopg_pool import ConnectionPool

from core.addresses import client_address, network_of
from core.database import conninfo
from dashboards.live.stream import Stream
from dashboards.settings import DashboardSettings
from dashboards.texts import Words

HERE = Path(__file__).parent
STATIC = HERE / "static"
CONNECTIONS = 8  # of the pool; a page holds one for some milliseconds


def _version_of_assets() -> str:
    """Return a digest of the pages' own files, part of their address so that they may be cached."""
    found = hashlib.sha256()
    for path in sorted(STATIC.iterdir()):
        found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()[:12]


class Site:
    """One running dashboards service."""

    def __init__(self, settings: DashboardSettings) -> None:
        self.settings = settings
        self.assets = _version_of_assets()
        self.stream = Stream(self.assets, seats=settings.seats)
        self.pool = ConnectionPool(
            conninfo(settings.database_url, "dashboards pages"),
            min_size=1,
            max_size=CONNECTIONS,
            timeout=5,
            kwargs={"autocommit": True},
            open=False,
        )
        self._pages = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._pages.filters["quoted"] = shlex.quote  # of a command that is copied

    @property
    def static(self) -> str:
        """Return where the pages' own files are served."""
        return f"/static/{self.assets}"

    def page(
        self, template: str, words: Words, *, status: int = 200, **values: Any
    ) -> HTMLResponse:
        """Return a page out of a template."""
        text = self._pages.get_template(template).render(
            words=words, static=self.static, assets=self.assets, demo=self.settings.demo, **values
        )
        return HTMLResponse(text, status_code=status)


def site_of(request: Request) -> Site:
    """Return the site that serves a request."""
    site: Site = request.app.state.site
    return site


def network_asking(request: Request, site: Site) -> str:
    """Return the network a request comes from, by the word of named proxies where there are."""
    peer = request.client.host if request.client else ""
    forwarded = request.headers.getlist("x-forwarded-for")
    return network_of(client_address(peer, forwarded, site.settings.proxies))
