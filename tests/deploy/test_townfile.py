"""A good town file as values, and bad ones as faults with their lines."""

import errno
import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import CarewatchError
from deploy.town.marked import Fault
from deploy.town.townfile import TownFaults, TownFile, directory_of, parse_town, read_town
from devices.directory import Away, Circle, Device

TOWN = Path(__file__).parent / "town.yaml"
GEOFENCES = sorted((Path(__file__).parent / "data" / "geofence").iterdir())


def faults_of(text: str) -> list[tuple[int, str]]:
    with pytest.raises(TownFaults) as caught:
        parse_town(text)
    return [(fault.line, fault.text) for fault in caught.value.faults]


@pytest.fixture(scope="module")
def town() -> TownFile:
    return read_town(TOWN)


def test_a_good_town(town: TownFile) -> None:
    client = town.register.clients[0]
    assert client.home == Circle(lat=35.24, lon=115.48, radius=150)
    assert client.phone == "0530-0000000"
    assert town.register.devices[3] == Device(
        id="term-f1",
        kind="terminal",
        holder="facility:f-1",
        topic="mqtt/face/1234567/Rec",
        datum="gcj02",
    )
    assert [len(part) for part in (town.plans.zones, town.plans.visits, town.plans.people)] == [
        2
    ] * 3
    assert town.plans.rules == {
        "sos_pressed": {"join_minutes": 10},
        "geofence_breached": {"confirm_fixes": 2},
    }
    assert town.warnings == ()


def test_settings_are_kept_as_written() -> None:
    town = parse_town(
        "rules: {device_silent: {minutes: {phone: '20'}}, sos_pressed: }\n"
        "rules_for: [{care_level: full, rules: {visit_missed: {grace_minutes: 15}}}]"
    )
    assert town.plans.rules == {"device_silent": {"minutes": {"phone": 20}}, "sos_pressed": {}}
    assert town.plans.rules_for is not None
    assert town.plans.rules_for[0].rules == {"visit_missed": {"grace_minutes": 15}}


def test_times_without_a_zone_are_the_towns(town: TownFile) -> None:
    nine, eleven = datetime(2026, 11, 2, 1, tzinfo=UTC), datetime(2026, 11, 2, 3, tzinfo=UTC)
    assert [(visit.start, visit.end) for visit in town.plans.visits] == [(nine, eleven)] * 2
    assert town.register.clients[0].away == (
        Away(
            from_=datetime(2026, 9, 30, 16, tzinfo=UTC),
            until=datetime(2026, 10, 3, 1, tzinfo=UTC),
            reason="hospital",
        ),
    )


def test_plain_words_stay_words(town: TownFile) -> None:
    assert town.register.residents[0].face == "0012"  # not ten
    assert town.plans.rotas[0].handover == "20:00"  # not 1200 minutes
    assert town.plans.rotas[0].start == "2026-11-02"  # not a date
    assert town.plans.zones[1].active == "20:00-06:00"


def test_heights_are_dropped(town: TownFile) -> None:
    assert town.plans.zones[1].polygon == ((115.1, 35.1), (115.2, 35.1), (115.2, 35.2))


def test_the_directory_of_a_town(town: TownFile) -> None:
    directory = directory_of(town)
    door = directory.device_on("zigbee2mqtt/door_c1")
    assert door is not None
    assert door.id == "door-c1"
    assert directory.area_path(directory.area_of(door.subject)) == ("wangji", "mudan")


@pytest.mark.parametrize("text", ["", "# nothing\n", "clients: []", "clients:\ndevices:\n"])
def test_everything_may_be_missing_or_empty(text: str) -> None:
    town = parse_town(text)
    assert town.timezone == "Asia/Shanghai"
    assert town.register.clients == ()


@pytest.mark.parametrize("path", GEOFENCES, ids=lambda path: path.stem)
def test_a_boundary_may_be_any_geojson(path: Path) -> None:
    town = parse_town(
        json.dumps({"areas": [{"id": "a", "boundary": json.loads(path.read_text())}]})
    )
    boundary = town.register.areas[0].boundary
    if "poly" in path.stem or path.stem == "one":
        assert boundary is not None
        assert boundary["type"] in ("Polygon", "MultiPolygon")
        assert all(len(position) == 2 for position in positions(boundary["coordinates"]))
    else:
        assert boundary is None
        assert "encloses no ground" in town.warnings[0].text


