"""What rules save is read again by the next release: its names change only with the version."""

from typing import Any

import pytest
from msgspec import inspect

from alerts.engine.engine import with_needs
from alerts.rule import AnyRule
from alerts.rules import RULES


def shape(state: Any) -> str:
    """The names that a struct is saved under, those of structs within it in brackets."""
    return " ".join(named(field) for field in inspect.type_info(state).fields)  # type: ignore[attr-defined]


def named(field: inspect.Field) -> str:
    within = " ".join(shape(one) for one in structs(field.type) if not is_reading(one))
    return f"{field.encode_name}({within})" if within else field.encode_name


def structs(info: inspect.Type) -> list[type]:
    """The structs that a field's values hold."""
    if isinstance(info, inspect.StructType):
        return [info.cls]
    parts = [getattr(info, name, ()) for name in ("item_type", "item_types", "types", "value_type")]
    found = (one for part in parts for one in (part if isinstance(part, tuple) else (part,)))
    return [struct for one in found for struct in structs(one)]


def is_reading(struct: type[Any]) -> bool:
    """Readings have a contract of their own."""
    return struct.__module__ == "devices.readings"


SAVED = """
calendar 1: through
visit 1: record(id plan client caregiver start end minutes state grade began ended came present
    evidence(what at device id detail) reason away revision revised_at) seen(presences(caregiver
    sure(first last first_fix last_fix) weak(first last first_fix last_fix)) elsewhere(first last
    first_fix last_fix) marks(at id device caregiver action) doors(at id device) mock(at id
    device) spoke(first last first_fix last_fix)) cancelled
sos_pressed 1: raised presses tested
geofence_breached 1: shape owner trails(fixes(at id out) out) breached begin
visit_missed 1: reason
visit_late 1: reason
visit_short 1: raised
visit_unended 1: raised
device_silent 2: heard limit duty(day begin end) place lost cut_off lost_at let_go covered raised
area_outage 2: heard lost(device at incident found_at) gateways incidents(devices told tell revised)
    look patient
no_activity 2: since opened sensors(lost_since gaps) raised counted doubted
door_left_open 1: opened closed raised subject
contact_overdue 1: since visits other check_ins openings raised counted
battery_low 1: reports(at received_at percent id is_flag) was_low raised
face_presence_missing 1: month days joined reminded missing
face_unknown 1: faces(seen found)
presence_conflict 1: claims(at device id lat lon around is_terminal) last
implausible_movement 1: fixes(at lat lon accuracy id) last subject
own_condition 1: last window severity
"""


def saved() -> dict[tuple[str, int], str]:
    """The names above by rule and version; an indented line goes on from the one before."""
    entries = (line.partition(": ") for line in SAVED.replace("\n    ", " ").strip().splitlines())
    found = ((name.split(" "), names) for name, _, names in entries)
    return {(rule, int(version)): names for (rule, version), names in found}


@pytest.mark.parametrize("rule", with_needs(RULES), ids=lambda rule: rule.name)
def test_a_state_is_saved_under_the_names_of_its_version(rule: AnyRule) -> None:
    assert shape(rule.state) == saved()[rule.name, rule.version]


def test_every_saved_state_is_one_of_a_rule() -> None:
    assert {(rule.name, rule.version) for rule in with_needs(RULES)} == saved().keys()
