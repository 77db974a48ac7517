"""What a rule found, as a sentence in the reader's language. Pure.

Rules word `detail` in English, for logs and the API. A Chinese sentence is built anew from what
the alert holds as machine words: rule, reason and evidence.
"""

import re
from collections.abc import Callable
from datetime import datetime

from alerts.types import Alert, Evidence, Finding
from dashboards.texts import Words

FACTS = 3  # named in a sentence
WORDED = (  # what evidence says in English, and the text that says it
    (re.compile(r"no phone (?P<minutes>\S+) min at the home"), "fact.no_stay"),
    (re.compile(r"not backed by phone or door"), "fact.not_backed"),
    (re.compile(r"backed by (?P<what>\w+)"), "fact.backed"),
    (re.compile(r"(?P<who>\S+) at the home from here"), "fact.stay_begins"),
    (re.compile(r"until"), "fact.stay_ends"),
)

Clock = Callable[[datetime], str]


def sentence(alert: Alert, words: Words, clock: Clock) -> str:
    """Return why the alert stands: the rule's own sentence, or the same built in Chinese."""
    if words.lang == "en":
        return alert.detail
    rule, why = words.word("rule", alert.rule), reasoned(alert, words, clock)
    return words("fact.sentence", rule=rule, reason=why)


def reasoned(found: Alert | Finding, words: Words, clock: Clock) -> str:
    """Return the reason and the last of the evidence, for a line that stands under the
    rule's name."""
    if words.lang == "en":
        return found.detail
    reason = words.word("reason", found.reason)
    facts = [_fact(each, words, clock) for each in found.evidence[-FACTS:]]
    return reason + (words("fact.because", facts="；".join(facts)) if facts else "")


def fact_said(detail: str, words: Words) -> str:
    """Return what a piece of evidence says beside its kind and its time."""
    for pattern, key in WORDED:
        if found := pattern.fullmatch(detail):
            places = {name: words.word("kind", said) for name, said in found.groupdict().items()}
            return words(key, **places)
    return words.word("fact", detail)


def _fact(fact: Evidence, words: Words, clock: Clock) -> str:
    said = (
        words.word("evidence", fact.what),
        clock(fact.at) if fact.at else "",
        fact_said(fact.detail, words),
    )
    return " ".join(part for part in said if part)
