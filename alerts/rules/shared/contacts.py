"""What is known of the contacts with one client. Pure."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from alerts.rule import RuleState
from alerts.types import VisitRecord
from devices.readings import DoorMoved, FaceSeen, VisitMarked

TOGETHER = timedelta(minutes=15)  # between a check-in and the door that backs it; our choice
KEPT = 4  # visits, check-ins and openings remembered a client; our choice
Sign = VisitMarked | DoorMoved | FaceSeen  # a reading that may show somebody with a client


class ContactState(RuleState, frozen=True):
    """What is remembered of one client."""

    since: datetime  # when the client was first known
    visits: dict[str, datetime] = {}  # visit id -> when somebody was there, the last few
    other: datetime | None = None  # the last contact that is no visit
    check_ins: tuple[datetime, ...] = ()
    openings: tuple[datetime, ...] = ()
    raised: datetime | None = None  # when; None = no alert is open
    counted: datetime | None = None  # the last contact known then

    @property
    def contact(self) -> datetime | None:
        """Return the last verified contact."""
        return max((*self.visits.values(), *((self.other,) if self.other else ())), default=None)


def visited(state: ContactState, record: VisitRecord) -> ContactState:
    """Return the state with what a visit's record now says."""
    at = record.ended or record.began
    if at is None or record.grade not in ("verified", "probable"):
        if record.id not in state.visits:
            return state
        return replace(state, visits={k: v for k, v in state.visits.items() if k != record.id})
    if state.visits.get(record.id) == at:
        return state
    latest = sorted({**state.visits, record.id: at}.items(), key=lambda visit: visit[1])
    return replace(state, visits=dict(latest[-KEPT:]))


def heard(state: ContactState, reading: Sign) -> ContactState:
    """Return the state with one more check-in, opening or face; the same if nothing is new."""
    if isinstance(reading, FaceSeen):
        return contacted(state, reading.at)
    check_ins, openings = state.check_ins, state.openings
    if isinstance(reading, VisitMarked):
        check_ins = latest_of(check_ins, reading.at)
    else:
        openings = latest_of(openings, reading.at)
    if (check_ins, openings) == (state.check_ins, state.openings):
        return state
    state = replace(state, check_ins=check_ins, openings=openings)
    backed = [at for at in check_ins if any(abs(at - door) <= TOGETHER for door in openings)]
    return contacted(state, max(backed)) if backed else state


def contacted(state: ContactState, at: datetime) -> ContactState:
    """Return the state with a contact that is no visit; the same if a later one is known."""
    if state.other is not None and state.other >= at:
        return state
    return replace(state, other=at)


def latest_of(moments: tuple[datetime, ...], moment: datetime) -> tuple[datetime, ...]:
    """Return the last few of these moments with one more."""
    return tuple(sorted({*moments, moment}))[-KEPT:]
