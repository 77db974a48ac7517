"""What a vendor's client wants to read, by HTTP, before it counts a message as delivered. Pure.

A client that hears anything but its own answer sends the same message again, for ever and before
all others. So what we refuse is answered as delivered too, for it is kept with its reason; only a
device that nobody has registered keeps what it has. Contract v1 is answered in our own words.

Sources: OwnTracks booklet "HTTP mode"; Overland README "API"; ZKTeco "Attendance PUSH
Communication Protocol" (initialisation, upload, getrequest, registry; text lines ended by LF);
ISAPI "ResponseStatus"; Uniview LAPI "Response".
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence

import msgspec

from devices.codecs.forms import parameters, path_of, query
from devices.codecs.zkteco import ROOT as ICLOCK
from devices.codecs.zkteco import lines_of
from devices.envelope import Envelope
from devices.readings import Reason, Rejection

NEVER = "None"  # a stamp: nothing has been uploaded yet
KEEPS = frozenset({Reason.UNKNOWN_DEVICE, Reason.TOO_LARGE})  # refused, and not taken off its hands
PLAIN, JSON, XML = "text/plain", "application/json", "application/xml"


class HttpReply(msgspec.Struct, frozen=True):
    """A body and its type; the status is 200."""

    content_type: str
    body: bytes


class Stamp(msgspec.Struct, frozen=True):
    """How far a ZKTeco terminal has uploaded a table, in its own counting."""

    terminal: str  # its serial number
    stamp: str


def reply(
    family: str, envelope: Envelope, rejections: Sequence[Rejection], stamp: str = NEVER
) -> HttpReply | None:
    """Return the family's own answer to a message that is kept; None: it has none, or is refused.

    `stamp` is what `asks_stamp` asked for.
    """
    made = _REPLIES.get(family)
    if made is None or any(each.reason in KEEPS for each in rejections):
        return None
    return made(envelope, stamp)


def asks_stamp(family: str, envelope: Envelope) -> str | None:
    """Return the terminal that asks how far it has uploaded; None for any other message."""
    asked = _asked(envelope) if family == "zkteco" else {}
    return asked.get("sn") if "table" not in asked and _action(envelope) in HANDSHAKES else None


def says_stamp(family: str, envelope: Envelope) -> Stamp | None:
    """Return how far a terminal says that it has uploaded its attendance with this message."""
    asked = _asked(envelope) if family == "zkteco" else {}
    if asked.get("table", "").casefold() != "attlog" or "sn" not in asked:
        return None
    written = asked.get("stamp", "")
    return Stamp(asked["sn"], written) if written.isdecimal() and len(written) < 20 else None


HANDSHAKES = ("cdata", "push")  # of protocol 2, and of protocol 3 behind `registry`


def _zkteco(envelope: Envelope, stamp: str) -> HttpReply:
    asked, action = _asked(envelope), _action(envelope)
    if "table" in asked and action == "cdata":
        return HttpReply(PLAIN, f"OK: {_records(envelope)}".encode())
    if action == "registry":
        code = hashlib.sha256(asked.get("sn", "").encode()).hexdigest()[:10]
        return HttpReply(PLAIN, f"RegistryCode={code}\n".encode())
    if action in HANDSHAKES:
        return HttpReply(PLAIN, _options(asked.get("sn", ""), stamp))
    return HttpReply(PLAIN, b"OK")


def _options(terminal: str, stamp: str) -> bytes:
    """Return what a terminal is to do: report at once, and only what is new. Its clock and zone
    stay as they are."""
    lines = (
        f"GET OPTION FROM: {terminal}",
        f"Stamp={stamp}",
        f"ATTLOGStamp={stamp}",
        "OpStamp=9999",
        "OPERLOGStamp=9999",
        "ATTPHOTOStamp=9999",  # no picture is wanted
        "ErrorDelay=30",  # seconds
        "Delay=30",  # seconds between two polls; a poll is a heartbeat
        "TransTimes=00:00;12:00",
        "TransInterval=1",  # minutes
        "TransFlag=TransData AttLog",
        "Realtime=1",
        "Encrypt=None",
        "ServerVer=2.4.1",
        "PushProtVer=2.4.1",
    )
    return "".join(f"{line}\n" for line in lines).encode()


def _records(envelope: Envelope) -> int:
    return len(lines_of(envelope.payload.decode("utf-8", "replace")))


def _asked(envelope: Envelope) -> dict[str, str]:
    asked = {key.casefold(): value for key, value in query(envelope).items()}
    if "sn" not in asked:
        asked = {key.casefold(): value for key, value in parameters(envelope).items()} | asked
    return asked


def _action(envelope: Envelope) -> str:
    return path_of(envelope).removeprefix(ICLOCK).strip("/").casefold()


def _always(content_type: str, body: bytes) -> Callable[[Envelope, str], HttpReply]:
    made = HttpReply(content_type, body)
    return lambda envelope, stamp: made


_RESPONSE_STATUS = (
    b'<?xml version="1.0" encoding="UTF-8"?><ResponseStatus version="2.0"'
    b' xmlns="http://www.isapi.org/ver20/XMLSchema"><statusCode>1</statusCode>'
    b"<statusString>OK</statusString><subStatusCode>ok</subStatusCode></ResponseStatus>"
)
_REPLIES: Mapping[str, Callable[[Envelope, str], HttpReply]] = {
    "owntracks": _always(JSON, b"[]"),
    "overland": _always(JSON, b'{"result":"ok"}'),
    "zkteco": _zkteco,
    "hikvision": _always(XML, _RESPONSE_STATUS),
    "dahua": _always(PLAIN, b"OK"),
    "uniview": _always(JSON, b'{"Response":{"StatusCode":0,"StatusString":"Succeed"}}'),
}
