"""What pages are made from, as values: views, ledger rows, settings in force, the inspector."""

from datetime import timedelta

import pytest
from small_town import LADDER, NOW, ago, alert, directory, door, position, visit

from alerts.history import RuleCard
from alerts.types import Evidence, RuleScope, Severity, Staff, TownSettings
from dashboards.live.board import Board, DayBegan, LastFix, fold, narrowed, shows
from dashboards.scope import WHOLE, Scope, scope_of
from dashboards.texts import Words
from dashboards.views import ledger
from dashboards.views.alert import next_rung, view
from dashboards.views.inspector import seen
from dashboards.views.ledger import LedgerFilter
from dashboards.views.rules import cards
from dashboards.views.spreadsheet import harmless
from devices.subject import Subject
from ingest.history import Rejected

STAFF = {"u-1": "赵主任"}


def test_names_and_numbers_stay_hidden_until_they_are_asked_for() -> None:
    hidden = view(alert(), directory(), STAFF, now=NOW)
    assert (hidden.name, hidden.phone, hidden.age) == ("王**", "", 84)
    shown = view(alert(), directory(), STAFF, now=NOW, reveal=True)
    assert (shown.name, shown.phone) == ("王淑兰", "13800001234")


def test_free_caregivers_are_offered_nearest_first() -> None:
    fixes = {
        "g-1": LastFix("phone-g1", 35.25, 115.48, ago(minutes=2)),
        "g-2": LastFix("phone-g2", 35.241, 115.48, ago(minutes=9)),
        "g-9": LastFix("phone-g9", 35.2401, 115.48, NOW),
    }
    near = view(
        alert(), directory(), STAFF, now=NOW, fixes=fixes, free=frozenset(("g-1", "g-2"))
    ).near
    assert [(carer.id, round(carer.metres, -1)) for carer in near] == [("g-2", 110), ("g-1", 1110)]


def test_the_next_rung_is_told_while_nobody_answers() -> None:
    due = NOW + timedelta(seconds=78)
    found = next_rung(alert(ladder=LADDER, rung=1, next_at=due))
    assert found is not None
    assert (found.at, found.targets) == (due, ("u-2",))
    again = next_rung(alert(ladder=LADDER, rung=2, next_at=due))
    assert again is not None
    assert again.targets == ("u-2",)  # the last rung repeats
    assert next_rung(alert(ladder=LADDER, rung=1, next_at=due, state="acknowledged")) is None
    going = view(alert(state="acknowledged", next_at=due), directory(), STAFF, now=NOW)
    assert going.arrive_by == due


# ---------------------------------------------------------------- ledger


def worked(id: str, begin: int, end: int, **fields: object) -> ledger.VisitRecord:
    return visit(
        id,
        state="done",
        began=NOW + timedelta(minutes=begin),
        ended=NOW + timedelta(minutes=end),
        **fields,
    )


def rows(*visits: ledger.VisitRecord, **wanted: object) -> list[ledger.LedgerRow]:
    day = NOW.date()
    fits = LedgerFilter(since=day, until=day, **wanted)  # type: ignore[arg-type]
    return ledger.rows(visits, directory(), WHOLE, fits)


def test_one_caregiver_in_two_homes_at_once_is_an_overlap() -> None:
    both = rows(worked("a", 0, 60), worked("b", 59, 120, client="c-2"), worked("c", 121, 181))
    assert [row.exceptions for row in both] == [("overlap",), ("overlap",), ()]


def test_what_is_wrong_with_a_visit_has_a_name() -> None:
    found = rows(
        visit("1", state="missed"),
        visit("2", state="unverified"),
        worked("3", 0, 20),
        worked("4", 0, 60, came="g-2"),
        worked("5", 200, 260, grade="contradicted"),
    )
    assert [row.exceptions for row in found] == [
        ("missed",),
        ("no_leave",),
        ("short",),
        ("substitute",),
        ("contradicted",),
    ]


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        ({"area": "mudan"}, ["1"]),
        ({"agency": "a-1"}, ["1"]),
        ({"client": "c-3"}, ["2"]),
        ({"caregiver": "g-2"}, ["2"]),
        ({"state": "missed"}, ["2"]),
        ({"exceptions": True}, ["2"]),
        ({}, ["1", "2"]),
    ],
)
def test_the_ledger_is_filtered(wanted: dict[str, object], left: list[str]) -> None:
    visits = visit("1"), visit("2", state="missed", client="c-3", caregiver="g-2")
    assert [row.visit.id for row in rows(*visits, **wanted)] == left


def test_evidence_and_local_times_are_in_the_csv() -> None:
    evidence = (Evidence(what="position"), Evidence(what="check_in"), Evidence(what="position"))
    text = ledger.as_csv(rows(visit("1", evidence=evidence)), "Asia/Shanghai")
    assert "2026-11-02 09:00:00" in text
    assert "check_in position" in text


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_no_cell_is_calculated(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"
    assert harmless("王") == "王"


# ---------------------------------------------------------------- rules, inspector, access


def test_settings_in_force_show_default_town_and_narrower() -> None:
    card = RuleCard(
        name="visit_missed",
        severity=Severity.HIGH,
        lane="main",
        version=1,
        defaults={"grace_minutes": 60, "dwell_minutes": 5},
        says="",
    )
    scope = RuleScope(care_level="full", rules={"visit_missed": {"grace_minutes": 15}})
    (found,) = cards([card], TownSettings({"visit_missed": {"grace_minutes": 30}}, (scope,)))
    grace, dwell = found.parameters
    assert (grace.default, grace.town, grace.narrower) == ("60", "30", (("care_level full", "15"),))
    assert (dwell.town, dwell.narrower) == (None, ())


def rejected(topic: str) -> Rejected:
    return Rejected(
        n=1,
        received_at=NOW,
        family="contract",
        reason="not_json",
        detail="line 1",
        topic=topic,
        http=None,
        payload=b"\xff{",
        replayed_at=None,
    )


def test_the_inspector_shows_verdicts_and_hides_whereabouts() -> None:
    skewed = type(door())(
        **{name: getattr(door(), name) for name in door().__struct_fields__} | {"clock": "ahead"}
    )
    messages = seen([position(), skewed], [rejected("carewatch/v1/w/sos/btn-c1")], Words("en"))
    assert {message.verdict for message in messages} == {"accepted", "repaired", "rejected"}
    assert all("35.241" not in message.payload for message in messages)


def test_an_area_sees_what_its_visiting_caregivers_send() -> None:
    board = narrowed(Board(at=NOW, directory=directory()), Scope(areas=("wangji",)))
    phone = Subject("device", "phone-g1")
    assert not shows(board, phone)
    assert shows(fold(board, DayBegan((visit(),))), phone)


def test_who_has_every_top_area_has_the_whole_town() -> None:
    everything = Staff(id="u", areas=("mudan", "other"))
    assert scope_of(everything, directory()) == WHOLE
    assert scope_of(Staff(id="u", areas=("mudan",)), directory()) == Scope(("mudan",))
    assert not scope_of(Staff(id="u", areas=("mudan", "other"), agency="a-1"), directory()).whole
