"""The words of this room: what the engine is told, what it finds, and what becomes of it.

All values are frozen; all times are aware UTC datetimes; durations are seconds unless the
name says otherwise. `Stimulus` values from the inbox are stored as JSON of these very types.
"""

from datetime import datetime
from enum import StrEnum
from typing import Literal, get_args

import msgspec

from devices.directory import Circle, RegisterChange
from devices.readings import Reading


class Severity(StrEnum):
    """Life, high, medium, low: P1 to P4 on the wall."""

    LIFE = "life"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


ReadingKind = Literal["position", "door", "sos", "face", "visit", "status", "measured"]
LaneName = Literal["life", "main"]  # an SOS has a lane of its own: nothing else is in its way
Role = Literal["viewer", "operator", "on_call", "manager", "vendor", "admin"]
Outcome = Literal["helped", "false_alarm", "test", "hospital", "duplicate", "other"]
OUTCOMES: tuple[str, ...] = ("helped", "false_alarm", "test", "hospital", "duplicate", "other")

# ---------------------------------------------------------------- what alerts was given (town)


class Zone(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A geofence: its owner must stay inside (`keep_in`) or outside (`keep_out`)."""

    id: str
    owner: str  # "client:c-1" or "caregiver:g-1"
    rule: Literal["keep_in", "keep_out"]
    circle: Circle | None = None
    polygon: tuple[tuple[float, float], ...] | None = None  # [lon, lat] ring, WGS-84
    active: str | None = None  # "20:00-06:00" in the town's zone; None = always


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
    """Whom to page how many seconds after the alert opened."""

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


# ---------------------------------------------------------------- stimuli


class Stored(msgspec.Struct, frozen=True, tag="stored", gc=False):
    """A reading that ingest has committed."""

    arrival: int
    reading: Reading

    @property
    def moment(self) -> datetime:
        return self.reading.received_at


class Tick(msgspec.Struct, frozen=True, tag="tick"):
    """A timer has run down: everything received before `at` has been read."""

    at: datetime

    @property
    def moment(self) -> datetime:
        return self.at


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What all inbox entries share."""

    arrival: int = 0  # given by the database when appended
    at: datetime  # when it was appended

    @property
    def moment(self) -> datetime:
        return self.at


class TownChanged(Entry, frozen=True, kw_only=True, tag="town_changed"):
    """The register or the plans changed; whole new items, so that a backtest sees them too."""

    timezone: str | None = None
    register: RegisterChange = RegisterChange()
    plans: PlanSet = PlanSet()
    by: str = ""
    note: str = ""  # why, where a person changed the settings


class Acknowledged(Entry, frozen=True, kw_only=True, tag="acknowledged"):
    """A person says "I'm going". `via`: desk, link, sms, voice."""

    alert: str
    person: str
    via: str = "desk"


class Arrived(Entry, frozen=True, kw_only=True, tag="arrived"):
    """The answering person is at the scene (tap or position)."""

    alert: str
    person: str
    via: str = "desk"


class Resolved(Entry, frozen=True, kw_only=True, tag="resolved"):
    """A person closes an alert with an outcome."""

    alert: str
    person: str
    outcome: Outcome
    note: str = ""


class Noted(Entry, frozen=True, kw_only=True, tag="noted"):
    """A person adds a note to an alert's story."""

    alert: str
    person: str
    note: str


class Escalated(Entry, frozen=True, kw_only=True, tag="escalated"):
    """A person asks for the next rung now."""

    alert: str
    person: str


class Opened(Entry, frozen=True, kw_only=True, tag="opened"):
    """A person looked at the alert's page by their link."""

    alert: str
    person: str


ReceiptState = Literal[
    "queued", "sent", "delivered", "read", "failed_temporary", "failed_permanent"
]


class Receipt(Entry, frozen=True, kw_only=True, tag="receipt"):
    """What a channel said of a page."""

    page: str
    state: ReceiptState
    detail: str = ""


class Muted(Entry, frozen=True, kw_only=True, tag="muted"):
    """A mute, shelf or maintenance window: it has an end, a reason and a name."""

    id: str
    until: datetime
    reason: str
    person: str
    subject: str | None = None  # None = any
    rule: str | None = None  # None = any
    area: str | None = None  # with all below it; None = any


class Unmuted(Entry, frozen=True, kw_only=True, tag="unmuted"):
    """A mute ended early."""

    id: str
    person: str


InboxEntry = (
    TownChanged
    | Acknowledged
    | Arrived
    | Resolved
    | Noted
    | Escalated
    | Opened
    | Receipt
    | Muted
    | Unmuted
)
Stimulus = Stored | Tick | InboxEntry

# ---------------------------------------------------------------- findings

FindingEvent = Literal["raised", "joined", "revised", "cleared"]
WRITTEN_BY_RULES = frozenset(get_args(FindingEvent))  # the story lines that a finding wrote


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One fact that counted (or was looked for and missing)."""

    what: str  # one machine word: "position", "sos", "no_data", "check_in", ...
    at: datetime | None = None  # the time it is judged by
    device: str | None = None
    id: str | None = None  # the reading's id
    detail: str = ""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule says: the line that `backtest --json` and the API print (section 5)."""

    at: datetime  # the engine's moment: received_at of the deciding message, or the timer's time
    rule: str
    subject: str  # "client:c-1", "caregiver:g-1", "device:d-1", "facility:f-1", "area:a-1"
    event: FindingEvent
    severity: Severity
    reason: str  # machine word
    detail: str  # one sentence
    evidence: tuple[Evidence, ...] = ()
    visit: str | None = None  # "v-1@2026-11-02"
    key: str = ""  # tells occurrences of one rule and subject apart (a visit, a zone); "" = one
    rule_version: int = 1
    settings: dict[str, object] = {}  # the parameters that applied
    settings_version: int = 0  # of the town's settings; 0: none were ever set


class AlertKey(msgspec.Struct, frozen=True):
    """What makes two findings speak of the same alert while it is open."""

    rule: str
    subject: str
    key: str = ""


# ---------------------------------------------------------------- visits

VisitStage = Literal["planned", "due", "begun", "done", "late", "missed", "cancelled", "unverified"]
VisitGrade = Literal["verified", "probable", "contradicted", "none"]


class VisitRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One visit as the evidence shows it: the row of the ledger. Revisions only grow."""

    id: str  # "v-1@2026-11-02" (plan id and local date of the window start)
    plan: str
    client: str
    caregiver: str | None
    start: datetime  # window
    end: datetime
    minutes: int  # planned
    state: VisitStage = "planned"
    grade: VisitGrade = "none"
    began: datetime | None = None
    ended: datetime | None = None
    came: str | None = None  # the caregiver who was really there
    present: float | None = None  # minutes there, once ended: time seen elsewhere taken off
    evidence: tuple[Evidence, ...] = ()
    reason: str = ""
    revision: int = 0
    revised_at: datetime | None = None  # the engine's moment when it was concluded


# ---------------------------------------------------------------- alerts and pages

AlertState = Literal["open", "acknowledged", "resolved", "cleared"]
PageState = Literal[
    "due", "sending", "queued", "sent", "delivered", "read", "failed", "cancelled", "held"
]


class StoryLine(msgspec.Struct, frozen=True, kw_only=True):
    """One append-only line of an alert's story."""

    at: datetime
    what: str  # machine word: raised, joined, paged, sent, delivered, opened, acknowledged, ...
    who: str = ""  # person id, or "" for the service itself
    detail: str = ""


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert with the promise that was frozen into it when it opened."""

    id: str  # deterministic: the same stimuli give the same id
    rule: str
    subject: str
    key: str
    severity: Severity
    state: AlertState
    reason: str
    detail: str
    visit: str | None
    area: str | None
    agency: str | None
    raised_at: datetime
    observed_at: datetime | None  # the device's time of the deciding reading
    received_at: datetime | None
    evidence: tuple[Evidence, ...]
    rule_version: int
    settings: dict[str, object]
    ladder: Ladder | None  # frozen at opening
    settings_version: int = 0  # of the town's settings when it opened
    occurrences: int = 1
    muted: str | None = None  # why nobody is paged; never for a life alert
    rung: int = 0  # rungs already climbed
    round: int = 0  # repeats of the last rung
    next_at: datetime | None = None  # when the next rung is due; None = nothing more is due
    paged: tuple[str, ...] = ()  # whom the rung climbed last pages
    unreached: tuple[str, ...] = ()  # of them, those whose every contact has failed for good
    acked_at: datetime | None = None
    acked_by: str | None = None
    arrived_at: datetime | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    outcome: str | None = None
    cleared_at: datetime | None = None
    story: tuple[StoryLine, ...] = ()

    @property
    def alert_key(self) -> AlertKey:
        return AlertKey(self.rule, self.subject, self.key)


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one person by one contact. The id is deterministic, so a repeat is known."""

    id: str
    alert: str
    person: str
    contact: int  # index into the person's contacts
    channel: str  # the contact's URL (a secret: never logged)
    rung: int  # 1-based
    round: int  # 0 = first time this rung is paged, then repeats
    attempt: int
    severity: Severity
    due_at: datetime
    state: PageState = "due"
