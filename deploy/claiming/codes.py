"""Claim codes: made, listed and ended by a person; of the code itself only a hash is kept."""

import re
import secrets
from datetime import datetime, timedelta
from typing import Literal

import msgspec
import psycopg
from psycopg.rows import class_row

from alerts.registering import check_holder
from core.errors import CarewatchError
from devices.credentials import fits, hashed
from devices.directory import DeviceKind
from devices.names import DEVICE_ID, RESERVED_PREFIX, is_reserved

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is read for another: i l o 0 1
NAMED = 6  # letters that name a code
HIDDEN = 26  # letters that nobody can guess: 128 bits
SITE = re.compile(r"[^\s\x00-\x1f\x7f/+#]{1,64}")  # it is a level of an MQTT topic
MOST = 10_000  # devices of one code
LONGEST = timedelta(days=730)

CodeState = Literal["open", "full", "expired", "revoked"]


class NewCode(msgspec.Struct, frozen=True, kw_only=True):
    """What the devices that claim by a code become."""

    kind: DeviceKind
    devices: int
    lasts: timedelta
    holder: str | None = None
    site: str = "home"
    prefix: str = ""
    model: str = ""


class ClaimCode(msgspec.Struct, frozen=True, kw_only=True):
    """A code as it is kept. Never logged: `code_hash`."""

    id: str
    code_hash: str
    kind: DeviceKind
    holder: str | None
    site: str
    prefix: str
    model: str
    devices: int
    made_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    claimed: int

    def state(self, now: datetime) -> CodeState:
        """Return whether devices may still claim by it, or why not."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at <= now:
            return "expired"
        return "full" if self.claimed >= self.devices else "open"


class ClaimedDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A device that has claimed."""

    device: str
    code: str
    serial: str
    claimed_at: datetime
    last_at: datetime
    times: int
    address: str


def create(conn: psycopg.Connection, new: NewCode, now: datetime) -> str:
    """Make a code and return it; nobody can be shown it again. Raises CarewatchError."""
    _check(conn, new, now)
    id, hidden = _letters(NAMED), _letters(HIDDEN)
    conn.execute(
        "INSERT INTO claim_code (id, code_hash, kind, holder, site, prefix, model, devices,"
        " made_at, expires_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            *(id, hashed(hidden), new.kind, new.holder, new.site, new.prefix, new.model),
            *(new.devices, now, now + new.lasts),
        ),
    )
    return written(id, hidden)


def written(id: str, hidden: str) -> str:
    """Return a code as it is printed: groups of letters that are easily typed."""
    groups = [hidden[at : at + 5] for at in range(0, len(hidden), 5)]
    return "-".join((id, *groups)).upper()


def taken_apart(code: str) -> tuple[str, str]:
    """Return the code's name and its hidden part, however it was typed."""
    letters = re.sub(r"[\s-]", "", code).casefold()
    return letters[:NAMED], letters[NAMED:]


def found(conn: psycopg.Connection, code: str) -> ClaimCode | None:
    """Return the code if it is one of ours, in whatever state it is; else None."""
    id, hidden = taken_apart(code)
    known = by_id(conn, id)
    return known if known is not None and fits(hidden, known.code_hash) else None


def by_id(conn: psycopg.Connection, id: str) -> ClaimCode | None:
    """Return the code of this name; None where there is none."""
    return next(iter(_read(conn, "WHERE id = %s", id.replace("\0", "").casefold())), None)


def codes(conn: psycopg.Connection) -> list[ClaimCode]:
    """Return all codes, the newest first."""
    return _read(conn, "ORDER BY made_at DESC, id")


def claimed_devices(conn: psycopg.Connection, code: str) -> list[ClaimedDevice]:
    """Return the devices that have claimed by a code, in the order in which they did."""
    rows = conn.cursor(row_factory=class_row(ClaimedDevice)).execute(
        "SELECT device, code, serial, claimed_at, last_at, times, address FROM claim"
        " WHERE code = %s ORDER BY claimed_at, device",
        (code,),
    )
    return rows.fetchall()


def revoke_code(conn: psycopg.Connection, id: str, now: datetime) -> ClaimCode:
    """End a code: nobody claims by it any more. Raises CarewatchError where there is none.

    What was claimed by it stays as it is.
    """
    known = by_id(conn, id)
    if known is None:
        raise CarewatchError(
            f"claim code {id!r}: there is none; `carewatch device claim-code list` names them by "
            f"their first {NAMED} letters"
        )
    conn.execute(
        "UPDATE claim_code SET revoked_at = coalesce(revoked_at, %s) WHERE id = %s",
        (now, known.id),
    )
    return known


def _check(conn: psycopg.Connection, new: NewCode, now: datetime) -> None:
    if not 1 <= new.devices <= MOST:
        raise CarewatchError(f"devices {new.devices}: from 1 to {MOST}")
    if not timedelta() < new.lasts <= LONGEST:
        raise CarewatchError(f"days: more than 0, and at most {LONGEST.days}")
    if not SITE.fullmatch(new.site):
        raise CarewatchError(f"site {new.site!r}: no spaces and none of / + #, at most 64 letters")
    if new.prefix and not DEVICE_ID.fullmatch(new.prefix):
        raise CarewatchError(f"prefix {new.prefix!r}: no spaces and none of / + #")
    if is_reserved(new.prefix):
        raise CarewatchError(f"prefix {new.prefix!r}: {RESERVED_PREFIX}... is kept for services")
    if new.holder is not None:
        check_holder(conn, new.holder)


def _read(conn: psycopg.Connection, which: str, *values: object) -> list[ClaimCode]:
    rows = conn.cursor(row_factory=class_row(ClaimCode)).execute(
        "SELECT id, code_hash, kind, holder, site, prefix, model, devices, made_at, expires_at,"
        " revoked_at, (SELECT count(*) FROM claim WHERE code = claim_code.id) AS claimed"
        f" FROM claim_code {which}".encode(),
        values,
    )
    return rows.fetchall()


def _letters(count: int) -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(count))
