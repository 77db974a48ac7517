"""The watcher sees what keeps an alarm from a person, and tells by a road of its own."""

from datetime import datetime, timedelta

import psycopg
import pytest

from alerts import desk, history
from alerts.channels import open_channels
from alerts.settings import AlertsSettings
from alerts.types import Contact, Role, Staff
from alerts.watchdog import audit
from alerts.watchdog.audit import PagingFault, Watchdog, answerable, look
from deploy.stack.local import free_port
from devices.registry import load_directory
from tests.clock import utc_now
from tests.edges.paging import FastClock, Phones, load, press, store, working
from tests.waiting import until

pytestmark = pytest.mark.edge
TOWN = """
clients: [{{id: c-1, name: Wang}}]
devices: [{{id: btn-1, kind: sos, holder: "client:c-1"}}, {{id: btn-2, kind: sos}}]
people:
  - {{id: u-1, role: on_call, contacts: [{{channel: "webhook://{host}/one"}}]}}
  - {{id: u-9, role: admin, contacts: [{{channel: "webhook://{host}/gone"}},
                                       {{channel: "webhook://{host}/admin"}}]}}
ladders: [{{id: life, rungs: [{{after: 0, page: [u-1]}}]}}]
"""


FAULTS = {
    "UPDATE alert SET next_at = NULL": "alert_without_step",
    "UPDATE alert SET next_at = NULL, state = 'acknowledged'": None,
    "UPDATE alert SET next_at = now() - interval '40 s'": "rung_overdue",
    "UPDATE page SET state = 'due', due_at = now() - interval '11 s'": "page_unsent",
    "UPDATE page SET state = 'sending', due_at = now() - interval '11 s'": "page_unsent",
    "UPDATE page SET state = 'held', due_at = now() - interval '16 min'": "page_held",
    "UPDATE checkpoint SET renewed_at = now() - interval '61 s'": "engine_silent",
    "UPDATE arrival_log SET stored_at = now() - interval '61 s', last = last + 99": "feed_behind",
    "UPDATE ingest_horizon SET renewed_at = now() - interval '61 s'": "ingest_silent",
    "UPDATE ingest_horizon SET renewed_at = now() - interval '61 s' WHERE lane = 'life'": (
        "ingest_silent"
    ),
    "DELETE FROM ingest_horizon WHERE lane = 'bulk'": "ingest_silent",
    # A message by HTTP that is just being taken in: a request came through, no worker is there.
    "WITH posted AS (INSERT INTO ingest_horizon VALUES ('http 7', 'life', now()))"
    " DELETE FROM ingest_horizon WHERE lane = 'life'": "ingest_silent",
    "UPDATE arrival_log SET stored_at = now() - interval '16 min'": "broker_silent",
    "INSERT INTO session_intrusion (slot, sign, count) VALUES ('life', 'missing', 3)": (
        "session_intruded"
    ),
}


@pytest.fixture
def raised(conn: psycopg.Connection, database_url: str, phones: Phones) -> str:
    """The id of an alert whose page has been delivered; ingest is at work, alerts has ended."""
    load(conn, TOWN.format(host=phones.host))
    conn.execute("INSERT INTO ingest_horizon VALUES ('w', 'life', now()), ('w', 'bulk', now())")
    with working(database_url):
        store(conn, press("btn-1"))
        until(lambda: conn.execute("SELECT 1 FROM page WHERE state = 'delivered'").fetchone())
    return history.open_alerts(conn)[0].id


def kinds(conn: psycopg.Connection) -> set[str]:
    return {fault.kind for fault in look(conn, utc_now())}


def test_all_is_well(conn: psycopg.Connection, raised: str) -> None:
    assert kinds(conn) == set()


def test_each_fault_is_seen(conn: psycopg.Connection, raised: str) -> None:
    for change, kind in FAULTS.items():
        with conn.transaction(force_rollback=True):
            conn.execute(change.encode())
            assert kinds(conn) == ({kind} if kind else set()), change


def test_each_fault_is_paged_by_a_road_of_its_own_and_only_health_is_called_outside(
    conn: psycopg.Connection, database_url: str, raised: str, phones: Phones
) -> None:
    """No engine, no ladder, no pager is at work here: the watcher pages by itself."""
    phones.statuses["/gone"] = 404
    channels = open_channels()
    settings = watching(database_url, dead_man_url=f"http://{phones.host}/alive")
    for change, kind in FAULTS.items():
        watcher = Watchdog(settings, channels, FastClock(1))
        watcher.learn(conn)
        phones.came.clear()
        with conn.transaction(force_rollback=True):
            conn.execute(change.encode())
            watcher.heed(look(conn, utc_now()))
        paged = [page["subject"] for page in phones.rang("/admin")]
        assert paged == ([f"service:{kind}"] if kind else []), change
        assert len(phones.rang("/alive")) == (0 if kind else 1), change
    channels.close()


