"""What the broker says it dropped is cried out and kept, whoever restarts."""

from datetime import timedelta

import psycopg
import pytest

from ingest.history import recent_drops
from ingest.lanes.drops import TOPIC, Drops
from ingest.mqtt.packets import Publish
from tests.clock import utc_now

pytestmark = pytest.mark.edge


def says(dropped: int, topic: str = TOPIC) -> Publish:
    return Publish(topic, b"%d" % dropped, 0, False, False)


def lately(conn: psycopg.Connection) -> int:
    return recent_drops(conn, utc_now() - timedelta(days=1))


def test_what_was_dropped_before_we_listened_is_no_news(conn: psycopg.Connection) -> None:
    drops = Drops()
    assert drops.consumes(says(3))
    drops.keep(conn)
    assert (drops.faults(), lately(conn)) == ([], 0)


def test_a_loss_is_a_fault_and_kept(conn: psycopg.Connection) -> None:
    drops = Drops()
    for dropped in (0, 0, 7):
        drops.consumes(says(dropped))
        drops.keep(conn)
    (fault,) = drops.faults()
    assert "7 since its start" in fault
    assert lately(conn) == 7


def test_a_loss_while_ingest_was_away_is_seen_by_the_next(conn: psycopg.Connection) -> None:
    before, after = Drops(), Drops()
    before.consumes(says(0))
    before.keep(conn)
    after.consumes(says(5))
    after.keep(conn)
    assert after.faults()
    assert lately(conn) == 5


def test_a_broker_that_counts_from_nothing_again_has_lost_nothing_more(
    conn: psycopg.Connection,
) -> None:
    drops = Drops()
    for dropped in (9, 0, 0):
        drops.consumes(says(dropped))
        drops.keep(conn)
    assert (drops.faults(), lately(conn)) == ([], 0)


def test_only_the_brokers_own_words_are_heeded(conn: psycopg.Connection) -> None:
    drops = Drops()
    drops.consumes(says(0))
    assert drops.consumes(says(9, "$SYS/broker/clients/total"))
    assert drops.consumes(Publish(TOPIC, b"many", 0, False, False))
    assert not drops.consumes(says(9, "zigbee2mqtt/door"))
    assert drops.faults() == []
