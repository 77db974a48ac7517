"""Folding changes into a board: each line of the wall has its reason here."""

from datetime import timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from small_town import NOW, ago, alert, directory, door, position, status, visit

from alerts.types import Alert
from dashboards.live import kpi
from dashboards.live import snapshot as screen
from dashboards.live.board import (
    AlertsChanged,
    Board,
    Change,
    DayBegan,
    Health,
    LastHeard,
    ReadingsHeard,
    Second,
    TownIs,
    VisitsChanged,
    fold,
    narrowed,
)
from dashboards.live.patch import Snapshot, patch, patched
from dashboards.scope import Scope


def board(*changes: Change, scope: Scope | None = None) -> Board:
    empty = Board(at=NOW, directory=directory(), staff={"u-1": "赵主任", "u-2": "孙组长"})
    begun = narrowed(empty, scope) if scope else empty
    for change in changes:
        begun = fold(begun, change)
    return begun


def snapshot(board: Board) -> Snapshot:
    return screen.snapshot(board, kpi.figures(board), map_version="1")


def second(after: float = 0) -> Second:
    return Second(NOW + timedelta(seconds=after), Health(lag=0.1, ingest=0.5, engine=0.5))


def test_a_position_moves_its_caregiver_and_a_late_one_does_not_move_her_back() -> None:
    moved = board(ReadingsHeard(NOW, (position(at=ago(seconds=5), lat=35.3),)))
    assert moved.fixes["g-1"].lat == 35.3
    late = fold(moved, ReadingsHeard(NOW, (position(at=ago(minutes=20), lat=35.9),)))
    assert late.fixes["g-1"].lat == 35.3


def test_a_last_will_takes_the_device_off() -> None:
    there = board(LastHeard((status("btn-c1"),)))
    assert there.gone == frozenset()
    went = fold(there, ReadingsHeard(NOW, (status("btn-c1", online=False),)))
    assert went.gone == {"btn-c1"}
    assert fold(went, ReadingsHeard(NOW, (status("btn-c1"),))).gone == frozenset()


def test_the_board_before_a_change_stays_as_it_was() -> None:
    before = board()
    fold(before, AlertsChanged((alert(),)))
    assert before.alerts == {}


def test_an_ended_alert_leaves_after_a_day_and_an_open_one_never() -> None:
    old = board(
        AlertsChanged(
            (
                alert("done", state="resolved", raised_at=ago(hours=25), resolved_at=ago(hours=24)),
                alert("open", raised_at=ago(hours=25)),
            )
        ),
        second(),
    )
    assert set(old.alerts) == {"open"}


def test_a_new_day_replaces_the_visits() -> None:
    turned = board(VisitsChanged((visit("v-1@a"),)), DayBegan((visit("v-1@b"),)))
    assert set(turned.visits) == {"v-1@b"}


def test_an_agency_sees_its_own_and_an_area_sees_what_lies_below_it() -> None:
    seen = (AlertsChanged((alert("one"), alert("far", subject="client:c-3", area="other"))),)
    assert set(board(*seen, scope=Scope(areas=("mudan",))).alerts) == {"one"}
    assert set(board(*seen, scope=Scope(agency="a-1")).alerts) == {"one"}
    assert set(board(*seen, scope=Scope(agency="a-2")).alerts) == set()


def test_an_area_sees_the_caregivers_who_visit_it_today() -> None:
    scope = Scope(areas=("wangji",))
    here = board(VisitsChanged((visit(),)), ReadingsHeard(NOW, (position(),)), scope=scope)
    assert set(here.fixes) == {"g-1"}
    assert board(ReadingsHeard(NOW, (position(),)), scope=scope).fixes == {}


def test_the_census_counts_what_is_commissioned_and_heard_of_in_time() -> None:
    counted = board(
        VisitsChanged((visit(),)),  # g-1 is on duty, g-2 is not: her phone is not expected
        LastHeard((position(at=ago(minutes=3)), status("btn-c1", ago(hours=20)))),
        LastHeard((status("btn-c2", ago(hours=26)), door(at=ago(hours=1)))),
        second(),
    ).census
    assert (counted.online, counted.commissioned) == (3, 4)  # door-c3 was never heard of
    assert (counted.covered, counted.clients) == (1, 3)
    assert counted.uncovered == {"wangji": 1, "other": 1}


def test_what_another_town_file_says_replaces_the_register() -> None:
    told = fold(board(), TownIs(directory(), {"u-9": "周"}))
    assert told.staff == {"u-9": "周"}


def test_a_muted_alert_is_counted_and_not_shown() -> None:
    wall = snapshot(board(AlertsChanged((alert(muted="maintenance"),))))
    assert wall.cards == {}
    assert wall.figures.suppressed == 1


def test_one_that_ended_unanswered_stays_hollow_for_ten_minutes() -> None:
    gone = alert(state="cleared", rule="visit_missed", cleared_at=ago(minutes=9))
    fresh = board(AlertsChanged((gone,)))
    assert snapshot(fresh).cards["al-1"].state == "cleared"
    later = fold(fresh, second(61))
    assert snapshot(later).cards == {}


def test_an_sos_takes_over_with_masked_name_exact_address_and_the_nearest_free_caregiver() -> None:
    taken = board(
        VisitsChanged((visit(),)),
        ReadingsHeard(NOW, (position(lat=35.243, lon=115.48),)),
        AlertsChanged((alert(observed_at=ago(minutes=20)),)),
    )
    card = snapshot(taken).cards["al-1"]
    assert card.who == "王**"
    assert card.sos is not None
    assert (card.sos.age, card.sos.address, card.sos.buffered) == (84, "王集村 12 号", True)
    assert card.sos.nearest is not None
    assert (card.sos.nearest.who, card.sos.nearest.metres) == ("钱**", 334)


def test_an_answer_ends_the_takeover_and_nothing_else_does() -> None:
    answered = alert(state="acknowledged", acked_at=NOW, acked_by="u-1")
    card = snapshot(board(AlertsChanged((answered,)))).cards["al-1"]
    assert card.sos is None
    assert card.acked_by == "赵**"


# ---------------------------------------------------------------- patches

some_alerts = st.lists(
    st.builds(
        alert,
        st.sampled_from(["a", "b", "c", "d"]),
        occurrences=st.integers(1, 3),
        state=st.sampled_from(["open", "acknowledged", "resolved"]),
        muted=st.sampled_from([None, "why"]),
    ),
    max_size=5,
)


def shown(alerts: list[Alert], lat: float) -> Snapshot:
    changes = AlertsChanged(tuple(alerts)), ReadingsHeard(NOW, (position(lat=lat),))
    return snapshot(board(*changes))


@given(some_alerts, some_alerts, st.floats(35, 36), st.floats(35, 36))
def test_a_screen_that_applies_the_patch_shows_what_the_server_sees(
    before: list[Alert], after: list[Alert], one: float, other: float
) -> None:
    old, new = shown(before, one), shown(after, other)
    change = patch(old, new)
    if change is None:
        assert msgspec.structs.replace(old, at=new.at) == new
        return
    sent = msgspec.json.decode(msgspec.json.encode(change), type=type(change))
    assert patched(old, sent) == new


def test_no_change_is_no_patch() -> None:
    same = shown([alert()], 35.2)
    assert patch(same, same) is None


def test_a_card_that_goes_is_a_tombstone() -> None:
    change = patch(shown([alert()], 35.2), shown([], 35.2))
    assert change is not None
    assert change.cards == {"al-1": None}
