"""When a visit is late, missed and forgotten, and what counts as having been there.

The parameters that say so are set in the town file under the names of the two rules that a reader
would look for them at. They shape the record itself, which those rules only judge.
"""

from datetime import timedelta
from typing import Generic, NamedTuple, TypeVar

from alerts.town.deadlines import Deadlines, Terms
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import VisitRecord
from devices.subject import Subject

# A stay counts from half an hour before the window, when duty begins. Our choice.
BEFORE = timedelta(minutes=30)


class MissedSettings(Parameters, frozen=True):
    """When nobody came, and what is a visit. All defaults but the last are our choice.

    A dwell of one minute, the usual default of trackers, is too short for a visit.
    """

    grace_minutes: float = 60
    dwell_minutes: float = 5
    gap_minutes: float = 10
    correction_hours: float = 72  # three days, as long as automatic correction is usually open


class LateSettings(Parameters, frozen=True):
    """When a visit is late: half an hour is the line that councils report by."""

    after_minutes: float = 30


P = TypeVar("P", bound=Parameters)


class ParametersOf(NamedTuple, Generic[P]):
    """Parameters with the name of the rule that they are set under."""

    name: str
    settings: type[P]


MISSED = ParametersOf("visit_missed", MissedSettings)
LATE = ParametersOf("visit_late", LateSettings)


def deadlines(record: VisitRecord, town: Town) -> Deadlines:
    """Return the visit's deadlines, worked out once until the town changes."""
    found = town.deadlines.get(record.id)
    if found is None:
        found = town.deadlines[record.id] = worked_out(record, town)
    return found


def people_of(record: VisitRecord) -> tuple[str, str | None]:
    """Return the client and the caregiver of a visit, as the texts of subjects."""
    caregiver = str(Subject("caregiver", record.caregiver)) if record.caregiver else None
    return str(Subject("client", record.client)), caregiver


def worked_out(record: VisitRecord, town: Town) -> Deadlines:
    """Return the deadlines of a visit by the settings for its client and its caregiver.

    It is late when the minutes planned no longer fit into the window, but not before
    `after_minutes`.
    """
    people = people_of(record)
    missed, late = town.settings(MISSED, *people), town.settings(LATE, *people)
    over = record.end + timedelta(minutes=missed.grace_minutes)
    return Deadlines(
        late=max(
            record.start + timedelta(minutes=late.after_minutes),
            record.end - timedelta(minutes=record.minutes),
        ),
        missed=over,
        forgotten=record.end + timedelta(hours=missed.correction_hours),
        terms=Terms(
            first=record.start - BEFORE,
            last=over,
            dwell=timedelta(minutes=missed.dwell_minutes),
            gap=timedelta(minutes=missed.gap_minutes),
        ),
    )
