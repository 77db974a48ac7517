"""What becomes of an alert, as timelines."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from ladder_story import NOON, ladder, made, staff, town

from alerts.cases.lifecycle import alert_id
from alerts.types import AlertKey, Evidence, Noted, Opened, Resolved, Severity
from devices.readings import SosPressed

U1, U2 = staff("u-1"), staff("u-2")
LADDER = ladder((0, ("u-1",)), (60, ("u-2",)))
HIGH = {"rule": "visit_missed", "severity": Severity.HIGH}


def test_the_same_alert_has_the_same_id_and_another_moment_another() -> None:
    key = AlertKey("sos_pressed", "client:c-1")
    assert alert_id(key, NOON) == alert_id(key, NOON)
    assert len({alert_id(key, NOON), alert_id(key, NOON + timedelta(microseconds=1))}) == 2
    assert "-" not in alert_id(key, NOON)


def test_the_zone_a_moment_is_written_in_makes_no_other_alert() -> None:
    key = AlertKey("door_left_open", "client:c-1", "door-1")
    as_read = NOON.astimezone(ZoneInfo("America/Los_Angeles"))
    assert alert_id(key, as_read) == alert_id(key, NOON)


def test_an_alert_says_where_it_is_and_what_raised_it() -> None:
    alert = town((U1,), LADDER).found().alert
    assert (alert.area, alert.state, alert.occurrences) == ("wangji", "open", 1)
    assert alert.ladder == LADDER
    assert alert.story[0].what == "raised"


def test_a_second_press_joins_the_open_alert() -> None:
    story = town((U1,), LADDER).found().at(20).found(event="joined").at(30)
    assert len(story.alerts) == 1
    assert story.alert.occurrences == 2
    assert story.pages == [(0, "u-1")]


def test_a_joined_press_with_no_open_alert_opens_one() -> None:
    story = town((U1,), LADDER).found().at(5)
    story.heard(Resolved(at=story.now, alert=story.alert.id, person="u-1", outcome="helped"))
    assert story.at(50).found(event="joined").pages == [(0, "u-1"), (50, "u-1")]


def test_a_new_alarm_under_an_answered_life_alert_pages_again() -> None:
    story = town((U1,), LADDER).found().at(5).acked().at(700).found()
    assert story.pages == [(0, "u-1"), (700, "u-1")]
    assert story.alert.state == "open"


def test_a_clear_stops_paging_an_alert_nobody_answered() -> None:
    story = town((U1, U2), LADDER).found(**HIGH).at(30)
    story.found(**HIGH, event="cleared", reason="late_evidence").at(500)
    assert story.pages == [(0, "u-1")]
    assert (story.alert.state, story.alert.reason) == ("cleared", "late_evidence")
    assert story.cancelled == [story.alert.id]


def test_an_answered_life_alert_is_not_cleared_by_itself() -> None:
    story = town((U1,), LADDER).found().acked().found(event="cleared")
    assert story.alert.state == "acknowledged"
    assert story.words()[-1] == "cleared"


def test_a_revision_adds_to_the_story_and_keeps_the_alert() -> None:
    story = town((U1,), LADDER).found(**HIGH, reason="caregiver_silent")
    story.found(**HIGH, event="revised", reason="caregiver_elsewhere", detail="Seen far away.")
    assert story.alert.reason == "caregiver_elsewhere"
    assert story.words() == ["raised", "paged", "revised"]


@pytest.mark.parametrize("event", ["cleared", "revised"])
def test_words_about_an_alert_that_is_gone_open_nothing(event: str) -> None:
    story = town((U1,), LADDER).found(**HIGH, event=event)
    assert story.alerts == {}
    assert story.changes[-1].findings[0][1] is None


def test_the_first_answer_wins_and_a_later_one_is_told_who() -> None:
    story = town((U1, U2), LADDER).found().acked("u-2").acked("u-1").acked("u-2")
    assert story.alert.acked_by == "u-2"
    assert story.alert.story[-1].what == "also_acknowledged"
    assert story.alert.story[-1].detail == "u-2 was first"


def test_an_answer_to_a_closed_alert_is_told_that_it_is_late() -> None:
    story = town((U1, U2), LADDER).found()
    story.heard(Resolved(at=story.now, alert=story.alert.id, person="u-1", outcome="helped"))
    story.book.recall(story.alert)
    assert story.acked("u-2").alert.story[-1].what == "too_late"
    assert story.alert.state == "resolved"


def test_resolving_keeps_outcome_and_note() -> None:
    story = town((U1,), LADDER).found().at(40)
    entry = Resolved(
        at=story.now, alert=story.alert.id, person="u-1", outcome="hospital", note="on the way"
    )
    alert = story.heard(entry).at(900).alert
    assert (alert.outcome, alert.resolved_by, alert.state) == ("hospital", "u-1", "resolved")
    assert alert.story[-1].detail == "hospital: on the way"
    assert story.pages == [(0, "u-1")]


def test_notes_and_looks_are_lines_and_no_answer() -> None:
    story = town((U1, U2), LADDER).found()
    for _ in range(2):
        story.heard(Opened(at=story.now, alert=story.alert.id, person="u-1"))
    story.heard(Noted(at=story.now, alert=story.alert.id, person="u-1", note="calling"))
    assert story.words() == ["raised", "paged", "opened", "noted"]
    assert story.at(60).pages == [(0, "u-1"), (60, "u-2")]


def test_the_deciding_reading_gives_the_alert_its_times() -> None:
    story = town((U1,), LADDER)
    pressed = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)
    press = SosPressed(device="btn-1", id="7", observed_at=pressed, received_at=NOON)
    fact = Evidence(what="sos", device="btn-1", id="7")
    for key, evidence in (("", (fact,)), ("other", ())):
        story.book.settle(made(NOON, key=key, evidence=evidence), press, NOON)
    found = {alert.key: alert for alert in story.at(0).alerts.values()}
    assert (found[""].observed_at, found[""].received_at) == (pressed, NOON)
    assert found["other"].observed_at is None


def test_a_life_ladder_counts_from_the_press_and_others_from_now() -> None:
    for severity, due in ((Severity.LIFE, NOON), (Severity.HIGH, NOON + timedelta(hours=1))):
        story = town((U1,), ladder((0, ("u-1",)), (9999, ("u-1",))))
        story.at(3600).book.settle(made(NOON, severity=severity), None, story.now)
        assert story.at(3600).sent[0].due_at == due