def test_a_hole_stays_a_hole() -> None:
    path = next(path for path in GEOFENCES if path.stem == "poly-with-hole")
    area = {"id": "a", "boundary": json.loads(path.read_text())}
    boundary = parse_town(json.dumps({"areas": [area]})).register.areas[0].boundary
    assert boundary is not None
    assert len(boundary["coordinates"]) == 2  # type: ignore[arg-type]


def positions(coordinates: object) -> list[list[float]]:
    assert isinstance(coordinates, list)
    if isinstance(coordinates[0], float | int):
        return [coordinates]
    return [position for part in coordinates for position in positions(part)]


FORM = {
    "not YAML": ("areas: [\n", [(2, "not YAML: ")]),
    "a tab": ("areas:\n\t- id: a\n", [(2, "a tab before the first word; indent with spaces")]),
    "a tab further on": ("areas:\n- id: a\n  \tname: b\n", [(3, "a tab before the first word")]),
    "a list": ("- 1\n", [(1, "expected a mapping: timezone, areas")]),
    "a text": ("town\n", [(1, "expected a mapping: timezone, areas")]),
    "too deep": ("areas: " + "[" * 51, [(1, "nested deeper than 50 levels; close the lists")]),
    "far too deep": ("areas: " + "[" * 10_000, [(1, "nested deeper than 50 levels")]),
    "far too deep mappings": ("areas:\n- " + "{a: " * 10_000, [(2, "nested deeper than 50")]),
    "far too deep a line": ("areas: \n" + " [\n" * 10_000, [(51, "nested deeper than 50")]),
    "far too deep a list": ("areas:\n" + "- " * 10_000, [(2, "nested deeper than 50")]),
    "two documents": ("timezone: UTC\n---\nareas: []\n", [(2, "a second document")]),
    "an alias": (
        "agencies:\n- &a {id: x}\n- *a\n",
        [(3, "aliases are not read"), (3, "agencies no. 2: expected a mapping, got nothing")],
    ),
    "a tag": ("areas: !!python/tuple []\n", [(1, "tags are not read")]),
    "a NUL": ('agencies: [{id: "a\\0b"}]\n', [(1, r"must not hold the character \0")]),
    "a key twice": (
        "areas: []\nclients: []\nareas: []\n",
        [(3, "'areas' stands twice here (first on line 1)")],
    ),
    "an unknown section": ("client: []\n", [(1, "unknown key 'client'; did you mean 'clients'?")]),
    "no list": ("areas: {id: a}\n", [(1, "areas: expected a list")]),
    "no mapping": ("areas: [a]\n", [(1, "areas no. 1: expected a mapping, got 'a'")]),
    "an unknown key": (
        "clients:\n- id: c\n  nmae: x\n",
        [(3, "clients c, nmae: unknown key 'nmae'; did you mean 'name'?")],
    ),
    "no id": ("clients:\n- name: x\n", [(2, "clients no. 1: 'id' is missing")]),
    "every fault of an item": (
        "clients:\n- id: c\n  home:\n    lat: north\n    radius: []\n  care_level: ful\n"
        "  born: 19x0\n  lives_alone: perhaps\n  away: [{from: soon, until: later}]\n",
        [
            (3, "clients c, home: 'lon' is missing"),
            (4, "clients c, home.lat: expected a number, got 'north'"),
            (5, "clients c, home.radius: expected a number, got a list of 0"),
            (6, "clients c, care_level: 'ful' is none of full, independent, partial"),
            (7, "clients c, born: expected a whole number, got '19x0'"),
            (8, "clients c, lives_alone: expected true or false, got 'perhaps'"),
            (9, "clients c, away[0].from: expected a time like 2026-11-02T09:00, got 'soon'"),
            (9, "clients c, away[0].until: expected a time like 2026-11-02T09:00, got 'later'"),
        ],
    ),
    "faults of form and of names together": (
        "areas:\n- {id: a, parent: b, nam: x}\n- {id: b, parent: a, name: [x]}\n"
        "visits:\n- {id: v, client: c, start: 2026-01-02T09:00, end: 2026-01-01T09:00,"
        " minutes: 9, minuets: 9}\n",
        [
            (2, "areas a, nam: unknown key 'nam'; did you mean 'name'?"),
            (3, "areas b, name: expected a text, got a list of 1"),
            (3, "areas b, parent: areas contain themselves: a > b > a"),
            (5, "visits v, client: no 'c' in clients"),
            (5, "visits v, end: the window ends before it starts"),
            (5, "visits v, minuets: unknown key 'minuets'; did you mean 'minutes'?"),
        ],
    ),
    "a fault of form hides no other": (
        "visits:\n- id: v\n  client: c\n  start: soon\n  end: 2026-01-01T09:00\n  minutes: 0\n"
        "  rrule: often\n"
        "rotas: [{id: r, rotation: hourly, handover: 25:00, start: 2026-13-01}]\n"
        "ladders:\n- id: l\n  for: {rules: [x], severities: [huge], areas: [q]}\n  repeat: 0\n"
        "areas:\n- {parent: q}\n"
        "zones:\n- {id: z, owner: 'client:q', rule: stay, circle: {lat: x, lon: 4}}\n"
        "conditions:\n- {id: k, area: q}\n",
        [
            (3, "visits v, client: no 'c' in clients"),
            (4, "visits v, start: expected a time like 2026-11-02T09:00, got 'soon'"),
            (6, "visits v, minutes: must be more than 0"),
            (7, "visits v, rrule: 'often': write parts like"),
            (8, "rotas r, handover: '25:00': write a time of day"),
            (8, "rotas r, rotation: 'hourly' is none of daily, weekly"),
            (8, "rotas r, start: '2026-13-01': write a date"),
            (11, "ladders l, for.areas[0]: no 'q' in areas"),
            (11, "ladders l, for.rules[0]: no rule 'x'"),
            (11, "ladders l, for.severities[0]: 'huge' is none of"),
            (12, "ladders l, repeat: must be more than 0 seconds"),
            (14, "areas no. 1, parent: no 'q' in areas"),
            (14, "areas no. 1: 'id' is missing"),
            (16, "zones z, circle.lat: expected a number, got 'x'"),
            (16, "zones z, owner: no 'q' in clients"),
            (16, "zones z, rule: 'stay' is none of keep_in, keep_out"),
            (18, "conditions k, area: no 'q' in areas"),
            (18, "conditions k: 'when' is missing"),
        ],
    ),
    "a bad time zone": ("timezone: Asia/Hezee\n", [(1, "'Asia/Hezee' is no time zone")]),
    "a directory as time zone": ("timezone: Asia\n", [(1, "'Asia' is no time zone")]),
    "a time zone outside": ("timezone: ../etc/passwd\n", [(1, "is no time zone")]),
}

