"""Late, too short, without an end: what is said while a visit can still be saved."""

from story import HOME, Story, caregiver, client, door, moment, phone, visit

FAR = HOME.north(5_000)


def story(*more: object, **window: object) -> Story:
    items = (client("c-1"), caregiver("g-1"), caregiver("g-2"), phone("g-1"), phone("g-2"))
    planned = visit("v-1", **window)  # type: ignore[arg-type]
    rules = ("visit_late", "visit_short", "visit_unended")
    return Story(*items, door("c-1"), planned, *more, only=rules)  # type: ignore[arg-type]


def test_late_when_the_minutes_no_longer_fit() -> None:
    told = story().stays("g-1", FAR, "08:30", "09:55", every=5).expect_nothing().at("10:00")
    told.expect(
        "visit_late", "client:c-1", at="10:00", severity="medium", reason="caregiver_elsewhere"
    )
    told.stays("g-1", HOME, "10:20", "11:30")
    told.expect("visit_late", "client:c-1", "cleared", at="10:26", reason="begun")


def test_late_not_before_half_an_hour() -> None:
    told = story(end="10:00").at("09:30")
    told.expect("visit_late", "client:c-1", at="09:30", reason="caregiver_silent")


def test_a_phone_just_come_is_given_the_time_to_stay() -> None:
    told = story().stays("g-1", HOME, "09:57", "11:05").stays("g-1", FAR, "11:10", "11:20", every=5)
    told.expect_nothing("visit_late")


def test_late_is_over_when_it_turns_out_to_have_begun_in_time_or_is_missed() -> None:
    told = story().at("10:00")
    told.expect("visit_late", "client:c-1")
    told.at("10:30").stayed("g-1", HOME, "09:05", "10:20")
    told.expect("visit_late", "client:c-1", "cleared", reason="late_evidence")
    told = story().at("12:00")
    told.expect("visit_late", "client:c-1")
    told.expect("visit_late", "client:c-1", "cleared", reason="missed")


def test_short_is_judged_when_the_window_is_over() -> None:
    told = story().stays("g-1", HOME, "09:00", "09:40").stays("g-1", FAR, "09:50", "11:00", every=5)
    told.expect_nothing().at("11:00")
    found = told.expect("visit_short", "client:c-1", at="11:00", reason="too_short")
    assert "40 of 60 min" in found.detail
    told.at("13:00").stayed("g-1", HOME, "09:42", "09:48")
    told.expect("visit_short", "client:c-1", "cleared", reason="late_evidence")


def test_stepping_out_is_not_leaving() -> None:
    told = story().stays("g-1", HOME, "09:00", "09:40").stays("g-1", FAR, "09:45", "10:00", every=5)
    told.stays("g-1", HOME, "10:15", "10:35").stays("g-1", FAR, "10:45", "11:30", every=5)
    told.at("11:30").expect_nothing()


def test_a_check_out_ends_a_visit() -> None:
    told = story().at("09:00").door("door-c-1").mark("g-1", "check_in")
    told.at("09:30").mark("g-1", "check_out").door("door-c-1").at("12:00")
    told.expect("visit_short", "client:c-1", at="11:00")
    told.expect_nothing()
    done = told.records["v-1@2026-11-02"]
    assert (done.state, done.grade, done.present) == ("done", "verified", 30)


def test_no_end_seen() -> None:
    told = story().stays("g-1", HOME, "09:00", "10:10").expect_nothing().at("11:30")
    told.expect("visit_unended", "client:c-1", at="11:30", severity="low", reason="no_end_seen")
    told.at("14:00").stayed("g-1", FAR, "10:20", "10:40", every=5)
    told.expect("visit_unended", "client:c-1", "cleared", reason="ended")
    assert told.records["v-1@2026-11-02"].ended == moment("10:10")


def test_a_check_in_alone_shows_no_end_whoever_it_is_of() -> None:
    told = story(caregiver=None).at("09:04").door("door-c-1").at("09:05").mark("g-2", "check_in")
    told.at("11:30").expect("visit_unended", "client:c-1", at="11:30", reason="no_end_seen")
    told.expect_nothing()


def test_closed_as_unverified_after_25_hours() -> None:
    told = story().stays("g-1", HOME, "09:00", "10:10").at("11:30")
    told.expect("visit_unended", "client:c-1")
    told.restart().at("+1 10:00")
    told.expect("visit_unended", "client:c-1", "cleared", at="+1 10:00", reason="closed_unverified")
    assert told.records["v-1@2026-11-02"].state == "unverified"


def test_a_substitutes_visit_has_an_end_too() -> None:
    told = story().stays("g-2", HOME, "09:00", "10:10").at("12:00").expect_nothing()
    assert told.records["v-1@2026-11-02"].ended == moment("10:10")


def test_a_backlog_newest_first_does_not_flicker() -> None:
    told = story().at("10:00")
    told.told.clear()
    told.at("14:00")
    told.told.clear()
    told.stayed("g-1", FAR, "10:20", "10:40", every=5)
    for minutes in range(60, -1, -2):
        told.position("g-1", HOME, observed=f"{9 + minutes // 60}:{minutes % 60:02}", replayed=True)
    told.at("15:00").expect_nothing()
    assert told.records["v-1@2026-11-02"].present == 60
    told = story().at("14:00")
    told.told.clear()
    told.stayed("g-1", HOME, "09:00", "10:00").stayed("g-1", FAR, "10:20", "10:40", every=5)
    told.at("15:00").expect_nothing()


def test_late_evidence_of_a_short_visit_is_told_after_a_pause() -> None:
    told = story().at("14:00")
    told.told.clear()
    told.stayed("g-1", HOME, "09:00", "09:20").stayed("g-1", FAR, "09:40", "10:40", every=5)
    told.expect_nothing().at("14:02")
    told.expect("visit_short", "client:c-1", at="14:02")
