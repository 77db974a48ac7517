"""Who answers for an SOS that both lanes receive: the rule by which the bulk lane leaves it alone.

MQTT can't subscribe to "all but these", so the bulk session hears SOS topics too. It may leave
one to the life session only when that session certainly has it, else it would be lost. The
certainty comes down the bulk session's own stream: when the broker has granted the life session
its filters, the life session publishes them, retained; what stands behind that notice in the
bulk stream was published after the grant. The life session's will takes the notice back. Where
in doubt both lanes store the message, and its key makes it one row.
"""

import msgspec

from devices.codecs import LIFE_FILTER, is_life_topic
from devices.codecs.answers import is_answer
from ingest.mqtt.packets import Publish, Will

BETWEEN_LANES = "carewatch/lanes/"  # ingest speaks to itself
NOTICE = f"{BETWEEN_LANES}life"
REMEMBERED = 100_000  # topics whose lane is kept in mind
OURS = (BETWEEN_LANES, "carewatch-simulator/")  # sent by carewatch itself, not by a device
TAKEN_BACK = Will(NOTICE, b"")

_decode = msgspec.json.Decoder(frozenset[str]).decode
_encode = msgspec.json.Encoder(order="deterministic").encode


def notice(granted: frozenset[str]) -> bytes:
    """Return what the life session publishes: these filters are mine."""
    return _encode(granted)


class LifeTopics:
    """Which topics the life lane's filters take, remembered: the same come again and again."""

    def __init__(self, filters: frozenset[str] = frozenset()) -> None:
        self._filters = filters if LIFE_FILTER in filters else frozenset[str]()
        self._known: dict[str, bool] = {}

    def __contains__(self, topic: str) -> bool:
        found = self._known.get(topic)
        if found is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            found = bool(self._filters) and is_life_topic(topic, self._filters)
            self._known[topic] = found
        return found


class Crossing:
    """What the life session certainly has, as far as one bulk connection has read."""

    def __init__(self) -> None:
        self._topics = LifeTopics()

    def reset(self) -> None:
        """Forget what was read: a new connection has read nothing yet."""
        self._topics = LifeTopics()

    def consumes(self, message: Publish) -> bool:
        """Return True for carewatch's own messages, and for what the life lane answers for."""
        if message.topic == NOTICE:
            self._topics = LifeTopics(_read(message.payload))
        return (
            message.topic in self._topics
            or message.topic.startswith(OURS)
            or is_answer(message.topic, message.payload)
        )

    def covers(self, topic: str) -> bool:
        """Return True if the life session certainly gets this topic."""
        return topic in self._topics


def _read(payload: bytes) -> frozenset[str]:
    try:
        return _decode(payload) if payload else frozenset()
    except msgspec.DecodeError:
        return frozenset()  # somebody else's words on our topic: certain of nothing
