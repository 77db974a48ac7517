"""The last messages with what became of each, for who builds or mends a device. Pure."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec

from dashboards.live.board import Board, shows
from devices.directory import Directory
from devices.readings import Reading
from devices.subject import Subject
from ingest.history import Rejected

PAYLOAD = 2000  # characters shown
HIDDEN = ("lat", "lon", "person", "client")  # whereabouts and people are nobody's debugging


class InspectorLine(msgspec.Struct, frozen=True, kw_only=True):
    """One message, or one reading of one."""

    received_at: datetime
    verdict: Literal["accepted", "repaired", "rejected"]
    device: str  # "" where none could be told
    what: str  # the kind, or the reason of the rejection
    where: str  # topic or request line, "" for what was accepted
    detail: str
    payload: str
    hint: str  # how to send it again by hand; "" where it makes no sense


def seen(
    readings: Iterable[Reading],
    rejections: Iterable[Rejected],
    board: Board,
    *,
    device: str = "",
    verdict: str = "",
    limit: int = 200,
) -> list[InspectorLine]:
    """Return the newest messages first, of the devices that the scope shows."""
    every = [
        *(_accepted(reading) for reading in readings),
        *(_rejected(rejected, board.directory) for rejected in rejections),
    ]
    shown = (
        message
        for message in every
        if _in_scope(message, board)
        and (not device or device == message.device)
        and (not verdict or verdict == message.verdict)
    )
    return sorted(shown, key=lambda message: message.received_at, reverse=True)[:limit]


def _accepted(reading: Reading) -> InspectorLine:
    fields = msgspec.to_builtins(reading)
    kept = {key: "…" if key in HIDDEN and value else value for key, value in fields.items()}
    repairs = _repairs(reading)
    return InspectorLine(
        received_at=reading.received_at,
        verdict="repaired" if repairs else "accepted",
        device=reading.device,
        what=fields["kind"],
        where="",
        detail="; ".join(repairs),
        payload=msgspec.json.format(msgspec.json.encode(kept), indent=1).decode(),
        hint="",
    )


def _repairs(reading: Reading) -> list[str]:
    """Return what was not taken as the device sent it, in words."""
    found = []
    if reading.clock != "ok":
        found.append(f"clock {reading.clock}: judged by received_at")
    if reading.repaired:
        found.append(f"read after mending: {', '.join(reading.repaired)}")
    return found


def _rejected(rejected: Rejected, directory: Directory) -> InspectorLine:
    known = directory.device_on(rejected.topic)
    last = rejected.topic.rsplit("/", 1)[-1]
    device = known.id if known else last if last in directory.devices else ""
    hint = f"mosquitto_pub -t '{rejected.topic}' -q 1 -f payload.json" if rejected.topic else ""
    return InspectorLine(
        received_at=rejected.received_at,
        verdict="rejected",
        device=device,
        what=rejected.reason,
        where=rejected.place,
        detail=rejected.detail,
        payload=rejected.payload[:PAYLOAD].decode("utf-8", "replace"),
        hint=hint,
    )


def _in_scope(message: InspectorLine, board: Board) -> bool:
    if board.scope.whole:
        return True
    return bool(message.device) and shows(board, Subject("device", message.device))
