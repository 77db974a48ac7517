"""From a stored press to a phone that rings, through a real database and real receivers."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import psycopg
import pytest

from alerts import desk, history
from alerts.paging.links import LinkClaim, verify
from tests.clock import TIMEZONE, utc_now
from tests.edges.paging import FastClock, Phones, load, press, store, working
from tests.waiting import until

pytestmark = pytest.mark.edge

TOWN = """
timezone: {timezone}
areas: [{{id: mudan, name: Mudan}}, {{id: wangji, name: Wangji, parent: mudan}}]
clients:
  - {{id: c-1, name: Wang Xiuying, area: wangji}}
  - {{id: c-2, name: Li Ming, area: wangji}}
devices:
  - {{id: btn-1, kind: sos, holder: "client:c-1"}}
  - {{id: btn-2, kind: sos, holder: "client:c-2"}}
people:
  - {{id: u-1, name: One, role: on_call, contacts: [{{channel: "webhook://{host}/one"}}]}}
  - {{id: u-2, name: Two, role: on_call,
      contacts: [{{channel: "webhook://{host}/gone"}}, {{channel: "webhook://{host}/two"}}]}}
  - {{id: u-3, name: Three, role: manager, contacts: [{{channel: "webhook://{host}/three"}}]}}
  - {{id: u-4, name: Nobody, role: on_call}}
rotas: [{{id: empty, people: []}}]
ladders:
  - id: life
    for: {{severities: [life]}}
    rungs: [{{after: 0, page: [{first}]}}, {{after: 60, page: [u-2]}},
            {{after: 180, page: ["role:manager"]}}]
    repeat: 60
