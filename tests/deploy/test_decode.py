"""`carewatch decode`, run as the command."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.system


DOOR = {"id": "d-1", "at": "2026-11-02T01:00:00Z", "open": True}
TOPIC = "carewatch/v1/w/door/door-c1"
TOWN = """
timezone: Asia/Urumqi
facilities: [{id: f-1, name: home}]
devices:
  - {id: term-f1, kind: terminal, holder: "facility:f-1", topic: "mqtt/face/7/Rec"}
"""


def carewatch(*words: str, given: bytes = b"") -> tuple[int, list[Any], str]:
    """Exit status, the JSON lines printed, and what stands on stderr."""
    run = subprocess.run(
        [sys.executable, "-c", "from deploy.cli import main; main()", "decode", *words],
        input=given,
        capture_output=True,
        check=False,
        timeout=60,
    )
    return (
        run.returncode,
        [json.loads(line) for line in run.stdout.splitlines()],
        run.stderr.decode(),
    )


def test_a_payload_from_standard_input() -> None:
    status, (line,), errors = carewatch(
        *("--topic", TOPIC, "--received-at", "2026-11-02T01:00:01Z", "-"),
        given=json.dumps(DOOR).encode(),
    )
    assert (status, errors) == (0, "")
    assert line == {
        "kind": "door",
        "device": "door-c1",
        "id": "d-1",
        "observed_at": "2026-11-02T01:00:00Z",
        "received_at": "2026-11-02T01:00:01Z",
        "clock": "ok",
        "battery": None,
        "replayed": False,
        "open": True,
        "tamper": None,
    }


def test_a_rejection_ends_with_one(tmp_path: Path) -> None:
    path = tmp_path / "payload"
    path.write_bytes(b"\xff")
    status, (line,), _ = carewatch("--topic", TOPIC, str(path))
    assert status == 1
    assert line["rejected"] == "not_json"


def test_what_is_ignored_ends_with_zero() -> None:
    status, lines, _ = carewatch("--topic", "owntracks/g/p", "-", given=b'{"_type": "waypoint"}')
    assert (status, lines) == (0, [{"ignored": "OwnTracks waypoint"}])


def test_a_get_needs_no_payload() -> None:
    status, (line,), _ = carewatch("--http", "GET /?id=1&lat=35.2&lon=115.4&speed=10")
    assert (status, line["kind"], line["device"]) == (0, "position", "1")


def test_a_post_has_a_content_type() -> None:
    words = ("--http", "POST /", "--content-type", "application/x-www-form-urlencoded", "-")
    status, (line,), _ = carewatch(*words, given=b"id=1&lat=35.2&lon=115.4")
    assert (status, line["lat"]) == (0, 35.2)


def test_a_town_knows_its_devices_and_its_zone(tmp_path: Path) -> None:
    town = tmp_path / "town.yaml"
    town.write_text(TOWN)
    info = {"facesluiceId": "7", "personId": "1", "time": "2026-11-02 09:00:00"}
    payload = json.dumps({"operator": "RecPush", "info": info}).encode()
    words = ("--topic", "mqtt/face/7/Rec", "--town", str(town), "-")
    status, (line,), _ = carewatch(*words, given=payload)
    assert (status, line["device"], line["observed_at"]) == (0, "term-f1", "2026-11-02T03:00:00Z")
    status, (line,), _ = carewatch(
        "--topic", TOPIC, "--town", str(town), "-", given=json.dumps(DOOR).encode()
    )
    assert (status, line["rejected"]) == (1, "unknown_device")


def test_a_recording_ends_with_zero_whatever_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl"
    rows = [
        {"topic": TOPIC, "payload": json.dumps(DOOR)},
        {"topic": TOPIC, "payload": "nonsense"},
        {"topic": "zigbee2mqtt/bridge/info", "payload": "{}"},
    ]
    stamp = {"received_at": "2026-11-02T09:00:00.120+08:00"}
    path.write_text("".join(json.dumps(stamp | row) + "\n" for row in rows))
    status, lines, _ = carewatch("--recording", str(path))
    assert status == 0
    assert [line["line"] for line in lines] == [1, 2, 3]
    assert [next(iter(line["out"][0])) for line in lines] == ["kind", "rejected", "ignored"]
    assert lines[0]["out"][0]["received_at"] == "2026-11-02T01:00:00.120000Z"


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--topic", "a", "/no/such/file"), "/no/such/file"),
        (("--topic", "a"), "FILE"),
        (("-",), "--topic"),
        (("--topic", "a", "--received-at", "soon", "-"), "soon"),
        (("--http", "nonsense", "-"), "POST /path"),
        (("--topic", "a", "--town", "/no/town.yaml", "-"), "/no/town.yaml"),
        (("--recording", "/no/day.jsonl"), "/no/day.jsonl"),
    ],
)
def test_what_is_wrong_with_the_call_is_one_line(words: tuple[str, ...], named: str) -> None:
    status, lines, errors = carewatch(*words)
    assert (status, lines) == (2, [])
    assert named in errors
    assert len(errors.strip().splitlines()) == 1
