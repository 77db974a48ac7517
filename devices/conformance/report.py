"""A run's results as text for people, JSON for programs and JUnit for a build server. Pure."""

from collections import Counter
from datetime import datetime
from xml.etree import ElementTree as Xml

import msgspec

from devices.conformance.checklist import Lang, complete, passed
from devices.conformance.run import CheckResult, State

STATES: dict[State, tuple[str, str]] = {
    "pass": ("通过", "pass"),
    "fail": ("不通过", "fail"),
    "needs a person": ("需要人", "needs a person"),
}
LABELS = {"expected": ("应为", "expected"), "mend": ("改法", "mend"), "seen": ("证据", "seen")}


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a run."""

    device: str
    kind: str | None
    begun: datetime
    ended: datetime
    roads: tuple[str, ...]
    heard: int  # messages
    lang: Lang
    results: tuple[CheckResult, ...]

    @property
    def state(self) -> State:
        """The worst state of a check."""
        if not passed(self.results):
            return "fail"
        return "pass" if complete(self.results) else "needs a person"


def as_json(report: Report) -> str:
    """Return one JSON object, with the state of the whole run."""
    return msgspec.json.encode({"state": report.state, **msgspec.structs.asdict(report)}).decode()


def as_text(report: Report) -> str:
    """Return a line a check, below each what was found and how to mend it, and a sum."""
    english = report.lang == "en"
    lines = [line for each in report.results for line in _lines(each, english)]
    counts = Counter(each.state for each in report.results)
    total = " · ".join(f"{STATES[state][english]} {counts[state]}" for state in STATES)
    return "\n".join([*lines, f"{report.device}: {total}"])


def _lines(result: CheckResult, english: bool) -> list[str]:
    head = f"{STATES[result.state][english]:14}  {result.check}: {result.title}"
    if result.state == "pass":
        return [head]
    lines = [head, f"    {result.says}", f"    {LABELS['expected'][english]}: {result.expected}"]
    if result.evidence is not None:
        seen = result.evidence
        at = seen.at.isoformat(timespec="milliseconds")
        lines.append(f"    {LABELS['seen'][english]}: {at} {seen.topic} {seen.payload!r}")
    if result.mend:
        lines.append(f"    {LABELS['mend'][english]}: {result.mend}")
    return lines


def as_junit(report: Report) -> str:
    """Return JUnit XML: a fault is a failure, what needs a person is skipped."""
    counts = Counter(each.state for each in report.results)
    suite = Xml.Element(
        "testsuite",
        name=f"carewatch conformance {report.device}",
        tests=str(len(report.results)),
        failures=str(counts["fail"]),
        errors="0",
        skipped=str(counts["needs a person"]),
        timestamp=report.begun.isoformat(timespec="seconds"),
        time=f"{(report.ended - report.begun).total_seconds():.3f}",
    )
    for each in report.results:
        case = Xml.SubElement(suite, "testcase", classname=report.device, name=each.check)
        if each.state == "fail":
            fault = Xml.SubElement(case, "failure", message=_clean(each.says))
            fault.text = _clean("\n".join(_lines(each, report.lang == "en")))
        elif each.state == "needs a person":
            Xml.SubElement(case, "skipped", message=_clean(each.says))
    return Xml.tostring(suite, encoding="unicode", xml_declaration=True)


def _clean(said: str) -> str:
    """Return a text without the characters that XML can't hold; devices choose what stands here."""
    return "".join(c for c in said if c in "\t\n" or (c >= " " and c not in "￾￿"))