"""


@pytest.fixture
def clock() -> FastClock:
    return FastClock(60)


@pytest.fixture
def phones(clock: FastClock) -> Iterator[Phones]:
    phones = Phones(clock)
    yield phones
    phones.close()


def town(conn: psycopg.Connection, phones: Phones, first: str = "u-1") -> None:
    load(conn, TOWN.format(timezone=TIMEZONE, host=phones.host, first=first))


def open_alert(conn: psycopg.Connection) -> str:
    return until(lambda: history.open_alerts(conn))[0].id


def test_a_press_rings_the_first_phone_with_all_it_needs_to_know(
    conn: psycopg.Connection, database_url: str
) -> None:
    phones = Phones()
    town(conn, phones)
    with working(database_url):
        pressed = press("btn-1")
        store(conn, pressed)
        page = until(lambda: phones.rang("/one"))[0]
    alert = history.open_alerts(conn)[0]
    assert page["alert"] == alert.id
    assert page["page"] == history.pages_of(conn, alert.id)[0].page.id
    assert (page["rule"], page["subject"]) == ("sos_pressed", "client:c-1")
    assert (page["severity"], page["rung"], page["attempt"], page["to"]) == ("life", 1, 1, "u-1")
    assert datetime.fromisoformat(page["observed_at"]) == pressed.observed_at
    assert datetime.fromisoformat(page["received_at"]) == pressed.received_at
    assert "Wang Xiuying" in page["title"]
    assert "Wangji" in page["message"]
    assert page["ack_url"] in page["message"]
    token = page["ack_url"].rsplit("/", 1)[1]
    claim = verify("a key for tests", token, now=utc_now())
    assert isinstance(claim, LinkClaim)
    assert (claim.alert, claim.person) == (alert.id, "u-1")
    phones.close()


def test_an_unanswered_press_climbs_to_the_second(
    conn: psycopg.Connection, database_url: str, phones: Phones, clock: FastClock
) -> None:
    town(conn, phones)
    with working(database_url, clock):
        store(conn, press("btn-1", clock.now()))
        until(lambda: len(phones.rang("/three")) >= 2)
    raised = history.open_alerts(conn)[0].raised_at
    due = [(p.page.person, (p.page.due_at - raised).total_seconds()) for p in pages(conn)]
    assert due[:4] == [("u-1", 0), ("u-2", 60), ("u-3", 180), ("u-3", 240)]
    rang = dict(reversed(phones.seconds(raised)))
    assert rang["/gone"] >= 60
    assert rang["/three"] >= 180


def pages(conn: psycopg.Connection) -> list[history.PageRecord]:
    everything = utc_now() + timedelta(days=2)
    return history.pages_between(conn, everything - timedelta(days=4), everything)


def test_an_answer_stops_all(
    conn: psycopg.Connection, database_url: str, phones: Phones, clock: FastClock
) -> None:
    town(conn, phones)
    with working(database_url, clock):
        clock.run(1)  # however long it takes, the second rung is not due before the answer
        store(conn, press("btn-1", clock.now()))
        until(lambda: phones.rang("/one"))
        desk.acknowledge(conn, open_alert(conn), "u-1", via="link")
        until(lambda: history.open_alerts(conn)[0].state == "acknowledged")
        clock.run(60)
        time.sleep(2)  # two minutes of the fast clock
    assert [path for _, path, _ in phones.came] == ["/one"]


def test_a_contact_that_fails_for_good_gives_way_to_the_next_at_once(
    conn: psycopg.Connection, database_url: str, phones: Phones
) -> None:
    phones.statuses["/gone"] = 410
    town(conn, phones, first="u-2")
    with working(database_url):
        store(conn, press("btn-1"))
        until(lambda: phones.rang("/two"))
        until(lambda: {p.state for p in pages(conn)} == {"failed", "delivered"})
    assert [path for _, path, _ in phones.came] == ["/gone", "/two"]


def test_a_contact_that_fails_for_now_is_tried_again_and_so_is_the_next(
    conn: psycopg.Connection, database_url: str, phones: Phones
) -> None:
    phones.statuses["/gone"] = 503
    town(conn, phones, first="u-2")
    with working(database_url):
        store(conn, press("btn-1"))
        until(lambda: len(phones.rang("/gone")) == 2)
        phones.statuses.clear()
        until(lambda: {p.state for p in pages(conn)} == {"delivered"})
    assert len(phones.rang("/two")) == 1
    assert {page["page"] for page in phones.rang("/gone")} == {phones.rang("/gone")[0]["page"]}
    assert [page["attempt"] for page in phones.rang("/gone")][:2] == [1, 2]


def test_a_phone_that_cannot_be_reached_brings_the_next_rung_forward(
    conn: psycopg.Connection, database_url: str, phones: Phones
) -> None:
    phones.statuses["/one"] = 404
    town(conn, phones)
    with working(database_url):
        store(conn, press("btn-1"))
        until(lambda: phones.rang("/gone"))
    assert "unreachable" in [line.what for line in history.open_alerts(conn)[0].story]


def test_an_empty_rota_and_a_person_without_a_contact_are_skipped_and_named(
    conn: psycopg.Connection, database_url: str, phones: Phones
) -> None:
    town(conn, phones, first='"rota:empty", u-4')
    with working(database_url):
        store(conn, press("btn-1"))
        until(lambda: phones.rang("/gone"))
    skipped = [line for line in history.open_alerts(conn)[0].story if line.what == "skipped"]
    assert [(line.who, line.detail) for line in skipped] == [
        ("", "rung 1: rota:empty is nobody"),
        ("u-4", "rung 1: no contact serves now"),
    ]


def test_a_town_loaded_while_at_work_is_followed(
    conn: psycopg.Connection, database_url: str, phones: Phones
) -> None:
    with working(database_url):
        town(conn, phones)
        store(conn, press("btn-2"))
        assert until(lambda: phones.rang("/one"))[0]["title"] == "LIFE: Li Ming pressed SOS"


def test_a_second_process_stands_by_and_takes_over(
    conn: psycopg.Connection, database_url: str, phones: Phones
) -> None:
    town(conn, phones)
    with working(database_url) as first, working(database_url):
        store(conn, press("btn-1"))
        until(lambda: phones.rang("/one"))
        first.stop()
        store(conn, press("btn-2"))
        until(lambda: len(phones.rang("/one")) == 2)
    assert len({page["page"] for page in phones.rang()}) == 2


def test_a_restart_says_nothing_twice_and_forgets_no_rung(
    conn: psycopg.Connection, database_url: str, phones: Phones, clock: FastClock
) -> None:
    town(conn, phones)
    with working(database_url, clock):
        store(conn, press("btn-1", clock.now()))
        until(lambda: phones.rang("/one"))
    with working(database_url, clock):
        until(lambda: phones.rang("/three"))
    assert [path for _, path, _ in phones.came][:3] == ["/one", "/gone", "/three"]
    rang = [page["page"] for page in phones.rang()]
    assert len(rang) == len(set(rang))
    assert len(history.alerts(conn, history.AlertFilter())) == 1
