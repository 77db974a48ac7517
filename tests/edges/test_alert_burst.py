"""Five hundred alerts at once, and an SOS as the last."""

import threading

import psycopg
import pytest

from alerts import history
from devices.readings import DeviceStatus
from tests.clock import TIMEZONE, utc_now
from tests.edges.paging import Phones, load, press, store, working
from tests.waiting import until

pytestmark = pytest.mark.edge

MANY = 500
AREAS = ("north", "south")


def town(host: str) -> str:
    areas = "\n".join(f"  - {{id: {area}, name: {area.title()}}}" for area in AREAS)
    clients = "\n".join(f"  - {{id: c-{n}, area: {AREAS[n % 2]}}}" for n in range(MANY))
    doors = "\n".join(
        f'  - {{id: door-{n}, kind: door, holder: "client:c-{n}"}}' for n in range(MANY)
    )
    return f"""
timezone: {TIMEZONE}
areas:
{areas}
clients:
{clients}
devices:
{doors}
  - {{id: btn, kind: sos, holder: "client:c-0"}}
people:
  - {{id: u-1, role: on_call, contacts: [{{channel: "webhook://{host}/one"}}]}}
  - {{id: u-2, role: on_call, contacts: [{{channel: "webhook://{host}/two"}}]}}
ladders:
  - {{id: life, for: {{severities: [life]}}, rungs: [{{after: 0, page: [u-1]}}]}}
  - {{id: rest, rungs: [{{after: 0, page: [u-1]}}]}}
"""


def weak(n: int, time: int) -> DeviceStatus:
    now = utc_now()
    return DeviceStatus(
        device=f"door-{n}", id=f"weak-{n}-{time}", observed_at=now, received_at=now, battery=5.0
    )


def test_the_sos_leaves_alone_and_the_rest_is_bundled_and_none_is_dropped(
    conn: psycopg.Connection, database_url: str, phones: Phones
) -> None:
    load(conn, town(phones.host))
    sos_has_left = threading.Event()
    phones.before_answer = lambda page: page["severity"] == "life" or sos_has_left.wait(300)
    with working(database_url):
        store(conn, *(weak(n, time) for time in (1, 2) for n in range(MANY)))
        until(phones.rang)  # the others are on their way, and nobody takes them
        store(conn, press("btn"))
        until(lambda: sent(conn) == ["life"])
        sos_has_left.set()
        until(lambda: len(paged(phones)) == MANY + 1)
        until(lambda: len(sent(conn)) == MANY + 1)
    assert sent(conn)[0] == "life"
    assert sent(conn).count("life") == 1
    assert set(sent(conn)[1:]) == {"low"}
    sos = next(page for page in phones.rang() if page["rule"] == "sos_pressed")
    assert "bundled" not in sos
    assert all(
        one["severity"] == "low" for page in phones.rang() for one in page.get("bundled", ())
    )
    assert len({page["page"] for page in phones.rang()}) <= 8
    states = conn.execute("SELECT DISTINCT state FROM page").fetchall()
    assert states == [("delivered",)]


def sent(conn: psycopg.Connection) -> list[str]:
    """The severity of each page, in the order in which they left."""
    cursor = conn.execute("SELECT severity FROM page WHERE sent_at IS NOT NULL ORDER BY sent_at")
    return [severity for (severity,) in cursor]


def paged(phones: Phones) -> set[str]:
    """The alerts that any message named."""
    named = phones.rang()
    named += [page for message in phones.rang() for page in message.get("bundled", ())]
    return {page["alert"] for page in named}


def test_what_a_limit_holds_back_is_shown_and_goes_out_later(
    conn: psycopg.Connection, database_url: str, phones: Phones
) -> None:
    areas = "\n".join(f"  - {{id: a-{n}}}" for n in range(10))
    clients = "\n".join(f"  - {{id: c-{n}, area: a-{n}}}" for n in range(10))
    doors = "\n".join(f'  - {{id: door-{n}, holder: "client:c-{n}"}}' for n in range(10))
    people = f'  - {{id: u-1, contacts: [{{channel: "webhook://{phones.host}/one"}}]}}'
    load(
        conn,
        f"areas:\n{areas}\nclients:\n{clients}\ndevices:\n{doors}\npeople:\n{people}\n"
        "ladders: [{id: all, rungs: [{after: 0, page: [u-1]}]}]\n",
    )
    with working(database_url):
        store(conn, *(weak(n, time) for time in (1, 2) for n in range(10)))
        # What has rung may not be written down yet; the limit counts what is.
        until(lambda: len(history.held_pages(conn)) == 4 and len(sent(conn)) == 6)
        conn.execute("UPDATE page SET sent_at = sent_at - interval '1 min'")
        until(lambda: len(paged(phones)) == 10)
