"""What alerts is given by the town file, the register excepted."""

from datetime import datetime
from typing import Literal

import msgspec

from alerts.types.words import ReadingKind, Role, Severity
from devices.directory import Circle


class Zone(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A geofence: its owner must stay inside (`keep_in`) or outside (`keep_out`)."""

    id: str
    owner: str  # "client:c-1" or "caregiver:g-1"
    rule: Literal["keep_in", "keep_out"]
    circle: Circle | None = None
    polygon: tuple[tuple[float, float], ...] | None = None  # [lon, lat] ring, WGS-84
    active: str | None = None  # "20:00-06:00" in the town's zone; None = always
    from_: datetime | None = msgspec.field(name="from", default=None)  # not before
    until: datetime | None = None  # and not from here on


class PlannedVisit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One visit, or a series of them when `rrule` is there (RFC 5545)."""

    id: str
    client: str
    caregiver: str | None = None
    start: datetime  # window start; aware (the town's zone when the file gave none)
    end: datetime  # window end
    minutes: int  # planned length
    rrule: str | None = None
    except_dates: tuple[str, ...] = ()  # local dates that fall out ("2026-10-01"), 调休 included
    extra_dates: tuple[str, ...] = ()  # local dates added


class Contact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way to reach a person."""

    channel: str  # an Apprise URL, webhook://host/path, or voice+https://
    hours: str | None = None  # "08:00-20:00" in the town's zone; None = always
    lang: Literal["zh", "en"] | None = None


class Staff(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person who is paged or signs in."""

    id: str
    name: str = ""
    role: Role = "viewer"
    areas: tuple[str, ...] = ()
    agency: str | None = None
    vendor: str | None = None  # whose devices they see on the console, and nothing else
    caregiver: str | None = None  # who they are in the register; their phone then says "arrived"
    contacts: tuple[Contact, ...] = ()


class RotaSwap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stretch of a rota that another person takes over."""

    from_: datetime = msgspec.field(name="from")
    until: datetime
    person: str


class Rota(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is on call in turn."""

    id: str
    people: tuple[str, ...] = ()
    rotation: Literal["daily", "weekly"] = "daily"
    handover: str = "08:00"  # local time of day
    start: str = "2026-01-01"  # local date of the first person's first turn
    swaps: tuple[RotaSwap, ...] = ()


class Rung(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to page how many seconds after the alert opened; for a life alert, after the press."""

    after: int  # seconds
    page: tuple[str, ...] = ()  # person id, rota:ID, role:NAME, role:NAME@parent, agency


class LadderFor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which alerts a ladder serves; an empty list is no condition."""

    rules: tuple[str, ...] = ()
    severities: tuple[Severity, ...] = ()
    areas: tuple[str, ...] = ()
    agencies: tuple[str, ...] = ()


class Ladder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rungs to climb until somebody answers; the last rung repeats every `repeat` seconds."""

    id: str
    for_: LadderFor = msgspec.field(name="for", default=LadderFor())
    rungs: tuple[Rung, ...] = ()
    repeat: int | None = None  # seconds; None = the last rung is paged once (life: every 60 s)


class RuleScope(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings for a part of the town; the narrowest scope wins."""

    rules: dict[str, dict[str, object]]
    area: str | None = None
    care_level: str | None = None
    agency: str | None = None
    subject: str | None = None


class TownSettings(msgspec.Struct, frozen=True):
    """What is set for the rules of a town; a parameter that is not set has its default."""

    rules: dict[str, dict[str, object]] = {}  # rule -> parameter -> value, everywhere
    rules_for: tuple[RuleScope, ...] = ()  # and for parts of the town


class Condition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule of the town's own: a CEL expression over what devices say."""

    id: str
    when: str  # true raises, false clears; see alerts.rules.shared.conditions for what it can name
    kinds: tuple[ReadingKind, ...] = ()  # the kinds of readings it looks at; () = all
    quantities: tuple[str, ...] = ()  # only what is measured, and of it only these; () = all
    window_minutes: float = 0  # how far `window` reaches back; 0 = the last reading alone
    per: Literal["holder", "device"] = "holder"  # one verdict for all devices of a holder, or each
    severity: Severity = Severity.MEDIUM
    text: str = ""  # what an operator reads
    area: str | None = None  # for whom: all of these that are given must fit
    care_level: str | None = None
    agency: str | None = None
    subject: str | None = None


class PlanSet(msgspec.Struct, frozen=True, kw_only=True):
    """Everything alerts is given by the town file (register excepted), or a change of it."""

    zones: tuple[Zone, ...] = ()
    visits: tuple[PlannedVisit, ...] = ()
    people: tuple[Staff, ...] = ()
    rotas: tuple[Rota, ...] = ()
    ladders: tuple[Ladder, ...] = ()
    conditions: tuple[Condition, ...] = ()
    rules: dict[str, dict[str, object]] | None = None  # None = unchanged
    rules_for: tuple[RuleScope, ...] | None = None  # None = unchanged
    settings_version: int | None = None  # of the settings, counted from 1; None = unchanged
    removed: dict[str, tuple[str, ...]] = {}  # section name -> ids
