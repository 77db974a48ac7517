"""A ladder of 0, 60 and 180 s against three real receivers, by a clock that runs sixty times fast.

Due times are exact; when a message then arrives depends on the machine, but is never too early.
"""

import threading
from collections.abc import Iterator
from datetime import datetime

import psycopg
import pytest

from alerts import desk, history
from tests.edges.mailbox import Mailbox
from tests.edges.paging import FastClock, Phones, load, press, store, working
from tests.waiting import until

pytestmark = pytest.mark.edge

TOWN = """
clients: [{{id: c-1, name: Wang Xiuying}}]
devices: [{{id: btn-1, kind: sos, holder: "client:c-1"}}]
people:
  - {{id: u-1, role: on_call, contacts: [{{channel: "webhook://{host}/one"}}]}}
  - {{id: u-2, role: on_call, contacts: [{{channel: "{mail}"}}]}}
  - {{id: u-3, role: manager, contacts: [{{channel: "json://{host}/three"}}]}}
ladders:
  - {{id: life, rungs: [{{after: 0, page: [u-1]}}, {{after: 60, page: [u-2]}},
                        {{after: 180, page: [u-3]}}], repeat: 60}}
"""


class Receivers:
    """A web server, an SMTP server and an Apprise target, all on one clock."""

    def __init__(self) -> None:
        self.clock = FastClock(60)
        self.phones = Phones(self.clock)
        self.mailbox = Mailbox(self.clock)

    def came(self) -> list[tuple[datetime, str]]:
        """When what arrived, in that order."""
        posts = [(at, path) for at, path, _ in self.phones.came]
        return sorted([*posts, *((at, "mail") for at, _ in self.mailbox.mails)])

    def close(self) -> None:
        self.phones.close()
        self.mailbox.close()


@pytest.fixture
def receivers() -> Iterator[Receivers]:
    receivers = Receivers()
    yield receivers
    receivers.close()


def due(conn: psycopg.Connection) -> list[tuple[str, float]]:
    """Whose page was due so many seconds after the press, in order."""
    (alert,) = history.alerts(conn, history.AlertFilter())
    found = history.pages_of(conn, alert.id)
    return [(p.page.person, (p.page.due_at - alert.raised_at).total_seconds()) for p in found]


def test_each_rung_is_due_to_the_second_on_every_channel_until_somebody_answers(
    conn: psycopg.Connection, database_url: str, receivers: Receivers
) -> None:
    load(conn, TOWN.format(host=receivers.phones.host, mail=receivers.mailbox.url("u@example.org")))
    with working(database_url, receivers.clock):
        store(conn, press("btn-1", receivers.clock.now()))
        until(lambda: len(receivers.phones.rang("/three")) >= 3)
        (alert,) = history.open_alerts(conn)
        desk.acknowledge(conn, alert.id, "u-3", via="link")
        until(lambda: history.open_alerts(conn)[0].state == "acknowledged")
        until(lambda: in_hand(conn) == 0)
        stopped_at = len(receivers.came())
        threading.Event().wait(2)  # two minutes of the fast clock
    assert len(receivers.came()) == stopped_at
    # The button is told so, once the acknowledgement is written.
    asked = conn.execute("SELECT device, press, answer FROM device_answer").fetchall()
    assert asked == [(each.device, each.id, "coming") for each in alert.evidence]

    climbed = due(conn)
    assert climbed[:3] == [("u-1", 0), ("u-2", 60), ("u-3", 180)]
    repeats = [seconds for _, seconds in climbed[3:]]
    assert {person for person, _ in climbed[3:]} == {"u-3"}
    assert repeats == sorted(set(repeats))
    assert all(seconds > 180 and seconds % 60 == 0 for seconds in repeats)

    arrived = receivers.came()
    first = {what: (at - alert.raised_at).total_seconds() for at, what in reversed(arrived)}
    assert first.keys() == {"/one", "mail", "/three"}
    assert all(first[what] >= due for what, due in (("/one", 0), ("mail", 60), ("/three", 180)))


def in_hand(conn: psycopg.Connection) -> int:
    """How many pages are on their way to a receiver."""
    row = conn.execute("SELECT count(*) FROM page WHERE state IN ('due', 'sending')").fetchone()
    assert row is not None
    return int(row[0])
