"""A village of 3,000 devices goes dark while an SOS is pressed and 40 visits end."""

from collections import Counter

import pytest
from story import HOME, Spot, Story, area, button, caregiver, client, door, phone, visit

HOMES, BUTTONS, ROUNDS = 2_840, 120, 40  # with the caregivers' phones: 3,000 devices


def home(n: int) -> Spot:
    return HOME.north(400 * (n % 60)).east(400 * (n // 60))


@pytest.fixture(scope="module")
def told() -> Story:
    """The day: dark from 10:00 to 15:00, the press at 10:30, the visits' windows end at 11:00."""
    names = [f"c-{n}" for n in range(HOMES)]
    story = Story(
        area("mudan"),
        area("wangji", "mudan"),
        *(client(name, home(n), area="wangji") for n, name in enumerate(names)),
        *(door(name) for name in names),
        *(button(name) for name in names[:BUTTONS]),
        *(caregiver(f"g-{n}") for n in range(ROUNDS)),
        *(phone(f"g-{n}") for n in range(ROUNDS)),
        *(visit(f"v-{n}", client=f"c-{n}", caregiver=f"g-{n}") for n in range(ROUNDS)),
    )
    story.at("09:50")
    for name in names:
        story.status(f"door-{name}", online=True)
    for n in range(ROUNDS):
        story.at("09:50").position(f"g-{n}", HOME.north(-5_000))
    for n, name in enumerate(names):  # the gateways' last wills, within three minutes
        if n % 60 == 0:
            story.at(f"10:0{3 * n // HOMES}")
        story.status(f"door-{name}", online=False)
    story.at("10:30").press("btn-c-7").at("15:00")
    return story


def test_it_is_one_incident_and_no_device_speaks_for_itself(told: Story) -> None:
    outages = [found for found in told.told if found.rule == "area_outage"]
    assert Counter(found.event for found in outages)["raised"] == 1
    assert outages[0].subject == "area:wangji"
    last = [found for found in outages if found.event == "revised"][-1]
    assert len(last.evidence) == HOMES
    doors = [f for f in told.told if f.rule == "device_silent" and "door" in f.subject]
    assert doors == []


def test_the_press_is_told_at_once(told: Story) -> None:
    pressed = told.expect("sos_pressed", "client:c-7", "raised", at="10:30", severity="life")
    assert pressed.severity == "life"


def test_the_visits_are_silent_and_put_right_when_the_data_comes(told: Story) -> None:
    missed = [found for found in told.told if found.rule == "visit_missed"]
    assert len(missed) == ROUNDS
    assert {found.reason for found in missed} == {"caregiver_silent"}
    told.at("15:00")
    for n in range(ROUNDS):
        told.stayed(f"g-{n}", home(n), "10:02", "10:50", every=3)
        told.stayed(f"g-{n}", HOME.north(-5_000), "10:55", "11:20", every=5)
    cleared = [f for f in told.told if f.rule == "visit_missed" and f.event == "cleared"]
    assert {found.visit for found in cleared} == {found.visit for found in missed}
    assert {found.reason for found in cleared} == {"late_evidence"}


def test_the_incident_ends_when_the_village_is_back(told: Story) -> None:
    told.at("15:05")
    for n in range(HOMES):
        told.status(f"door-c-{n}", online=True)
    over = told.expect("area_outage", "area:wangji", "cleared", at="15:05", reason="back")
    assert len(over.evidence) < 10
    assert not [f for f in told.at("20:00").told if "door" in f.subject]