NAMES = {
    "an id twice": (
        "clients:\n- id: c\n- id: d\n- id: c\n",
        [(4, "clients c, id: id 'c' is taken (line 2)")],
    ),
    "an id with a space": ("agencies: [{id: a b}]\n", [(1, "'a b' can't be an id: no spaces")]),
    "a device with a slash": ("devices: [{id: a/b}]\n", [(1, "none of / + #")]),
    "a device named like a service": (
        "devices:\n- {id: carewatch-life}\n- {id: Admin}\n- {id: d, topic: $SYS/x}\n",
        [(2, "kept for services"), (3, "kept for services"), (4, "kept for services")],
    ),
    "an empty id": ('areas: [{id: ""}]\n', [(1, "'' can't be an id")]),
    "a topic twice": (
        "devices:\n- {id: a, topic: x/y}\n- {id: b, topic: x/y}\n",
        [(3, "devices b, topic: topic 'x/y' is taken (line 2)")],
    ),
    "one caregiver who is two people": (
        "caregivers: [{id: g}]\npeople:\n- {id: u-1, caregiver: g}\n- {id: u-2, caregiver: g}\n",
        [(4, "people u-2, caregiver: caregiver 'g' is taken (line 3)")],
    ),
    "a face twice in one facility": (
        "facilities: [{id: f}, {id: g}]\nresidents:\n- {id: r, facility: f, face: 1}\n"
        "- {id: s, facility: f, face: 1}\n- {id: t, facility: g, face: 1}\n",
        [(4, "residents s, face: face '1' is taken (line 3)")],
    ),
    "references to nothing": (
        "areas:\n- {id: a, parent: b}\nclients:\n- {id: c-1, area: a1, agency: x}\n"
        "caregivers:\n- {id: g, agency: x}\nfacilities:\n- {id: f, area: x, agency: x}\n"
        "residents:\n- {id: r, facility: x}\n"
        "devices:\n- {id: d, holder: 'client:c-2'}\n- {id: e, holder: c-1}\n"
        "zones:\n- {id: z, owner: 'caregiver:x', rule: keep_in, circle: {lat: 1, lon: 1}}\n"
        "visits:\n- {id: v, client: c-2, caregiver: x, start: 2026-01-01T09:00,"
        " end: 2026-01-01T10:00, minutes: 30}\n",
        [
            (2, "areas a, parent: no 'b' in areas"),
            (4, "clients c-1, agency: no 'x' in agencies"),
            (4, "clients c-1, area: no 'a1' in areas; did you mean 'a'?"),
            (6, "caregivers g, agency: no 'x' in agencies"),
            (8, "facilities f, agency: no 'x' in agencies"),
            (8, "facilities f, area: no 'x' in areas"),
            (10, "residents r, facility: no 'x' in facilities"),
            (12, "devices d, holder: no 'c-2' in clients; did you mean 'c-1'?"),
            (13, "devices e, holder: 'c-1': write one of client:ID, caregiver:ID,"),
            (15, "zones z, owner: no 'x' in caregivers"),
            (17, "visits v, caregiver: no 'x' in caregivers"),
            (17, "visits v, client: no 'c-2' in clients; did you mean 'c-1'?"),
        ],
    ),
    "people and ladders that name nobody": (
        "people:\n- {id: u-1, areas: [x], agency: x, caregiver: x}\n"
        "rotas:\n- id: night\n  people: [u-2]\n"
        "  swaps: [{from: 2026-01-01, until: 2026-01-02, person: u-3}]\n"
        "ladders:\n- id: l\n  for: {areas: [x], agencies: [x], rules: [sos]}\n"
        "  rungs: [{after: 0, page: ['rota:day', 'role:boss', 'role:manager@parent', u-2]}]\n",
        [
            (2, "people u-1, agency: no 'x' in agencies"),
            (2, "people u-1, areas[0]: no 'x' in areas"),
            (2, "people u-1, caregiver: no 'x' in caregivers"),
            (5, "rotas night, people[0]: no 'u-2' in people; did you mean 'u-1'?"),
            (6, "rotas night, swaps[0].person: no 'u-3' in people; did you mean 'u-1'?"),
            (9, "ladders l, for.agencies[0]: no 'x' in agencies"),
            (9, "ladders l, for.areas[0]: no 'x' in areas"),
            (9, "ladders l, for.rules[0]: no rule 'sos'"),
            (10, "ladders l, rungs[0].page[0]: no 'day' in rotas"),
            (10, "ladders l, rungs[0].page[1]: 'role:boss': a role is one of viewer,"),
            (10, "ladders l, rungs[0].page[3]: nobody is called 'u-2'; did you mean 'u-1'?"),
        ],
    ),
    "areas in a ring": (
        "areas:\n- {id: a, parent: c}\n- {id: b, parent: a}\n- {id: c, parent: b}\n"
        "- {id: d, parent: a}\n- {id: e, parent: e}\n",
        [
            (4, "areas c, parent: areas contain themselves: a > c > b > a"),
            (6, "areas e, parent: areas contain themselves: e > e"),
        ],
    ),
    "gateways": (
        "devices:\n- {id: hub-1, gateway: site}\n- {id: site, gateway: hub-1}\n"
        "- {id: door-1, gateway: hub-2}\n- {id: door-2, gateway: [hub-1]}\n",
        [
            (3, "devices site, gateway: devices speak through themselves: hub-1 > site > hub-1"),
            (4, "devices door-1, gateway: no 'hub-2' in devices; did you mean 'hub-1'?"),
            (5, "devices door-2, gateway: expected a text, got a list of 1"),
        ],
    ),
}

