"""What people say is appended in the one order, and nothing else is changed."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest

from alerts import desk, history
from alerts.cases.casebook import Casebook
from alerts.desk import Refusal, UnknownAlert
from alerts.lanes.feed import inbox_after
from alerts.lanes.journal import Journal, Step
from alerts.paging.links import sign
from alerts.plans.roster import roster_of
from alerts.types import (
    Acknowledged,
    Alert,
    Contact,
    Finding,
    Ladder,
    PlanSet,
    Receipt,
    Resolved,
    Rung,
    Severity,
    Staff,
)
from core.errors import CarewatchError
from devices.directory import Directory
from tests.clock import utc_now

pytestmark = pytest.mark.edge
NOW = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)
PLANS = PlanSet(
    people=(Staff(id="u-1", contacts=(Contact(channel="clicksend://u:k@13800001111"),)),),
    ladders=(Ladder(id="all", rungs=(Rung(after=0, page=("u-1",)),)),),
)


def raised(conn: psycopg.Connection, subject: str = "client:c-1") -> Alert:
    """An alert with its first page, as a lane commits it."""
    book = Casebook(roster_of(Directory(), PLANS, ZoneInfo("Asia/Shanghai")))
    finding = Finding(
        at=NOW, rule="sos_pressed", subject=subject, event="raised", severity=Severity.LIFE,
        reason="pressed", detail="A NUL \x00 and a backslash \\u0000.",
    )  # fmt: skip
    book.settle(finding, None, NOW)
    book.wake(NOW)
    changed = book.take()
    journal = Journal(conn, "life", ["sos_pressed"])
    at = journal.checkpoint
    journal.commit(Step(changed, (), (), (), at.outputs_at + 1, at.heard_at, NOW))
    return changed.alerts[0]


def test_every_verb_is_one_entry_in_order(conn: psycopg.Connection) -> None:
    alert = raised(conn)
    numbers = [
        desk.opened(conn, alert.id, "u-1"),
        desk.acknowledge(conn, alert.id, "u-1", via="link"),
        desk.note(conn, alert.id, "u-1", " calling \x00"),
        desk.escalate(conn, alert.id, "u-1"),
        desk.arrive(conn, alert.id, "u-1"),
        desk.resolve(conn, alert.id, "u-1", "helped", note="all well"),
    ]
    entries = inbox_after(conn, 0, limit=100)
    assert [entry.arrival for entry in entries] == numbers == sorted(numbers)
    assert isinstance(entries[1], Acknowledged)
    assert entries[1].via == "link"
    assert isinstance(entries[-1], Resolved)
    assert entries[-1].outcome == "helped"
    stored = history.alert(conn, alert.id)
    assert stored is not None
    assert (stored.state, stored.acked_by) == ("open", None)


def test_a_nul_in_a_text_holds_up_no_alert(conn: psycopg.Connection) -> None:
    stored = history.alert(conn, raised(conn).id)
    assert stored is not None
    assert stored.detail == "A NUL  and a backslash \\u0000."


@pytest.mark.parametrize(
    "wrong",
    [
        lambda conn, id: desk.acknowledge(conn, "nothere", "u-1"),
        lambda conn, id: desk.resolve(conn, id, "u-1", "solved"),
        lambda conn, id: desk.note(conn, id, "u-1", "  "),
        lambda conn, id: desk.mute(conn, id="m", person="u", reason="x", until=NOW, rule="r"),
        lambda conn, id: desk.mute(
            conn, id="m", person="u", reason="x", until=utc_now() + timedelta(hours=1)
        ),
        lambda conn, id: desk.mute(
            conn, id="m", person="u", reason="", until=utc_now() + timedelta(1), rule="r"
        ),
        lambda conn, id: desk.mute(
            conn,
            id="m",
            person="u",
            reason="x",
            until=utc_now() + timedelta(1),
            subject="c",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(conn: psycopg.Connection, wrong) -> None:  # type: ignore[no-untyped-def]
    alert = raised(conn)
    with pytest.raises(CarewatchError):
        wrong(conn, alert.id)
    assert inbox_after(conn, 0, limit=1) == []


def test_an_unknown_alert_has_its_own_error(conn: psycopg.Connection) -> None:
    with pytest.raises(UnknownAlert):
        desk.note(conn, "nothere", "u-1", "hello")


class TestLinks:
    def token(self, alert: str, person: str = "u-1", hours: int = 1) -> str:
        return sign("key", alert=alert, person=person, ends_at=NOW + timedelta(hours=hours))

    def read(self, conn: psycopg.Connection, token: str, **who: str) -> object:
        found = desk.read_link(conn, "key", token, now=NOW, **who)
        return found if isinstance(found, Refusal) else (found[0].person, found[1].id)

    def test_a_genuine_link_names_person_and_alert_and_changes_nothing(
        self, conn: psycopg.Connection
    ) -> None:
        alert = raised(conn)
        assert self.read(conn, self.token(alert.id)) == ("u-1", alert.id)
        assert inbox_after(conn, 0, limit=1) == []

    def test_every_other_link_is_refused_with_its_reason(self, conn: psycopg.Connection) -> None:
        alert = raised(conn)
        good = self.token(alert.id)
        other = self.token(alert.id, "u-2")
        forged = other.partition(".")[0] + "." + good.partition(".")[2]
        assert self.read(conn, forged) == Refusal.INVALID
        assert self.read(conn, good[:-3]) == Refusal.INVALID
        assert self.read(conn, "guess") == Refusal.INVALID
        assert self.read(conn, self.token(alert.id, hours=-1)) == Refusal.EXPIRED
        assert self.read(conn, good, visitor="u-2") == Refusal.OTHER_PERSON
        assert self.read(conn, self.token("nothere")) == Refusal.UNKNOWN_ALERT
        conn.execute("UPDATE alert SET body = jsonb_set(body, '{state}', '\"resolved\"')")
        assert self.read(conn, good) == Refusal.RESOLVED

    def test_a_key_pressed_on_the_phone_answers(self, conn: psycopg.Connection) -> None:
        alert = raised(conn)
        desk.answer_by_keypad(conn, "key", self.token(alert.id), "1", now=NOW)
        entry = inbox_after(conn, 0, limit=9)[0]
        assert isinstance(entry, Acknowledged)
        assert (entry.person, entry.via) == ("u-1", "voice")
        assert desk.answer_by_keypad(conn, "key", "guess", "1", now=NOW) == Refusal.INVALID


def test_a_reply_by_sms_answers_what_the_person_was_paged_for(conn: psycopg.Connection) -> None:
    alert = raised(conn)
    assert desk.answer_by_sms(conn, "+8613800001111", "1", now=NOW) is None  # nothing was sent yet
    conn.execute("UPDATE page SET sent_at = %s", (NOW,))
    conn.execute(
        "INSERT INTO staff VALUES ('u-1', %s::jsonb)",
        ('{"id": "u-1", "contacts": [{"channel": "clicksend://u:k@13800001111"}]}',),
    )
    assert desk.answer_by_sms(conn, "13911112222", "1", now=NOW) is None
    assert desk.answer_by_sms(conn, "+86 138-0000-1111", "what?", now=NOW) is None
    assert desk.answer_by_sms(conn, "+86 138-0000-1111", "1 在路上", now=NOW) == alert.id
    entry = inbox_after(conn, 0, limit=9)[0]
    assert isinstance(entry, Acknowledged)
    assert (entry.person, entry.via) == ("u-1", "sms")


def test_a_callback_of_a_provider_is_a_receipt(conn: psycopg.Connection) -> None:
    alert = raised(conn)
    page = history.pages_of(conn, alert.id)[0].page.id
    desk.receipt(conn, Receipt(at=NOW, page=page, state="read"))
    assert isinstance(inbox_after(conn, 0, limit=9)[0], Receipt)
