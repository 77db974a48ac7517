"""The payload families that carewatch reads: one file each, all of them listed in `CODECS`."""

from collections.abc import Collection

from devices.codecs import (
    bashi,
    bthome,
    camera_faces,
    chirpstack,
    contract,
    dahua,
    esphome,
    facesluice,
    gps_watch,
    hikvision,
    osmand,
    outside,
    overland,
    owntracks,
    phone_apps,
    plain_json,
    shelly_gen1,
    shelly_gen2,
    sparkplug,
    tasmota,
    things_stack,
    traccar_forward,
    uniview,
    yolink,
    zigbee2mqtt,
    zkteco,
)
from devices.codecs.body import json_body
from devices.codecs.codec import Codec
from devices.directory import Directory
from devices.envelope import Envelope
from devices.readings import Rejection
from devices.topics import CONTRACT_ROOT, TopicTable, matches, parents

CODECS: tuple[Codec, ...] = (  # the first that claims a topic, or fits a form, has it
    contract.CODEC,
    owntracks.CODEC,
    facesluice.CODEC,
    zigbee2mqtt.CODEC,
    chirpstack.CODEC,
    things_stack.CODEC,
    tasmota.CODEC,
    shelly_gen1.CODEC,
    shelly_gen2.CODEC,
    esphome.CODEC,
    yolink.CODEC,
    bthome.CODEC,
    sparkplug.CODEC,
    traccar_forward.CODEC,
    osmand.CODEC,
    overland.CODEC,
    gps_watch.CODEC,
    hikvision.CODEC,
    zkteco.CODEC,
    uniview.CODEC,
    dahua.CODEC,
    bashi.CODEC,
    camera_faces.CODEC,
    phone_apps.CODEC,
    plain_json.CODEC,
)
DEEPEST_BASE = 8  # levels that may stand in front of a family's usual topics
UNKNOWN = "unknown"  # the family, in metrics, of messages that no codec claims

OUTSIDE = outside.found(codec.family for codec in CODECS)
ALL_CODECS: tuple[Codec, ...] = (*CODECS, *OUTSIDE.codecs)

_BY_TOPIC = TopicTable((pattern, codec) for codec in ALL_CODECS for pattern in codec.topics)
_BY_PATH = tuple((path, codec) for codec in ALL_CODECS for path in codec.paths)
LIFE_FILTER = f"{CONTRACT_ROOT}+/sos/+"


def claimed(envelope: Envelope) -> Codec | None:
    """The codec on whose usual topics or paths this message came."""
    if envelope.topic.startswith(CONTRACT_ROOT):  # most messages: spared the search
        return contract.CODEC
    if envelope.http is None:
        return _BY_TOPIC.owner(envelope.topic)
    path = envelope.http.path
    return next((codec for start, codec in _BY_PATH if path.startswith(start)), None)


def under_base(topic: str) -> tuple[Codec, str] | None:
    """The codec on whose usual topics this would be without the levels in front, and those levels.

    `home/kitchen/zigbee2mqtt/door` is Zigbee2MQTT's under `home/kitchen/`. The contract has one
    place of its own and is not looked for elsewhere.
    """
    cut = topic.find("/")
    for _ in range(DEEPEST_BASE):
        if cut < 0:
            return None
        owner = _BY_TOPIC.owner(topic[cut + 1 :])
        if owner is not None and owner is not contract.CODEC:
            return owner, topic[: cut + 1]
        cut = topic.find("/", cut + 1)
    return None


def recognised(envelope: Envelope) -> Codec | None:
    """The codec whose form the payload has, for a topic or path that no family claims."""
    parsed = json_body(envelope.payload)
    body = envelope.payload.decode("utf-8", "replace") if isinstance(parsed, Rejection) else parsed
    return next((codec for codec in ALL_CODECS if codec.fits(envelope, body)), None)


def family_of(envelope: Envelope) -> str:
    """The family's name for metrics, by topic or path alone."""
    codec = claimed(envelope)
    return codec.family if codec else UNKNOWN


def life_filters(directory: Directory) -> tuple[str, ...]:
    """What may carry an SOS: the contract's topics, and all below those of registered buttons."""
    buttons = {f"{d.topic}/#" for d in directory.devices if d.kind == "sos" and d.topic}
    return (LIFE_FILTER, *sorted(b for b in buttons if not matches(LIFE_FILTER, b[:-2])))


def is_life_topic(topic: str, filters: Collection[str]) -> bool:
    """Whether a topic is in the life lane; `filters` is `life_filters` as a set.

    Both lanes ask this same question, so that each message is read by exactly one of them.
    """
    if matches(LIFE_FILTER, topic) or f"{topic}/#" in filters:
        return True
    return any(f"{above}/#" in filters for above in parents(topic))
