"""Own conditions in a town file: checked on load, kept in the database, told to the engine."""

import json
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from alerts.plans.plans import load_plans
from alerts.types import Severity
from deploy.cli import app
from deploy.town.loading import load_town
from deploy.town.townfile import TownFaults, parse_town

TOWN = """
areas: [{id: wangji}]
clients: [{id: c-1, area: wangji}]
devices: [{id: door-c1, kind: door, holder: "client:c-1"}]
conditions:
  - id: restless
    when: window.filter(r, r.open).size() >= 4
    kinds: [door]
    window_minutes: 60
    severity: high
    area: wangji
    text: The door opens again and again.
"""


def test_a_condition_is_read() -> None:
    (condition,) = parse_town(TOWN).plans.conditions
    assert (condition.id, condition.kinds, condition.severity) == (
        "restless",
        ("door",),
        Severity.HIGH,
    )


@pytest.mark.parametrize(
    ("before", "after", "line", "said"),
    [
        ("r.open", "r.opne", 7, "a reading has no 'opne'"),
        (".size() >= 4", ".size() >=", 7, "is no CEL expression"),
        (".size() >= 4", ".size()", 7, "not true or false"),
        ("window_minutes: 60", "window_minutes: -5", 9, "is not between 0 and"),
        ("kinds: [door]", "kinds: [dor]", 8, "dor"),
        ("area: wangji\n    text", "area: wangjia\n    text", 11, "no 'wangjia' in areas"),
        ("    severity: high", "    severty: high", 10, "severty"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    before: str, after: str, line: int, said: str
) -> None:
    with pytest.raises(TownFaults) as wrong:
        parse_town(TOWN.replace(before, after))
    (fault,) = wrong.value.faults
    assert fault.line == line
    assert "conditions restless" in str(fault)
    assert said in str(fault)


def test_the_same_id_twice_is_named() -> None:
    with pytest.raises(TownFaults, match="id 'restless' is taken"):
        parse_town(TOWN + '  - {id: restless, when: "count == 0"}\n')


SENSORS = """
clients: [{id: c-1}]
devices: [{id: stove-c1, kind: sensor, holder: "client:c-1", topic: zigbee2mqtt/stove_c1}]
conditions:
  - id: gas
    when: highest > 0.0
    quantities: [gas]
    severity: high
"""


@pytest.mark.parametrize(
    ("before", "after", "line", "said"),
    [
        ("[gas]", "[gass]", 7, "quantities[0]: nothing measures 'gass'; did you mean 'gas'?"),
        ("[gas]", "[gas]\n    kinds: [door]", 8, "leave kinds out"),
        ("highest", "hihgest", 6, "names what is not there"),
    ],
)
def test_what_is_wrong_with_quantities_is_named(
    before: str, after: str, line: int, said: str
) -> None:
    with pytest.raises(TownFaults) as wrong:
        parse_town(SENSORS.replace(before, after))
    (fault,) = wrong.value.faults
    assert (fault.line, said in str(fault)) == (line, True), str(fault)


def test_a_backtest_judges_what_sensors_measure(tmp_path: Path) -> None:
    (tmp_path / "town.yaml").write_text(SENSORS)
    said = ("10:00", '{"gas": false}'), ("10:01", '{"gas": true, "temperature": 30}')
    lines = [
        {"received_at": f"2026-11-02T{at}:00+08:00", "topic": "zigbee2mqtt/stove_c1", "payload": it}
        for at, it in (*said, ("10:09", '{"gas": false}'))
    ]
    recording = tmp_path / "recording.jsonl"
    recording.write_text("".join(json.dumps(line) + "\n" for line in lines))
    options = ["--town", str(tmp_path / "town.yaml"), "--recording", str(recording), "--json"]
    printed = CliRunner().invoke(app, ["backtest", *options]).stdout.splitlines()
    found = [json.loads(line) for line in printed[:-1]]
    assert [(one["event"], one["reason"], one["subject"], one["at"][11:16]) for one in found] == [
        ("raised", "gas", "client:c-1", "10:01"),
        ("cleared", "gas", "client:c-1", "10:09"),
    ]


@pytest.mark.edge
def test_conditions_are_kept_and_loading_twice_changes_nothing(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        first = load_town(conn, parse_town(TOWN))
        assert "conditions: 1 added" in first.summary
        assert load_plans(conn).conditions == parse_town(TOWN).plans.conditions
        assert load_town(conn, parse_town(TOWN)).summary == []
        gone = load_town(conn, parse_town(TOWN.split("conditions:")[0]))
        assert gone.summary == ["conditions: 1 removed"]
        assert load_plans(conn).conditions == ()
