"""What each payload family speaks on and is answered on: the rights of a device at the broker.

Rights follow the topic that a device is registered with. Every device may also speak contract v1
under its own id. Sources: the manuals named in the family's codec. Pure.
"""

from collections.abc import Callable, Mapping

from devices.codecs.owntracks import SUBTOPICS as OWNTRACKS_SUBTOPICS
from devices.codecs.tasmota import PREFIXES as TASMOTA_PREFIXES
from devices.directory import node_of
from devices.topics import ANSWER, CONTRACT_ROOT, Rights

DISCOVERY = "homeassistant"  # Home Assistant's own prefix
RECORD_BRANCHES = frozenset({"rec", "snap"})  # of a facesluice terminal, below its own topic


def contract_rights(device: str) -> Rights:
    """Return what every device may do: all kinds of contract v1 under its own id, and answers."""
    return Rights((f"{CONTRACT_ROOT}+/+/{device}",), (f"{CONTRACT_ROOT}+/{ANSWER}/{device}",))


def announcing_rights(device: str, topic: str | None) -> Rights:
    """Return where a device may announce itself by Home Assistant discovery: under its own id.

    An ESPHome node also under its own name. A bridge that announces many devices under names that
    nobody knows beforehand is told to announce below its base topic, which is its own anyway
    (Zigbee2MQTT: `homeassistant: {discovery_topic: zigbee2mqtt/homeassistant}`).
    """
    own = [device]
    if topic is not None and (node := node_of(topic)) is not None:
        own.append(node)
    forms = ("+/{}/config", "+/{}/+/config")
    return Rights(tuple(f"{DISCOVERY}/{form.format(name)}" for name in own for form in forms))


def exact_rights(topic: str) -> Rights:
    """Return the rights of a family that speaks on one topic and is never answered."""
    return Rights((topic,))


def unclaimed_rights(topic: str) -> Rights:
    """Return the rights on a topic of no family: it, and what lies below it.

    A face terminal with a base topic of its own sends records on `.../Rec` and is answered above.
    """
    above, _, last = topic.rpartition("/")
    hears = (above,) if above and last.casefold() in RECORD_BRANCHES else ()
    return Rights((topic, f"{topic}/#"), hears)


def _owntracks(topic: str) -> Rights:
    phone = _without_last(topic, OWNTRACKS_SUBTOPICS, levels=3)
    spoken = [f"{phone}/{each}" for each in OWNTRACKS_SUBTOPICS if each != "cmd"]
    return Rights((phone, *spoken), (f"{phone}/cmd",))


def _facesluice(topic: str) -> Rights:
    levels = topic.split("/")
    if len(levels) < 3:
        return exact_rights(topic)
    terminal = "/".join(levels[:3])
    branches = ("Rec", "Snap", "Ack", "rec", "snap", "ack")
    common = ("mqtt/face/basic", "mqtt/face/heartbeat")  # all terminals speak there
    return Rights((*(f"{terminal}/{each}" for each in branches), *common), (terminal,))


def _zigbee2mqtt(topic: str) -> Rights:
    base, _, name = topic.partition("/")
    if name.split("/")[0] == "bridge":  # it speaks for all that is behind it
        commands = ("+/set", "+/get", "+/+/set", "+/+/get", "+/set/+", "bridge/request/#")
        return Rights((f"{base}/#",), tuple(f"{base}/{each}" for each in commands))
    return Rights((topic, f"{topic}/+"), (f"{topic}/set", f"{topic}/get"))


def _chirpstack(topic: str) -> Rights:
    levels = topic.split("/")
    if len(levels) < 4:
        return exact_rights(topic)
    device = "/".join(levels[:4])  # application/A/device/EUI
    return Rights((topic, f"{device}/event/+"), (f"{device}/command/down",))