MEANING = {
    "places off the earth": (
        "clients:\n- id: c\n  home:\n    lat: 115.4\n    lon: 35.2\n    radius: 0\n"
        "caregivers:\n- {id: g, base: {lat: nan, lon: 181}}\n",
        [
            (4, "clients c, home.lat: 115.4 is not between -90 and 90; are lat and lon swapped?"),
            (6, "clients c, home.radius: 0.0 is not between 0 and 100000 metres"),
            (8, "caregivers g, base.lat: nan is not between"),
            (8, "caregivers g, base.lon: 181.0 is not between -180 and 180"),
        ],
    ),
    "times that run backwards": (
        "clients:\n- id: c\n  away: [{from: 2026-01-02, until: 2026-01-01}]\nvisits:\n- id: v\n"
        "  client: c\n  start: 2026-11-02T11:00\n  end: 2026-11-02T09:00\n  minutes: 0\n",
        [
            (3, "clients c, away[0].until: ends before it begins"),
            (8, "visits v, end: the window ends before it starts"),
            (9, "visits v, minutes: must be more than 0"),
        ],
    ),
    "recurrences that are none": (
        "clients: [{id: c}]\nvisits:\n"
        + "".join(
            f"- {{id: v{n}, client: c, start: 2026-01-01T09:00, end: 2026-01-01T10:00,"
            f' minutes: 9, rrule: "{rrule}"}}\n'
            for n, rrule in enumerate(
                (
                    "every monday",
                    "FREQ=HOURLY",
                    "FREQ=DAILY;INTERVAL=0",
                    "FREQ=WEEKLY;BYDAY=XX",
                    "FREQ=DAILY;",
                    "FREQ=DAILY;UNTIL=20261231T000000Z",
                    "RRULE:FREQ=MONTHLY;BYDAY=1MO",
                )
            )
        ),
        [
            (3, "visits v0, rrule: 'every monday': write parts like FREQ=WEEKLY;BYDAY=MO"),
            (4, "visits v1, rrule: 'FREQ=HOURLY': it needs FREQ=, one of YEARLY, MONTHLY,"),
            (5, "visits v2, rrule: 'FREQ=DAILY;INTERVAL=0': INTERVAL must be 1 or more"),
            (6, "rrule 'FREQ=WEEKLY;BYDAY=XX': "),
            (7, "write parts like"),
        ],
    ),
    "dates of a plan": (
        "clients: [{id: c}]\nvisits:\n- id: v\n  client: c\n  start: 2026-01-01T09:00\n"
        "  end: 2026-01-01T10:00\n  minutes: 9\n  rrule: FREQ=DAILY\n"
        "  except_dates: [2026-10-01, 2026-02-30]\n  extra_dates: [tomorrow]\n",
        [
            (9, "visits v, except_dates[1]: '2026-02-30': write a date like '2026-11-02'"),
            (10, "visits v, extra_dates[0]: 'tomorrow': write a date"),
        ],
    ),
    "zones that are none": (
        "clients: [{id: c}]\nzones:\n- {id: a, owner: 'client:c', rule: keep_in}\n"
        "- {id: b, owner: 'client:c', rule: keep_out, polygon: [[1, 1], [2, 2]]}\n"
        "- {id: d, owner: 'client:c', rule: keep_in, polygon: [[0, 0], [1, 1], [1, 0], [0, 1]]}\n"
        "- {id: e, owner: 'client:c', rule: keep_in, polygon: [[35, 115], [36, 115], [36, 116]]}\n"
        "- {id: f, owner: 'client:c', rule: stay, circle: {lat: 1, lon: 1}, active: all day}\n"
        "- {id: g, owner: 'client:c', rule: keep_in, circle: {lat: 1, lon: 1}, active: 8-20}\n"
        "- {id: h, owner: 'client:c', rule: keep_in, polygon: [[1], 2]}\n",
        [
            (3, "zones a: write either a circle or a polygon"),
            (4, "zones b, polygon: a polygon needs at least three different points"),
            (5, "zones d, polygon: not a valid outline: Self-intersection"),
            (6, "is off the earth; write lon first"),
            (7, "zones f, active: 'all day': write two times of day like '20:00-06:00'"),
            (7, "zones f, rule: 'stay' is none of keep_in, keep_out"),
            (8, "zones g, active: '8-20': write two times of day like '20:00-06:00'"),
            (9, "zones h, polygon[0]: expected a list of 2, got a list of 1"),
            (9, "zones h, polygon[1]: expected a list of 2, got '2'"),
        ],
    ),
    "contacts that reach nobody": (
        "people:\n- id: u\n  contacts:\n  - {channel: secret-token}\n"
        "  - {channel: 'dingtlk://secret-token'}\n  - {channel: 'slack://secret-token'}\n"
        "  - {channel: 'webhook:///secret-token'}\n"
        "  - {channel: 'webhook://h/p', hours: 20:00-20:00}\n  - {channel: {a: secret-token}}\n",
        [
            (9, "people u, contacts[5].channel: expected a text, got a mapping"),
        ],
    ),
    "contacts that reach nobody yet": (
        "people:\n- id: u\n  contacts:\n  - {channel: secret-token}\n"
        "  - {channel: 'dingtlk://secret-token'}\n  - {channel: 'slack://secret-token'}\n"
        "  - {channel: 'webhook:///secret-token'}\n"
        "  - {channel: 'webhook://h/p', hours: 20:00-20:00}\n",
        [
            (4, "people u, contacts[0].channel: a channel is a URL"),
            (5, "people u, contacts[1].channel: no channel dingtlk://; did you mean dingtalk://?"),
            (6, "people u, contacts[2].channel: Apprise can't read this slack:// address"),
            (7, "people u, contacts[3].channel: webhook:// needs a host"),
            (8, "people u, contacts[4].hours: '20:00-20:00' is no time at all"),
        ],
    ),
    "rotas and ladders out of order": (
        "rotas: [{id: r, handover: 8 o'clock, start: 1.1.2026}]\nladders:\n- id: l\n  rungs:\n"
        "  - {after: 60}\n  - {after: 30}\n  - {after: -1}\n  repeat: 0\n",
        [
            (1, "rotas r, handover: \"8 o'clock\": write a time of day like '08:00'"),
            (1, "rotas r, start: '1.1.2026': write a date like '2026-11-02'"),
            (6, "ladders l, rungs[1].after: must not be earlier than the rung before"),
            (7, "ladders l, rungs[2].after: must be 0 seconds or more"),
            (7, "ladders l, rungs[2].after: must not be earlier than the rung before"),
            (8, "ladders l, repeat: must be more than 0 seconds"),
        ],
    ),
    "rules nobody knows": (
        "rules:\n  sos_presed: {}\n  sos_pressed: {join_minute: 3}\n"
        "  geofence_breached: {confirm_fixes: two, margin: [1], accuracy_cap: nan}\n"
        "rules_for:\n- rules: {sos_pressed: {join_minutes: 1}}\n"
        "- {area: nowhere, care_level: ful, rules: {sos_pressed: {join_minutes: soon}}}\n"
        "- {subject: 'device:d', care_level: full}\n",
        [
            (2, "rules, sos_presed: no rule 'sos_presed'; did you mean 'sos_pressed'?"),
            (3, "rules, sos_pressed.join_minute: unknown key 'join_minute'; did you mean"),
            (4, "rules, geofence_breached.accuracy_cap: expected a number, got 'nan'"),
            (4, "rules, geofence_breached.confirm_fixes: expected a whole number, got 'two'"),
            (4, "rules, geofence_breached.margin: expected a number, got a list of 1"),
            (6, "rules_for no. 1: say for whom: area, care_level, agency or subject"),
            (7, "rules_for no. 2, area: no 'nowhere' in areas"),
            (7, "rules_for no. 2, care_level: 'ful' is none of independent, partial, full"),
            (7, "rules_for no. 2, rules.sos_pressed.join_minutes: expected a number, got 'soon'"),
            (8, "rules_for no. 3, subject: no 'd' in devices"),
            (8, "rules_for no. 3: 'rules' is missing"),
        ],
    ),
    "a setting that is no number": (
        "rules: {geofence_breached: {accuracy_cap: nan}}\n",
        [(1, "rules, geofence_breached.accuracy_cap: nan is no number to reckon with")],
    ),
    "a setting below nothing": (
        "rules: {device_silent: {minutes: {phone: -1}}}\n"
        "rules_for: [{care_level: full, rules: {visit_missed: {grace_minutes: -5}}}]\n",
        [
            (1, "rules, device_silent.minutes.phone: -1 is less than 0"),
            (2, "rules_for no. 1, rules.visit_missed.grace_minutes: -5 is less than 0"),
        ],
    ),
    "a colon without a space behind it, a wide one, and a key that is nothing": (
        "clients:\n- {id: c, care_level:full}\n- {id: d, care_level：full}\n- {id: e, phoen: }\n"
        "rotas:\n- {id: n, people: [], rotation: daily, start: 2026-11-02, handover:20:00}\n"
        "rules: {visit_missed: {grace_minutes:15}}\n",
        [
            (2, "clients c, care_level:full: write 'care_level: full', a space behind the colon"),
            (3, "clients d, care_level：full: write 'care_level: full', the colon is full-width"),
            (4, "clients e, phoen: unknown key 'phoen'; did you mean 'phone'?"),
            (6, "rotas n, handover:20:00: write 'handover: 20:00', a space behind the colon"),
            (7, "grace_minutes:15: write 'grace_minutes: 15', a space behind the colon"),
        ],
    ),
    "device topics and zones": (
        "devices:\n- {id: a, topic: x/+/y}\n- {id: b, timezone: Mars}\n- {id: c, kind: camera}\n",
        [
            (2, "devices a, topic: 'x/+/y': one exact topic, without + and #"),
            (3, "devices b, timezone: 'Mars' is no time zone"),
            (4, "devices c, kind: 'camera' is none of door, phone, sensor, sos, terminal"),
        ],
    ),
}
BAD = {**FORM, **NAMES, **MEANING}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_names_every_fault_with_its_line(name: str) -> None:
    text, expected = BAD[name]
    found = faults_of(text)
    assert [line for line, _ in found] == [line for line, _ in expected], found
    for (_, said), (_, wanted) in zip(found, expected, strict=True):
        assert wanted in said


