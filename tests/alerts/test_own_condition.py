"""What a town writes for itself: an expression over readings, with a window."""

from datetime import UTC, datetime

import pytest
from story import Story, area, client, door

from alerts.rules.shared.conditions import fault_of, is_true
from alerts.types import Condition, PlanSet, Severity, TownChanged
from devices.directory import Device
from devices.readings import DoorMoved

RULE, WHO = "own_condition", "client:c-1"
NOON = datetime(2026, 11, 2, 4, tzinfo=UTC)

RESTLESS = Condition(
    id="restless",
    when="window.filter(r, r.open).size() >= 4",
    kinds=("door",),
    window_minutes=60,
    severity=Severity.HIGH,
    text="The door opens again and again at night.",
)
WEAK = Condition(id="weak", when="reading.signal < 20.0", kinds=("status",), per="device")
QUIET = Condition(id="quiet", when="count == 0", kinds=("door",), window_minutes=180)


HOT = Condition(
    id="hot",
    when="mean > 32.0",
    quantities=("temperature",),
    window_minutes=30,
    text="It has been too hot for half an hour.",
)
GAS = Condition(id="gas", when="highest > 0.0", quantities=("gas",), severity=Severity.HIGH)
DRY = Condition(
    id="dry",
    when="span >= 600.0 && change < 0.005",
    quantities=("water_volume",),
    window_minutes=720,
)


def story(*conditions: Condition) -> Story:
    town = (area("mudan"), area("wangji", "mudan"), client("c-1", area="wangji"))
    told = Story(*town, client("c-2"), door("c-1"), door("c-1", "2"), door("c-2"), only=(RULE,))
    return written(told, *conditions)


def written(told: Story, *conditions: Condition, gone: tuple[str, ...] = ()) -> Story:
    """The town file was loaded with these conditions."""
    plans = PlanSet(conditions=conditions, removed={"conditions": gone} if gone else {})
    return told.feels(TownChanged(at=told.now, plans=plans))


def test_it_raises_when_the_window_fills_and_clears_when_it_empties() -> None:
    told = story(RESTLESS).at("02:00")
    for minute in (0, 10, 20):
        told.at(f"02:{minute:02}").door("door-c-1")
    told.expect_nothing().at("02:30").door("door-c-1")
    found = told.expect(RULE, WHO, "raised", at="02:30", severity="high", reason="restless")
    assert (found.key, found.detail) == ("restless", RESTLESS.text)
    assert found.settings == {"when": RESTLESS.when, "window_minutes": 60}
    assert len(found.evidence) == 4
    told.at("03:00").expect(RULE, WHO, "cleared", at="03:00")  # the first has left the window


def test_all_doors_of_a_holder_count_together_and_a_neighbours_do_not() -> None:
    told = story(RESTLESS).at("02:00").door("door-c-1").door("door2-c-1").door("door-c-2")
    told.at("02:01").door("door-c-1").expect_nothing()
    told.at("02:02").door("door2-c-1").expect(RULE, WHO, "raised")


def test_each_device_for_itself_and_other_kinds_are_not_asked() -> None:
    told = story(WEAK).at("10:00").status("door-c-1", signal=10).door("door2-c-1")
    found = told.expect(RULE, "device:door-c-1", "raised", severity="medium")
    assert found.detail == "weak"
    told.status("door2-c-1", signal=90).expect_nothing()
    told.status("door-c-1", signal=50).expect(RULE, "device:door-c-1", "cleared")


def test_nothing_said_is_nothing_concluded() -> None:
    told = story(WEAK).at("10:00").status("door-c-1").expect_nothing()
    told.status("door-c-1", signal=10).expect(RULE, "device:door-c-1", "raised")
    told.status("door-c-1").expect_nothing()


def test_silence_itself_can_be_a_condition() -> None:
    told = story(QUIET).at("10:00").door("door-c-1").at("12:59").expect_nothing()
    told.at("13:00").expect(RULE, WHO, "raised", at="13:00", reason="quiet")
    told.at("13:10").door("door-c-1").expect(RULE, WHO, "cleared", at="13:10")


@pytest.mark.parametrize(
    "scope", [{"area": "mudan"}, {"subject": WHO}, {"care_level": "independent"}]
)
def test_it_is_meant_for_some(scope: dict[str, str]) -> None:
    condition = Condition(id="any", when="reading.open", kinds=("door",), **scope)  # type: ignore[arg-type]
    told = story(condition).at("10:00").door("door-c-1").door("door-c-2")
    told.expect(RULE, WHO, "raised")
    assert len(told.told) == ("care_level" in scope)  # both are independent


def test_late_readings_count_in_their_place() -> None:
    told = story(RESTLESS).at("02:30").door("door-c-1").door("door2-c-1")
    for observed in ("02:05", "00:10"):  # the second is older than the window
        told.door("door-c-1", observed=observed)
    told.expect_nothing().door("door-c-1", observed="02:10").expect(RULE, WHO, "raised")
    told.at("03:05").expect(RULE, WHO, "cleared", at="03:05")


def test_the_same_message_twice_is_one_and_a_restart_forgets_nothing() -> None:
    told = story(RESTLESS).at("02:00").door("door-c-1", id="a").door("door-c-1", id="a")
    told.door("door2-c-1").door("door2-c-1").restart().expect_nothing()
    told.at("02:10").door("door-c-1").expect(RULE, WHO, "raised")
    told.restart().at("03:00").expect(RULE, WHO, "cleared")


