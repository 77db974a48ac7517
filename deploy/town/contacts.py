"""Whether pages can go to a contact's channel. The URL is a secret and never repeated."""

import re

OWN_SCHEMES = ("webhook", "webhooks", "voice+http", "voice+https")
URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://\S+")


def contact_fault(channel: str) -> str | None:
    """What is wrong with a channel URL, without its secrets; None when it will serve."""
    match = URL.fullmatch(channel)
    if not match:
        return "a channel is a URL: an Apprise one, or webhook://host/path"
    return None
