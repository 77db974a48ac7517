"""MQTT 3.1.1 and 5 as far as a broker for one device needs it. Pure.

Section numbers are those of the OASIS standard, version 3.1.1; version 5 adds properties, which
are passed over. A broker of our own sees what another hides from us: the will, the flags, what is
subscribed, and it may leave a message unacknowledged.
"""

from collections.abc import Iterator

import msgspec

from devices.conformance.run import Will

CONNECT, PUBLISH, PUBREL, SUBSCRIBE, UNSUBSCRIBE, PINGREQ, DISCONNECT = 1, 3, 6, 8, 10, 12, 14
PINGRESP = b"\xd0\x00"
LARGEST = 4 * 1024 * 1024  # bytes of a packet that is read


class NotMqtt(Exception):
    """What came is not MQTT: the connection is of no more use."""


class Connect(msgspec.Struct, frozen=True):
    """3.1: a device introduces itself."""

    version: int  # 4 = MQTT 3.1.1, 5 = MQTT 5
    client_id: str
    keep_alive: int  # seconds
    user: str | None
    password: str | None  # never logged
    will: Will | None


class Publish(msgspec.Struct, frozen=True):
    """3.3: a device says something."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    packet_id: int  # 0 at QoS 0


class Reader:
    """Takes a packet's body apart from left to right. Raises NotMqtt at its end."""

    def __init__(self, body: bytes) -> None:
        self._body, self._at = body, 0

    def take(self, count: int) -> bytes:
        """Return the next bytes."""
        piece = self._body[self._at : self._at + count]
        if len(piece) < count:
            raise NotMqtt("a packet ends too soon")
        self._at += count
        return piece

    def number(self, count: int = 2) -> int:
        """Return the next bytes as a number, high byte first."""
        return int.from_bytes(self.take(count), "big")

    def data(self) -> bytes:
        """Return bytes that their length goes before."""
        return self.take(self.number())

    def text(self) -> str:
        """Return a text (1.5.3)."""
        try:
            return self.data().decode()
        except UnicodeDecodeError:
            raise NotMqtt("a text is not UTF-8") from None

    def skip_properties(self) -> None:
        """Pass over the properties of version 5 (there 2.2.2)."""
        length = shift = 0
        while True:
            byte = self.number(1)
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        self.take(length)

    def rest(self) -> bytes:
        """Return what is left."""
        return self.take(len(self._body) - self._at)

    def __bool__(self) -> bool:
        return self._at < len(self._body)


def read_connect(body: bytes) -> Connect:
    """Read a CONNECT. Raises NotMqtt."""
    reader = Reader(body)
    name, version, flags, keep_alive = (
        reader.text(),
        reader.number(1),
        reader.number(1),
        reader.number(),
    )
    if name != "MQTT" or version not in (4, 5):
        raise NotMqtt(f"protocol {name[:10]!r} {version}; MQTT 3.1.1 and 5 are spoken here")
    if version == 5:
        reader.skip_properties()
    client_id, will = reader.text(), None
    if flags & 0x04:
        if version == 5:
            reader.skip_properties()
        will = Will(reader.text(), reader.data(), flags >> 3 & 3, bool(flags & 0x20))
    user = reader.text() if flags & 0x80 else None
    password = reader.data().decode(errors="replace") if flags & 0x40 else None
    return Connect(version, client_id, keep_alive, user, password, will)


def read_publish(flags: int, body: bytes, version: int) -> Publish:
    """Read a PUBLISH with the flags of its header. Raises NotMqtt."""
    reader = Reader(body)
    topic, qos = reader.text(), flags >> 1 & 3
    packet_id = reader.number() if qos else 0
    if version == 5:
        reader.skip_properties()
    return Publish(topic, reader.rest(), qos, bool(flags & 1), packet_id)


def read_filters(body: bytes, version: int, *, options: bool) -> tuple[int, list[str]]:
    """Read the packet id and filters of a SUBSCRIBE (with options) or UNSUBSCRIBE."""
    reader = Reader(body)
    packet_id = reader.number()
    if version == 5:
        reader.skip_properties()
    return packet_id, list(_filters(reader, options))


def _filters(reader: Reader, options: bool) -> Iterator[str]:
    while reader:
        yield reader.text()
        if options:
            reader.take(1)


def connack(version: int, *, refused: bool = False) -> bytes:
    """Return the answer to CONNECT: a new session, or bad user or password."""
    if version == 5:
        return bytes((0x20, 3, 0, 0x86 if refused else 0, 0))
    return bytes((0x20, 2, 0, 4 if refused else 0))


def answer(kind: int, packet_id: int, codes: bytes = b"", version: int = 4) -> bytes:
    """Return PUBACK (4), PUBREC (5), PUBCOMP (7), SUBACK (9) or UNSUBACK (11)."""
    properties = b"\0" if version == 5 and kind in (9, 11) else b""
    body = packet_id.to_bytes(2, "big") + properties + codes
    return bytes((kind << 4, len(body))) + body
