"""One rejected message, or the same for the API: what is wrong with it, its bytes, and lines that
send it again. Nothing raw leaves this module: names, places and secrets are overwritten. Pure but
for `rejection_for`.
"""

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache

import msgspec
import psycopg

from dashboards.actions import NoSuchPage
from dashboards.texts import Words
from dashboards.views.copy_as import by_http, by_mqtt
from dashboards.views.desk import DeskView
from devices.directory import Directory
from devices.explanation import Expected, Fault, Got, explained, parsed
from devices.subject import Subject
from devices.veil import Names, masked_of, veiled, veiled_tree
from ingest import history
from ingest.history import Rejected

A_ROW = 16  # bytes of the hex view
DUMPED = 4096  # bytes
GAP = "·"  # for what is no character of a text
HELP = "/vendor/errors"


class Error(msgspec.Struct, frozen=True):
    """A fault in the reader's words."""

    where: str
    expected: str
    got: str
    rule: str
    help: str


class HexRow(msgspec.Struct, frozen=True):
    """Sixteen bytes: where they stand, as hex, and as text where they are ASCII."""

    at: str
    hex: str
    text: str


class RejectedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What the page of one rejection shows."""

    n: int
    received_at: datetime
    replayed_at: datetime | None
    family: str
    reason: str
    device: str
    place: str
    detail: str
    errors: tuple[Error, ...]
    size: int
    rows: tuple[HexRow, ...]
    more: int  # bytes that the hex view leaves out
    text: str
    tree: str  # the parsed message, indented; "" where it is no JSON
    mqtt: str
    http: str


def rejection_for(conn: psycopg.Connection, n: int, desk: DeskView) -> Rejected:
    """Return a rejection that the visitor may see. Raises NoSuchPage: what is hidden is not
    there."""
    found = history.rejected(conn, n)
    if found is None or not _sees(desk, found):
        raise NoSuchPage(f"rejection {n}: there is none with this number")
    return found


def _sees(desk: DeskView, message: Rejected) -> bool:
    if desk.who.scope.whole:
        return True
    return bool(message.device) and desk.records.sees(Subject("device", message.device))


def names_of(desk: DeskView) -> Names:
    """Return the names of all people of the town: none of them stands in a payload shown."""
    return _names(desk.directory, tuple(desk.board.staff.values()))


@lru_cache(maxsize=2)
def _names(directory: Directory, staff: tuple[str, ...]) -> Names:
    people = (*directory.clients, *directory.caregivers, *directory.residents)
    return Names((*(one.name for one in people), *staff))


def faults_of(message: Rejected) -> tuple[Fault, ...]:
    """Return all that is wrong with a rejected message."""
    return explained(message.envelope, message.family, message.reason, message.detail)


def as_error(fault: Fault, names: Names) -> dict[str, object]:
    """Return a fault as the API tells it."""
    got = msgspec.structs.replace(fault.got, shown=masked_of(fault.got.shown, names))
    own = {"got": got, "help": f"{HELP}#{fault.reason}"}
    return {**msgspec.structs.asdict(fault), **own}


def message_view(message: Rejected, words: Words, names: Names) -> RejectedMessage:
    """Return what the page shows of a rejection, in the reader's words."""
    payload = veiled(message.payload, names)
    safe = msgspec.structs.replace(message.envelope, payload=payload)
    return RejectedMessage(
        n=message.n,
        received_at=message.received_at,
        replayed_at=message.replayed_at,
        family=message.family,
        reason=message.reason,
        device=message.device,
        place=masked_of(message.place, names),
        detail=masked_of(message.detail, names),
        errors=errors_of(message, words, names),
        size=len(payload),
        rows=tuple(hex_rows(payload[:DUMPED])),
        more=max(0, len(payload) - DUMPED),
        text="".join(
            char if char.isprintable() or char == "\n" else GAP
            for char in payload[:DUMPED].decode("utf-8", "replace")
        ),
        tree=_tree(message, names),
        mqtt=by_mqtt(safe, message.device),
        http=by_http(safe, message.device),
    )


def _tree(message: Rejected, names: Names) -> str:
    body = parsed(message.envelope)
    if not isinstance(body, dict | list):
        return ""
    shown = msgspec.json.encode(veiled_tree(body, names))
    return msgspec.json.format(shown, indent=2).decode()[:DUMPED]


def errors_of(message: Rejected, words: Words, names: Names) -> tuple[Error, ...]:
    """Return all that is wrong with a rejected message, in the reader's words."""
    return tuple(_error(fault, words, names) for fault in faults_of(message))


def hex_rows(payload: bytes) -> Iterator[HexRow]:
    """Yield the payload as a hex view prints it."""
    for at in range(0, len(payload), A_ROW):
        row = payload[at : at + A_ROW]
        text = "".join(chr(byte) if 32 <= byte < 127 else GAP for byte in row)
        yield HexRow(f"{at:04x}", row.hex(" "), text)


def _error(fault: Fault, words: Words, names: Names) -> Error:
    where = fault.pointer or words(f"part.{fault.part}")
    got = masked_of(got_said(fault.got, words), names)
    asked = expected_said(fault.expected, words)
    return Error(where, asked, got, fault.rule, f"{HELP}#{fault.reason}")


def expected_said(expected: Expected, words: Words) -> str:
    """Return what a rule asks for, in words."""
    low, high = _bound(expected.low), _bound(expected.high)
    if expected.what == "choice":
        return words("expect.choice", words=", ".join(expected.words))
    if expected.what == "size":
        return words("expect.size", high=high) if high else words("expect.smaller")
    said = words.word("expect", expected.what)
    if not (low or high):
        return said
    span = words.word("expect_span", _span(low, high)).format(low=low, high=high)
    of = words("expect.characters", span=span) if expected.what == "text" else span
    return words("expect.within", what=said, span=of)


def _span(low: str, high: str) -> str:
    if low and high:
        return "between"
    return "from" if low else "to"


def _bound(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def got_said(got: Got, words: Words) -> str:
    """Return what was there instead, in words."""
    said = words.word("got", got.what)
    if not got.shown:
        return said
    if got.what == "unreadable":
        return words("got.because", what=said, why=got.shown)
    return f"{said} {got.shown}" if got.what != "bytes" else words("got.of_bytes", n=got.shown)
