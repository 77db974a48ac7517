"""What every answer carries, and which requests are turned away before any page sees them."""

import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
HEADERS = {
    "content-security-policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self';"
        " frame-ancestors 'self'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",  # links are secrets: no other site hears of them
    "permissions-policy": "geolocation=(), camera=(), microphone=()",
    "cross-origin-opener-policy": "same-origin",
}


LARGEST = 5 * 1024 * 1024  # bytes of a body; ingestion, which takes the largest, ends at 4 MiB
LANG = re.compile(rb"(?:^|&)lang=(zh|en)(?:&|$)")
KEEPS_NO_LANGUAGE = ("/wall", "/a/")  # a kiosk's or a message's language is not the visitor's


class Shield:
    """Security headers on all answers; no state changes because another site says so.

    A browser names the page a POST comes from (Sec-Fetch-Site, else Origin); one that comes from
    elsewhere is refused. Devices and scripts name nothing and carry no cookies, so they pass.
    Nobody fills the memory with a body either.
    """

    def __init__(self, app: ASGIApp, public_url: str) -> None:
        self.app = app
        self.origin = "{0.scheme}://{0.netloc}".format(urlsplit(public_url))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        if scope["method"] not in SAFE and self._is_foreign(Headers(scope=scope)):
            refusal = PlainTextResponse("refused: this request comes from another site", 403)
            return await refusal(scope, receive, send)

        chosen = _language(scope)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if chosen:
                    headers.append("set-cookie", f"lang={chosen}; Path=/; SameSite=Lax")
                if not scope["path"].startswith("/static/"):
                    headers.setdefault("cache-control", "no-store")
            await send(message)

        return await self.app(scope, _bounded(receive), guarded)

    def _is_foreign(self, headers: Headers) -> bool:
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site not in ("same-origin", "none")
        origin = headers.get("origin")
        if origin is None:
            return False
        return origin != self.origin and urlsplit(origin).netloc != headers.get("host")


def _bounded(receive: Receive) -> Receive:
    """Return the request's messages; reading more of a body than `LARGEST` raises a 413."""
    received = 0

    async def bounded() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > LARGEST:
            raise HTTPException(413)
        return message

    return bounded


def _language(scope: Scope) -> str | None:
    """Return the language a visitor has just chosen by `?lang=`, to be kept in a cookie."""
    found = LANG.search(scope.get("query_string", b""))
    if found is None or scope["path"].startswith(KEEPS_NO_LANGUAGE):
        return None
    return found[1].decode()
