"""The last messages with what became of each, for who builds or mends a device."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

import msgspec
import psycopg

from dashboards.texts import Words
from dashboards.views.desk import DeskView
from dashboards.views.rejection import errors_of
from devices.readings import Reading
from devices.subject import Subject
from devices.veil import NOBODY, Names, masked_of
from ingest import history
from ingest.history import Rejected

SHOWN = 200  # messages
LATELY = timedelta(hours=24)  # how far back many devices' messages are looked for
EXPLAINED = 4096  # bytes of a payload; a longer one is explained on its own page
HIDDEN = ("lat", "lon", "person", "client")  # whereabouts and people are nobody's debugging
Verdict = Literal["", "accepted", "repaired", "rejected"]


class FilterOfMessages(msgspec.Struct, frozen=True, kw_only=True):
    """Which messages are asked for; "" narrows nothing."""

    device: str = ""
    place: str = ""  # a facility's id
    verdict: Verdict = ""
    reason: str = ""  # of a rejection: no other message has one


class InspectorLine(msgspec.Struct, frozen=True, kw_only=True):
    """One message, or one reading of one."""

    received_at: datetime
    verdict: Literal["accepted", "repaired", "rejected"]
    device: str  # "" where none could be told
    what: str  # the kind, or the reason of the rejection
    where: str  # topic or request line, "" for what was accepted
    detail: str
    payload: str  # of a reading; a rejection has a page of its own
    n: int | None = None  # the number of a rejection


def asked_devices(desk: DeskView, wanted: FilterOfMessages) -> list[str] | None:
    """Return the devices that a filter means, none of which is hidden from the visitor.

    None: all, registered or not; of a visitor who sees the whole town.
    """
    if wanted.device:
        sees = desk.who.scope.whole or desk.records.sees(Subject("device", wanted.device))
        return [wanted.device] if sees and _stands_in(desk, wanted) else []
    if wanted.place:
        held = desk.directory.held_by(Subject("facility", wanted.place))
        return [each.id for each in held if desk.records.sees(Subject("device", each.id))]
    return desk.records.devices()


def _stands_in(desk: DeskView, wanted: FilterOfMessages) -> bool:
    if not wanted.place:
        return True
    device = desk.directory.devices.get(wanted.device)
    return device is not None and device.subject == Subject("facility", wanted.place)


def places(desk: DeskView) -> list[tuple[str, str]]:
    """Return the facilities that hold a device the visitor sees: id and name."""
    return [
        (one.id, one.name or one.id)
        for one in desk.directory.facilities
        if any(
            desk.records.sees(Subject("device", each.id))
            for each in desk.directory.held_by(Subject("facility", one.id))
        )
    ]


def last_messages(
    conn: psycopg.Connection, desk: DeskView, wanted: FilterOfMessages, names: Names
) -> list[InspectorLine]:
    """Return the newest messages that fit, at most 200, all narrowed by the database.

    Of one device however old they are, of many those of the last 24 hours.
    """
    devices = asked_devices(desk, wanted)
    if devices == []:
        return []
    readings: list[Reading] = []
    rejections: list[Rejected] = []
    if wanted.verdict != "rejected" and not wanted.reason:
        readings = history.readings(
            conn,
            device=wanted.device or None,
            devices=None if wanted.device else devices,
            mended=_mended(wanted.verdict),
            since=None if wanted.device else desk.now - LATELY,
            limit=SHOWN,
        )
    if wanted.verdict in ("", "rejected"):
        rejections = history.rejections(
            conn, devices=devices, reason=wanted.reason or None, limit=SHOWN
        )
    return seen(readings, rejections, desk.words, names)


def _mended(verdict: Verdict) -> bool | None:
    return verdict == "repaired" if verdict else None


def seen(
    readings: Iterable[Reading],
    rejections: Iterable[Rejected],
    words: Words,
    names: Names = NOBODY,
    limit: int = SHOWN,
) -> list[InspectorLine]:
    """Return readings and rejections as lines, the newest first. Pure."""
    every = [
        *(_accepted(each, words) for each in readings),
        *(_rejected(each, words, names) for each in rejections),
    ]
    return sorted(every, key=lambda message: message.received_at, reverse=True)[:limit]


def _accepted(reading: Reading, words: Words) -> InspectorLine:
    fields = msgspec.to_builtins(reading)
    kept = {key: "…" if key in HIDDEN and value else value for key, value in fields.items()}
    repairs = _repairs(reading, words)
    return InspectorLine(
        received_at=reading.received_at,
        verdict="repaired" if repairs else "accepted",
        device=reading.device,
        what=fields["kind"],
        where="",
        detail="; ".join(repairs),
        payload=msgspec.json.format(msgspec.json.encode(kept), indent=1).decode(),
    )


def _repairs(reading: Reading, words: Words) -> list[str]:
    """Return what was not taken as the device sent it, in words."""
    found = []
    if reading.clock != "ok":
        found.append(words.word("clock", reading.clock))
    if reading.repaired:
        found.append(words("vendor.mended", what=", ".join(reading.repaired)))
    return found


def _rejected(rejected: Rejected, words: Words, names: Names) -> InspectorLine:
    return InspectorLine(
        received_at=rejected.received_at,
        verdict="rejected",
        device=rejected.device,
        what=rejected.reason,
        where=masked_of(rejected.place, names),
        detail=_said(rejected, words, names),
        payload="",
        n=rejected.n,
    )


def _said(rejected: Rejected, words: Words, names: Names) -> str:
    """Return the first fault in the reader's words, and how many there are besides."""
    if len(rejected.payload) > EXPLAINED:
        return masked_of(rejected.detail, names)
    first, *rest = errors_of(rejected, words, names)
    said = words("vendor.fault", where=first.where, expected=first.expected, got=first.got)
    return f"{said} (+{len(rest)})" if rest else said
