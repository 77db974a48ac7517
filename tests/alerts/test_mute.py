"""Mutes, shelves, maintenance and chattering; none of it touches a life alert."""

from datetime import timedelta

import pytest
from ladder_story import NOON, TOWN, LadderStory, ladder, staff, town
from msgspec.structs import replace

from alerts.types import PlanSet, Severity, Unmuted
from devices.directory import Device

U1, U2 = staff("u-1"), staff("u-2")
LADDER = ladder((0, ("u-1",)), (60, ("u-2",)))
MISSED = {"rule": "visit_missed", "severity": Severity.HIGH}
SILENT = {"rule": "device_silent", "severity": Severity.LOW}


@pytest.mark.parametrize(
    "fields",
    [{"subject": "client:c-1"}, {"rule": "visit_missed"}, {"area": "mudan"}, {"area": "heze"}],
)
def test_a_mute_names_a_subject_a_rule_or_an_area_with_all_below(fields: dict[str, str]) -> None:
    story = town((U1,), LADDER).muted(**fields).found(**MISSED).at(300)
    assert story.pages == []
    assert story.alert.muted == "repair (u-9)"


@pytest.mark.parametrize(
    "fields", [{"subject": "client:c-2"}, {"rule": "visit_late"}, {"area": "caoxian"}]
)
def test_what_a_mute_does_not_name_is_paged(fields: dict[str, str]) -> None:
    assert town((U1,), LADDER).muted(**fields).found(**MISSED).pages == [(0, "u-1")]


def test_a_life_alert_is_never_muted() -> None:
    story = town((U1,), LADDER).muted(subject="client:c-1").found()
    assert story.pages == [(0, "u-1")]
    assert story.alert.muted is None


def test_when_a_mute_ends_the_ladder_begins() -> None:
    story = town((U1, U2), LADDER).muted(minutes=5, rule="visit_missed").found(**MISSED).at(361)
    assert story.pages == [(300, "u-1"), (360, "u-2")]
    assert story.words() == ["raised", "muted", "unmuted", "paged", "paged"]


def test_a_mute_ended_early_lets_the_ladder_begin() -> None:
    story = town((U1,), LADDER).muted(rule="visit_missed").found(**MISSED).at(30)
    story.heard(Unmuted(at=story.now, id="m-1", person="u-9"))
    assert story.pages == [(30, "u-1")]
    assert story.changes[-1].mutes[0].until == NOON + timedelta(seconds=30)


def test_a_mute_set_later_stops_the_climbing_and_calls_pages_off() -> None:
    story = town((U1, U2), LADDER).found(**MISSED).at(10).muted(rule="visit_missed").at(500)
    assert story.pages == [(0, "u-1")]
    assert story.cancelled == [story.alert.id]


def test_a_device_in_maintenance_pages_nobody() -> None:
    register = replace(TOWN, devices=(Device(id="d-1", holder="client:c-1", maintenance=True),))
    story = LadderStory(PlanSet(people=(U1,), ladders=(LADDER,)), register)
    assert story.found(**SILENT, subject="device:d-1").at(60).pages == []
    assert story.alert.muted == "maintenance"


class TestChattering:
    def flap(self, story: LadderStory, times: int, **fields: object) -> None:
        for n in range(times):
            story.at(n * 10).found(**{**SILENT, **fields}, subject="device:d-1")
            story.found(**{**SILENT, **fields}, subject="device:d-1", event="cleared")

    def test_three_raises_in_a_minute_are_shelved_for_an_hour_and_listed(self) -> None:
        story = town((U1,), LADDER)
        self.flap(story, 5)
        assert story.pages == [(0, "u-1"), (10, "u-1")]
        assert story.alert.muted == "chattering"
        shelved = [mute for change in story.changes for mute in change.mutes]
        assert shelved[0].until == NOON + timedelta(seconds=20, hours=1)

    def test_a_life_alert_may_chatter(self) -> None:
        story = town((U1,), LADDER)
        self.flap(story, 5, severity=Severity.LIFE)
        assert len(story.pages) == 5

    def test_three_in_an_hour_are_no_chatter(self) -> None:
        story = town((U1,), LADDER)
        for n in range(3):
            story.at(n * 1200).found(**SILENT).found(**SILENT, event="cleared")
        assert len(story.pages) == 3