def boundary(geometry: str) -> str:
    return f"areas:\n- id: a\n  boundary: {geometry}\n"


@pytest.mark.parametrize(
    ("geometry", "fault"),
    [
        ("here", "expected a GeoJSON geometry"),
        ("{type: Circle}", "type 'Circle' is none of Point, MultiPoint"),
        ("{type: Polygon}", "the coordinates of a Polygon must be lists 3 deep"),
        ("{type: Polygon, coordinates: [[1, 2], [3, 4]]}", "must be lists 3 deep"),
        ("{type: Polygon, coordinates: [[[1, 1], [2, 1], [1, 1]]]}", "at least 4 positions"),
        (
            "{type: Polygon, coordinates: [[[1, 1], [2, 1], [2, 2], [1, 2]]]}",
            "a ring must end at the position where it began",
        ),
        (
            "{type: Polygon, coordinates: [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}",
            "not a valid outline: Self-intersection",
        ),
        (
            "{type: Polygon, coordinates: [[[35, 115], [36, 115], [36, 116], [35, 115]]]}",
            "off the earth; write lon first",
        ),
        ("{type: Point, coordinates: [a, b]}", "a position must be [lon, lat] in numbers"),
        ("{type: LineString, coordinates: [[1, 2]]}", "a line needs at least 2 positions"),
        ("{type: GeometryCollection}", "a GeometryCollection needs a list 'geometries'"),
        ("{type: FeatureCollection, features: [3]}", "expected a GeoJSON geometry"),
    ],
)
def test_what_is_wrong_with_a_boundary(geometry: str, fault: str) -> None:
    [(line, text)] = faults_of(boundary(geometry))
    assert line == 3
    assert fault in text


