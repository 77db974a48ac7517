"""What the pages are told by whoever starts them."""

from typing import Literal

import msgspec

Lang = Literal["zh", "en"]


class DashboardSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Never logged: it holds the database's password and the signing key."""

    database_url: str
    secret: str  # signs links, wall tokens and nothing else
    public_url: str  # what links begin with, without a slash at the end
    lang: Lang = "zh"  # the first language of pages that are not told another
    seats: int = 1  # operators who share the alarms
    demo: bool = False  # a simulated town: everybody may look, the demo phones are served

    @property
    def secure(self) -> bool:
        """Return True if cookies are for HTTPS alone."""
        return self.public_url.startswith("https://")
