"""What the desk's pages show one visitor at one moment, gathered from board and records."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import psycopg
from fastapi import Depends
from fastapi.responses import HTMLResponse

from alerts import history
from alerts.history import AlertFilter
from alerts.types import Alert, Finding
from core.errors import CarewatchError
from dashboards.actions import alert_for
from dashboards.auth.access import Visitor, having, words_of
from dashboards.live.board import Board
from dashboards.live.census import Signs, silent
from dashboards.live.duty import in_visit, on_duty
from dashboards.live.kpi import false_alarms
from dashboards.live.patch import Figures
from dashboards.site import Site, site_of
from dashboards.texts import Words
from dashboards.views.alert import AlertView, view
from dashboards.views.format import Formatter
from dashboards.views.visible import VisibleRecords
from devices.directory import Directory

LISTED = 200  # open alerts on the page; the wall's figures count them all
ENDED_LISTED = 10
SILENT_LISTED = 50
STALE_LISTED = 50
WEEK = timedelta(days=7)
MANY = 20_000  # alerts of a week that figures are made from
STATES = ("planned", "due", "late", "begun", "done", "missed", "unverified", "cancelled")


class Starting(CarewatchError):
    """Raised while the service has not read the town yet."""


class DeskView:
    """The pages of one visitor's desk, at one moment. What they may see is in `records`."""

    def __init__(self, site: Site, words: Words, who: Visitor) -> None:
        board = site.stream.board_of(who.scope)
        if board is None:
            raise Starting("the town is being read; try again in some seconds")
        self.site, self.words, self.who = site, words, who
        self.board: Board = board
        self.now = datetime.now(UTC)
        self.records = VisibleRecords(board, self.now)
        self.shown = Formatter(words, board.directory.timezone, self.now, board.staff)

    @property
    def directory(self) -> Directory:
        """Return the register as the board knows it."""
        return self.board.directory

    @cached_property
    def duty(self) -> frozenset[str]:
        """Return the caregivers on duty now."""
        return on_duty(self.board.visits.values(), self.now)

    @property
    def figures(self) -> Figures:
        """Return the key figures of the visitor's part of the town."""
        screen = self.site.stream.screen(self.who.scope)
        return screen.figures if screen else Figures()

    def overview(self) -> HTMLResponse:
        """Return the desk's first page."""
        with self.site.pool.connection() as conn:
            stored = self._stored_values(conn)
        return self.page("desk.html", here="desk", **stored, **self._board_values())

    def open_list(self) -> HTMLResponse:
        """Return the list of open alerts alone."""
        with self.site.pool.connection() as conn:
            return self.page("desk_list.html", open=self._open(conn))

    def mine(self) -> HTMLResponse:
        """Return `/me`: what waits for this person, what waits for others, what is answered."""
        with self.site.pool.connection() as conn:
            found = self._open(conn)
        waiting = [each for each in found if not each.answered]
        me = self.who.person
        return self.page(
            "me.html",
            here="me",
            mine=[each for each in waiting if me in each.alert.paged],
            others=[each for each in waiting if me not in each.alert.paged],
            answered=[each for each in found if each.answered],
        )

    def story(self, id: str, *, sent: str = "", reveal: bool = False) -> HTMLResponse:
        """Return one alert's page."""
        with self.site.pool.connection() as conn:
            alert = alert_for(conn, id, self.who, self.directory)
            pages = history.pages_of(conn, id)
            view = self.whole_view(conn, alert, reveal=reveal)
        return self.page(
            "alert.html",
            here="desk",
            view=view,
            pages=pages,
            sent=sent,
        )

    def whole_view(
        self, conn: psycopg.Connection, alert: Alert, *, reveal: bool = False
    ) -> AlertView:
        """Return an alert with its story's findings and the last false alarm of its kind."""
        same = AlertFilter(states=("resolved",), rule=alert.rule, subject=alert.subject, limit=100)
        false = (one for one in history.alerts(conn, same) if one.outcome == "false_alarm")
        return self.view(
            alert,
            reveal=reveal,
            false_alarm=max((one.raised_at for one in false), default=None),
            findings=history.findings_of(conn, alert),
        )

    def view(
        self,
        alert: Alert,
        *,
        reveal: bool = False,
        false_alarm: datetime | None = None,
        findings: Iterable[Finding] = (),
    ) -> AlertView:
        """Return an alert in the visitor's words."""
        return view(
            alert,
            self.directory,
            self.board.staff,
            now=self.now,
            reveal=reveal,
            fixes=self.board.fixes,
            free=self.duty - in_visit(self.board.visits.values()),
            false_alarm=false_alarm,
            findings=findings,
        )

    def page(self, template: str, **values: Any) -> HTMLResponse:
        """Return a page made from a template, for this visitor."""
        return self.site.page(
            template, self.words, visitor=self.who, **self.shown.values(), **values
        )

    def _open(self, conn: psycopg.Connection) -> list[AlertView]:
        return [self.view(alert) for alert in self.records.open(conn)[:LISTED]]

    def _ended(self, alerts: list[Alert]) -> list[AlertView]:
        ended = [alert for alert in alerts if alert.state in ("resolved", "cleared")]
        return [self.view(alert) for alert in ended[::-1][:ENDED_LISTED]]

    def _stored_values(self, conn: psycopg.Connection) -> dict[str, Any]:
        """Return what the first page shows of the records."""
        week = self.records.visible(history.alerts(conn, AlertFilter(since=self.week, limit=MANY)))
        cases = self.records.answered(conn, self.week, self.now)
        return {
            "open": self._open(conn),
            "mutes": self.records.mutes(conn),
            "turns": self.records.turns(conn),
            "flaws": history.paging_flaws(conn, self.directory, self.now),
            "held": len(history.held_pages(conn)),
            "untested": self.records.overdue_buttons(conn),
            "ended": self._ended(week),
            "false_alarms": false_alarms(week, self.directory),
            "answers": [
                history.answers([case for case in cases if case.raised_at >= since], self.now)
                for since in (self._midnight, self.week)
            ],
        }

    def _board_values(self) -> dict[str, Any]:
        """Return what the first page shows of the board."""
        gone = silent(
            self.directory,
            Signs(self.board.heard, self.board.gone, self.now),
            scope=self.who.scope,
            duty=self.duty,
        )
        standing = history.stale(self.board.alerts.values(), self.now)
        states = Counter[str](visit.state for visit in self.board.visits.values())
        return {
            "figures": self.figures,
            "visits": [(state, states[state]) for state in STATES if states[state]],
            "silent": gone[:SILENT_LISTED],
            "silent_count": len(gone),
            "stale": [self.view(alert) for alert in standing[:STALE_LISTED]],
            "stale_count": len(standing),
        }

    @property
    def week(self) -> datetime:
        """Return the moment a week ago."""
        return self.now - WEEK

    @property
    def _midnight(self) -> datetime:
        local = self.now.astimezone(ZoneInfo(self.directory.timezone))
        return local.replace(hour=0, minute=0, second=0, microsecond=0)


def desk_of(
    site: Annotated[Site, Depends(site_of)],
    words: Annotated[Words, Depends(words_of)],
    who: Annotated[Visitor, Depends(having("look"))],
) -> DeskView:
    """Return the desk of whoever asks. Raises Starting while the town is being read."""
    return DeskView(site, words, who)
