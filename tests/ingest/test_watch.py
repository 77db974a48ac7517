"""When a session's watch cries out, and when it must not."""

from ingest.lanes.watch import LATER, TAKEN_OVER, SessionWatch
from ingest.store.intrusions import Intrusion


def watched() -> SessionWatch:
    """A watch whose session and witness are connected and subscribed."""
    watch = SessionWatch("life")
    watch.witness_connected()
    watch.connected(1, 0.0)
    watch.granted()
    return watch


def says(watch: SessionWatch, *numbers: int, to_session: bool = True) -> None:
    for number in numbers:
        watch.sent(number)
        watch.witnessed(number)
        if to_session:
            watch.heard(number)


def test_what_comes_is_well() -> None:
    watch = watched()
    says(watch, *range(1, 50))
    assert watch.found() == []


def test_the_session_may_hear_first() -> None:
    watch = watched()
    for number in range(1, 50):
        watch.sent(number)
        watch.heard(number)
        watch.witnessed(number)
    assert watch.found() == []


def test_what_somebody_else_acknowledged_is_missed() -> None:
    watch = watched()
    says(watch, 1)
    says(watch, 2, 3, to_session=False)
    says(watch, *range(4, 4 + LATER + 1))
    assert watch.found() == [Intrusion("life", "missing", 1), Intrusion("life", "missing", 1)]


def test_what_waits_in_the_broker_comes_late_and_is_well() -> None:
    watch = watched()
    says(watch, *range(1, 100), to_session=False)  # the database is away: the window is full
    for number in range(1, 100):
        watch.heard(number)
    says(watch, 100, 101)
    assert watch.found() == []


def test_what_comes_twice_is_well() -> None:
    watch = watched()
    says(watch, 1, 2, 3)
    for number in (2, 3, 2, 3):
        watch.heard(number)
    says(watch, 4, 5, 6, 7)
    assert watch.found() == []


def test_a_broker_that_fell_and_forgot_is_no_intrusion() -> None:
    watch = watched()
    says(watch, 1)
    says(watch, 2, 3, to_session=False)
    watch.connected(2, 1.0)  # before the witness is back; the session is a new one
    watch.witness_connected()
    watch.granted()
    says(watch, *range(4, 20))
    assert watch.found() == []


def test_a_broker_that_fell_and_kept_the_session_is_no_intrusion() -> None:
    watch = watched()
    says(watch, 1)
    says(watch, 2, 3, to_session=False)
    watch.witness_connected()
    watch.connected(1, 1.0)
    watch.granted()
    says(watch, *range(4, 20))
    assert watch.found() == []


def test_a_broker_that_falls_again_and_again_is_no_take_over() -> None:
    watch = watched()
    for n in range(TAKEN_OVER * 2):
        watch.connected(1, float(n))  # each time before the witness notices
        watch.witness_connected()
        says(watch, n + 1)
    assert watch.found() == []


def test_connections_lost_while_the_broker_is_there_are_take_overs() -> None:
    watch = watched()
    for n in range(TAKEN_OVER):
        watch.connected(1, float(n))
    assert watch.found() == []  # the broker itself may be gone
    says(watch, 1)
    assert watch.found() == [Intrusion("life", "taken_over", TAKEN_OVER)]


def test_a_connection_lost_now_and_then_is_no_take_over() -> None:
    watch = watched()
    for n in range(TAKEN_OVER * 3):
        watch.connected(1, n * 40.0)
        says(watch, n + 1)
    assert watch.found() == []


def test_a_session_that_the_broker_forgot_while_it_was_there_was_ended() -> None:
    watch = watched()
    says(watch, 1)
    watch.connected(2, 1.0)
    watch.granted()
    says(watch, 2)
    assert watch.found() == [Intrusion("life", "ended", 1)]


def test_nothing_is_expected_of_a_session_that_is_not_subscribed_yet() -> None:
    watch = SessionWatch("life")
    watch.witness_connected()
    says(watch, 1, 2, to_session=False)
    watch.connected(1, 0.0)
    watch.sent(3)
    watch.granted()
    watch.witnessed(3)  # it was published before the broker had granted the filters
    says(watch, *range(4, 20))
    assert watch.found() == []
