"""Was somebody there? Kept, late, missed, and the hundred ways of not knowing."""

from typing import Any

import pytest
from story import HOME, Story, agency, button, caregiver, client, door, moment, phone, visit

from alerts.types import RuleScope, VisitRecord
from devices.directory import Away, Client

FAR = HOME.north(5_000)
VISITS = ("visit_missed", "visit_late", "visit_short", "visit_unended")


def story(*more: object, only: tuple[str, ...] = ("visit_missed",), **rules: object) -> Story:
    items = (
        client("c-1", care_level="full"),
        caregiver("g-1", agency="a-1"),
        caregiver("g-2"),
        phone("g-1"),
        phone("g-2"),
        door("c-1"),
        visit("v-1"),
    )
    return Story(*items, *more, only=only, rules=rules or None)  # type: ignore[arg-type]


def missed(told: Story, **more: object) -> None:
    told.expect("visit_missed", "client:c-1", **more)  # type: ignore[arg-type]


def record(told: Story, key: str = "v-1@2026-11-02") -> VisitRecord:
    return told.records[key]


# ---------------------------------------------------------------- kept


def test_a_visit_kept_by_phone_is_verified_from_begin_to_end() -> None:
    told = story(only=VISITS)
    told.stays("g-1", FAR, "08:00", "08:50", every=5)
    told.stays("g-1", HOME.east(20), "09:02", "10:04")
    told.stays("g-1", FAR, "10:20", "10:40", every=5)
    kept = record(told.at("12:30"))
    assert (kept.state, kept.grade, kept.came) == ("done", "verified", "g-1")
    assert (kept.began, kept.ended, kept.present) == (moment("09:02"), moment("10:04"), 62)
    assert [fact.what for fact in kept.evidence] == ["position", "position"]
    told.expect_nothing()


def test_a_short_look_in_is_no_visit() -> None:
    told = story().stays("g-1", HOME, "09:30", "09:34").stays("g-1", FAR, "09:45", "11:30", every=5)
    missed(told.at("12:00"), at="12:00", reason="caregiver_elsewhere")


def test_gaps_under_ten_minutes_are_joined_and_longer_ones_are_not() -> None:
    told = story().at("09:00").position("g-1", HOME).at("09:09").position("g-1", HOME)
    told.at("12:00").expect_nothing()
    told = story().at("09:00").position("g-1", HOME).at("09:10").position("g-1", HOME)
    missed(told.at("12:00"))


def test_a_check_in_counts_when_the_phone_or_the_door_backs_it() -> None:
    alone = story().at("09:10").mark("g-1", "check_in").at("12:00")
    found = alone.expect("visit_missed", "client:c-1", reason="caregiver_silent")
    assert ("check_in", "not backed by phone or door") in [
        (fact.what, fact.detail) for fact in found.evidence
    ]
    by_door = story().at("09:08").door("door-c-1").at("09:10").mark("g-1", "check_in").at("12:00")
    by_door.expect_nothing()
    assert record(by_door).state == "begun"
    by_phone = story().at("09:10").mark("g-1", "check_in").at("09:12").position("g-1", HOME)
    by_phone.at("12:00").expect_nothing()


def test_a_check_in_far_from_home_is_contradicted() -> None:
    told = story().stays("g-1", FAR, "09:00", "11:30", every=5)
    told.at("11:31").mark("g-1", "check_in", observed="09:30")
    told.at("12:00")
    missed(told, reason="caregiver_elsewhere")
    assert record(told).grade == "contradicted"


# ---------------------------------------------------------------- missed, and why


def test_elsewhere() -> None:
    told = story().stays("g-1", FAR, "08:30", "11:55", every=5)
    told.expect_nothing().at("12:00")
    missed(told, at="12:00", reason="caregiver_elsewhere", visit="v-1@2026-11-02", severity="high")


def test_tracking_lost_is_not_absent() -> None:
    told = story().stays("g-1", FAR, "08:00", "09:05", every=5)
    missed(told.at("12:00"), reason="caregiver_silent")


