"""Whether a contact's address is one that a channel can serve. The address is never repeated."""

import difflib
import logging
from urllib.parse import urlsplit

import apprise
from apprise.manager_plugins import NotificationManager

OWN_SCHEMES = ("webhook", "webhooks", "voice+http", "voice+https")


def address_fault(url: str) -> str | None:
    """Return what is wrong with a channel URL, without its secrets; None where it can be served."""
    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its lines may hold URLs
    scheme, marked, rest = url.partition("://")
    if not marked or not rest:
        return "a channel is a URL: webhook://host/path, or any that Apprise knows"
    if scheme.lower() in OWN_SCHEMES:
        return None if _has_host(url) else f"{scheme}:// needs a host"
    schemes: list[str] = [*OWN_SCHEMES, *_apprise_schemes()]
    if scheme.lower() not in schemes:
        close = difflib.get_close_matches(scheme.lower(), schemes, n=1, cutoff=0.6)
        return f"no channel {scheme[:20]}://" + (f"; did you mean {close[0]}://?" if close else "")
    if apprise.Apprise.instantiate(url) is None:
        return f"Apprise can't read this {scheme}:// address; see its page on that service"
    return None


def _apprise_schemes() -> list[str]:
    known: list[str] = NotificationManager().schemas()  # type: ignore[no-untyped-call]
    return known


def _has_host(url: str) -> bool:
    try:
        return bool(urlsplit(url).hostname)
    except ValueError:
        return False