def test_a_secret_typed_into_a_key_is_not_in_the_message() -> None:
    text = "people:\n- id: u\n  contacts: [{channel:json://u:hush@h/x}]\n"
    found = faults_of(text)
    assert [line for line, _ in found] == [3, 3]
    assert "hush" not in str(found)
    assert any("write 'channel: ...', a space behind the colon" in said for _, said in found)


def test_secrets_are_not_in_the_message() -> None:
    for name in ("contacts that reach nobody", "contacts that reach nobody yet"):
        with pytest.raises(TownFaults) as caught:
            parse_town(BAD[name][0])
        assert "secret-token" not in str(caught.value)


def test_the_message_is_one_line_a_fault() -> None:
    with pytest.raises(TownFaults) as caught:
        parse_town("areas:\n- {id: a, parent: b}\n- {id: c, prent: a}\n", "town.yaml")
    assert str(caught.value) == (
        "town.yaml: 2 faults, nothing was loaded\n"
        "  line 2: areas a, parent: no 'b' in areas\n"
        "  line 3: areas c, prent: unknown key 'prent'; did you mean 'parent'?"
    )


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(CarewatchError, match=os.strerror(errno.ENOENT)):
        read_town(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes("areas: [{id: a, name: é}]".encode("latin-1"))
    with pytest.raises(CarewatchError, match="byte 22 is not UTF-8"):
        read_town(tmp_path / "latin.yaml")


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "town.yaml").write_bytes(b"\xef\xbb\xbfareas: [{id: a}]\r\n")
    assert read_town(tmp_path / "town.yaml").register.areas[0].id == "a"