def test_no_phone_no_data() -> None:
    told = story(visit("v-2", caregiver="g-3"), visit("v-3", caregiver=None)).at("12:00")
    missed(told, visit="v-2@2026-11-02", reason="no_caregiver_data")
    missed(told, visit="v-3@2026-11-02", reason="no_caregiver_data")


def test_a_substitute() -> None:
    told = story().stays("g-2", HOME, "09:10", "10:10").stays("g-1", FAR, "09:00", "11:00", every=5)
    missed(told.at("12:00"), reason="substitute_came")
    assert (record(told).came, record(told).state) == ("g-2", "done")


def test_mock_positions_are_no_evidence_and_named_as_the_reason() -> None:
    told = story().stays("g-1", HOME, "09:00", "10:30", mock=True).at("12:00")
    missed(told, reason="caregiver_mock")
    assert (record(told).grade, record(told).came) == ("contradicted", None)
    told = story().stays("g-1", FAR, "09:00", "10:30", mock=True, accuracy=500).at("12:00")
    missed(told, reason="caregiver_mock")


def test_a_place_made_up_at_another_time_or_by_somebody_else_says_nothing_of_the_visit() -> None:
    told = story().stays("g-1", HOME, "08:05", "08:20", mock=True)
    told.stays("g-2", HOME, "09:30", "10:00", mock=True).at("12:00")
    missed(told, reason="caregiver_silent")


def test_a_visit_kept_for_all_to_see_is_kept_whatever_else_the_phone_made_up() -> None:
    told = story().stays("g-1", HOME, "09:00", "09:10", mock=True)
    told.stays("g-1", HOME, "09:20", "10:20").stays("g-1", FAR, "10:30", "12:00", every=5)
    told.at("13:00").expect_nothing()


@pytest.mark.parametrize(
    ("metres", "accuracy", "kept"),
    [
        (190, 50, True),  # 150 + 50
        (190, 30, False),
        (210, 200, False),  # no more than 50 m help
        (100, 250, False),  # too vague
        (140, None, True),  # weak, but evidence
        (160, None, False),
    ],
)
def test_accuracy(metres: float, accuracy: float | None, kept: bool) -> None:
    told = story()
    told.stays("g-1", HOME.north(metres), "09:00", "10:30", accuracy=accuracy).at("12:00")
    assert bool(told.told) is not kept
    if kept and accuracy is None:
        assert record(told).grade == "probable"


# ---------------------------------------------------------------- late evidence


def test_evidence_six_hours_late_clears() -> None:
    told = story().at("12:00")
    missed(told, at="12:00", reason="caregiver_silent")
    told.at("18:00").stayed("g-1", HOME, "09:00", "10:00")
    found = told.expect("visit_missed", "client:c-1", "cleared", at="18:00", reason="late_evidence")
    assert found.evidence[0].at == moment("09:00")
    told.expect_nothing()


def test_late_positions_elsewhere_revise_the_reason() -> None:
    told = story().at("12:00")
    missed(told, reason="caregiver_silent")
    told.at("15:00").stayed("g-1", FAR, "08:30", "11:30", every=5)
    told.expect("visit_missed", "client:c-1", "revised", reason="caregiver_elsewhere")
    told.expect_nothing()


def test_evidence_after_the_correction_horizon_is_too_late() -> None:
    told = story().at("12:00")
    missed(told)
    told.at("+3 11:01").stayed("g-1", HOME, "09:00", "10:00").expect_nothing()
    told = story().at("12:00")
    missed(told)
    told.at("+3 10:59").stayed("g-1", HOME, "09:00", "10:00")
    missed(told, event="cleared")


def test_a_phone_at_the_home_after_the_grace_is_no_evidence_of_the_visit() -> None:
    told = story().stays("g-1", HOME, "11:58", "13:00").at("13:30")
    missed(told)
    told.expect_nothing()


