"""Value templates: what announcements really use is worked out, and nothing runs away."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.discovery.limits import LONGEST_TEXT, STEPS, Budget, TemplateFault
from devices.discovery.template import read_template


def worked_out(source: str, **values: Any) -> str:
    template = read_template(source)
    assert not isinstance(template, str), template
    return template.render(values, Budget())


def refused(source: str, **values: Any) -> str:
    """Why a template is refused: when it is read, or when it is worked out."""
    template = read_template(source)
    if isinstance(template, str):
        return template
    with pytest.raises(TemplateFault) as fault:
        template.render(values, Budget())
    return str(fault.value)


@pytest.mark.parametrize(
    ("source", "values", "out"),
    [
        ("{{ value_json.contact }}", {"value_json": {"contact": True}}, "True"),
        ("{{value_json['RSSI']}}", {"value_json": {"RSSI": 70}}, "70"),
        ("{{ value_json.missing }}", {"value_json": {}}, ""),
        ("{{ value_json.a.b|default('x') }}", {"value_json": {"a": {}}}, "x"),
        ("{{ value }}", {"value": " ON "}, "ON"),
        ("{{ 'ON' if value_json.x|float > 3.5 else 'OFF' }}", {"value_json": {"x": "4"}}, "ON"),
        ("{% if value == 'a' %}1{% elif value == 'b' %}2{% endif %}", {"value": "b"}, "2"),
        ("{{ (value|int) / 10 }}", {"value": "215"}, "21.5"),
        ("{{ '%0.1f'|format(value_json.t) }}", {"value_json": {"t": 3.14159}}, "3.1"),
        ("{{ (value|float * 1.8 + 32)|round(1) }}", {"value": "20"}, "68.0"),
        ("{{ value.split(',')[1]|trim|upper }}", {"value": "a, b"}, "B"),
        ("{{ value_json.bits|bitwise_and(4) }}", {"value_json": {"bits": 6}}, "4"),
        ("{{ value_json[0].n }}", {"value_json": [{"n": 5}]}, "5"),
        ("{{ value_json.x is none }}", {"value_json": {"x": None}}, "True"),
        ("{{ 'a' in value_json.all and 3 not in [1, 2] }}", {"value_json": {"all": "cab"}}, "True"),
        (
            "{% for n in value_json.l if n > 1 %}{{ n }};{% endfor %}",
            {"value_json": {"l": [1, 2, 3]}},
            "2;3;",
        ),
        ("{{ value_json.get('x', 7) }}", {"value_json": {}}, "7"),
        ("{{ value_json | to_json }}", {"value_json": {"a": [1, None]}}, '{"a":[1,null]}'),
        ("{{ (value|from_json).a }}", {"value": '{"a": 1}'}, "1"),
        ("{{ value|regex_replace('[^0-9]', '') }}", {"value": "a1b2"}, "12"),
        ("{{ iif(value == 'x', 'yes', 'no') }}", {"value": "x"}, "yes"),
        ("{{ [3, 1, 2]|sort|join('-') }} {{ range(4)|sum }}", {}, "1-2-3 6"),
        (
            "{% set ns = namespace(n=0) %}{% for i in range(3) %}{% set ns.n = ns.n + i %}"
            "{% endfor %}{{ ns.n }}",
            {},
            "3",
        ),
        ("{{ value_json.items.x }}", {"value_json": {"items": {"x": 1}}}, "1"),
        ("{{ value[1:3] }}", {"value": "abcd"}, "bc"),
        ("{{ -2 ** 2 }} {{ 7 // 2 }} {{ 7 % 4 }} {{ 2 ** 3 }}", {}, "4 3 3 8"),
    ],
)
def test_what_templates_really_use(source: str, values: dict[str, Any], out: str) -> None:
    assert worked_out(source, **values) == out


def event_template() -> str:
    path = Path(__file__).with_name("discovery") / "zigbee2mqtt.jsonl"
    rows = (json.loads(line) for line in path.read_text().splitlines())
    row = next(row for row in rows if "/event/" in row["topic"])
    return str(json.loads(row["payload"])["value_template"])


@pytest.mark.parametrize(
    ("action", "event"),
    [  # as Zigbee2MQTT's own suite says
        ("single", {"event_type": "single"}),
        ("button_4_hold_release", {"button": "button_4", "event_type": "hold_release"}),
        ("region_1_enter", {"region": "1", "event_type": "region_enter"}),
        (
            "dial_rotate_left_step",
            {"direction": "left", "speed": "step", "event_type": "dial_rotate"},
        ),
        ("brightness_step_up", {"direction": "up", "event_type": "brightness_step"}),
        ("recall_1", {"scene": "1", "event_type": "recall"}),
        ("", {}),
    ],
)
def test_zigbee2mqtts_event_template(action: str, event: dict[str, str]) -> None:
    assert json.loads(worked_out(event_template(), value_json={"action": action})) == event


DOUBLED = "{% set a = a ~ a %}" * 40
BOMBS = {
    "a loop without an end": "{% for i in range(10**9) %}x{% endfor %}",
    "a loop beyond all numbers": "{% for i in range(10**99) %}x{% endfor %}",
    "loops in loops": "{% for i in range(999) %}{% for j in range(999) %}x{% endfor %}{% endfor %}",
    "a long text": "{{ 'a' * 10**9 }}",
    "a text a list at a time": "{{ ['a' * 60000] * 4000 }}",
    "a long list": "{{ [0] * 10**8 }}",
    "a large power": "{{ 10**10**10 }}",
    "a doubled text": "{% set a = 'aaaaaaaaaaaaaaaa' %}" + DOUBLED + "{{ a }}",
    "a list of itself, printed": "{% set a = [1] %}" + "{% set a = [a, a] %}" * 40 + "{{ a }}",
    "a list of itself, joined": "{% set a = [1] %}"
    + "{% set a = [a, a] %}" * 40
    + "{{ ['x', 'y']|join(a) }}",
    "a list of itself, compared": "{% set a = [1] %}{% set b = [1] %}"
    + "{% set a = [a, a] %}{% set b = [b, b] %}" * 40
    + "{{ a == b }}",
    "a list of itself, as JSON": "{% set a = [1] %}"
    + "{% set a = [a, a] %}" * 40
    + "{{ a|to_json }}",
    "a list of itself, as a key": "{% set a = (1,) %}"
    + "{% set a = (a, a) %}" * 40
    + "{{ dict.from_keys([(a, 1)]) }}",
    "a text replaced by longer ones": "{{ value|replace('a', 'b' * 9)|replace('b', 'c' * 9) }}",
    "brackets": "{{" + "(" * 1500 + "1" + ")" * 1500 + "}}",
    "signs": "{{" + "-" * 3000 + "1 }}",
    "negations": "{{" + "not " * 900 + "1 }}",
    "a sum": "{{" + "+".join(["1"] * 1900) + "}}",
    "lists in lists": "{{ " + "[" * 150 + "]" * 150 + " }}",
    "a pattern that repeats repetitions": "{{ value|regex_findall('(a+)+b') }}",
    "a pattern of many repetitions": "{{ value|regex_findall('a*a*a*a*b') }}",
    "a pattern of many choices": "{{ value|regex_findall('" + "(a|a)" * 20 + "b') }}",
    "a pattern that looks back": r"{{ value|regex_findall('(a*)\\1b') }}",
    "a width": "{{ '%1000000000d' % 1 }}",
    "a macro that calls itself": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "a recursive loop": "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "a file": "{% include 'passwd' %}",
    "a class": "{{ ''.__class__.__mro__ }}",
    "a function's world": "{{ ''.join.__globals__.x }}",
    "Home Assistant's states": "{{ states('sensor.x') }}",
    "a clock": "{{ now() }}",
    "stars": "{{ range(*[1]) }}",
    "no Jinja": "{{ value",
    "a long template": "{{ value }}" * 400,
    "what is not there": "{{ value_json.a.b }}",
    "nothing divided by nothing": "{{ 1 / 0 }}",
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_would_run_away_is_refused(name: str) -> None:
    assert refused(BOMBS[name], value="a" * 1900, value_json={})


def test_the_steps_that_are_left_are_shared_by_all_templates_of_a_message() -> None:
    template = read_template("{% for i in range(100) %}x{% endfor %}")
    assert not isinstance(template, str)
    budget = Budget()
    template.render({}, budget)
    cost = STEPS - budget.left
    while budget.left >= cost:
        template.render({}, budget)
    with pytest.raises(TemplateFault, match=f"more than {STEPS} steps"):
        template.render({}, budget)


WORDS = [
    *(" if ", " else ", " in ", " for ", " is ", " not ", "value", "set ", "value_json", "x"),
    *("range(9)", "'a'", "1", "10**9", "[1, 2]", "join", "map", "{% ", " %}", "{{ ", "}}", "**"),
    *("endfor", "endif", "defined", "regex_findall", "replace", "namespace()"),
]
SIGNS = st.sampled_from([*"()[]{}|.,+-*/%~=<>'", *WORDS])


@given(st.lists(SIGNS, max_size=40).map("".join))
def test_no_template_raises_anything_else(source: str) -> None:
    for text in (source, "{{ " + source + " }}"):
        template = read_template(text)
        if isinstance(template, str):
            continue
        try:
            out = template.render({"value": "abc", "value_json": {"a": [1, "x"]}}, Budget())
        except TemplateFault:
            continue
        assert len(out) <= LONGEST_TEXT
