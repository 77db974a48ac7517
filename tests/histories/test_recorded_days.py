"""Recorded days with the findings we expect: one folder a day.

`town.yaml`, `recording.jsonl` and `expected.jsonl` (the findings up to 20:00 of the day, one a
line). wangji: one Monday of three homes and a nursing home. A visit kept; one whose caregiver's
phone was silent and whose fixes came at 16:40; one begun late. A door left open, an SOS pressed,
delivered twice and pressed again, a buffered SOS that came twice, a test press, a stranger at the
terminal, the terminal silent for forty minutes, a low battery, and a few messages nobody can read.
"""

from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from alerts.trials.backtest import Trial
from deploy.town.townfile import read_town
from deploy.trials import TrialSource, from_recording
from devices.recording import read_recording

HERE = Path(__file__).parent
DAYS = sorted(path.parent for path in HERE.glob("*/expected.jsonl"))
FIELDS = ("at", "rule", "subject", "event", "severity", "reason")


def day(folder: Path, changes: dict[str, dict[str, object]] | None = None) -> TrialSource:
    """The day up to 20:00."""
    recording = folder / "recording.jsonl"
    _, first = next(read_recording(recording))
    town = read_town(folder / "town.yaml")
    local = first.received_at.astimezone(ZoneInfo(town.timezone))
    end = local.replace(hour=20, minute=0, second=0, microsecond=0)
    return from_recording(town, recording, end, changes or {})


def told(trial: Trial) -> list[dict[str, object]]:
    whole = [msgspec.to_builtins(finding) for finding in trial.findings()]
    return [{field: finding[field] for field in FIELDS} for finding in whole]


@pytest.mark.parametrize("folder", DAYS, ids=lambda folder: folder.name)
def test_the_day_is_found_as_expected(folder: Path) -> None:
    lines = (folder / "expected.jsonl").read_text().splitlines()
    assert told(day(folder).trial) == [msgspec.json.decode(line) for line in lines]


def test_every_message_is_accounted_for() -> None:
    source = day(HERE / "wangji")
    list(source.trial.findings())
    counts = source.counts()
    assert counts is not None
    assert counts.received == 296
    assert counts.stored + counts.duplicate + counts.rejected + counts.ignored == counts.received
    assert (counts.duplicate, counts.rejected) == (2, 2)  # a redelivered and a repeated press
    assert counts.rejections == {"not_json": 1, "unknown_device": 1}


def test_the_load_of_the_day() -> None:
    source = day(HERE / "wangji")
    list(source.trial.findings())
    load = source.trial.load(source.trial.alarms, 1)
    assert load is not None
    assert load.by_rule["sos_pressed"] == 2
    assert load.by_severity["life"] == 2
    assert (load.rating, load.floods) == ("manageable", ())
    assert sum(load.by_hour.values()) == sum(load.by_area.values()) == load.alarms


def test_a_setting_moves_the_findings() -> None:
    changes: dict[str, dict[str, object]] = {
        "door_left_open": {"minutes": 200},
        "visit_missed": {"grace_minutes": 10},
    }
    lines = told(day(HERE / "wangji", changes).trial)
    assert "door_left_open" not in {line["rule"] for line in lines}
    missed = next(line for line in lines if line["rule"] == "visit_missed")
    assert missed["at"] == "2026-11-02T10:40:00+08:00"
