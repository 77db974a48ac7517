"""What the desk's pages show one visitor at one moment, gathered from board and history."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
import psycopg
from fastapi import Depends
from fastapi.responses import HTMLResponse

from alerts import history
from alerts.history import AlertFilter
from alerts.types import Alert, Finding, Muted
from core.errors import CarewatchError
from dashboards.actions import alert_for
from dashboards.auth.access import Visitor, having, words_of
from dashboards.live.board import Board, shows
from dashboards.live.census import Signs, silent
from dashboards.live.duty import in_visit, on_duty
from dashboards.live.kpi import URGENT, false_alarms
from dashboards.live.patch import Figures
from dashboards.live.snapshot import order
from dashboards.masking import mask_name
from dashboards.scope import sees_alert, sees_mute
from dashboards.site import Site, site_of
from dashboards.texts import Words
from dashboards.views.alert import AlertView, view
from dashboards.views.format import Shown
from devices.directory import Directory

LISTED = 200  # open alerts on the page; the wall's figures count them all
ENDED_LISTED = 10
SILENT_LISTED = 50
STALE_LISTED = 50
WEEK = timedelta(days=7)
MANY = 20_000  # alerts of a week that figures are made from
STATES = ("planned", "due", "late", "begun", "done", "missed", "unverified", "cancelled")


class Starting(CarewatchError):
    """The service has not read the town yet."""


class DeskView:
    """One visitor's desk."""

    def __init__(self, site: Site, words: Words, who: Visitor) -> None:
        board = site.stream.board_of(who.scope)
        if board is None:
            raise Starting("the town is being read; try again in some seconds")
        self.site, self.words, self.who = site, words, who
        self.board: Board = board
        self.now = datetime.now(UTC)
        self.shown = Shown(words, board.directory.timezone, self.now, board.staff)

    @property
    def directory(self) -> Directory:
        """The register as the board knows it."""
        return self.board.directory

    @cached_property
    def duty(self) -> frozenset[str]:
        """Caregivers on duty now."""
        return on_duty(self.board.visits.values(), self.now)

    @property
    def figures(self) -> Figures:
        """The key figures of the visitor's part of the town."""
        screen = self.site.stream.screen(self.who.scope)
        return screen.figures if screen else Figures()

    def overview(self) -> HTMLResponse:
        """The desk's first page."""
        with self.site.pool.connection() as conn:
            week = self.visible(history.alerts(conn, AlertFilter(since=self.week, limit=MANY)))
            cases = self.alarms(conn, self.week, self.now)
            buttons = history.button_tests_of(conn, self.directory)
            values = {
                "open": self._open(conn),
                "mutes": self.mutes(conn),
                "turns": self.turns(conn),
                "flaws": history.paging_flaws(conn, self.directory, self.now),
                "held": len(history.held_pages(conn)),
            }
        gone = silent(
            self.directory,
            Signs(self.board.heard, self.board.gone, self.now),
            scope=self.who.scope,
            duty=self.duty,
        )
        standing = history.stale(self.board.alerts.values(), self.now)
        states = Counter[str](visit.state for visit in self.board.visits.values())
        return self.page(
            "desk.html",
            here="desk",
            ended=self._ended(week),
            answers=[
                history.answers([case for case in cases if case.raised_at >= since], self.now)
                for since in (self._midnight, self.week)
            ],
            untested=[
                button
                for button in buttons
                if button.is_overdue(self.now) and self.sees(f"device:{button.device}")
            ],
            visits=[(state, states[state]) for state in STATES if states[state]],
            figures=self.figures,
            false_alarms=false_alarms(week, self.directory),
            silent=gone[:SILENT_LISTED],
            silent_count=len(gone),
            stale=[self.view(alert) for alert in standing[:STALE_LISTED]],
            stale_count=len(standing),
            **values,
        )

    def open_list(self) -> HTMLResponse:
        """The list of open alerts alone."""
        with self.site.pool.connection() as conn:
            return self.page("desk_list.html", open=self._open(conn))

    def mine(self) -> HTMLResponse:
        """`/me`: what waits for this person, what waits for others, what is answered."""
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
        """One alert's page."""
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
        """An alert with all that is known of it: its story's findings, and the last false alarm."""
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
        """An alert in the visitor's words."""
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

    def alarms(
        self, conn: psycopg.Connection, since: datetime, until: datetime
    ) -> list[history.Answering]:
        """How soon each P1 and P2 of a stretch of time was answered."""
        return [
            case
            for case in history.answers_between(conn, since, until)
            if case.severity in URGENT and self.sees(case.subject)
        ]

    def turns(self, conn: psycopg.Connection) -> list[history.Turn]:
        """Who is on call, by masked name."""
        staff = self.board.staff
        return [
            history.Turn(
                turn.rota,
                mask_name(staff.get(turn.person or "", "")) or None,
                turn.until,
                mask_name(staff.get(turn.next_person or "", "")) or None,
            )
            for turn in history.turns(conn, self.now, ZoneInfo(self.directory.timezone))
        ]

    def mutes(self, conn: psycopg.Connection) -> list[Muted]:
        """The mutes in force, of what may be shown to the visitor."""
        found = history.mutes(conn, self.now)
        return [one for one in found if sees_mute(self.who.scope, self.directory, one)]

    def page(self, template: str, **values: Any) -> HTMLResponse:
        """A page out of a template, for this visitor."""
        return self.site.page(
            template, self.words, visitor=self.who, **self.shown.values(), **values
        )

    def _open(self, conn: psycopg.Connection) -> list[AlertView]:
        found = sorted(self.visible(history.open_alerts(conn)), key=order)
        return [self.view(alert) for alert in found[:LISTED]]

    def alerts(self, conn: psycopg.Connection, wanted: AlertFilter) -> list[Alert]:
        """The newest alerts that fit and that the visitor may see, oldest first: as many as
        `wanted.limit`, where there are."""
        asked = wanted.limit
        while True:
            found = history.alerts(conn, msgspec.structs.replace(wanted, limit=asked))
            seen = self.visible(found)
            if len(seen) >= wanted.limit or len(found) < asked:
                return seen[-wanted.limit :]
            asked *= 4

    def _ended(self, alerts: list[Alert]) -> list[AlertView]:
        ended = [alert for alert in alerts if alert.state in ("resolved", "cleared")]
        return [self.view(alert) for alert in ended[::-1][:ENDED_LISTED]]

    def sees(self, subject: str) -> bool:
        """Whether a holder or device may be shown to the visitor."""
        return shows(self.board, subject)

    def visible(self, alerts: Iterable[Alert]) -> list[Alert]:
        """Those of the alerts that may be shown to the visitor."""
        return [alert for alert in alerts if sees_alert(self.who.scope, self.directory, alert)]

    @property
    def week(self) -> datetime:
        """A week ago."""
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
    """The desk of whoever asks."""
    return DeskView(site, words, who)
