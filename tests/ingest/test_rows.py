"""Readings as bytes for COPY."""

import struct
from datetime import UTC, datetime, timedelta, timezone
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.readings import KINDS, DeviceStatus, Measured, Position, Reading, SosPressed
from ingest.store.rows import copy_stream, distinct, json_array, microseconds, row_of

AT = datetime(2026, 11, 2, 9, tzinfo=UTC)


def status(key: str = "1", at: datetime = AT) -> DeviceStatus:
    return DeviceStatus(device="d", id=key, observed_at=at, received_at=AT, battery=50.0)


@given(st.datetimes(timezones=st.just(UTC)))
def test_microseconds_count_from_2000(moment: datetime) -> None:
    assert datetime(2000, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds(moment)) == moment


def test_the_zone_of_a_time_does_not_matter() -> None:
    there = AT.astimezone(timezone(timedelta(hours=8)))
    assert microseconds(there) == microseconds(AT)


def test_one_row_byte_by_byte() -> None:
    row = row_of(0, status())
    stream = copy_stream([(7, row)])
    head, rest = stream[:19], stream[19:]
    assert head == b"PGCOPY\n\xff\r\n\0" + bytes(8)
    assert struct.unpack_from("!hiqiqiq", rest) == (
        7,
        8,
        7,
        8,
        *[microseconds(AT), 8],
        microseconds(AT),
    )
    texts = b"".join(
        struct.pack("!i", len(text)) + text for text in (b"d", b"1", b"status", row.body)
    )
    assert rest[38:] == texts + struct.pack("!h", -1)


def test_the_first_of_each_key_stays() -> None:
    rows = [row_of(n, status(key)) for n, key in enumerate("abacb")]
    assert [row.message for row in distinct(rows)] == [0, 1, 3]


def test_an_array_reads_back() -> None:
    readings = (status("1"), status("2"))
    array = json_array([row_of(0, reading) for reading in readings])
    assert msgspec.json.decode(array, type=tuple[Reading, ...]) == readings


def test_every_kind_has_its_table() -> None:
    common = {"device": "d", "id": "1", "observed_at": AT, "received_at": AT}
    position = Position(**common, lat=0.0, lon=0.0)
    assert row_of(0, position).table == "reading_track"
    assert row_of(0, status()).table == "reading_track"
    assert row_of(0, SosPressed(**common)).table == "reading_event"
    measured = Measured(quantity="gas", value=1.0, unit="", **common)
    assert row_of(0, measured).table == "reading_track"
    assert len(get_args(Reading)) == len(KINDS) + 1  # the contract has no such kind


def test_half_a_surrogate_pair_is_no_text() -> None:
    with pytest.raises(UnicodeEncodeError):
        row_of(0, status("\ud800"))
