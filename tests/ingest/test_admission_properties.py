"""Whatever comes, admission answers with readings, rejections or why it ignores it."""

import json
import re
import string
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import devices.codecs
from devices.codecs import CODECS
from devices.directory import Device, Directory, RegisterChange
from devices.envelope import Envelope, HttpRequest
from ingest.admission.admit import admit

pytestmark = pytest.mark.slow


RECEIVED = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
TOWN = Directory().changed(
    RegisterChange(
        devices=(
            Device(id="d-1", kind="sos", topic="zigbee2mqtt/b"),
            Device(id="d-2", kind="door", topic="b/tele/c"),
        )
    )
)
# The words that codecs look at, so that random values land where they matter.
SOURCES = [path.read_text() for path in Path(devices.codecs.__file__).parent.glob("*.py")]
NAMES = sorted({word for text in SOURCES for word in re.findall(r'"([\w:.!]{1,24})"', text)})
LEVELS = sorted({level for codec in CODECS for t in codec.topics for level in t.split("/")} - {"#"})
WORDS = st.sampled_from([*LEVELS, "a", "b", "c", "d-1", "v1", "position", "sos", "action", "state"])
TOPICS = st.lists(WORDS, min_size=1, max_size=6).map("/".join)
PATHS = st.sampled_from(
    (
        "/",
        "/pub",
        "/iclock/cdata?SN=1&table=ATTLOG",
        "/iclock/cdata?SN=1",
        "/Subscribe/Verify",
        "/LAPI/V1.0/x",
        "/api/webhook/abc",
        "/?id=1&lat=1&lon=%00",
        "/cgi-bin/eventManager.cgi",
        "/ingest/v1/s/door/d-1",
        "//[",
        "?",
    )
)
FIELDS = st.sampled_from(NAMES)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(("location", "lwt", "RecPush", "HeartBeat", "up", "ON", "sos", "emergency"))
    | st.sampled_from(("2026-11-02T09:00:00Z", "2026-11-02 09:00:00", "1e400", "0", "-1", "AXVc"))
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=6),
    max_leaves=25,
)


def check(envelope: Envelope) -> None:
    for directory in (None, TOWN):
        admitted = admit(envelope, directory)
        said = len(admitted.readings) + len(admitted.rejections)
        assert (admitted.ignored is not None) == (said == 0)
        assert admitted.family in {codec.family for codec in CODECS} | {"unknown"}
        keys = {(r.device, r.at, r.id) for r in admitted.readings}
        assert len(keys) == len(admitted.readings)
        for reading in admitted.readings:
            assert reading.at.utcoffset() == timedelta(0)
            assert reading.id
            assert b"\\u0000" not in msgspec.json.encode(reading)
            assert directory is None or reading.device in ("d-1", "d-2")


@given(TOPICS, st.binary(max_size=200))
def test_any_bytes_on_any_topic(topic: str, payload: bytes) -> None:
    check(Envelope(topic, payload, RECEIVED))


@settings(max_examples=400)
@given(TOPICS, JSON, st.booleans())
def test_any_json_on_any_topic(topic: str, body: Any, retain: bool) -> None:
    check(Envelope(topic, json.dumps(body).encode(), RECEIVED, retain=retain))


@settings(max_examples=300)
@given(PATHS, JSON, st.sampled_from(("application/json", "multipart/form-data; boundary=x", "")))
def test_any_json_on_any_path(path: str, body: Any, content_type: str) -> None:
    request = HttpRequest("POST", path, content_type)
    check(Envelope("", json.dumps(body).encode(), RECEIVED, http=request))


@given(PATHS, st.binary(max_size=300))
def test_any_bytes_on_any_path(path: str, payload: bytes) -> None:
    check(Envelope("", payload, RECEIVED, http=HttpRequest("POST", path, "text/plain")))


@given(st.text(string.printable, max_size=300))
def test_any_text_is_tried_by_its_form(payload: str) -> None:
    check(Envelope("nobody/speaks/here", payload.encode(), RECEIVED))
    for wrapped in (f"[3G*123456*0001*{payload}]", f"Code=X;action=Pulse;index=0;data={payload}"):
        check(Envelope("nobody/speaks/here", wrapped.encode(), RECEIVED))
