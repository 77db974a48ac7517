"""Which site a request is meant for and which it comes from, by its headers. Pure.

A browser carries its user's place in the network to any page they open: it can reach what only
this machine or this network reaches. So the name it was led here by is checked (a page that
rebinds its own name to our address still says its own name in `Host`), and what it says of the
page it comes from. A terminal and a script say nothing of the kind.
"""

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from core.addresses import is_address

# Sec-Fetch-* and client hints (Chrome 76, Firefox 90, Safari 16.4 and newer); what older ones send
# with an image, a form or a link even where the page hides its address.
OF_BROWSERS = ("sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest", "sec-ch-ua")
OF_OLD_BROWSERS = ("upgrade-insecure-requests", "cookie", "origin", "referer")
USER_AGENTS = ("mozilla/", "opera/")  # every browser's begins so; a page can't change it


def host_name(host: str) -> str:
    """Return the name in a `Host` header, without port and brackets; "" for no such thing."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def is_served(host: str | None, names: Collection[str]) -> bool:
    """Return True if a request to this `Host` is meant for us.

    An address can't be rebound and "localhost" is nobody's to give away; other names must be
    among `names`. A client of HTTP/1.0 says no host, and is no browser.
    """
    if host is None:
        return True
    name = host_name(host)
    return name == "localhost" or is_address(name) or name in names


def is_foreign(headers: Mapping[str, str], origin: str) -> bool:
    """Return True if a browser says that the request comes from another site than ours.

    `origin` is the public one ("https://care.example"); the host that was asked is ours as well.
    """
    site = headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return True
    pages = [page for name in ("origin", "referer") if (page := headers.get(name)) is not None]
    return any(not _is_ours(page, headers.get("host"), origin) for page in pages)


def is_browser(headers: Mapping[str, str]) -> bool:
    """Return True if the request looks like a browser's, of any age and from any site."""
    if any(name in headers for name in (*OF_BROWSERS, *OF_OLD_BROWSERS)):
        return True
    return headers.get("user-agent", "").casefold().startswith(USER_AGENTS)


def _is_ours(page: str, host: str | None, origin: str) -> bool:
    """Return True if a page's address or origin is of our site; "null" is nobody's."""
    try:
        parts = urlsplit(page)
    except ValueError:
        return False
    if not parts.netloc:
        return False
    return parts.netloc == host or f"{parts.scheme}://{parts.netloc}" == origin