# ---------------------------------------------------------------- places


def test_neighbours_70_m_apart() -> None:
    """Two hours at one neighbour's are no visit to the other."""
    near = HOME.east(70)
    told = story(client("c-2", near), visit("v-2", client="c-2"))
    told.stays("g-1", near, "09:00", "11:00", accuracy=8).at("12:00")
    missed(told, reason="caregiver_elsewhere", visit="v-1@2026-11-02")
    told.expect_nothing()


def test_a_neighbours_caregiver_is_no_substitute() -> None:
    near = HOME.east(70)
    told = story(client("c-2", near), visit("v-2", client="c-2", caregiver="g-2"))
    told.stays("g-2", HOME.east(60), "09:00", "11:00", accuracy=30)
    told.stays("g-1", FAR, "09:00", "11:00", every=5).at("12:00")
    missed(told, reason="caregiver_elsewhere")


def test_the_home_planned_wins_over_a_nearer_home_without_a_visit() -> None:
    told = story(client("c-2", HOME.east(60))).stays("g-1", HOME.east(60), "09:00", "10:00")
    told.at("12:00").expect_nothing()


def test_two_visits_in_a_row_in_one_building() -> None:
    told = story(client("c-2"), visit("v-2", "11:00", "12:30", client="c-2"), only=VISITS)
    told.stays("g-1", HOME, "09:00", "12:30").stays("g-1", FAR, "12:40", "13:00", every=5)
    told.at("14:00").expect_nothing()
    first, second = record(told), record(told, "v-2@2026-11-02")
    assert (first.state, first.ended) == ("done", moment("11:00"))
    assert (second.state, second.began, second.ended) == ("done", moment("11:00"), moment("12:30"))


def test_a_wild_jump_into_the_home_is_no_visit() -> None:
    told = story().stays("g-1", FAR, "09:00", "10:00").at("10:01").position("g-1", HOME, 2)
    told.stays("g-1", FAR, "10:02", "11:30")
    missed(told.at("12:00"), reason="caregiver_elsewhere")


def test_a_phone_that_jumps_about_is_neither_elsewhere_nor_contradicting() -> None:
    told = story(only=VISITS).at("09:15").mark("g-1", "check_in")
    for n, then in enumerate(told.every(2, "09:00", "10:00")):
        then.position("g-1", FAR if n % 4 == 2 else HOME, 3)
    told.stays("g-1", FAR, "10:10", "10:20", every=5).at("12:00").expect_nothing()
    assert (record(told).grade, record(told).present) == ("verified", 58)


# ---------------------------------------------------------------- plans


def test_a_visit_across_midnight() -> None:
    told = story(visit("v-n", "22:00", "+1 02:00", minutes=180)).at("21:00")
    told.told.clear()
    told.stays("g-1", HOME, "22:10", "+1 01:20", every=5).at("+1 03:00")
    told.expect_nothing()
    assert record(told, "v-n@2026-11-02").came == "g-1"


def test_a_series_with_its_exceptions() -> None:
    told = Story(
        client("c-1"),
        caregiver("g-1"),
        phone("g-1"),
        visit(
            "v-s",
            rrule="FREQ=WEEKLY;BYDAY=MO,TU,WE",
            except_dates=("2026-11-03",),
            extra_dates=("2026-11-05",),
        ),
        only=("visit_missed",),
    )
    told.at("+5 00:00")
    assert [found.visit for found in told.told] == [
        "v-s@2026-11-02",
        "v-s@2026-11-04",
        "v-s@2026-11-05",
    ]


def test_a_plan_taken_away_in_time_is_cancelled() -> None:
    told = story().at("08:00").change(gone={"visits": ("v-1",)}).at("12:00").expect_nothing()
    assert record(told).state == "cancelled"


def test_a_plan_moved_after_it_was_missed_clears_and_starts_anew() -> None:
    told = story().at("12:00")
    missed(told)
    told.at("12:10").change(visit("v-1", "14:00", "16:00"))
    missed(told, event="cleared", reason="plan_changed")
    missed(told.at("17:00"), at="17:00")


