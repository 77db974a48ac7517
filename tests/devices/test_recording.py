"""Recordings: what is written is read back; a broken line is named."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import CarewatchError
from devices.envelope import Envelope, HttpRequest
from devices.recording import http_request, read_recording, write_line

AT = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
REQUEST = st.builds(
    HttpRequest, st.sampled_from(("GET", "POST")), TEXT.map(lambda t: f"/{t.strip()}"), TEXT
)
ENVELOPES = st.builds(
    Envelope,
    topic=TEXT,
    payload=st.binary(max_size=60) | TEXT.map(str.encode),
    received_at=st.datetimes(timezones=st.just(UTC)),
    retain=st.booleans(),
    dup=st.booleans(),
) | st.builds(
    Envelope,
    topic=st.just(""),
    payload=st.binary(max_size=60),
    received_at=st.datetimes(timezones=st.just(UTC)),
    http=REQUEST,
)


@given(st.lists(ENVELOPES, max_size=5))
def test_a_recording_gives_back_what_was_recorded(
    tmp_path_factory: pytest.TempPathFactory, envelopes: list[Envelope]
) -> None:
    path = tmp_path_factory.mktemp("recordings") / "day.jsonl"
    path.write_bytes(b"".join(map(write_line, envelopes)))
    assert list(read_recording(path)) == list(enumerate(envelopes, 1))


def test_lines_are_counted_and_times_come_in_utc(tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl"
    path.write_text(
        '{"received_at": "2026-11-02T09:00:00+08:00", "topic": "a", "payload": "牡丹"}\n\n'
        '{"received_at": "2026-11-02T01:00:00Z", "topic": "b", "payload_b64": "/w==",'
        ' "dup": true}\n'
        '{"received_at": "2026-11-02T01:00:00Z", "http": "get /?id=1", "note": "passed over"}\n'
    )
    assert list(read_recording(path)) == [
        (1, Envelope("a", "牡丹".encode(), AT)),
        (3, Envelope("b", b"\xff", AT, dup=True)),
        (4, Envelope("", b"", AT, http=HttpRequest("GET", "/?id=1"))),
    ]


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("nonsense", "line 2"),
        ("[]", "line 2.*expected a mapping, got a list of 0"),
        ('{"topic": "a"}', "line 2.*'received_at' is missing"),
        ('{"topic": 7}, nonsense', "line 2.*not JSON"),
        ('{"received_at": "2026-11-02T09:00:00", "topic": "a"}', "no offset"),
        ('{"received_at": "2026-11-02T09:00:00Z"}', "topic"),
        ('{"received_at": "2026-11-02T09:00:00Z", "http": "nonsense"}', "POST /path"),
        ('{"received_at": "2026-11-02T09:00:00Z", "topic": "a", "payload_b64": "%"}', "line 2"),
        ("[" * 5000, "line 2"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: str, named: str) -> None:
    path = tmp_path / "day.jsonl"
    path.write_bytes(write_line(Envelope("a", b"", AT)) + line.encode())
    with pytest.raises(CarewatchError, match=named):
        list(read_recording(path))


def test_a_missing_recording_is_named(tmp_path: Path) -> None:
    with pytest.raises(CarewatchError, match=r"gone\.jsonl"):
        list(read_recording(tmp_path / "gone.jsonl"))


def test_a_request_line() -> None:
    assert http_request("post /a b", "text/plain") == HttpRequest("POST", "/a b", "text/plain")
    for wrong in ("", "GET", "/path", "1 /path"):
        with pytest.raises(CarewatchError):
            http_request(wrong)
