"""The embedded broker's door, where it is amqtt: each signs in, speaks and hears as the register
says.

amqtt finds the plugins by their dotted names; what they are told comes as their configuration.
"""

import asyncio
import hmac
import secrets
from dataclasses import dataclass
from typing import Any

import amqtt.broker
import psycopg
from amqtt.contexts import Action
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from devices.broker_access import SERVICE
from devices.credentials import credential, credential_fits
from devices.device_rights import rights_of
from devices.topics import Rights, covers, matches

CUT_OFF = 2.0  # seconds between two looks for sessions whose device was revoked


@dataclass
class Told:
    """What both plugins are told."""

    database_url: str = ""
    service_secret: str = ""


class RegisterAuthPlugin(BaseAuthPlugin):  # type: ignore[misc]  # amqtt ships no types
    """Checks user name and password against the register's device credentials."""

    Config = Told

    async def authenticate(self, *, session: Session) -> bool:
        """Return True for the services and for devices that know their secret."""
        told: Told = self.config
        user, secret = session.username or "", session.password or ""
        if user == SERVICE:
            return hmac.compare_digest(secret.encode(), told.service_secret.encode())
        return bool(user) and await asyncio.to_thread(_fits, told.database_url, user, secret)


class RegisterTopicPlugin(BaseTopicPlugin):  # type: ignore[misc]  # amqtt ships no types
    """Lets each device speak on its own topics and hear its own answers."""

    Config = Told

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self._rights: dict[str, Rights] = {}  # as they were when the device spoke first

    async def topic_filtering(
        self,
        *,
        session: Session | None = None,
        topic: str | None = None,
        action: Action | None = None,
    ) -> bool:
        """Return True if this client may publish, subscribe or receive this."""
        if session is None or topic is None:
            return False
        if session.username == SERVICE:
            return True
        rights = await self._rights_of(session.username or "")
        if action == Action.PUBLISH:
            return any(matches(each, topic) for each in rights.speaks)
        if action == Action.SUBSCRIBE:
            return any(covers(each, topic) for each in rights.hears)
        return any(matches(each, topic) for each in rights.hears)

    async def _rights_of(self, device: str) -> Rights:
        if device not in self._rights:
            url = self.config.database_url
            self._rights[device] = await asyncio.to_thread(_rights, url, device)
        return self._rights[device]


class CheckedHandler(BrokerProtocolHandler):  # type: ignore[misc]  # amqtt ships no types
    """Checks a client before amqtt looks for the session that it asks for.

    amqtt ends a session whose id is asked for before it checks the password. A device has the
    client id of its own name, and who does not know the secret has one that nobody has.
    """

    @classmethod
    async def init_from_connect(
        cls, reader: Any, writer: Any, plugins_manager: Any
    ) -> tuple[BrokerProtocolHandler, Session]:
        """Read CONNECT and return who it is, under the client id that is his."""
        handler, session = await BrokerProtocolHandler.init_from_connect(
            reader, writer, plugins_manager
        )
        answers = await plugins_manager.map_plugin_auth(session=session)
        if not answers or not all(answers.values()):
            session.client_id = f"refused-{secrets.token_hex(16)}"
            session.clean_session = True
        elif session.username != SERVICE:
            session.client_id = session.username
        return handler, session


class GuardedBroker(amqtt.broker.Broker):  # type: ignore[misc]  # amqtt ships no types
    """amqtt, with clients checked before their sessions, and revoked devices cut off."""

    def __init__(self, config: dict[str, Any], database_url: str) -> None:
        amqtt.broker.BrokerProtocolHandler = CheckedHandler
        super().__init__(config)
        self._database_url = database_url
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen, and look after those who are connected."""
        await super().start()
        self._watching = asyncio.create_task(self._cut_off())

    async def shutdown(self) -> None:
        """End all of it."""
        if self._watching is not None:
            self._watching.cancel()
        await super().shutdown()

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        """Give a client what is retained on a filter that it may have.

        amqtt goes through everybody's filters here when a client connects.
        """
        if await self._topic_filtering(session, subscription[0], Action.SUBSCRIBE):
            await super()._publish_retained_messages_for_subscription(subscription, session)

    async def _cut_off(self) -> None:
        while True:
            await asyncio.sleep(CUT_OFF)
            live = {
                name for name, (session, _) in self.sessions.items() if session.username != SERVICE
            }
            try:
                allowed = await asyncio.to_thread(_allowed, self._database_url, live)
            except psycopg.Error:
                continue  # whom we can't ask about stays
            for name in live - allowed:
                _, handler = self.sessions.get(name, (None, None))
                if handler is not None:
                    await handler.handle_connection_closed()
                await self._cleanup_session(name)


def _fits(database_url: str, device: str, secret: str) -> bool:
    with psycopg.connect(database_url) as conn:
        return credential_fits(conn, device, secret)


def _rights(database_url: str, device: str) -> Rights:
    with psycopg.connect(database_url) as conn:
        known = credential(conn, device)
    return rights_of(device, known.topic) if known is not None else Rights()


def _allowed(database_url: str, devices: set[str]) -> set[str]:
    with psycopg.connect(database_url) as conn:
        rows = conn.execute(
            "SELECT id FROM device WHERE id = ANY(%s) AND secret_hash IS NOT NULL"
            " AND revoked_at IS NULL",
            (sorted(devices),),
        ).fetchall()
    return {id for (id,) in rows}
