"""What a backtest runs on: a recording with a town file, or what the database holds."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import chain, takewhile
from pathlib import Path

import msgspec
import psycopg
from msgspec.structs import replace

from alerts.backtest import Trial
from alerts.given.past import stimuli_between, town_at
from alerts.given.plans import load_plans
from alerts.history import findings_between
from alerts.judging.known import Known
from alerts.lanes.both import Lanes
from alerts.trial.overrides import RuleSettings, laid_over
from alerts.types import Finding, PlanSet, TownChanged
from deploy.database import connected
from deploy.recorded import MessageCounts, Recorded
from deploy.townfile import Town, directory_of
from devices.envelope import Envelope
from devices.recording import read_recording
from devices.registry import load_directory

WARM_UP = timedelta(hours=72)  # read before what is shown: as long as late evidence counts
MOMENT = timedelta(microseconds=1)


class Source(msgspec.Struct, frozen=True):
    """A trial that is ready to run, and what it is to be set beside."""

    trial: Trial
    counts: Callable[[], MessageCounts | None] = lambda: None  # once it has run
    live: list[Finding] | None = None  # what was found live in the same time


def from_recording(
    town: Town, recording: Path, until: datetime | None, changes: RuleSettings
) -> Source:
    """A recording from its first message up to `until`. Raises CarewatchError for bad settings.

    The town is known from the first message's moment, whether or not that message can be read.
    """
    directory = directory_of(town)
    envelopes: Iterator[Envelope] = (envelope for _, envelope in read_recording(recording))
    if until is not None:
        envelopes = takewhile(lambda envelope: envelope.received_at <= until, envelopes)
    first = next(envelopes, None)
    recorded = Recorded(directory)
    heard = recorded.stimuli(envelopes if first is None else chain([first], envelopes))
    trial = Trial(
        Lanes(directory, with_changes(town.plans, changes), timezone=town.timezone),
        heard,
        begin=first.received_at if first is not None else None,
        until=until,
    )
    return Source(trial, recorded.counts)


@contextmanager
def from_database(
    town: Town | None, since: datetime, until: datetime, changes: RuleSettings
) -> Iterator[Source]:
    """What is stored, received from `since` up to `until`; three days before it warm up.

    Without a town file the town is the one that was loaded then, with every change since. Raises
    CarewatchError for bad settings and a database that does not answer.
    """
    start, end = since - WARM_UP, until + MOMENT
    with connected() as conn:
        known = known_by(town) if town is not None else stored_town(conn)
        later = town_at(conn, known, start) if town is None else []
        plans = with_changes(known.plans(), changes)
        said = (changed(town, changes) for town in later)
        trial = Trial(
            Lanes(known.directory, plans, timezone=known.zone.key, hindsight=False),
            stimuli_between(conn, start, end, said),
            begin=start,
            until=until,
            shown_from=since,
        )
        yield Source(trial, live=[found for found, _ in findings_between(conn, since, end)])


def known_by(town: Town) -> Known:
    """The town of a town file."""
    return Known(directory_of(town), town.plans, town.timezone)


def stored_town(conn: psycopg.Connection) -> Known:
    """The town as it stands."""
    directory = load_directory(conn)
    return Known(directory, load_plans(conn), directory.timezone)


def with_changes(plans: PlanSet, changes: RuleSettings) -> PlanSet:
    """The plans with other town-wide settings."""
    return replace(plans, rules=laid_over(plans.rules or {}, changes)) if changes else plans


def changed(town: TownChanged, changes: RuleSettings) -> TownChanged:
    """A later change of the town; where it says anything of settings, ours lie over them."""
    if town.plans.rules is None:
        return town
    return replace(town, plans=with_changes(town.plans, changes))
