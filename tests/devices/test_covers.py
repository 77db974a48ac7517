"""Whether one MQTT filter takes all that another takes."""

import pytest

from devices.topics import covers


@pytest.mark.parametrize(
    ("allowed", "asked"),
    [("a/b", "a/b"), ("a/+", "a/b"), ("a/+", "a/+"), ("a/#", "a/b/+"), ("a/#", "a/#"), ("#", "a")],
)
def test_it_covers(allowed: str, asked: str) -> None:
    assert covers(allowed, asked)


@pytest.mark.parametrize(
    ("allowed", "asked"),
    [
        ("a/b", "a/+"),
        ("a/b", "a/#"),
        ("a/+", "a/#"),
        ("a/+", "a/b/c"),
        ("a/b", "a"),
        ("a", "a/b"),
        ("a/b", "#"),
        ("#", "$SYS/#"),
        ("+/a", "$SYS/a"),
    ],
)
def test_it_does_not(allowed: str, asked: str) -> None:
    assert not covers(allowed, asked)
