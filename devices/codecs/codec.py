"""What a codec is, and what it hands on.

A codec is pure: an `Envelope` in, a `Decoded` out. It speaks in readings already, but knows no
register: `device` is what the message calls its sender, an `observed_at` without a zone stays
naive (it is in the device's own zone), coordinates stand in the `datum` they were sent in, and
an empty `id` asks admission to make one from the content. Bad input is a `Rejection` value;
nothing here raises.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from devices.codecs.measures import quantities
from devices.directory import Datum
from devices.envelope import Envelope
from devices.quantities import UNITS
from devices.readings import Ignored, Measured, Reading, Reason, Rejection, Said
from devices.topics import Rights, parents

NOBODY = ""  # a `device`: the message does not say whose it is, so that only its topic can

Item = TypeVar("Item")
_encode = msgspec.json.Encoder(order="sorted").encode


class ButtonPressed(Said, frozen=True, kw_only=True, tag="button"):
    """A press that means SOS only if the register says so (a three-way button, a plain switch)."""

    action: str  # the device's own word: "hold", "single_push", ...


class Switched(Said, frozen=True, kw_only=True, tag="switch"):
    """An input that is on or off; what is wired to it only the register knows."""

    on: bool


class Part(msgspec.Struct, frozen=True, gc=False):
    """One thing that a message says, and under which names its device may be registered."""

    said: Reading | ButtonPressed | Switched
    names: tuple[str, ...] = ()  # further device ids to try after `said.device`
    shared: bool = False  # many devices speak on this topic: the payload's name goes first
    datum: Datum | None = None  # of the coordinates, where the message says it
    persons: tuple[str, ...] = ()  # codes by which the register may know `said.person`
    # What an id is made from where a message holds many items that may be sent again in another
    # grouping; the whole payload when None.
    content: bytes | None = None
    # Why its time can't be read: beside a press that counts all the same, else instead of it.
    fault: Rejection | None = None
    # What of the device `said.id` counts ("frame"): the same number again is the same thing again,
    # whatever time it bears; "" where it counts nothing.
    counter: str = ""


class Decoded(msgspec.Struct, frozen=True, gc=False):
    """All that one message says, in its order."""

    parts: tuple[Part | Rejection, ...] = ()
    ignored: Ignored | None = None  # why there are no parts
    redacted: int = 0  # pictures, templates, id-card and phone numbers that were cut out
    measured: tuple[Part, ...] = ()  # kept of devices that are registered as sensors, else nothing
    node: str = ""  # all parts are of every device that is registered on a topic of this node


def refused(reason: Reason, detail: str) -> Decoded:
    """The whole message could not be read."""
    return Decoded((Rejection(reason, detail),))


MOST_ITEMS = 10_000  # of one message; a phone that was away a week sends 5,040 at once


def bounded(items: Iterable[Item]) -> tuple[list[Item], tuple[Rejection, ...]]:
    """The first items of a batch, and beside them that there were more than any device sends."""
    found = list(islice(items, MOST_ITEMS + 1))
    if len(found) <= MOST_ITEMS:
        return found, ()
    return found[:-1], (Rejection(Reason.TOO_LARGE, f"only the first {MOST_ITEMS} items are read"),)


def doubted(decoded: Decoded, fault: Rejection | None) -> Decoded:
    """What a message says whose time can't be read; the same where it can (`fault` is None)."""
    if fault is None:
        return decoded
    if not decoded.parts:
        return Decoded((fault,), redacted=decoded.redacted)
    parts = (replace(p, fault=fault) if isinstance(p, Part) else p for p in decoded.parts)
    return replace(decoded, parts=tuple(parts), measured=())


def nothing(why: str, measured: tuple[Part, ...] = ()) -> Decoded:
    """The message is well formed and says nothing that we keep; but for what it measured."""
    return Decoded(ignored=Ignored(why), measured=measured)


def measured(
    fields: Mapping[str, object],
    said: dict[str, Any],
    names: tuple[str, ...] = (),
    *,
    shared: bool = False,
) -> tuple[Part, ...]:
    """What the fields of a message measure, each a part of its own."""
    return tuple(
        Part(
            Measured(
                quantity=quantity,
                value=value,
                unit=UNITS[quantity],
                **{**said, "id": f"{said['id']}-{quantity}" if said["id"] else ""},
            ),
            names,
            shared,
        )
        for quantity, value in quantities(fields)
    )


def _never(envelope: Envelope, body: object) -> bool:
    return False


def _above(envelope: Envelope, name: str) -> tuple[str, ...]:
    return tuple(parents(envelope.topic))


class Codec(msgspec.Struct, frozen=True, kw_only=True):
    """One payload family: where it speaks, how to know it by its form, how to read it."""

    family: str  # the name in metrics
    decode: Callable[[Envelope], Decoded]
    topics: tuple[str, ...] = ()  # MQTT filters on which the family usually speaks
    paths: tuple[str, ...] = ()  # HTTP paths that begin so are this family's
    # Whether a message on nobody's topic or path has this family's form; `body` is the parsed
    # JSON, or the text itself where it is not JSON.
    fits: Callable[[Envelope, object], bool] = _never
    # Further topics under which the device that the message calls `name` may be registered;
    # by default those above the message's own.
    siblings: Callable[[Envelope, str], tuple[str, ...]] = _above
    # What a device registered with this topic may publish and hear; of a codec from outside (ours
    # stand in devices/codecs/rights.py). None: its topic, and all that is below it.
    rights: Callable[[str], Rights | None] | None = None
    # The IANA zone in which the protocol writes times without one; None: the town's.
    zone: str | None = None


def shared(
    envelope: Envelope,
    device: str,
    at: datetime | None = None,
    *,
    id: str = "",
    battery: float | None = None,
    replayed: bool = False,
) -> dict[str, Any]:
    """The fields that all readings share, to be spread into one."""
    return {
        "device": device,
        "id": id,
        "observed_at": at,
        "received_at": envelope.received_at,
        "battery": battery,
        "replayed": replayed,
    }


Piece = TypeVar("Piece")


def as_item(piece: Piece, item: object) -> Piece:
    """A part of a batch, whose id is made from its own item and not from the whole message."""
    if isinstance(piece, Part):
        return replace(piece, content=_encode(item))
    return piece


def where_from(envelope: Envelope) -> str:
    """The topic, or the path without its query: what names a device that does not name itself."""
    return envelope.http.path.partition("?")[0] if envelope.http else envelope.topic