ADVICE = """\
areas: [{id: a}]
clients:
- {id: c, home: {lat: 35, lon: 115, radius: 50}}
- {id: d}
caregivers: [{id: g, base: {lat: 35.1, lon: 115}}]
devices: [{id: x, topic: carewatch/v1/s/sos/y}]
visits:
- {id: v, client: c, caregiver: g, start: 2026-01-01T09:00, end: 2026-01-01T10:00, minutes: 90}
- {id: w, client: c, caregiver: g, start: 2026-01-02T09:00, end: 2026-01-02T10:00, minutes: 30}
- {id: y, client: d, start: 2026-01-02T09:00, end: 2026-01-02T10:00, minutes: 30}
people: [{id: u}, {id: v, role: vendor}, {id: w, role: vendor, vendor: acme}]
rotas: [{id: r}]
ladders:
- {id: one, for: {rules: [sos_pressed], areas: [a]}, rungs: [{after: 0, page: [u, role:manager]}]}
- {id: two, for: {severities: [high]}}
"""


def test_what_will_probably_disappoint() -> None:
    found = [(fault.line, fault.text) for fault in parse_town(ADVICE).warnings]
    assert found == [
        (3, "clients c, home.radius: 50 m is small: phones will seem to come and go"),
        (8, "visits v, minutes: more than the window holds"),
        (8, "visits v, caregiver: 11.1 km from g's base to c's home"),
        (10, "visits y, client: d has no home: no phone can prove it"),
        (
            6,
            "devices x, topic: on a contract topic the last part is the device's id,"
            " but 'y' is not 'x'",
        ),
        (11, "people v: a vendor that names no `vendor` sees every maker's devices"),
        (12, "rotas r: nobody is in it: rungs that page it are skipped"),
        (14, "ladders one, rungs[0].page[1]: nobody is role:manager"),
        (15, "ladders two: it pages nobody"),
        (
            13,
            "ladders: no ladder serves sos_pressed everywhere:"
            " on-call people, then managers are paged",
        ),
        (11, "people u: is paged by a ladder and has no contact"),
    ]


