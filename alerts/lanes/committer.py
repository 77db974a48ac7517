"""What a lane's steps come to, gathered and committed; whether rule states go along."""

import time
from collections.abc import Callable, Iterable
from datetime import datetime

import structlog

from alerts import metrics
from alerts.cases.casebook import Casebook, Changed
from alerts.engine.engine import StateRow, World
from alerts.lanes.feed import FeedRead
from alerts.lanes.journal import Journal, Step
from alerts.lanes.save_policy import SavePolicy
from alerts.types import LaneName, Page, Receipt, VisitRecord

log = structlog.get_logger()


class Committer:
    """Collects visits and receipts between two commits, and writes a step when there is a reason.

    A reason is anything new for a person to see, or a saving of states that is due.
    """

    def __init__(
        self,
        lane: LaneName,
        journal: Journal,
        world: World,
        book: Casebook,
        wake_pagers: Callable[[tuple[Page, ...]], None],
    ) -> None:
        self.saving = SavePolicy(is_new=journal.checkpoint.states_clock is None)
        self._lane = lane
        self._journal = journal
        self._world = world
        self._book = book
        self._wake_pagers = wake_pagers
        self._visits: list[VisitRecord] = []
        self._receipts: list[Receipt] = []

    def add_visits(self, visits: Iterable[VisitRecord]) -> None:
        """Put revised visits into the next commit."""
        self._visits.extend(visits)

    def add_receipt(self, receipt: Receipt) -> None:
        """Put what a channel reported of a page into the next commit."""
        self._receipts.append(receipt)

    def commit(self, fed: FeedRead, *, is_replaying: bool) -> None:
        """Commit what came of `fed`, if there is a reason. Raises psycopg.Error, Overtaken.

        While the lane replays what it had committed before, no states are saved and the engine's
        clock stays as it was committed.
        """
        changed = self._book.take()
        must_write = bool(changed or self._visits or self._receipts)
        saves = not is_replaying and self.saving.is_due(
            has_moved=fed.after != self._journal.checkpoint.states_at
        )
        if not must_write and not saves:
            return
        began = time.monotonic()
        states = tuple(self._world.take_dirty()) if saves else None
        clock = self._journal.checkpoint.clock if is_replaying else self._world.clock
        self._journal.commit(self._step(fed, changed, states, clock))
        self._note_committed(changed, time.monotonic() - began, saved=saves)

    def _step(
        self,
        fed: FeedRead,
        changed: Changed,
        states: tuple[StateRow, ...] | None,
        clock: datetime | None,
    ) -> Step:
        return Step(
            changed=changed,
            visits=tuple(self._visits),
            receipts=tuple(self._receipts),
            states=states,
            outputs_at=max(fed.after, self._journal.checkpoint.outputs_at),
            heard_at=fed.heard,
            clock=clock,
        )

    def _note_committed(self, changed: Changed, took: float, *, saved: bool) -> None:
        if saved:
            self.saving.note_saved(took)
        self._visits.clear()
        self._receipts.clear()
        metrics.COMMIT.labels(self._lane).observe(took)
        metrics.count_opened(changed)
        for alert in changed.opened:
            log.info("alert", alert=alert.id, rule=alert.rule, severity=str(alert.severity))
        if changed.pages:
            self._wake_pagers(changed.pages)
