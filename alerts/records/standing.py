"""What stands now: people, rotas, ladders, settings, mutes, engines. A part of `alerts.history`."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import psycopg
from psycopg.rows import class_row

from alerts.plans.rota import shifts
from alerts.records.rows import bodies
from alerts.types import Ladder, Muted, Rota, Staff

_MUTED = msgspec.json.Decoder(Muted)
_STAFF = msgspec.json.Decoder(Staff)
_ROTA = msgspec.json.Decoder(Rota)
_LADDER = msgspec.json.Decoder(Ladder)


class LaneBeat(msgspec.Struct, frozen=True):
    """How far an engine has come."""

    lane: str  # life | main
    clock: datetime  # the engine's moment
    renewed_at: datetime  # when it last said that it is alive


class Turn(msgspec.Struct, frozen=True):
    """Who is on call by one rota, until when, and who follows; None is nobody."""

    rota: str
    person: str | None
    until: datetime
    next_person: str | None


def mutes(conn: psycopg.Connection, now: datetime) -> list[Muted]:
    """Return the mutes in force at a moment, soonest to end first."""
    rows = bodies(conn, "SELECT body::text FROM mute WHERE until > %s ORDER BY until, id", (now,))
    return [_MUTED.decode(row) for row in rows]


def people(conn: psycopg.Connection) -> list[Staff]:
    """Return everybody who is paged or signs in, by id."""
    return [
        _STAFF.decode(row) for row in bodies(conn, "SELECT body::text FROM staff ORDER BY id", ())
    ]


def rotas(conn: psycopg.Connection) -> list[Rota]:
    """Return the rotas in force, by id."""
    return [
        _ROTA.decode(row) for row in bodies(conn, "SELECT body::text FROM rota ORDER BY id", ())
    ]


def turns(conn: psycopg.Connection, now: datetime, zone: ZoneInfo) -> list[Turn]:
    """Return who is on call at a moment and who is next, by rota; looks a fortnight ahead."""
    found = []
    for rota in rotas(conn):
        current, *later = shifts(rota, now, now + timedelta(days=15), zone)
        following = later[0].person if later else current.person
        found.append(Turn(rota.id, current.person, current.until, following))
    return found


def ladders(conn: psycopg.Connection) -> list[Ladder]:
    """Return the ladders, in the order in which they are tried."""
    return [
        _LADDER.decode(body)
        for body in bodies(conn, "SELECT body::text FROM ladder ORDER BY position", ())
    ]


def lane_beats(conn: psycopg.Connection) -> list[LaneBeat]:
    """Return each engine lane's clock, and when it was last heard of."""
    cursor = conn.cursor(row_factory=class_row(LaneBeat))
    return cursor.execute(
        "SELECT lane, clock, renewed_at FROM checkpoint"
        " WHERE clock > '-infinity' ORDER BY lane"  # a lane that has yet to begin
    ).fetchall()
