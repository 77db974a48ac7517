"""Settings laid over those of a town."""

import pytest

from alerts.plans.overrides import laid_over, nested
from core.errors import CarewatchError


def test_parameters_are_laid_over_one_by_one() -> None:
    town = {"visit_missed": {"grace_minutes": 30, "dwell_minutes": 3}, "no_activity": {"hours": 12}}
    assert laid_over(town, {"visit_missed": {"grace_minutes": 45}}) == {
        "visit_missed": {"grace_minutes": 45, "dwell_minutes": 3},
        "no_activity": {"hours": 12},
    }
    assert town["visit_missed"]["grace_minutes"] == 30


def test_a_parameter_of_parts_is_laid_over_part_by_part() -> None:
    town = {"device_silent": {"minutes": {"door": 60, "phone": 20}}}
    changed = laid_over(town, {"device_silent": {"minutes": {"phone": 5}}})
    assert changed["device_silent"]["minutes"] == {"door": 60, "phone": 5}


def test_names_with_dots_become_parts() -> None:
    assert nested([("device_silent.minutes.phone", 5), ("device_silent.hold_minutes", 1)]) == {
        "device_silent": {"minutes": {"phone": 5}, "hold_minutes": 1}
    }


@pytest.mark.parametrize("name", ["visit_missed", "visit_missed.", ".grace_minutes", "a..b"])
def test_half_a_name_is_refused(name: str) -> None:
    with pytest.raises(CarewatchError, match=r"write it as rule\.parameter=value"):
        nested([(name, 1)])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"nobody": {"x": 1}}, "no rule 'nobody'"),
        ({"no_activity": {"hour": 1}}, "it takes hours"),
        (
            {"no_activity": {"hours": "soon"}},
            r"^no_activity\.hours: expected a number, got",
        ),
        ({"no_activity": {"hours": -1}}, r"^no_activity\.hours: -1 is less than 0$"),
        ({"contact_overdue": {"days": {"full": -7}}}, r"^contact_overdue\.days\.full: -7 is less"),
        ({"no_activity": {"hours": float("inf")}}, "inf is no number to reckon with"),
    ],
)
def test_what_no_rule_takes_is_refused(changes: dict[str, dict[str, object]], said: str) -> None:
    with pytest.raises(CarewatchError, match=said):
        laid_over({}, changes)
