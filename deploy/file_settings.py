"""Whose rule settings hold when a town file is loaded: the file's, or those enabled on the page.

Who enables settings on `/rules` has tried them, and a load that runs every night must not undo
that unseen; nor must an edit of the file be lost unseen. See docs/decisions/0021.
"""

from collections.abc import Iterable
from typing import Literal

import psycopg

from alerts.plans.setting_changes import SettingDifference, compared
from alerts.plans.versions import InForce, versions
from alerts.types import TownSettings
from core.errors import CarewatchError

Choice = Literal["file", "enabled"]


def file_holds(now: InForce, wanted: TownSettings, choice: Choice | None) -> bool:
    """Return True if the file's settings come into force. Pure.

    False: those enabled by hand stay, for the file says what it said before they were. Raises
    CarewatchError, naming each difference, where the file has changed too and nobody chose.
    """
    if now.in_file is None or wanted == now.settings or choice == "file":
        return True
    if choice == "enabled" or wanted == now.in_file:
        return False
    raise CarewatchError(
        f"the rule settings in force (version {now.version}) were enabled on /rules, and the file "
        "has changed its own since; nothing was loaded.\n"
        + "\n".join(f"  {line}" for line in told(compared(now.settings, wanted)))
        + "\nSay --settings file to take the file's, or --settings enabled to keep those in force"
    )


def told(differences: Iterable[SettingDifference]) -> list[str]:
    """Return what is in force beside what the file says, a line a parameter."""
    return [
        f"{one.rule}.{one.parameter} ({one.part}): in force {one.before or 'not set'}, "
        f"in the file {one.after or 'not set'}"
        if one.parameter
        else str(one)
        for one in differences
    ]


def kept_text(conn: psycopg.Connection, kept: Iterable[SettingDifference]) -> list[str]:
    """Return what a load says when settings enabled by hand stay in force."""
    last = versions(conn)[0]
    return [
        f"rule settings enabled on /rules stay in force (version {last.number}, by {last.by}, "
        f"{last.at:%Y-%m-%d %H:%M} UTC: {last.note}); the file still says otherwise:",
        *(f"  {line}" for line in told(kept)),
        "write them into the file, or load it with --settings file to bring its own back",
    ]
