"""Guessing is slowed where it is done, and nowhere else; nothing makes the table forget."""

from dashboards.auth.throttle import Throttle


class Clock:
    """A clock that stands still until it is set on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def exhausted(clock: Clock) -> Throttle:
    throttle = Throttle(tries=3, seconds=300, clock=clock)
    for _ in range(5):
        throttle.failed("zhao", "1.1.1.1")
    return throttle


def test_only_failures_count() -> None:
    throttle = Throttle(tries=2, clock=Clock())
    assert all(throttle.allows("zhao", "1.1.1.1") for _ in range(50))
    throttle.failed("zhao", "1.1.1.1")
    assert throttle.allows("zhao", "1.1.1.1")
    throttle.failed("zhao", "1.1.1.1")
    assert not throttle.allows("zhao", "1.1.1.1")


def test_who_guesses_locks_out_nobody_elsewhere_and_no_other_account() -> None:
    throttle = exhausted(Clock())
    assert not throttle.allows("zhao", "1.1.1.1")
    assert throttle.allows("zhao", "2.2.2.2")
    assert throttle.allows("li", "1.1.1.1")


def test_one_failure_is_forgotten_at_a_time_and_never_more_than_the_limit_is_held() -> None:
    clock = Clock()
    throttle = exhausted(clock)
    clock.now += 101  # 300 s for 3 failures, and no more than these are held
    assert throttle.allows("zhao", "1.1.1.1")
    throttle.failed("zhao", "1.1.1.1")
    assert not throttle.allows("zhao", "1.1.1.1")
    clock.now += 400
    assert throttle.allows("zhao", "1.1.1.1")


def test_no_flood_of_names_or_networks_makes_it_forget() -> None:
    clock = Clock()
    throttle = exhausted(clock)
    for number in range(20_000):
        throttle.failed(f"name-{number}", f"2001:db8:{number:x}::/64")
    assert not throttle.allows("zhao", "1.1.1.1")
    assert throttle.allows("li", "3.3.3.3")
