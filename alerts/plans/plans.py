"""What alerts was given: zones, visits, people, rotas, ladders and rule settings, in PostgreSQL.

Who changes them holds `devices.registry.lock_town` until commit, and appends a `TownChanged`
with the same items to the inbox, so that the engine and every backtest see the change too.
"""

from typing import Any

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import scalar_row

from alerts.inbox import append
from alerts.types import (
    Condition,
    Ladder,
    PlannedVisit,
    PlanSet,
    Rota,
    RuleScope,
    Staff,
    TownChanged,
    Zone,
)
from devices.registry import lock_town, put, remove

SECTIONS: dict[str, type[Any]] = {
    "zones": Zone,
    "visits": PlannedVisit,
    "people": Staff,
    "rotas": Rota,
    "ladders": Ladder,
    "conditions": Condition,
}
TABLES = {
    "zones": "zone",
    "visits": "visit_plan",
    "people": "staff",
    "rotas": "rota",
    "ladders": "ladder",
    "conditions": "own_condition",
}


def load_plans(conn: psycopg.Connection) -> PlanSet:
    """Return all plans and settings as they stand; ladders in the order in which they are tried."""
    with conn.transaction():
        stored: dict[str, Any] = {section: _items(conn, section) for section in SECTIONS}
        settings = conn.execute(
            "SELECT rules::text, rules_for::text, settings_version FROM rule_setting"
        ).fetchone()
    rules, scopes, version = settings or ("{}", "[]", 0)
    return PlanSet(
        **stored,
        rules=msgspec.json.decode(rules, type=dict[str, dict[str, object]]),
        rules_for=msgspec.json.decode(scopes, type=tuple[RuleScope, ...]),
        settings_version=version,
    )


def diff_plans(stored: PlanSet, wanted: PlanSet) -> PlanSet:
    """Return what makes `stored` equal `wanted`. Pure.

    Ladders are tried in order, so when any differs all of them are in the change, the old ones
    named as removed: who takes the change in holds them in the new order.
    """
    changed: dict[str, Any] = {}
    removed: dict[str, tuple[str, ...]] = {}
    for section in SECTIONS:
        before: dict[str, Any] = {item.id: item for item in getattr(stored, section)}
        after = getattr(wanted, section)
        kept = {item.id for item in after}
        changed[section] = tuple(item for item in after if before.get(item.id) != item)
        gone = tuple(key for key in before if key not in kept)
        if gone:
            removed[section] = gone
    if stored.ladders != wanted.ladders:
        changed["ladders"] = wanted.ladders
        removed["ladders"] = tuple(ladder.id for ladder in stored.ladders)
    return PlanSet(
        **changed,
        removed={section: ids for section, ids in removed.items() if ids},
        rules=wanted.rules if wanted.rules != stored.rules else None,
        rules_for=wanted.rules_for if wanted.rules_for != stored.rules_for else None,
    )


def apply_plans(conn: psycopg.Connection, change: PlanSet) -> None:
    """Write a change into the tables, in the caller's transaction."""
    for section, ids in change.removed.items():
        remove(conn, TABLES[section], ids)
    for section in SECTIONS:
        items = getattr(change, section)
        if items and section != "ladders":
            put(conn, TABLES[section], items)
    _put_ladders(conn, change.ladders)
    for column in ("rules", "rules_for", "settings_version"):
        value = getattr(change, column)
        if value is not None:
            _put_setting(conn, column, value)


def add_visit(conn: psycopg.Connection, visit: PlannedVisit, *, by: str) -> int:
    """Plan one visit besides the town file; the next load of a file that lacks it removes it.

    Returns the arrival number of the change.
    """
    plans = PlanSet(visits=(visit,))
    with conn.transaction():
        at = lock_town(conn)
        apply_plans(conn, plans)
        return append(conn, TownChanged(at=at, plans=plans, by=by))


def _items(conn: psycopg.Connection, section: str) -> tuple[Any, ...]:
    order = sql.Identifier("position" if section == "ladders" else "id")
    rows = conn.cursor(row_factory=scalar_row).execute(
        sql.SQL("SELECT body::text FROM {} ORDER BY {}").format(
            sql.Identifier(TABLES[section]), order
        )
    )
    decoder = msgspec.json.Decoder(SECTIONS[section])
    return tuple(decoder.decode(body) for body in rows)


def _put_ladders(conn: psycopg.Connection, ladders: tuple[Ladder, ...]) -> None:
    if not ladders:
        return
    conn.execute(
        "INSERT INTO ladder (id, body, position)"
        " SELECT * FROM unnest(%s::text[], %s::text[]::jsonb[]) WITH ORDINALITY"
        " ON CONFLICT (id) DO UPDATE SET body = excluded.body, position = excluded.position",
        ([ladder.id for ladder in ladders], [_json(ladder) for ladder in ladders]),
    )


def _put_setting(conn: psycopg.Connection, column: str, value: object) -> None:
    conn.execute(
        sql.SQL(
            "INSERT INTO rule_setting ({0}) VALUES (%s) ON CONFLICT (one) DO UPDATE"
            " SET {0} = excluded.{0}"
        ).format(sql.Identifier(column)),
        (value if isinstance(value, int) else _json(value),),
    )


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