def test_a_visit_learnt_of_when_it_is_over_is_true_at_start() -> None:
    told = Story(client("c-1"), caregiver("g-1"), phone("g-1"), only=("visit_missed",))
    told.at("15:00").change(visit("v-1"))
    missed(told, at="15:00")


def test_a_backtest_judges_visits_before_its_first_line_at_their_own_time() -> None:
    told = Story(
        client("c-1"),
        caregiver("g-1"),
        phone("g-1"),
        button("c-1"),
        visit("v-1"),
        only=("visit_missed",),
        begins=None,
    )
    told.now = moment("18:00")
    told.position("g-1", HOME, observed="09:00")
    missed(told, at="12:00")
    told.stayed("g-1", HOME, "09:02", "10:00")
    missed(told, event="cleared", at="18:00")


# ---------------------------------------------------------------- settings, restarts, repeats


def test_the_narrowest_settings_win() -> None:
    told = story(
        agency("a-1"),
        RuleScope(care_level="full", rules={"visit_missed": {"grace_minutes": 15}}),
        visit_missed={"grace_minutes": 90},
    )
    found = told.at("11:15").expect("visit_missed", "client:c-1", at="11:15")
    assert found.settings["grace_minutes"] == 15
    told = story(
        RuleScope(subject="client:c-1", rules={"visit_missed": {"grace_minutes": 5}}),
        RuleScope(agency="a-1", rules={"visit_missed": {"grace_minutes": 45}}),
        RuleScope(care_level="full", rules={"visit_missed": {"grace_minutes": 15}}),
    )
    missed(told.at("11:05"), at="11:05")


def test_a_restart_in_the_middle_forgets_nothing() -> None:
    told = story(only=VISITS).stays("g-1", HOME, "09:00", "09:20").restart()
    told.stays("g-1", HOME, "09:22", "10:00").stays("g-1", FAR, "10:10", "10:30", every=5)
    told.restart().at("12:30").expect_nothing()
    assert record(told).present == 60
    told = story().at("11:30").restart().at("12:00")
    missed(told, at="12:00")
    told.restart().at("13:00").expect_nothing()
    told.stayed("g-1", HOME, "09:00", "10:00")
    missed(told, event="cleared")


def test_repeats_change_nothing() -> None:
    told, revisions = story(), []
    for _ in range(2):
        told._n = 0
        told.at("10:30").stayed("g-1", HOME, "09:00", "10:00")
        revisions.append(record(told).revision)
    assert revisions[0] == revisions[1]
    told.told.clear()
    told.at("12:00").expect_nothing()


def test_a_phone_left_in_the_car() -> None:
    """At the gate it is as good as at the home; parked down the road it contradicts, no more."""
    gate = story().stays("g-1", HOME.north(100), "08:58", "10:02")
    gate.stays("g-1", FAR, "10:10", "10:30", every=5).at("12:00")
    assert record(gate.expect_nothing()).grade == "verified"

    down_the_road = HOME.north(300)
    told = story().stays("g-1", down_the_road, "08:50", "09:01")
    told.door("door-c-1").mark("g-1", "check_in")
    told.stays("g-1", down_the_road, "09:03", "10:05").at("12:30").expect_nothing("visit_missed")
    assert (record(told).state, record(told).grade) == ("done", "contradicted")

    told = story().stays("g-1", down_the_road, "08:50", "10:05").at("12:00")
    told.expect("visit_missed", "client:c-1", "raised", reason="caregiver_elsewhere")
    told.at("13:00").door("door-c-1", observed="09:02").mark("g-1", "check_in", observed="09:02")
    told.at("13:05").expect("visit_missed", "client:c-1", "cleared", reason="late_evidence")
    assert record(told).grade == "contradicted"


# ---------------------------------------------------------------- a phone that speaks