def test_a_condition_that_is_changed_or_taken_out() -> None:
    told = story(WEAK).at("10:00").status("door-c-1", signal=15)
    told.expect(RULE, "device:door-c-1", "raised")
    written(told, Condition(id="weak", when="reading.signal < 10.0", per="device"))
    told.at("10:10").expect(RULE, "device:door-c-1", "cleared")
    told.status("door-c-1", signal=5).expect(RULE, "device:door-c-1", "raised")
    written(told, gone=("weak",)).at("10:20")
    told.expect(RULE, "device:door-c-1", "cleared", reason="condition_removed")


def measuring(*conditions: Condition) -> Story:
    """A home with two sensors."""
    sensors = [Device(id=f"s-{n}", kind="sensor", holder=WHO) for n in (1, 2)]
    told = Story(area("wangji"), client("c-1", area="wangji"), *sensors, only=(RULE,))
    return written(told, *conditions)


def test_what_a_sensor_measures_raises_by_its_mean_and_clears() -> None:
    told = measuring(HOT).at("10:00").measures("s-1", "temperature", 30)
    told.at("10:10").measures("s-1", "temperature", 33).expect_nothing()  # 31.5 on the mean
    told.at("10:20").measures("s-1", "temperature", 36)  # 33
    found = told.expect(RULE, WHO, "raised", at="10:20", reason="hot")
    assert (found.detail, len(found.evidence)) == (HOT.text, 3)
    told.at("10:25").measures("s-1", "temperature", 28)  # 31.75
    told.expect(RULE, WHO, "cleared", at="10:25")


def test_another_quantity_of_the_same_message_changes_nothing() -> None:
    told = measuring(HOT).at("10:00").measures("s-1", "temperature", 40)
    told.expect(RULE, WHO, "raised")
    told.measures("s-1", "humidity", 10).measures("s-1", "temperature", 39).status("s-1")
    told.expect_nothing()


def test_gas_is_told_at_once_and_is_over_when_the_alarm_is() -> None:
    told = measuring(GAS).at("10:00").measures("s-1", "gas", 0).expect_nothing()
    told.at("10:01").measures("s-2", "gas", 1).expect(RULE, WHO, "raised", severity="high")
    told.at("10:09").measures("s-2", "gas", 0).expect(RULE, WHO, "cleared", at="10:09")


def test_no_water_was_used_all_day() -> None:
    told = measuring(DRY).at("06:00")
    for s in told.every(60, "06:00", "15:00"):
        s.measures("s-1", "water_volume", 812.0)
    told.expect_nothing().at("16:00").measures("s-1", "water_volume", 812.0)
    told.expect(RULE, WHO, "raised", at="16:00")
    told.at("16:30").measures("s-1", "water_volume", 812.02)
    told.expect(RULE, WHO, "cleared", at="16:30")


def test_measurements_that_come_late_twice_or_over_a_restart() -> None:
    told = measuring(HOT).at("10:20").measures("s-1", "temperature", 36, observed="10:15")
    told.expect(RULE, WHO, "raised")
    told.measures("s-1", "temperature", 20, observed="10:00", id="late")  # 28 on the mean
    told.expect(RULE, WHO, "cleared")
    told.restart().measures("s-1", "temperature", 20, observed="10:00", id="late")
    told.at("10:25").measures("s-1", "temperature", 42).expect(RULE, WHO, "raised")  # 32.7


@pytest.mark.parametrize(
    "when",
    [
        "mean > 35.0 || change > 10.0",
        "reading.quantity == 'smoke' && reading.value > 0.0",
        "count > 3 && span > 60.0 && lowest < 5.0 && highest < 12.0",
        "reading.battery < 15.0",
        "reading.battery < 15",
        "window.filter(r, r.kind == 'door' && r.open).size() > 20",
        "count == 0",
        "now - reading.at > duration('2h')",
        "reading.kind == 'status' && reading.fault != null && reading.fault.contains('smoke')",
        "window.exists(r, r.kind == 'position' && r.speed > 30.0)",
        "window[0].open",
    ],
)
def test_it_can_be_written(when: str) -> None:
    assert fault_of(Condition(id="x", when=when)) is None


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("reading.battery <", "is no CEL expression"),
        ("", "is no CEL expression"),
        ("reading.batery < 15.0", "a reading has no 'batery'; it has accuracy"),
        ("battery < 15.0", "names what is not there"),
        ("reading.battery", "gives 50.0, not true or false"),
        ("count + 1", "not true or false"),
        ("reading.battery < 'low'", "puts values of different types together"),
        ("count > 0 && water(reading)", "known: reading, window, count, now, mean"),
    ],
)
def test_what_can_not_be_meant_is_named(when: str, said: str) -> None:
    fault = fault_of(Condition(id="x", when=when))
    assert fault is not None
    assert said in fault
    assert "\n" not in fault


def test_an_expression_that_fails_says_nothing() -> None:
    opened = DoorMoved(device="d", id="1", observed_at=NOON, received_at=NOON, open=True)
    assert is_true("reading.open", opened, [], NOON) is True
    assert is_true("reading.battery < 15.0", opened, [], NOON) is None
    assert is_true("reading.open", None, [], NOON) is None
    assert is_true("1 / count == 1", opened, [], NOON) is None
