"""Every word is there in both languages, and every word a page asks for is there at all."""

import re
from pathlib import Path
from typing import get_args

import pytest
from small_town import NOW, ago, alert, directory

import alerts
import dashboards
from alerts.figures.alarm_load import Rating
from alerts.figures.lint import FlawKind
from alerts.records.rulebook import rulebook
from alerts.trials import leaves
from alerts.trials.requests import TrialState
from alerts.types import (
    AlertState,
    Evidence,
    Finding,
    Outcome,
    PageState,
    Role,
    Severity,
    StoryLine,
    VisitGrade,
    VisitStage,
)
from dashboards.settings import Lang
from dashboards.texts import Words, texts
from dashboards.views import ledger
from dashboards.views.alert import Line, view
from dashboards.views.format import Formatter, distance, elapsed, share
from dashboards.views.sentences import fact_said
from dashboards.views.trial import FIGURES
from devices.directory import CareLevel
from devices.readings import Reason

ROOM = Path(dashboards.__file__).parent
ASKED = re.compile(r"""(?:words(?:\.other)?|say)\(\s*["'`]([a-z_]+\.[a-z_0-9.]+)["'`]""")

PARAMETERS = [f"{card.name}.{name}" for card in rulebook() for name, _ in leaves(card.defaults)]


def test_both_languages_say_something() -> None:
    assert [key for key, (zh, en) in texts().items() if not zh.strip() or not en.strip()] == []


def test_chinese_is_chinese() -> None:
    han = re.compile("[\u4e00-\u9fff]")
    latin = {key for key, (zh, _) in texts().items() if not han.search(zh)}
    assert latin <= {"app.name", "detail.again"}, latin


def test_both_languages_fill_the_same_places() -> None:
    place = re.compile(r"\{\w+\}")
    uneven = [
        key
        for key, (zh, en) in texts().items()
        if sorted(place.findall(zh)) != sorted(place.findall(en))
    ]
    assert uneven == []


def test_what_pages_ask_for_is_there() -> None:
    files = [*ROOM.rglob("*.html"), *ROOM.rglob("*.js"), *ROOM.rglob("*.py")]
    asked = {key for file in files for key in ASKED.findall(file.read_text())}
    assert len(asked) > 100
    assert sorted(asked - set(texts())) == []


@pytest.mark.parametrize(
    ("group", "words"),
    [
        ("rule", [card.name for card in rulebook()]),
        ("rule_says", [card.name for card in rulebook()]),
        ("parameter", PARAMETERS),
        ("parameter_says", PARAMETERS),
        ("load", FIGURES),
        ("rating", get_args(Rating)),
        ("trial_state", get_args(TrialState)),
        ("care_level", get_args(CareLevel)),
        ("severity", ["life", "high", "medium", "low"]),
        ("state", get_args(AlertState)),
        ("page", get_args(PageState)),
        ("visit", get_args(VisitStage)),
        ("grade", get_args(VisitGrade)),
        ("outcome", get_args(Outcome)),
        ("role", get_args(Role)),
        ("problem", get_args(ledger.Problem)),
        ("flaw", get_args(FlawKind)),
        ("rejected", list(Reason)),
        ("stale", ["stream", "ingest", "engine"]),
        ("sound", ["on", "blocked", "off"]),
    ],
)
def test_machine_words_are_translated(group: str, words: list[str]) -> None:
    assert [word for word in words if f"{group}.{word}" not in texts()] == []


def shown(lang: Lang) -> Formatter:
    return Formatter(Words(lang), "Asia/Shanghai", NOW, {"u-1": "赵主任"})


def test_times_are_the_towns() -> None:
    assert shown("zh").clock(NOW) == "10:00:00"
    assert shown("zh").clock(ago(days=1)) == "2026-11-01 10:00"
    assert shown("en").span(NOW - ago(minutes=90)) == "1 h 30 min"
    assert elapsed(NOW - ago(seconds=42)) == "0:42"
    assert elapsed(NOW - ago(hours=2, seconds=5)) == "2:00:05"
    assert (distance(430), distance(1250)) == ("430 m", "1.2 km")
    assert (share(0.5), share(None)) == ("50.0%", "–")


def test_what_rules_say_in_english_is_said_in_chinese() -> None:
    missed = alert(
        rule="visit_missed",
        reason="caregiver_silent",
        detail="visit to client:c-1: not seen",
        evidence=(
            Evidence(what="no_check_in"),
            Evidence(what="no_stay", detail="no phone 5 min at the home"),
            Evidence(what="elsewhere", at=NOW),
        ),
    )
    said = {lang: shown(lang).values()["sentence"](missed) for lang in ("zh", "en")}
    assert said["en"] == "visit to client:c-1: not seen"
    assert said["zh"] == (
        "漏访，原因：护理员手机失联。依据：无签到；未停留 手机在家不足 5 分钟；在别处 10:00:00"
    )
    assert fact_said("backed by phone", Words("zh")) == "有佐证：手机"
    assert fact_said("g-1 at the home from here", Words("zh")) == "g-1 到达家中"
    assert fact_said("short", Words("zh")) == "短按"
    assert fact_said("12 %", Words("zh")) == "12 %"


def test_each_line_of_a_story_carries_the_reason_of_its_own_finding() -> None:
    raised, cleared = (
        Finding(
            at=ago(minutes=minutes), rule="visit_missed", subject="client:c-1", event=event,
            severity=Severity.HIGH, reason=reason, detail=reason, evidence=evidence,
        )
        for minutes, event, reason, evidence in (
            (9, "raised", "caregiver_silent", (Evidence(what="no_check_in"),)),
            (2, "cleared", "late_evidence", ()),
        )
    )  # fmt: skip
    story = tuple(
        StoryLine(at=line.at, what=line.event, detail=line.detail) for line in (raised, cleared)
    )
    noted = StoryLine(at=NOW, what="noted", who="u-1", detail="caregiver_silent")
    missed = alert(rule="visit_missed", reason="late_evidence", story=(*story, noted))
    seen = view(missed, directory(), {}, now=NOW, findings=(raised, cleared))
    told = {lang: [shown(lang).told(line) for line in seen.lines] for lang in ("zh", "en")}
    assert told["zh"] == ["护理员手机失联。依据：无签到", "迟到的证据推翻", "caregiver_silent"]
    assert told["en"] == ["caregiver_silent", "late_evidence", "caregiver_silent"]
    unfound = view(missed, directory(), {}, now=NOW).lines[0]
    assert shown("zh").told(unfound) == "caregiver_silent"


def test_every_piece_of_evidence_has_a_name() -> None:
    rules = Path(alerts.__file__).parent
    named = re.compile(r'Evidence\(\s*what="([a-z_]+)"')
    whats = {what for file in rules.rglob("*.py") for what in named.findall(file.read_text())}
    whats |= {"check_in", "before", "after", "rating", "check_out"}
    assert len(whats) > 12
    assert [what for what in sorted(whats) if f"evidence.{what}" not in texts()] == []


def test_story_lines_and_targets_read_in_the_visitors_language() -> None:
    def told(what: str, detail: str) -> str:
        return shown("zh").told(Line(NOW, what, "", detail))

    assert told("paged", "rung 3, again (2)") == "第 3 级，第 2 次重复"
    assert told("acknowledged", "link") == "链接"
    assert told("resolved", "helped: 扶起") == "已提供帮助: 扶起"
    assert told("noted", "desk help: 他说") == "desk help: 他说"
    names = ("u-1", "rota:night", "role:manager@parent", "agency")
    assert shown("zh").targets(names) == "赵**, 值班表 night, 主管（上级区域）, 机构待命人员"
