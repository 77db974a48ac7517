"""Days of real people, in which nothing was wrong: what would the rules have said?"""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from alerts.engine.engine import World
from alerts.rules import RULES
from alerts.types import Finding, PlanSet, Stored
from deploy.town.townfile import TownFile, read_town
from deploy.trials import from_recording
from devices.directory import Directory
from devices.readings import Position

HERE = Path(__file__).parent
OF_DOORS = ("no_activity", "door_left_open")


def fortnight(*devices: str) -> list[Finding]:
    """What the rules find in the real home when only these contacts are there (none: all)."""
    town: TownFile = read_town(HERE / "ordonez" / "town.yaml")
    if devices:
        kept = tuple(one for one in town.register.devices if one.id in devices)
        register = msgspec.structs.replace(town.register, devices=kept)
        town = msgspec.structs.replace(town, register=register)
    source = from_recording(town, HERE / "ordonez" / "recording.jsonl", None, {})
    return list(source.trial.findings())


def test_a_fortnight_at_home_with_four_contacts_wakes_nobody() -> None:
    assert [found for found in fortnight() if found.rule in OF_DOORS] == []


def test_the_front_door_alone_is_too_little_and_each_false_alert_is_a_day_at_home() -> None:
    found = [one for one in fortnight("maindoor") if one.rule in OF_DOORS and one.event == "raised"]
    assert [(one.rule, f"{one.at:%m-%d %H:%M}") for one in found] == [
        ("no_activity", "11-29 13:28"),  # no going out from 28 Nov 13:29 to 29 Nov 19:02
        ("no_activity", "12-02 18:49"),  # nor from 1 Dec 18:49 to 3 Dec 14:18
        ("no_activity", "12-06 18:57"),  # nor from 5 Dec 18:57 to 7 Dec 16:25
    ]


def fixes(path: Path) -> Iterator[Position]:
    """The points of a track as a phone would have sent them; without a time where it has none."""
    received = datetime.fromisoformat("2026-11-02T08:00:00+00:00")
    points = (one for one in ET.parse(path).iter() if one.tag.endswith("}trkpt"))
    for number, point in enumerate(points):
        time = next((one.text for one in point if one.tag.endswith("}time")), None)
        yield Position(
            device="phone-1",
            id=str(number),
            observed_at=datetime.fromisoformat(time) if time else None,
            received_at=received + timedelta(seconds=number),
            lat=float(point.get("lat", "")),
            lon=float(point.get("lon", "")),
        )


@pytest.mark.parametrize("path", sorted((HERE / "gpx").glob("*.gpx")), ids=lambda path: path.stem)
@pytest.mark.parametrize("backwards", [False, True])
def test_real_journeys_are_plausible_also_from_a_buffer_read_backwards(
    path: Path, backwards: bool
) -> None:
    rules = tuple(rule for rule in RULES if rule.name == "implausible_movement")
    world = World.begin(Directory(), PlanSet(), rules=rules)
    track = list(fixes(path))
    assert track
    for arrival, fix in enumerate(reversed(track) if backwards else track):
        assert world.advance(Stored(arrival, fix)).findings == ()
