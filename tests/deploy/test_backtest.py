"""`carewatch backtest` as a person types it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from core.errors import CarewatchError
from deploy.cli import app

ROOT = Path(__file__).parents[2]
WANGJI = ROOT / "tests" / "histories" / "wangji"
TOWN = """
timezone: Asia/Shanghai
clients: [{id: c-1, home: {lat: 35.24, lon: 115.48, radius: 150}}]
caregivers: [{id: g-1}]
devices:
  - {id: phone-g1, kind: phone, holder: "caregiver:g-1"}
  - {id: btn-1, kind: sos, holder: "client:c-1", topic: zigbee2mqtt/btn}
  - {id: door-1, kind: door, holder: "client:c-1"}
visits: [{id: v-1, client: c-1, caregiver: g-1, start: "2026-11-02T09:00",
          end: "2026-11-02T11:00", minutes: 60}]
"""


class Ran:
    """What the command printed, and how it ended."""

    def __init__(self, *arguments: object) -> None:
        done = CliRunner().invoke(app, ["backtest", *map(str, arguments)])
        mended = isinstance(done.exception, CarewatchError)  # main() prints it and ends with 2
        assert mended or done.exception is None, done.exception
        self.code = 2 if mended else done.exit_code
        self.out = done.stdout_bytes
        self.err = str(done.exception) if mended else ""

    @property
    def findings(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()][:-1]

    @property
    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out.splitlines()[-1])["summary"]
        return found


@pytest.fixture
def tried(tmp_path: Path) -> Any:
    """Runs the small town over messages: (local time, topic, payload, flags)."""

    def run(*messages: tuple[Any, ...], options: tuple[object, ...] = ()) -> Ran:
        (tmp_path / "town.yaml").write_text(TOWN)
        rows = [
            {
                "received_at": f"2026-11-02T{at}+08:00",
                "topic": topic,
                "payload": payload if isinstance(payload, str) else json.dumps(payload),
                **(flags[0] if flags else {}),
            }
            for at, topic, payload, *flags in messages
        ]
        recording = tmp_path / "recording.jsonl"
        recording.write_text("".join(json.dumps(row) + "\n" for row in rows))
        town = tmp_path / "town.yaml"
        return Ran("--town", town, "--recording", recording, "--json", *options)

    return run


PRESS = ("10:00:00", "zigbee2mqtt/btn", {"action": "emergency"})


def test_a_finding_is_printed_with_the_towns_offset(tried: Any) -> None:
    ran = tried(PRESS)
    assert ran.code == 0
    finding = next(found for found in ran.findings if found["rule"] == "sos_pressed")
    assert list(finding)[:9] == [
        "at",
        "rule",
        "subject",
        "event",
        "severity",
        "reason",
        "detail",
        "evidence",
        "visit",
    ]
    assert finding["at"] == "2026-11-02T10:00:00+08:00"
    assert finding["evidence"][0]["at"] == "2026-11-02T10:00:00+08:00"
    assert (finding["subject"], finding["event"], finding["severity"], finding["visit"]) == (
        "client:c-1",
        "raised",
        "life",
        None,
    )


def test_time_runs_on_to_until_and_timers_due_by_then_fire(tried: Any) -> None:
    short = tried(PRESS, options=("--until", "2026-11-02T11:59:59+08:00"))
    assert "visit_missed" not in short.summary["findings"]
    exact = tried(PRESS, options=("--until", "2026-11-02T12:00:00+08:00"))
    missed = next(found for found in exact.findings if found["rule"] == "visit_missed")
    assert (missed["at"], missed["visit"]) == ("2026-11-02T12:00:00+08:00", "v-1@2026-11-02")


def test_rows_after_until_are_not_read(tried: Any) -> None:
    late = ("11:30:00", "zigbee2mqtt/btn", {"action": "emergency"})
    ran = tried(PRESS, late, options=("--until", "2026-11-02T11:00"))
    assert ran.summary["messages"]["received"] == 1
    at_it = tried(PRESS, late, options=("--until", "2026-11-02T11:30"))
    assert at_it.summary["messages"]["received"] == 2


def presses(ran: Ran) -> list[str]:
    return [found["event"] for found in ran.findings if found["rule"] == "sos_pressed"]


def test_repeats_collapse_as_they_would_live(tried: Any) -> None:
    named = {"id": "p-1", "at": "2026-11-02T10:00:00+08:00"}
    topic = "carewatch/v1/wangji/sos/btn-1"
    assert presses(tried(("10:00:00", topic, named), ("10:00:05", topic, named))) == ["raised"]
    again = ("10:00:05", *PRESS[1:])
    assert presses(tried(PRESS, again)) == ["raised", "joined"]  # no id, no time: another press
    assert presses(tried(PRESS, (*again, {"dup": True}))) == ["raised"]  # the broker says so
    assert presses(tried((*PRESS, {"dup": True}))) == ["raised"]  # never seen before: new


def test_evidence_that_comes_as_the_first_row_still_finds_the_morning(tried: Any) -> None:
    fixes = [
        (
            f"17:00:{n:02}",
            "carewatch/v1/wangji/position/phone-g1",
            {
                "id": f"p-{n}",
                "at": f"2026-11-02T09:{n:02}:00+08:00",
                "lat": 35.24,
                "lon": 115.48,
                "accuracy": 10,
            },
        )
        for n in range(0, 45, 3)
    ]
    ran = tried(*fixes)
    story = [(f["at"][11:16], f["event"], f["reason"]) for f in ran.findings if f["visit"]]
    assert ("12:00", "raised", "caregiver_silent") in story
    assert ("17:00", "cleared", "late_evidence") in story


def test_nothing_recorded_still_judges_the_visits(tried: Any) -> None:
    ran = tried(options=("--until", "2026-11-02T13:00"))
    assert ran.summary["findings"]["visit_missed"] == {"raised": 1}
    assert tried().findings == []


def test_a_recording_of_rubbish_ends_well_and_is_counted(tried: Any) -> None:
    ran = tried(
        ("10:00:00", "zigbee2mqtt/btn", "{"),
        ("10:00:01", "carewatch/v1/x/door/door-9", {"id": "1", "at": 1793592000, "open": True}),
        ("10:00:02", "nobody/knows", "hello"),
    )
    assert ran.code == 0
    assert ran.summary["messages"]["rejected"] == 3


def test_settings_are_tried_and_named(tried: Any) -> None:
    options = ("--until", "2026-11-02T13:00", "--set", "visit_missed.grace_minutes=30")
    ran = tried(PRESS, options=options)
    missed = next(found for found in ran.findings if found["rule"] == "visit_missed")
    assert missed["at"] == "2026-11-02T11:30:00+08:00"
    assert missed["settings"]["grace_minutes"] == 30
    assert ran.summary["settings"] == {"visit_missed": {"grace_minutes": 30}}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("visit_mised.grace_minutes=3", "no rule 'visit_mised'; there are sos_pressed"),
        ("visit_missed.grace=3", "it takes grace_minutes"),
        (
            "visit_missed.grace_minutes=soon",
            "visit_missed.grace_minutes: expected a number",
        ),
        ("visit_missed=3", "write it as rule.parameter=value"),
        ("visit_missed.grace_minutes", "write it as rule.parameter=value"),
        (
            "device_silent.minutes.fridge=3",
            "device_silent.minutes.fridge: unknown key",
        ),
    ],
)
def test_a_wrong_setting_is_one_clear_line(tried: Any, given: str, said: str) -> None:
    ran = tried(PRESS, options=("--set", given))
    assert (ran.code, ran.out) == (2, b"")
    assert said in ran.err
    assert "\n" not in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--town", WANGJI / "town.yaml"), "give --recording FILE, or --since and --until"),
        (("--recording", WANGJI / "recording.jsonl"), "add --town TOWN.yaml"),
        (("--town", WANGJI / "town.yaml", "--recording", "/none"), "/none: can't be read"),
        (("--town", "/none", "--recording", WANGJI / "recording.jsonl"), "town file /none"),
        (
            ("--town", WANGJI / "town.yaml", "--recording", "x", "--until", "noon"),
            "'noon' is no ISO time",
        ),
    ],
)
def test_what_is_missing_is_one_clear_line(arguments: tuple[object, ...], said: str) -> None:
    ran = Ran(*arguments)
    assert (ran.code, ran.out) == (2, b"")
    assert said in ran.err


@pytest.mark.system
def test_the_same_input_gives_the_same_bytes() -> None:
    command = [sys.executable, "-m", "deploy", "backtest", "--json", "--recording"]
    command += [str(WANGJI / "recording.jsonl"), "--town", str(WANGJI / "town.yaml")]
    outputs = [
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "America/New_York"))
    ]
    assert len(outputs[0]) > 1000
    assert outputs[0] == outputs[1]


def test_without_json_it_is_to_be_read() -> None:
    ran = Ran("--town", WANGJI / "town.yaml", "--recording", WANGJI / "recording.jsonl")
    text = ran.out.decode()
    assert "2026-11-02 12:30:00  life    raised   sos_pressed  client:c-1" in text
    assert "296 messages: 292 stored" in text
    assert "a seat and day" in text


def test_the_report_needs_nothing_else(tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    arguments = ("--town", WANGJI / "town.yaml", "--recording", WANGJI / "recording.jsonl")
    assert Ran(*arguments, "--html", report).code == 0
    text = report.read_text()
    assert text.count("<svg") == 2
    assert "<progress" in text
    assert "规则回测" in text
    assert "Rules on trial" in text
    assert not any(word in text for word in ("http:", "https:", "<script", "src=", "@import"))
    first = report.read_bytes()
    Ran(*arguments, "--html", report)
    assert report.read_bytes() == first


def test_what_devices_call_themselves_is_text_in_the_report(tried: Any, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    condition = '\nconditions: [{id: x, when: "reading.open", text: "<b>open</b> & wide"}]\n'
    town = tmp_path / "other.yaml"
    town.write_text(TOWN + condition)
    opened = {"id": "1", "at": "2026-11-02T10:00:00+08:00", "open": True}
    tried(("10:00:00", "carewatch/v1/wangji/door/door-1", opened))
    Ran("--town", town, "--recording", tmp_path / "recording.jsonl", "--html", report)
    assert "&lt;b&gt;open&lt;/b&gt; &amp; wide" in report.read_text()


def test_a_report_that_can_not_be_written_is_one_clear_line(tried: Any) -> None:
    ran = tried(PRESS, options=("--html", "/none/report.html"))
    assert ran.code == 2
    assert "/none/report.html: can't be written" in ran.err
