"""An age grows from the last measurement on, whoever asks when."""

import math

from core.ages import FRESH, Age


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_it_stands_while_it_is_measured_and_grows_when_it_is_not() -> None:
    clock = Clock()
    age = Age(clock)
    assert math.isnan(age.seconds())
    age.set(0.25)
    clock.now += FRESH
    assert age.seconds() == 0.25
    clock.now += 87
    assert age.seconds() == 90.25
    age.set()
    assert age.seconds() == 0


def test_who_stands_by_says_nothing() -> None:
    age = Age(Clock())
    age.set(7)
    age.forget()
    assert math.isnan(age.seconds())
