"""What `carewatch backtest` runs on: a recording with a town file, or what the database holds."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from itertools import chain, takewhile
from pathlib import Path

import msgspec

from alerts.engine.two_lanes import TwoLanes
from alerts.plans.overrides import RuleSettings, laid_over
from alerts.town.town import Town
from alerts.trials.backtest import Trial
from alerts.trials.report import MessageCounts
from alerts.trials.stored import stored_trial
from alerts.types import Finding, PlanSet
from deploy.database import connected
from deploy.recorded import Recorded
from deploy.town.townfile import TownFile, directory_of
from devices.envelope import Envelope
from devices.recording import read_recording


class TrialSource(msgspec.Struct, frozen=True):
    """A trial that is ready to run, and what it is to be set beside."""

    trial: Trial
    counts: Callable[[], MessageCounts | None] = lambda: None  # once it has run
    live: list[Finding] | None = None  # what was found live in the same time


def from_recording(
    town: TownFile, recording: Path, until: datetime | None, changes: RuleSettings
) -> TrialSource:
    """Return a recording from its first message up to `until`.

    Raises CarewatchError for bad settings.

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
        TwoLanes(directory, with_changes(town.plans, changes), timezone=town.timezone),
        heard,
        begin=first.received_at if first is not None else None,
        until=until,
    )
    return TrialSource(trial, recorded.counts)


@contextmanager
def from_database(
    town: TownFile | None, since: datetime, until: datetime, changes: RuleSettings
) -> Iterator[TrialSource]:
    """Give what is stored, received from `since` up to `until`; three days before it warm up.

    Without a town file the town is the one that was loaded then, with every change since. Raises
    CarewatchError for bad settings and a database that does not answer.
    """
    given = Town(directory_of(town), town.plans, town.timezone) if town is not None else None
    with connected() as conn:
        relaid = partial(with_changes, changes=changes)
        trial, live = stored_trial(conn, given, since, until, relaid)
        yield TrialSource(trial, live=live)


def with_changes(plans: PlanSet, changes: RuleSettings) -> PlanSet:
    """Return the plans with other town-wide settings, where they hold any."""
    if not changes or (plans.rules is None and plans.rules_for is not None):
        return plans
    return msgspec.structs.replace(plans, rules=laid_over(plans.rules or {}, changes))
