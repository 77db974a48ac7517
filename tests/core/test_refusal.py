"""What is wrong with a value is said in our words, each fault by its path."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta

from core.refusal import refusal, refused


class Place(msgspec.Struct, forbid_unknown_fields=True):
    lat: Annotated[float, Meta(ge=-90, le=90)]
    name: Annotated[str, Meta(min_length=1, max_length=5)] = "x"


class Message(msgspec.Struct):
    """Passes over further fields, as a device's message does."""

    at: datetime | float
    kind: Literal["door", "sos"] = "door"
    stars: Annotated[int, Meta(ge=1, le=5)] | None = None
    places: list[Place] = []
    days: dict[str, int] = {}


GOOD: dict[str, Any] = {"at": "2026-11-02T09:00:00Z"}


def at(**place: object) -> dict[str, Any]:
    return {**GOOD, "places": [place]}


@pytest.mark.parametrize(
    ("value", "said", "cause"),
    [
        ([], "expected a mapping, got a list of 0", "type"),
        ({}, "'at' is missing", "missing"),
        ({"at": None}, "'at' is missing", "missing"),
        ({"at": "soon"}, "at: expected a time like 2026-11-02T09:00, got 'soon'", "type"),
        ({**GOOD, "kind": "dor"}, "kind: 'dor' is none of door, sos", "type"),
        ({**GOOD, "stars": 6}, "stars: 6 is more than 5", "range"),
        ({**GOOD, "stars": 4.5}, "stars: expected a whole number, got '4.5'", "type"),
        (at(lat=-91), "places.0.lat: -91 is less than -90", "range"),
        (at(lat=True), "places.0.lat: expected a number, got 'True'", "type"),
        (at(lat=1, name=""), "places.0.name: 0 characters; at least 1", "type"),
        (at(lat=1, name="longer"), "places.0.name: 6 characters; at most 5", "type"),
        (at(lat=1, nme="x"), "places.0.nme: unknown key 'nme'; did you mean 'name'?", "unknown"),
        ({**GOOD, "days": {"a": []}}, "days.a: expected a whole number, got a list of 0", "type"),
    ],
)
def test_a_fault_is_named(value: object, said: str, cause: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(value, Message)
    (wrong,) = refusal(value, Message)
    assert (str(wrong), wrong.cause) == (said, cause)


def test_every_fault_is_named_in_the_order_of_the_value() -> None:
    value = {"stars": 0, "kind": "x"}
    assert [wrong.path for wrong in refusal(value, Message)] == [("stars",), ("kind",), ()]


def test_a_value_is_hidden_with_its_number() -> None:
    value = {**GOOD, "stars": 9, "days": {"full": "secret"}}
    said = refused(value, Message, hidden=None)
    assert said == "stars: more than 5; days.full: expected a whole number, got a text"
    assert "secret" not in refused(value, Message, hidden=frozenset({"days"}))
    assert "'secret'" in refused(value, Message)


def test_a_path_may_begin_further_out() -> None:
    assert refused({}, Place, at=("rules", 2)) == "rules.2: 'lat' is missing"


def test_a_refusal_is_never_without_a_fault() -> None:
    assert refused("x", bytes) == "does not fit"