def test_a_phone_at_rest_that_repeats_its_last_fix_is_not_silent() -> None:
    told = story()
    for minute in range(5, 120, 15):
        told.at(f"{9 + minute // 60:02}:{minute % 60:02}").position("g-1", HOME, observed="09:05")
    missed(told.at("12:00"), reason="caregiver_unplaced")


def test_a_phone_that_says_no_more_than_that_it_lives_is_not_silent() -> None:
    told = story()
    for _ in told.every(20, "09:00", "11:00"):
        told.status("phone-g-1", online=True)
    missed(told.at("12:00"), reason="caregiver_unplaced")


def test_a_phone_that_nobody_heard_is_silent() -> None:
    told = story().at("08:55").position("g-1", FAR).at("11:30").position("g-1", FAR)
    missed(told.at("12:00"), reason="caregiver_silent")


# ---------------------------------------------------------------- a client who is away


def absent(start: str, end: str) -> Client:
    stay = Away(from_=moment(start), until=moment(end), reason="hospital")
    return client("c-1", care_level="full", away=(stay,))


@pytest.mark.parametrize(
    ("start", "end", "owed"),
    [
        ("-3 08:00", "+3 08:00", False),
        ("10:59", "12:00", False),  # it touches the window's end
        ("08:00", "09:01", False),  # and its start
        ("11:00", "14:00", True),
        ("07:00", "09:00", True),
    ],
)
def test_a_visit_whose_window_touches_an_absence_is_not_owed(
    start: str, end: str, owed: bool
) -> None:
    told = story(absent(start, end), only=VISITS).at("13:00")
    assert [found.rule for found in told.told] == (["visit_late", *VISITS[:2]] if owed else [])
    expected = ("missed", "caregiver_silent") if owed else ("cancelled", "client_away")
    assert (record(told).state, record(told).reason) == expected


def test_who_comes_all_the_same_is_recorded_and_nothing_is_short_or_unended() -> None:
    told = story(absent("08:00", "18:00"), only=VISITS)
    told.stays("g-1", HOME, "09:30", "09:40").stays("g-1", FAR, "09:50", "13:00", every=5)
    assert (record(told).state, record(told).came) == ("done", "g-1")
    told.at("14:00").expect_nothing()


def test_evidence_of_an_absence_s_visit_still_counts_when_it_comes_late() -> None:
    told = story(absent("08:00", "18:00"), only=VISITS).at("13:00")
    assert record(told).state == "cancelled"
    told.stayed("g-1", HOME, "09:00", "10:10")
    assert (record(told).state, record(told).came) == ("begun", "g-1")
    told.at("+1 12:00").expect_nothing()


def test_an_absence_learnt_of_later_takes_every_alert_back() -> None:
    told = story(only=VISITS).at("12:30")
    missed(told)
    told.told.clear()
    told.change(absent("08:00", "18:00"))
    missed(told, event="cleared", reason="away")
    told.at("+1 12:00").expect_nothing()
    told = (
        story(only=VISITS).stays("g-1", HOME, "09:00", "09:20").stays("g-1", FAR, "09:30", "12:00")
    )
    told.expect("visit_short", "client:c-1")
    told.change(absent("08:00", "18:00")).expect(
        "visit_short", "client:c-1", "cleared", reason="away"
    )
    told = story(only=VISITS).stays("g-1", HOME, "09:00", "09:20").at("12:00")
    told.expect("visit_unended", "client:c-1")
    told.change(absent("08:00", "18:00"))
    told.expect("visit_unended", "client:c-1", "cleared", reason="away")
    told.at("+1 12:00").expect_nothing()


# ---------------------------------------------------------------- a minute serves one visit


def shared(*more: object, second: tuple[str, str] = ("10:00", "12:00"), **plan: Any) -> Story:
    """A second visit to the same home, whose window overlaps the first's."""
    return story(visit("v-2", *second, **plan), *more, only=VISITS)


