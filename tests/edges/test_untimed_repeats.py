"""Messages without a time of their own: which are one message that came again."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from devices.envelope import Envelope
from ingest.lanes.stamps import forget, remember, restamped
from ingest.mqtt.session import Delivery

pytestmark = pytest.mark.edge

NINE = datetime(2026, 11, 2, 1, tzinfo=UTC)
TOPIC = "zigbee2mqtt/btn_c1"


def press(
    minutes: int, number: int, *, retain: bool = False, dup: bool = False, said: str = "emergency"
) -> Delivery:
    """A button's message, so many minutes after nine, under this packet id."""
    at = NINE + timedelta(minutes=minutes)
    payload = f'{{"action":"{said}"}}'.encode()
    return Delivery(Envelope(TOPIC, payload, at, retain=retain, dup=dup), number, connection=1)


def taken(conn: psycopg.Connection, *deliveries: Delivery, slot: str = "life") -> list[datetime]:
    """The stamps that these get when they come together, as a lane takes them."""
    come = restamped(conn, slot, deliveries)
    remember(conn, slot, come)
    return [each.envelope.received_at for each in come]


def minutes(*after: int) -> list[datetime]:
    return [NINE + timedelta(minutes=each) for each in after]


def test_a_redelivery_under_its_packet_id_is_the_same_message(conn: psycopg.Connection) -> None:
    assert taken(conn, press(0, 7)) == minutes(0)
    assert taken(conn, press(5, 7, dup=True)) == minutes(0)
    assert taken(conn, press(6, 8, dup=True)) == minutes(6)


def test_two_presses_alike_are_two(conn: psycopg.Connection) -> None:
    assert taken(conn, press(0, 1), press(1, 2)) == minutes(0, 1)
    assert taken(conn, press(2, 1)) == minutes(2)


def test_what_is_retained_comes_with_every_subscription_and_is_one_press(
    conn: psycopg.Connection,
) -> None:
    assert taken(conn, press(0, 1, retain=True)) == minutes(0)
    assert taken(conn, press(10, 2, retain=True)) == minutes(0)
    assert taken(conn, press(20, 0, retain=True), press(20, 3, retain=True)) == minutes(0, 0)


def test_overlapping_filters_bring_it_twice_at_once(conn: psycopg.Connection) -> None:
    assert taken(conn, press(0, 1, retain=True), press(1, 2, retain=True)) == minutes(0, 0)


def test_another_message_retained_there_is_new(conn: psycopg.Connection) -> None:
    taken(conn, press(0, 1, retain=True))
    assert taken(conn, press(9, 2, retain=True, said="single")) == minutes(9)


def test_a_press_that_is_not_retained_is_never_taken_for_one_that_was(
    conn: psycopg.Connection,
) -> None:
    taken(conn, press(0, 1, retain=True))
    assert taken(conn, press(9, 2)) == minutes(9)


def test_after_a_lost_session_the_retained_press_may_be_a_missed_one(
    conn: psycopg.Connection,
) -> None:
    taken(conn, press(0, 1, retain=True))
    taken(conn, press(0, 1, retain=True), slot="bulk-1")
    forget(conn, "life")
    assert taken(conn, press(9, 1, retain=True)) == minutes(9)
    assert taken(conn, press(9, 1, retain=True), slot="bulk-1") == minutes(0)


def test_the_retained_copy_of_a_press_heard_live_is_that_press(conn: psycopg.Connection) -> None:
    live = press(0, 7)
    remember(conn, "life", [live], [live])
    assert taken(conn, press(180, 8, retain=True), press(360, 9, retain=True)) == minutes(0, 0)
    assert taken(conn, press(400, 10, retain=True, said="panic")) == minutes(400)
