"""The advisory locks of the database all rooms share: one number each, and all of them here.

Two things that took the same number would wait for each other without a reason: a trial that runs
for an hour and an alarm that is to be written down.
"""

from enum import IntEnum, unique


@unique
class Lock(IntEnum):
    """What is locked, and until when. Processes of two releases may meet: numbers stay."""

    MIGRATION = 726000  # one at a time, until commit
    ARRIVAL = 726001  # from drawing an arrival number until commit, by every writer
    TOWN = 726002  # one change of register or plans at a time, until commit
    WORKER = 726003  # with an ingest worker's number, as it lives; with 0 the table of slots
    CHANGE = 726004  # from drawing a number of `change` until commit, so they appear in order
    ENGINE = 726005  # who holds it is at work
    WATCHER = 726006  # one is enough; from look to look
    UPKEEP = 726007  # one process at a time
    TRIAL = 726008  # one trial at a time, until it has run
    ANNOUNCEMENT = 726022  # from drawing a version of `announcement` until commit, in their order