def _things_stack(topic: str) -> Rights:
    levels = topic.split("/")
    if len(levels) < 4:
        return exact_rights(topic)
    device = "/".join(levels[:4])  # v3/APPLICATION/devices/DEVICE
    spoken = ("up", "join", "location/solved", "service/data", "down/ack", "down/nack")
    also = ("down/sent", "down/failed", "down/queued")
    return Rights(
        (topic, *(f"{device}/{each}" for each in (*spoken, *also))),
        (f"{device}/down/push", f"{device}/down/replace"),
    )


def _tasmota(topic: str) -> Rights:
    levels = topic.split("/")
    at = next((n for n, level in enumerate(levels) if level in TASMOTA_PREFIXES), None)
    if at is None or len(levels) < 3:
        return exact_rights(topic)
    if at == 0:  # %prefix%/%topic%/SUFFIX
        name = "/".join(levels[1:-1])
        return Rights((f"tele/{name}/#", f"stat/{name}/#"), (f"cmnd/{name}/#",))
    name = "/".join(levels[:at])
    return Rights((f"{name}/tele/#", f"{name}/stat/#"), (f"{name}/cmnd/#",))


def _shelly_gen1(topic: str) -> Rights:
    levels = topic.split("/")
    if len(levels) < 2:
        return exact_rights(topic)
    device = "/".join(levels[:2])  # shellies/ID
    commands = ("command", "+/command", "+/+/command", "+/+/set", "settings/set")
    return Rights(
        (f"{device}/#", "shellies/announce"),
        ("shellies/command", *(f"{device}/{each}" for each in commands)),
    )


def _shelly_gen2(topic: str) -> Rights:
    device = topic.split("/", 1)[0]
    spoken = ("events/rpc", "status/#", "online", "debug/log", "announce")
    return Rights(
        tuple(f"{device}/{each}" for each in spoken),
        (f"{device}/rpc", f"{device}/command", f"{device}/command/#", "shellies/command"),
    )


def _esphome(topic: str) -> Rights:
    node = topic.split("/", 1)[0]
    spoken = ("status", "debug", "+/+/state", "+/+/+/state")
    return Rights(tuple(f"{node}/{each}" for each in spoken), (f"{node}/+/+/command",))


def _yolink(topic: str) -> Rights:
    device = topic.rpartition("/")[0]  # yl-home/HOME/DEVICE
    return Rights((f"{device}/report", f"{device}/response"), (f"{device}/request",))


def _sparkplug(topic: str) -> Rights:
    levels = topic.split("/")  # spBv1.0/GROUP/TYPE/NODE[/DEVICE]
    if len(levels) < 4:
        return exact_rights(topic)
    root, group, _, node = levels[:4]
    says = tuple(f"{root}/{group}/{each}/{node}" for each in ("NBIRTH", "NDEATH", "NDATA"))
    behind = tuple(f"{root}/{group}/{each}/{node}/+" for each in ("DBIRTH", "DDEATH", "DDATA"))
    hears = (f"{root}/{group}/NCMD/{node}", f"{root}/{group}/DCMD/{node}/+", f"{root}/STATE/+")
    return Rights((*says, *behind), hears)


def _without_last(topic: str, endings: tuple[str, ...], levels: int) -> str:
    above, _, last = topic.rpartition("/")
    return above if last in endings and above.count("/") + 1 >= levels else topic


FAMILY_RIGHTS: Mapping[str, Callable[[str], Rights]] = {
    "contract": exact_rights,
    "owntracks": _owntracks,
    "facesluice": _facesluice,
    "zigbee2mqtt": _zigbee2mqtt,
    "chirpstack": _chirpstack,
    "things_stack": _things_stack,
    "tasmota": _tasmota,
    "shelly_gen1": _shelly_gen1,
    "shelly_gen2": _shelly_gen2,
    "esphome": _esphome,
    "yolink": _yolink,
    "bthome": exact_rights,
    "sparkplug": _sparkplug,
    "camera_faces": unclaimed_rights,
    "phone_apps": unclaimed_rights,
}
