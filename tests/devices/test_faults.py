"""A faulty contract message is refused by its first fault, in our words."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from devices.codecs.contract import decode
from devices.codecs.faults import first_fault
from devices.contract.messages import MESSAGES
from devices.envelope import Envelope
from devices.readings import Reason, Rejection

NOON = datetime(2026, 11, 2, 4, tzinfo=UTC)
SENT: dict[str, Any] = {"id": "1", "at": 1793581200}
VISIT = {**SENT, "action": "rating"}


@pytest.mark.parametrize(
    ("kind", "sent", "field", "reason", "detail"),
    [
        ("door", SENT, "open", Reason.MISSING_FIELD, "'open' is missing"),
        ("door", {**SENT, "open": None}, "open", Reason.MISSING_FIELD, "'open' is missing"),
        ("door", {**SENT, "open": 1}, "open", Reason.BAD_VALUE, "open: expected true or false"),
        ("door", {"id": None, "at": [], "open": 1}, "id", Reason.MISSING_FIELD, "'id' is missing"),
        ("door", {"at": [], "open": 1}, "at", Reason.BAD_VALUE, "at: expected a time like"),
        ("status", {**SENT, "at": "soon"}, "at", Reason.BAD_VALUE, "at: expected a time like"),
        ("status", {**SENT, "id": ""}, "id", Reason.BAD_VALUE, "id: 0 characters; at least 1"),
        ("status", {**SENT, "id": "x" * 201}, "id", Reason.BAD_VALUE, "id: 201 characters; at"),
        ("status", {**SENT, "battery": 101}, "battery", Reason.OUT_OF_RANGE, "battery: more than"),
        ("position", {**SENT, "lat": -91}, "lat", Reason.OUT_OF_RANGE, "lat: less than -90"),
        (
            "sos",
            {**SENT, "press": "x"},
            "press",
            Reason.BAD_VALUE,
            "press: a text is none of cancel",
        ),
        (
            "visit",
            {**VISIT, "rating": 4.5},
            "rating",
            Reason.BAD_VALUE,
            "rating",
        ),
        (
            "visit",
            {**VISIT, "rating": 0},
            "rating",
            Reason.OUT_OF_RANGE,
            "rating",
        ),
    ],
)
def test_the_first_fault_is_named(
    kind: str, sent: dict[str, Any], field: str, reason: Reason, detail: str
) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(sent, MESSAGES[kind])
    found, fault = first_fault(sent, MESSAGES[kind])
    assert (found, fault.reason) == (field, reason)
    assert fault.detail.startswith(detail)


def test_no_value_is_repeated() -> None:
    number = 110101195503071234  # as a terminal might send an identity card's
    _, fault = first_fault({**SENT, "person": number}, MESSAGES["face"])
    assert fault == Rejection(Reason.BAD_VALUE, "person: expected a text, got a number")


def test_a_field_that_is_wrong_the_first_time_it_is_written() -> None:
    payload = json.dumps({**SENT, "open": True})[:-1].replace("{", '{"open": 1, ') + "}"
    (fault,) = decode(Envelope("carewatch/v1/w/door/d", payload.encode(), NOON)).parts
    assert fault == Rejection(Reason.BAD_VALUE, "does not fit")
