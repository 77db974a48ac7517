"""The embedded broker's door: who gives a name must know that device's secret.

Clients without a name are let in: the broker listens on this machine only. Used by amqtt, which
finds the class by its dotted name; the database URL comes as the plugin's configuration.
"""

import asyncio
from dataclasses import dataclass

import psycopg
from amqtt.plugins.base import BaseAuthPlugin
from amqtt.session import Session

from devices.credentials import credential_fits


class RegisterAuthPlugin(BaseAuthPlugin):  # type: ignore[misc]  # amqtt ships no types
    """Checks user name and password against the register's device credentials."""

    @dataclass
    class Config:
        """What the plugin is given."""

        database_url: str = ""

    async def authenticate(self, *, session: Session) -> bool:
        """True for nameless local clients and for devices that know their secret."""
        if not session.username:
            return True
        url = self._get_config_option("database_url", "")
        return await asyncio.to_thread(_fits, url, session.username, session.password or "")


def _fits(database_url: str, device: str, secret: str) -> bool:
    if not database_url:
        return False
    with psycopg.connect(database_url) as conn:
        return credential_fits(conn, device, secret)