def test_a_database_that_does_not_answer_is_paged_to_who_was_known(
    conn: psycopg.Connection, phones: Phones, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "EVERY", 0.05)
    load(conn, TOWN.format(host=phones.host))
    phones.statuses["/gone"] = 404
    channels = open_channels()
    nowhere = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    settings = watching(nowhere, dead_man_url=f"http://{phones.host}/alive")
    watcher = Watchdog(settings, channels, FastClock(1))
    watcher.learn(conn)
    watcher.start()
    until(lambda: phones.rang("/admin"))
    watcher.stop()
    channels.close()
    assert phones.rang("/admin")[0]["subject"] == "service:database_silent"
    assert phones.rang("/alive") == []


def test_administrators_are_told_by_their_next_contact_once_in_half_an_hour(
    conn: psycopg.Connection, database_url: str, phones: Phones
) -> None:
    load(conn, TOWN.format(host=phones.host))
    phones.statuses["/gone"] = 404
    clock = FastClock(1)
    channels = open_channels()
    watcher = Watchdog(watching(database_url), channels, clock)
    watcher.learn(conn)
    for _ in range(3):
        watcher.heed([PagingFault("page_unsent", 3, "abc")])
    assert [path for _, path, _ in phones.came] == ["/gone", "/admin"]
    page = phones.rang("/admin")[0]
    assert "pages have not left (3: abc)" in page["message"]
    assert page["to"] == "u-9"
    clock._began += timedelta(minutes=31)
    watcher.heed([PagingFault("page_unsent", 3, "abc")])
    assert len(phones.rang("/admin")) == 2
    channels.close()


def staff(id: str, role: Role, *channels: str) -> Staff:
    return Staff(id=id, role=role, contacts=tuple(Contact(channel=each) for each in channels))


def test_managers_are_told_where_no_administrator_can_be() -> None:
    everybody = [staff("a", "admin"), staff("m", "manager", "webhook://x"), staff("o", "on_call")]
    assert [who.id for who in answerable(everybody)] == ["m"]


class TestFigures:
    def test_the_way_to_an_answer_is_measured(
        self, conn: psycopg.Connection, database_url: str, raised: str
    ) -> None:
        with working(database_url):
            desk.acknowledge(conn, raised, "u-1")
            until(lambda: history.open_alerts(conn)[0].state == "acknowledged")
        now = utc_now()
        cases = history.answers_between(conn, now - timedelta(hours=1), now)
        figures = history.answers(cases, now)
        assert (figures.alerts, figures.answered, figures.within_60) == (1, 1, 1.0)
        assert cases[0].answered_by == "u-1"
        assert cases[0].sent_at is not None
        assert cases[0].delivered_at is not None
        assert cases[0].raised_at <= cases[0].sent_at <= cases[0].answered_at  # type: ignore[operator]

    def test_test_presses_are_kept_and_missing_ones_named(
        self, conn: psycopg.Connection, database_url: str, raised: str
    ) -> None:
        with working(database_url):
            store(conn, press("btn-1", press="test"))
            until(lambda: self.last_tests(conn) == [("btn-2", True), ("btn-1", False)])

    def last_tests(self, conn: psycopg.Connection) -> list[tuple[str, bool]]:
        now = utc_now()
        found = history.button_tests_of(conn, load_directory(conn))
        return [(one.device, one.is_overdue(now)) for one in found]

    def test_what_would_keep_a_page_away_is_named(
        self, conn: psycopg.Connection, raised: str
    ) -> None:
        conn.execute("UPDATE page SET state = 'failed', error = 'HTTP 410'")
        flaws = history.paging_flaws(conn, load_directory(conn), utc_now())
        assert [flaw.name for flaw in flaws] == [
            ("contact_failed", "person u-1", "contact 1: HTTP 410")
        ]


def test_the_daily_check_is_kept_with_since_when(
    conn: psycopg.Connection, database_url: str
) -> None:
    load(conn, "people: [{id: u-9, role: admin, contacts: [{channel: 'webhook://x/y'}]}]")
    now = utc_now()
    rota = "{id: night, people: []}"

    def since() -> list[datetime | None]:
        flaws = history.paging_flaws(conn, load_directory(conn), now + timedelta(days=3))
        return [flaw.since for flaw in flaws]

    clock, channels = FastClock(1), open_channels()
    watcher = Watchdog(watching(database_url), channels, clock)
    watcher.learn(conn)
    assert (since(), history.paging_checked_at(conn) is not None) == ([], True)
    load(conn, f"rotas: [{rota}]")
    watcher.learn(conn)
    assert None in since()  # found, and not yet seen by the check of the day
    clock._began += timedelta(days=1)
    watcher.learn(conn)
    first = since()
    assert first
    assert None not in first
    clock._began += timedelta(days=1)
    watcher.learn(conn)
    assert since() == first
    channels.close()


def watching(database_url: str, **given: str) -> AlertsSettings:
    return AlertsSettings(
        database_url=database_url, secret="x", public_url="http://here", lang="en", **given
    )
