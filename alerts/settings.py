"""What the alerts process is given. `deploy` reads the environment and makes this."""

from typing import Literal

import msgspec


class AlertsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the database is, how links begin and are signed, and who hears that all is well."""

    database_url: str
    secret: str  # signs links
    public_url: str  # what links begin with
    lang: Literal["zh", "en"] = "zh"  # of contacts that name none
    dead_man_url: str | None = None  # an outside watcher, called each minute while all is well

    def __repr__(self) -> str:
        return "AlertsSettings(...)"  # it holds passwords
