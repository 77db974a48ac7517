"""The versions of the rule settings: what was in force, who changed it, when and why.

Each change is a `TownChanged` in the inbox, whoever makes it: a load of the town file, or a
person who has tried other settings first. So the engine and every backtest see it, and an alert
names the version that it was judged by.
"""

from datetime import datetime

import msgspec
import psycopg

from alerts.inbox import append
from alerts.plans.plans import apply_plans
from alerts.plans.setting_changes import SettingDifference, compared
from alerts.types import PlanSet, RuleScope, TownChanged, TownSettings
from core.errors import CarewatchError
from devices.registry import lock_town

MAX_NOTE = 500  # characters


class SettingsVersion(msgspec.Struct, frozen=True, kw_only=True):
    """The settings as they were from one change to the next."""

    number: int  # counted from 1
    at: datetime  # in force from here on
    by: str  # person, or "load"
    note: str
    settings: TownSettings
    differences: tuple[SettingDifference, ...]  # from the version before


class InForce(msgspec.Struct, frozen=True):
    """The settings that hold now."""

    settings: TownSettings
    version: int  # 0: none were ever set
    in_file: TownSettings | None  # what the town file said last, while others are in force


def in_force(conn: psycopg.Connection) -> InForce:
    """Return the settings that hold now."""
    row = conn.execute(
        "SELECT rules::text, rules_for::text, settings_version, in_file::text FROM rule_setting"
    ).fetchone()
    if row is None:
        return InForce(TownSettings(), 0, None)
    rules, lines, version, in_file = row
    return InForce(
        TownSettings(_RULES.decode(rules), _LINES.decode(lines)),
        version,
        _SETTINGS.decode(in_file) if in_file else None,
    )


def versions(conn: psycopg.Connection) -> list[SettingsVersion]:
    """Return every version there was, the newest first."""
    rows = conn.execute(
        "SELECT at, body->>'by', coalesce(body->>'note', ''), (body->'plans'->'rules')::text,"
        " (body->'plans'->'rules_for')::text FROM inbox WHERE type = 'town_changed'"
        " AND (body->'plans'->>'rules' IS NOT NULL OR body->'plans'->>'rules_for' IS NOT NULL)"
        " ORDER BY arrival"
    )
    before, found = TownSettings(), list[SettingsVersion]()
    for number, (at, by, note, rules, lines) in enumerate(rows, 1):
        said = _RULES_SAID.decode(rules), _LINES_SAID.decode(lines)
        now = TownSettings(
            before.rules if said[0] is None else said[0],
            before.rules_for if said[1] is None else said[1],
        )
        found.append(
            SettingsVersion(
                number=number,
                at=at,
                by=by,
                note=note,
                settings=now,
                differences=compared(before, now),
            )
        )
        before = now
    return found[::-1]


def numbered(plans: PlanSet, version: int) -> PlanSet:
    """Return the change of plans with the number after `version`, where it holds settings. Pure."""
    if plans.rules is None and plans.rules_for is None:
        return plans
    return msgspec.structs.replace(plans, settings_version=version + 1)


def enable(
    conn: psycopg.Connection, wanted: TownSettings, *, tried_on: int, by: str, note: str
) -> int:
    """Bring other settings into force; their version. What the town file said is remembered.

    `tried_on` is the version they were tried against. Raises CarewatchError where another came
    into force since, where nothing would change, and without a note.
    """
    note = note.replace("\x00", "").strip()[:MAX_NOTE]
    if not note:
        raise CarewatchError("settings: say in a few words why they change")
    with conn.transaction():
        at = lock_town(conn)
        now = in_force(conn)
        if now.version != tried_on:
            raise CarewatchError(
                f"settings: version {now.version} has come into force since these were tried "
                f"on version {tried_on}; try them again"
            )
        if now.settings == wanted:
            raise CarewatchError("settings: these are in force already")
        plans = numbered(_change(now.settings, wanted), now.version)
        apply_plans(conn, plans)
        said = now.in_file or now.settings
        remember_file(conn, None if wanted == said else said)
        append(conn, TownChanged(at=at, plans=plans, by=by, note=note))
    return now.version + 1


def remember_file(conn: psycopg.Connection, said: TownSettings | None) -> None:
    """Keep what the town file said, or forget it: the file's settings are in force (again)."""
    kept = msgspec.json.encode(said).decode() if said is not None else None
    conn.execute(
        "UPDATE rule_setting SET in_file = %s::jsonb WHERE in_file IS DISTINCT FROM %s::jsonb",
        (kept, kept),
    )


def _change(before: TownSettings, after: TownSettings) -> PlanSet:
    return PlanSet(
        rules=after.rules if after.rules != before.rules else None,
        rules_for=after.rules_for if after.rules_for != before.rules_for else None,
    )


_RULES = msgspec.json.Decoder(dict[str, dict[str, object]])
_LINES = msgspec.json.Decoder(tuple[RuleScope, ...])
_RULES_SAID = msgspec.json.Decoder(dict[str, dict[str, object]] | None)
_LINES_SAID = msgspec.json.Decoder(tuple[RuleScope, ...] | None)
_SETTINGS = msgspec.json.Decoder(TownSettings)
