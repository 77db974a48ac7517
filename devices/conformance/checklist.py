"""The vendor's checklist for a device that speaks contract v1. Pure: a run in, results out.

Each check ends `pass`, `fail` with evidence and the mend, or `needs a person` with what to do. One
that does not apply to the device, its road or this kind of run is not listed.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

from devices.conformance import link, said
from devices.conformance.run import CheckResult, ConformanceRun, DeviceMessage, Evidence, Found
from devices.redaction import cut_private

Lang = Literal["zh", "en"]
EXCERPT = 200  # characters of a payload that are shown
TEXTS = Path(__file__).with_name("texts.json")

CHECKS: dict[str, Callable[[ConformanceRun], Found | None]] = {
    "registered": said.registered,
    "signs_in": link.signs_in,
    "heard": said.heard,
    "own_topic": said.own_topic,
    "readable": said.readable,
    "utf8": said.utf8,
    "size": said.size,
    "nothing_private": said.nothing_private,
    "id_present": said.id_present,
    "id_unique": said.id_unique,
    "id_kept": said.id_kept,
    "time_zone": said.time_zone,
    "clock_sane": said.clock_sane,
    "prompt": said.prompt,
    "order": said.order,
    "battery": said.battery,
    "beat": said.beat,
    "qos_1": link.qos_1,
    "not_retained": link.not_retained,
    "no_wildcards": link.no_wildcards,
    "last_will": link.last_will,
    "steady": link.steady,
    "reconnects": link.reconnects,
    "resends": link.resends,
    "slow_answer": link.slow_answer,
    "survives_restart": link.survives_restart,
    "resends_refused": link.resends_refused,
    "resends_unanswered": link.resends_unanswered,
    "acknowledged_once": link.acknowledged_once,
    "replayed_flag": said.replayed_flag,
    "sos_press": said.sos_press,
}  # in the order in which one would mend them


def judge(run: ConformanceRun, lang: Lang = "en") -> list[CheckResult]:
    """Return every check that applies, in words of this language."""
    found = ((name, check(run)) for name, check in CHECKS.items())
    return [_in_words(name, each, lang) for name, each in found if each is not None]


def passed(results: Sequence[CheckResult]) -> bool:
    """Return True if no check failed."""
    return all(result.state != "fail" for result in results)


def complete(results: Sequence[CheckResult]) -> bool:
    """Return True if every check passed and nothing waits for a person."""
    return all(result.state == "pass" for result in results)


def text(key: str, lang: Lang) -> str:
    """Return a text of the checklist: `check.title`, `check.expected`, `check.mend`, a finding."""
    return texts()[key][lang == "en"]


@cache
def texts() -> Mapping[str, tuple[str, str]]:
    """Return key -> (Chinese, English)."""
    return {key: (zh, en) for key, (zh, en) in json.loads(TEXTS.read_text("utf-8")).items()}


def _in_words(name: str, found: Found, lang: Lang) -> CheckResult:
    title = text(f"{name}.title", lang)
    if found.state == "pass":
        return CheckResult(name, found.state, title)
    return CheckResult(
        name,
        found.state,
        title,
        says=text(found.code, lang).format(**found.values),
        expected=text(f"{name}.expected", lang),
        mend="" if found.state == "needs a person" else text(f"{name}.mend", lang),
        evidence=None if found.message is None else _evidence(found.message),
    )


def _evidence(message: DeviceMessage) -> Evidence:
    payload, _ = cut_private(message.payload)
    excerpt = payload[: EXCERPT * 4].decode(errors="backslashreplace")
    shown = excerpt if len(excerpt) <= EXCERPT else excerpt[: EXCERPT - 1] + "…"
    return Evidence(message.topic, message.received_at, shown)
