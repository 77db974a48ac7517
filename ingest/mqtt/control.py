"""A running Mosquitto's accounts, changed through its dynamic-security plugin's own topic.

Written after https://mosquitto.org/documentation/dynamic-security/ and tried with 2.0.11: commands
are published as JSON, the answers come on `.../response`, in the order of the commands.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from queue import Empty, SimpleQueue
from time import monotonic, sleep
from types import TracebackType
from typing import Any

import msgspec

from core.errors import CarewatchError
from devices.broker_address import Address
from ingest.mqtt.packets import Publish
from ingest.mqtt.session import Session, SessionHooks

TOPIC = "$CONTROL/dynamic-security/v1"
ANSWERS = f"{TOPIC}/response"
PATIENCE = 10.0  # seconds for the broker to take us, and to answer
POLL = 0.02  # seconds between two looks at whether the connection stands
PAGE = 500  # accounts or roles an answer; some 300 kB
NOT_THERE = frozenset({"Client not found", "Role not found"})

Command = dict[str, Any]
Answer = dict[str, Any]


class ControlFault(CarewatchError):
    """The broker is away, refuses us, or refuses a command."""


class BrokerControl:
    """A connection to the plugin, for one thread. A context manager; entering raises ControlFault.

    The URL's account needs the plugin's own topics, as `mosquitto_ctrl dynsec init` gives them.
    """

    def __init__(self, url: str) -> None:
        self._address = Address.of(url)
        self._answers: SimpleQueue[Answer] = SimpleQueue()
        self._session = Session(
            self._address,
            f"carewatch-control-{secrets.token_hex(8)}",
            (ANSWERS,),
            clean=True,
            hooks=SessionHooks(consumes=self._hears),
            name="control",
        )

    def __enter__(self) -> "BrokerControl":
        self._session.start()
        deadline = monotonic() + PATIENCE
        while not self._session.listening:
            if monotonic() > deadline:
                self._session.stop()
                raise self._fault("the broker does not answer, or refuses the password")
            sleep(POLL)
        if self._session.refused:
            self._session.stop()
            raise self._fault("this account may not manage others")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._session.stop()

    def run(self, commands: Sequence[Command]) -> list[Answer]:
        """Run commands, in one go, and return an answer each. Raises ControlFault for no answer.

        A command that is refused has an `error` in its answer; those behind it run all the same.
        """
        if not commands:
            return []
        mark = secrets.token_hex(8)
        marked = [{**each, "correlationData": f"{mark} {n}"} for n, each in enumerate(commands)]
        self._session.publish(TOPIC, msgspec.json.encode({"commands": marked}))
        found: list[Answer] = []
        deadline = monotonic() + PATIENCE
        while len(found) < len(commands):
            try:
                answer = self._answers.get(timeout=max(0.0, deadline - monotonic()))
            except Empty:
                raise self._fault("does not answer; is its dynamic-security plugin on?") from None
            if str(answer.get("correlationData", "")).startswith(mark):
                found.append(answer)
        return found

    def insist(self, commands: Sequence[Command]) -> None:
        """Run commands that may find nothing to delete. Raises ControlFault for any other error."""
        for command, answer in zip(commands, self.run(commands), strict=True):
            error = answer.get("error")
            if error and error not in NOT_THERE:
                raise self._fault(f"{command['command']}: {error}")

    def account(self, name: str) -> Mapping[str, Any] | None:
        """Return one account as the plugin keeps it; None where there is none."""
        (answer,) = self.run([{"command": "getClient", "username": name}])
        if "error" in answer:
            return None
        found: Mapping[str, Any] = answer["data"]["client"]
        return found

    def accounts(self) -> Iterator[Mapping[str, Any]]:
        """Yield all accounts."""
        return self._listed("listClients", "clients")

    def roles(self) -> Iterator[Mapping[str, Any]]:
        """Yield all roles."""
        return self._listed("listRoles", "roles")

    def receives_unasked(self) -> bool:
        """Return True if clients are sent what no role of theirs lets them hear."""
        (answer,) = self.run([{"command": "getDefaultACLAccess"}])
        acls = answer.get("data", {}).get("acls", [])
        return any(a["acltype"] == "publishClientReceive" and a["allow"] for a in acls)

    def _listed(self, command: str, what: str) -> Iterator[Mapping[str, Any]]:
        offset = 0
        while True:
            asked = {"command": command, "verbose": True, "count": PAGE, "offset": offset}
            (answer,) = self.run([asked])
            if "error" in answer:
                raise self._fault(f"{command}: {answer['error']}")
            page = answer["data"][what]
            yield from page
            offset += len(page)
            if not page or offset >= answer["data"]["totalCount"]:
                return

    def _hears(self, message: Publish) -> bool:
        try:
            said = msgspec.json.decode(message.payload, type=dict[str, list[Answer]])
        except msgspec.MsgspecError:
            return True
        for each in said.get("responses", []):
            self._answers.put(each)
        return True

    def _fault(self, why: str) -> ControlFault:
        return ControlFault(f"the broker's accounts at {self._address}: {why}")
