"""What is stored, narrowed to what one visitor may see."""

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

import psycopg
from msgspec.structs import replace

from alerts import history
from alerts.history import AlertFilter
from alerts.types import Alert, Muted
from dashboards.live.board import Board, shows
from dashboards.live.kpi import URGENT
from dashboards.live.snapshot import order
from dashboards.masking import mask_name
from dashboards.scope import sees_alert, sees_mute
from devices.subject import Subject


class VisibleRecords:
    """Questions about the records, answered within the scope of a board at one moment."""

    def __init__(self, board: Board, now: datetime) -> None:
        self._board = board
        self._now = now

    def sees(self, subject: Subject) -> bool:
        """Return True if a holder or device may be shown."""
        return shows(self._board, subject)

    def devices(self) -> list[str] | None:
        """Return the devices that may be shown; None: all, and those that nobody registered."""
        if self._board.scope.whole:
            return None
        known = (each.id for each in self._board.directory.devices)
        return [id for id in known if self.sees(Subject("device", id))]

    def visible(self, alerts: Iterable[Alert]) -> list[Alert]:
        """Return those of the alerts that may be shown."""
        scope, directory = self._board.scope, self._board.directory
        return [alert for alert in alerts if sees_alert(scope, directory, alert)]

    def open(self, conn: psycopg.Connection) -> list[Alert]:
        """Return the open alerts, the most urgent first."""
        return sorted(self.visible(history.open_alerts(conn)), key=order)

    def alerts(self, conn: psycopg.Connection, wanted: AlertFilter) -> list[Alert]:
        """Return the newest alerts that fit, oldest first.

        There are as many as `wanted.limit` of those that may be shown, where so many exist.
        """
        asked = wanted.limit
        while True:
            found = history.alerts(conn, replace(wanted, limit=asked))
            seen = self.visible(found)
            if len(seen) >= wanted.limit or len(found) < asked:
                return seen[-wanted.limit :]
            asked *= 4  # soon past whatever is hidden, in few questions

    def answered(
        self, conn: psycopg.Connection, since: datetime, until: datetime
    ) -> list[history.Answering]:
        """Return how soon each P1 and P2 raised in a stretch of time was answered."""
        return [
            case
            for case in history.answers_between(conn, since, until)
            if case.severity in URGENT and self.sees(Subject.parse(case.subject))
        ]

    def overdue_buttons(self, conn: psycopg.Connection) -> list[history.ButtonTest]:
        """Return the SOS buttons whose test is overdue."""
        return [
            button
            for button in history.button_tests_of(conn, self._board.directory)
            if button.is_overdue(self._now) and self.sees(Subject("device", button.device))
        ]

    def mutes(self, conn: psycopg.Connection) -> list[Muted]:
        """Return the mutes in force."""
        scope, directory = self._board.scope, self._board.directory
        return [one for one in history.mutes(conn, self._now) if sees_mute(scope, directory, one)]

    def turns(self, conn: psycopg.Connection) -> list[history.Turn]:
        """Return who is on call, by masked name."""
        zone = ZoneInfo(self._board.directory.timezone)
        return [
            replace(
                turn, person=self._masked(turn.person), next_person=self._masked(turn.next_person)
            )
            for turn in history.turns(conn, self._now, zone)
        ]

    def _masked(self, person: str | None) -> str | None:
        return mask_name(self._board.staff.get(person or "", "")) or None
