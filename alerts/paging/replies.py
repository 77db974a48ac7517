"""Answers that come back by SMS or by a phone's keypad, as a provider's callback reports them."""

import re
from datetime import datetime

import psycopg
from psycopg.rows import scalar_row

from alerts.history import people
from alerts.types import Staff

NUMBER = re.compile(r"\d{7,}")  # a phone number inside a contact's URL
COUNTED = 9  # digits from the right that make two numbers one: +86 138... and 0138...
GOING = ("1", "１")
MORE_HELP = ("2", "２")


def who_has(conn: psycopg.Connection, number: str) -> Staff | None:
    """Return the person one of whose contacts holds this phone number, however it is written."""
    wanted = "".join(NUMBER.findall(re.sub(r"[\s()-]", "", number)))[-COUNTED:]
    if len(wanted) < COUNTED:
        return None
    for staff in people(conn):
        numbers = (found for contact in staff.contacts for found in NUMBER.findall(contact.channel))
        if any(found.endswith(wanted) for found in numbers):
            return staff
    return None


def asked_last(conn: psycopg.Connection, person: str, since: datetime) -> str | None:
    """Return the alert that a person's bare "1" means: of those open that they were paged for, the
    gravest, and of these the latest paged."""
    found = conn.cursor(row_factory=scalar_row).execute(
        "SELECT a.id FROM page p JOIN alert a ON a.id = p.alert WHERE p.person = %s"
        " AND p.sent_at >= %s AND a.state = 'open'"
        " ORDER BY p.severity = 'life' DESC, p.sent_at DESC LIMIT 1",
        (person, since),
    )
    return found.fetchone()
