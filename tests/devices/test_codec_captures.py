"""Real messages of every family, each with what we understand of it (see captures/README.md)."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.envelope import Envelope
from devices.recording import http_request
from ingest.admission.admit import Admitted, admit

CAPTURES = sorted(Path(__file__).with_name("captures").glob("*.jsonl"))
RECEIVED = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
DEFAULTS = {
    "clock": "ok",
    "replayed": False,
    "mock": False,
    "datum": "wgs84",
    "method": "face",
}


def captured() -> Iterator[Any]:
    for path in CAPTURES:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            yield pytest.param(json.loads(line), id=f"{path.stem}-{number}")


ROWS = list(captured())


def envelope_of(row: dict[str, Any]) -> Envelope:
    http = http_request(row["http"], row["content_type"]) if "http" in row else None
    return Envelope(
        topic=row.get("topic", ""),
        payload=row["payload"].encode(),
        received_at=RECEIVED,
        http=http,
        retain=row.get("retain", False),
    )


def understood(admitted: Admitted) -> list[dict[str, Any]]:
    """What `decode` prints, without ids, receive times, nulls and defaults."""
    out: list[dict[str, Any]] = []
    for reading in admitted.readings:
        fields = json.loads(msgspec.json.encode(reading))
        kept = {key: value for key, value in fields.items() if value is not None}
        del kept["id"], kept["received_at"]
        out.append({k: v for k, v in kept.items() if k not in DEFAULTS or DEFAULTS[k] != v})
    out += [{"rejected": str(rejection.reason)} for rejection in admitted.rejections]
    return out + ([{"ignored": True}] if admitted.ignored else [])


@pytest.mark.parametrize("row", ROWS)
def test_a_captured_message_is_understood(row: dict[str, Any]) -> None:
    admitted = admit(envelope_of(row), None)
    assert understood(admitted) == row["out"]
    assert admitted.redacted == row.get("redacted", 0)


@pytest.mark.parametrize("row", ROWS)
def test_a_message_delivered_twice_has_the_same_ids(row: dict[str, Any]) -> None:
    first, again = admit(envelope_of(row), None), admit(envelope_of(row), None)
    ids = [reading.id for reading in first.readings]
    assert ids == [reading.id for reading in again.readings]
    assert all(ids)
    assert len({(r.device, r.at, r.id) for r in first.readings}) == len(ids)


def changed(value: Any, draw: st.DataObject) -> Any:
    """The value with one thing in it taken out or replaced."""
    if isinstance(value, dict) and value:
        key = draw.draw(st.sampled_from(sorted(value)))
        if draw.draw(st.booleans()):
            return {k: v for k, v in value.items() if k != key}
        return {**value, key: changed(value[key], draw)}
    if isinstance(value, list) and value:
        return [changed(value[0], draw), *value[1:]]
    return draw.draw(st.sampled_from(ODD))


ODD = (None, "", "x", 0, -1, 1e300, 10**30, True, [], {}, [1], {"a": 1}, "NaN", "\u0000", "1e999")


@settings(max_examples=500)
@given(row=st.sampled_from([param.values[0] for param in ROWS]), draw=st.data())
def test_a_damaged_message_is_refused_or_read_but_never_raises(
    row: dict[str, Any], draw: st.DataObject
) -> None:
    try:
        body = json.loads(row["payload"])
    except ValueError:
        return
    damaged = {**row, "payload": json.dumps(changed(body, draw))}
    admitted = admit(envelope_of(damaged), None)
    assert bool(admitted.readings or admitted.rejections) != bool(admitted.ignored)
