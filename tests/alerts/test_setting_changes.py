"""Rule settings changed everywhere or for a part of the town, and two of them set side by side."""

import pytest

from alerts.plans.setting_changes import (
    EVERYWHERE,
    SettingsChange,
    TownPart,
    changed,
    compared,
    covers,
    part_of,
)
from alerts.types import RuleScope, TownSettings
from core.errors import CarewatchError
from devices.directory import Area, Client, Directory, RegisterChange
from devices.scope import WHOLE, Scope

FULL = RuleScope(care_level="full", rules={"visit_missed": {"grace_minutes": 15}})
TOWN = TownSettings({"visit_missed": {"grace_minutes": 30}}, (FULL,))


def test_a_change_for_everybody_leaves_the_narrower_lines() -> None:
    change = SettingsChange(rule="visit_missed", parameters={"grace_minutes": 45})
    after = changed(TOWN, change)
    assert after == TownSettings({"visit_missed": {"grace_minutes": 45}}, (FULL,))


def test_a_change_for_a_part_joins_the_line_of_that_part() -> None:
    full = TownPart(care_level="full")
    change = SettingsChange(rule="no_activity", parameters={"hours": 12}, part=full)
    after = changed(TOWN, change)
    (line,) = after.rules_for
    assert line.rules == {"visit_missed": {"grace_minutes": 15}, "no_activity": {"hours": 12}}
    assert part_of(line) == full


def test_a_part_that_has_no_line_gets_one_behind_the_others() -> None:
    part = TownPart(area="wangji", agency="a-1")
    change = SettingsChange(rule="no_activity", parameters={"hours": 12}, part=part)
    assert [part_of(line) for line in changed(TOWN, change).rules_for] == [part_of(FULL), part]


def test_a_narrower_parameter_of_parts_is_written_whole() -> None:
    town = TownSettings({"device_silent": {"minutes": {"phone": 20, "door": 60}}})
    parameters: dict[str, object] = {"minutes": {"phone": 5}}
    change = SettingsChange(
        rule="device_silent", parameters=parameters, part=TownPart(area="wangji")
    )
    (line,) = changed(town, change).rules_for
    assert line.rules == {"device_silent": {"minutes": {"phone": 5, "door": 60}}}


@pytest.mark.parametrize("part", [EVERYWHERE, TownPart(area="wangji")])
def test_what_no_rule_takes_is_refused(part: TownPart) -> None:
    with pytest.raises(CarewatchError, match="it takes hours"):
        changed(TOWN, SettingsChange(rule="no_activity", parameters={"hour": 1}, part=part))


def test_what_differs_is_named_parameter_by_parameter() -> None:
    other = TownSettings(
        {"device_silent": {"minutes": {"phone": 20}}},
        (RuleScope(care_level="full", rules={"visit_missed": {"grace_minutes": 20}}),),
    )
    assert [str(one) for one in compared(TOWN, other)] == [
        "visit_missed.grace_minutes (care_level full): 15 -> 20",
        "device_silent.minutes.phone (everywhere): not set -> 20",
        "visit_missed.grace_minutes (everywhere): 30 -> not set",
    ]
    assert compared(TOWN, TOWN) == ()


def test_the_order_of_lines_is_a_difference_too() -> None:
    one = RuleScope(area="a", rules={"no_activity": {"hours": 1}})
    two = RuleScope(area="b", rules={"no_activity": {"hours": 2}})
    (found,) = compared(TownSettings({}, (one, two)), TownSettings({}, (two, one)))
    assert str(found) == "rules_for: the order of the lines"


@pytest.mark.parametrize(
    ("scope", "part", "is_covered"),
    [
        (WHOLE, EVERYWHERE, True),
        (Scope(areas=("mudan",)), EVERYWHERE, False),
        (Scope(areas=("mudan",)), TownPart(care_level="full"), False),
        (Scope(areas=("mudan",)), TownPart(area="wangji"), True),
        (Scope(areas=("mudan",)), TownPart(area="other"), False),
        (Scope(areas=("mudan",)), TownPart(area="wangji", agency="a-1"), True),
        (Scope(areas=("mudan",)), TownPart(subject="client:c-1"), True),
        (Scope(areas=("mudan",)), TownPart(subject="client:c-2", area="wangji"), False),
        (Scope(agency="a-1"), TownPart(agency="a-1"), True),
        (Scope(agency="a-1"), TownPart(agency="a-2"), False),
        (Scope(agency="a-1", areas=("mudan",)), TownPart(agency="a-1"), False),
        (Scope(agency="a-1", areas=("mudan",)), TownPart(agency="a-1", area="wangji"), True),
    ],
)
def test_nobody_changes_what_others_answer_for(
    scope: Scope, part: TownPart, is_covered: bool
) -> None:
    areas = (Area(id="mudan"), Area(id="wangji", parent="mudan"), Area(id="other"))
    clients = (Client(id="c-1", area="wangji"), Client(id="c-2", area="other"))
    directory = Directory().changed(RegisterChange(areas=areas, clients=clients))
    assert covers(scope, directory, part) is is_covered
