"""Attendance of residents: who was seen alive by a terminal, on which days of a month. Pure.

A sighting is a live face (cards, palms and pins can be lent) of at least the score that the rule
`face_presence_missing` asks for; a face that is not is counted as refused. A month is kept when
each half (1-15, 16-end) holds a sighting, the two lying far enough apart.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from dashboards.scope import Scope, sees_subject
from dashboards.views.spreadsheet import spreadsheet
from devices.directory import Directory, Resident
from devices.readings import FaceSeen
from devices.subject import Subject


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of the rule that apply to the whole town."""

    min_days_apart: int = 7
    min_score: float = 0.8


class ResidentMonth(msgspec.Struct, frozen=True, kw_only=True):
    """One resident's month."""

    resident: str
    name: str
    facility: str
    month: str  # 2026-11
    first_half: tuple[date, ...]
    second_half: tuple[date, ...]
    kept: bool
    refused: int = 0  # faces that the terminal took for a photo, or was not sure enough of


def month_of(month: str, timezone: str) -> tuple[datetime, datetime]:
    """Return the moments at which a month ("2026-11") begins and ends in the town."""
    first = date.fromisoformat(f"{month}-01")
    following = (first + timedelta(days=31)).replace(day=1)
    zone = ZoneInfo(timezone)
    midnight = datetime.min.time()
    return datetime.combine(first, midnight, zone), datetime.combine(following, midnight, zone)


def asked(rules: dict[str, dict[str, object]]) -> Asked:
    """Return what the town asks for, with the rule's default where it sets nothing."""
    settings: dict[str, Any] = rules.get("face_presence_missing", {})
    known = {key: settings[key] for key in Asked.__struct_fields__ if key in settings}
    return msgspec.convert(known, Asked)


def attendance(
    faces: Iterable[FaceSeen],
    directory: Directory,
    scope: Scope,
    *,
    month: str,
    wanted: Asked,
) -> list[ResidentMonth]:
    """Return every resident the scope shows, by facility and id, with the days they
    were seen on."""
    zone = ZoneInfo(directory.timezone)
    days: dict[str, set[date]] = {}
    refused: Counter[str] = Counter()
    for face in faces:
        day = face.at.astimezone(zone).date()
        resident = _resident(directory, face) if face.method == "face" else None
        if resident is None or f"{day:%Y-%m}" != month:
            continue
        if _counts(face, wanted):
            days.setdefault(resident.id, set()).add(day)
        else:
            refused[resident.id] += 1
    shown = [
        resident
        for resident in directory.residents
        if sees_subject(scope, directory, Subject("resident", resident.id))
    ]
    ordered = sorted(shown, key=lambda resident: (resident.facility, resident.id))
    return [
        _row(one, sorted(days.get(one.id, ())), refused[one.id], month, wanted) for one in ordered
    ]


def _row(
    resident: Resident, days: list[date], refused: int, month: str, wanted: Asked
) -> ResidentMonth:
    first = tuple(day for day in days if day.day <= 15)
    second = tuple(day for day in days if day.day > 15)
    return ResidentMonth(
        resident=resident.id,
        name=resident.name,
        facility=resident.facility,
        month=month,
        first_half=first,
        second_half=second,
        kept=bool(first and second and (second[-1] - first[0]).days >= wanted.min_days_apart),
        refused=refused,
    )


def _counts(face: FaceSeen, wanted: Asked) -> bool:
    if face.alive is False:
        return False
    return face.score is None or face.score >= wanted.min_score


def _resident(directory: Directory, face: FaceSeen) -> Resident | None:
    if face.person is None:
        return None
    device = directory.devices.get(face.device)
    terminal = device.subject if device else Subject("device", face.device)
    return directory.resident_seen(terminal, face.person)


def as_csv(found: Iterable[ResidentMonth]) -> str:
    """Return a CSV for a spreadsheet: UTF-8 with BOM, and no cell that it would calculate."""
    heads = (
        "resident",
        "name",
        "facility",
        "month",
        "first_half",
        "second_half",
        "kept",
        "refused",
    )
    rows = (
        (
            *(row.resident, row.name, row.facility, row.month),
            *(" ".join(map(str, days)) for days in (row.first_half, row.second_half)),
            "yes" if row.kept else "no",
            str(row.refused),
        )
        for row in found
    )
    return spreadsheet(heads, rows)