def states(told: Story) -> tuple[str, str]:
    return record(told).state, record(told, "v-2@2026-11-02").state


def test_one_half_hour_serves_the_earlier_window_alone() -> None:
    told = shared().stays("g-1", FAR, "08:00", "09:50", every=5)
    told.stays("g-1", HOME, "10:05", "10:35").stays("g-1", FAR, "10:45", "14:00", every=5)
    assert states(told) == ("done", "missed")
    missed(told, visit="v-2@2026-11-02", reason="caregiver_elsewhere", at="13:00")
    assert record(told).present == 30


def test_a_stay_that_is_long_enough_serves_both_one_behind_the_other() -> None:
    told = shared(second=("09:00", "11:00")).stays("g-1", HOME, "09:00", "11:00")
    told.stays("g-1", FAR, "11:10", "13:00", every=5)
    first, second = record(told), record(told, "v-2@2026-11-02")
    assert states(told) == ("done", "done")
    assert (first.came, second.came) == ("g-1", "g-1")
    assert (second.began, second.ended) == (moment("10:00"), moment("11:00"))
    told.expect_nothing("visit_missed")


def test_what_the_first_has_not_taken_by_its_minutes_is_left_for_the_second() -> None:
    told = shared(second=("09:00", "11:00")).stays("g-1", HOME, "09:00", "10:03")
    told.stays("g-1", FAR, "10:10", "13:00", every=5)
    assert states(told) == ("done", "missed")  # three minutes are no visit


def test_two_caregivers_who_are_planned_have_a_phone_each() -> None:
    told = shared(second=("09:00", "11:00"), caregiver="g-2")
    for at in ("09:10", "09:15", "09:20", "09:25"):
        told.at(at).position("g-1", HOME).position("g-2", HOME)
    assert states(told.at("09:30")) == ("begun", "begun")


def test_one_of_two_planned_caregivers_serves_for_one() -> None:
    told = shared(second=("09:00", "11:00"), caregiver="g-2").stays("g-1", HOME, "09:00", "10:00")
    told.stays("g-1", FAR, "10:10", "12:30", every=5)
    assert states(told) == ("done", "missed")


def test_a_substitute_s_half_hour_serves_one_visit_too() -> None:
    told = Story(
        *(client("c-1", care_level="full"), caregiver("g-1"), caregiver("g-2"), caregiver("g-3")),
        *(phone("g-1"), phone("g-2"), phone("g-3")),
        *(visit("v-1"), visit("v-2", caregiver="g-2")),
        only=("visit_missed",),
    )
    told.stays("g-3", HOME, "09:10", "09:40").at("12:00")
    missed(told, visit="v-1@2026-11-02", reason="substitute_came")
    missed(told, visit="v-2@2026-11-02", reason="caregiver_silent")


def test_neighbours_whose_homes_no_fix_tells_apart_share_a_minute_like_one_home() -> None:
    neighbour = client("c-2", HOME.east(5))
    told = shared(neighbour, second=("09:00", "11:00"), client="c-2")
    told.stays("g-1", HOME, "09:00", "09:30", accuracy=30).at("12:00")
    assert states(told) == ("begun", "missed")


@pytest.mark.parametrize("backwards", [False, True])
def test_late_evidence_of_the_earlier_visit_takes_the_minutes_back(backwards: bool) -> None:
    told = shared(second=("10:00", "12:00")).at("09:50")
    told.stays("g-1", HOME, "10:30", "10:50").at("11:00")
    assert states(told) == ("begun", "late")
    fixes = list(range(10))
    for n in reversed(fixes) if backwards else fixes:  # it had begun before the second's window
        told.position("g-1", HOME, observed_at=moment(f"09:{20 + n:02}"), replayed=True)
    assert record(told).began == moment("09:20")
    assert states(told) == ("begun", "begun")  # the first needed no more than 09:20 to 10:20
    assert record(told, "v-2@2026-11-02").began == moment("10:30")
