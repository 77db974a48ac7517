"""A trial over what is stored: the town as it was then, its readings, and what was found live."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import psycopg
from msgspec.structs import replace

from alerts.engine.two_lanes import TwoLanes
from alerts.history import findings_between
from alerts.lanes.past import stimuli_between, town_at
from alerts.plans.plans import load_plans
from alerts.town.town import Town
from alerts.trials.backtest import Trial
from alerts.types import Finding, PlanSet, Stored, TownChanged
from devices.registry import load_directory
from devices.scope import WHOLE, Scope

WARM_UP = timedelta(hours=72)  # read before what is shown: as long as late evidence counts
MOMENT = timedelta(microseconds=1)
Inputs = Iterator[Stored | TownChanged]


def stored_trial(
    conn: psycopg.Connection,
    given: Town | None,
    since: datetime,
    until: datetime,
    relaid: Callable[[PlanSet], PlanSet],
    *,
    scope: Scope = WHOLE,
    passing: Callable[[Inputs], Inputs] = lambda heard: heard,
) -> tuple[Trial, list[Finding]]:
    """Return a trial of what was received from `since` up to `until`, and what was found live then.

    Three days before it warm up. Where no town is given it is the one that was loaded then, with
    every change since; `relaid` puts the settings on trial into its plans. `passing` sees each
    stimulus go by. `conn` serves nothing else until the trial has run. Raises CarewatchError for
    bad settings.
    """
    start, end = since - WARM_UP, until + MOMENT
    live = [found for found, _ in findings_between(conn, since, end)]
    town = given or stored_town(conn)
    later = town_at(conn, town, start) if given is None else []
    plans = relaid(town.plans())
    said = (_retold(change, relaid) for change in later)
    trial = Trial(
        TwoLanes(town.directory, plans, timezone=town.zone.key, hindsight=False),
        passing(stimuli_between(conn, start, end, said)),
        begin=start,
        until=until,
        shown_from=since,
        scope=scope,
    )
    return trial, live


def stored_town(conn: psycopg.Connection) -> Town:
    """Return the town as it stands."""
    directory = load_directory(conn)
    return Town(directory, load_plans(conn), directory.timezone)


def _retold(change: TownChanged, relaid: Callable[[PlanSet], PlanSet]) -> TownChanged:
    """Return a later change of the town with the settings on trial in place of its own."""
    if change.plans.rules is None and change.plans.rules_for is None:
        return change
    return replace(change, plans=relaid(change.plans))