def test_a_series_that_holds_no_day_is_warned_of() -> None:
    text = """
clients: [{id: c, home: {lat: 35.2, lon: 115.4}}]
visits:
- {id: none, client: c, start: "2026-11-02T09:00", end: "2026-11-02T10:00", minutes: 60,
   rrule: "FREQ=DAILY;UNTIL=20261101"}
- {id: one, client: c, start: "2026-11-02T09:00", end: "2026-11-02T10:00", minutes: 60,
   rrule: "FREQ=DAILY;UNTIL=20261102"}
"""
    found = [fault.text for fault in parse_town(text).warnings if "rrule" in fault.text]
    assert found == ["visits none, rrule: no day fits it from `start` on: nothing is planned"]


GOOD = TOWN.read_text()
WORDS = re.findall(r"[\w.:/@=;+-]+", GOOD)
ODD = ["", "~", "[]", "{}", "[[1]]", "{a: {b: []}}", "nan", "-1", "1e400", "9" * 400, "é\u3000"]


@settings(max_examples=200)
@given(word=st.sampled_from(WORDS), junk=st.sampled_from(ODD + WORDS) | st.text(max_size=12))
def test_no_word_put_in_another_place_breaks_the_reading(word: str, junk: str) -> None:
    text = GOOD.replace(word, junk, 1)
    faults: tuple[Fault, ...] = ()
    try:
        parse_town(text)
    except TownFaults as wrong:
        faults = wrong.faults
    assert all(1 <= fault.line <= text.count("\n") + 2 for fault in faults)
