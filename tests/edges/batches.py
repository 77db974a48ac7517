"""Readings and messages to store, for the tests of the store and of what reads it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from devices.envelope import Envelope
from devices.readings import DoorMoved, Measured, Position, Reading, Rejection, SosPressed
from ingest.admission.admit import Admitted
from ingest.store.save import AdmittedMessage

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def position(n: int, **changes: Any) -> Position:
    """The n-th position of phone-1, n seconds after noon."""
    moment = NOON + timedelta(seconds=n)
    said = {"device": "phone-1", "id": f"p{n}", "observed_at": moment, "received_at": moment}
    return Position(**{**said, "lat": 35.24, "lon": 115.48, **changes})


def door(n: int, **changes: Any) -> DoorMoved:
    """The n-th opening of door-1, n seconds after noon."""
    moment = NOON + timedelta(seconds=n)
    said = {"device": "door-1", "id": f"d{n}", "observed_at": moment, "received_at": moment}
    return DoorMoved(**{**said, "open": True, **changes})


def measured(n: int, **changes: Any) -> Measured:
    """The n-th temperature of sensor-1, n seconds after noon."""
    moment = NOON + timedelta(seconds=n)
    said = {"device": "sensor-1", "id": f"m{n}", "observed_at": moment, "received_at": moment}
    return Measured(**{**said, "quantity": "temperature", "value": 21.5, "unit": "°C", **changes})


def press(n: int, **changes: Any) -> SosPressed:
    """The n-th press of btn-1, n seconds after noon."""
    moment = NOON + timedelta(seconds=n)
    said = {"device": "btn-1", "id": f"s{n}", "observed_at": moment, "received_at": moment}
    return SosPressed(**{**said, **changes})


def message(
    *readings: Reading, rejections: tuple[Rejection, ...] = (), envelope: Envelope | None = None
) -> AdmittedMessage:
    """One admitted message of the contract's family."""
    came = envelope or Envelope("carewatch/v1/wangji/position/phone-1", b"{}", NOON)
    return AdmittedMessage(came, Admitted("contract", readings=readings, rejections=rejections))


def messages(*readings: Reading) -> list[AdmittedMessage]:
    """A message for each reading."""
    return [message(reading) for reading in readings]
