"""The small town with two makers, each with an account, and messages as ingest takes them."""

import msgspec
import psycopg
from small_town import PEOPLE, REGISTER, SECRET, town

from alerts.types import Staff
from dashboards.auth.passwords import hashed
from deploy.town.loading import load_town
from devices.directory import Device, Directory
from devices.envelope import Envelope
from devices.registry import load_directory
from ingest.admission.containment import contained
from ingest.history import rejections
from ingest.store.save import AdmittedMessage, save
from tests.clock import utc_now

ACME = Staff(id="u-acme", name="甲厂", role="vendor", vendor="acme")
BETA = Staff(id="u-beta", name="乙厂", role="vendor", vendor="beta")
MADE = {  # device -> vendor, model, firmware
    "btn-c1": ("acme", "SOS-1", "1.0"),
    "door-c1": ("acme", "DS-1", ""),
    "btn-c2": ("beta", "SOS-2", ""),
    "term-f1": ("beta", "FT-9", ""),
}


def made_town(database_url: str) -> str:
    """Load the town, with sign-ins; its database's address."""
    whole = town()
    register = msgspec.structs.replace(REGISTER, devices=tuple(map(_made, REGISTER.devices)))
    people = (*PEOPLE, ACME, BETA)
    plans = msgspec.structs.replace(whole.plans, people=people)
    kept = hashed(SECRET)
    with psycopg.connect(database_url) as conn:
        load_town(conn, msgspec.structs.replace(whole, register=register, plans=plans))
        for person in people:
            conn.execute("INSERT INTO sign_in VALUES (%s, %s, %s)", (person.id, person.id, kept))
    return database_url


def _made(device: Device) -> Device:
    vendor, model, firmware = MADE.get(device.id, ("", "", ""))
    return msgspec.structs.replace(device, vendor=vendor, model=model, firmware=firmware)


def comes(db: psycopg.Connection, device: str, payload: bytes, kind: str = "sos") -> int:
    """A bad message arrives and is stored as ingest does; the number of its last rejection."""
    envelope = Envelope(f"carewatch/v1/wangji/{kind}/{device}", payload, utc_now())
    save(db, [AdmittedMessage(envelope, contained(envelope, register_of(db)))])
    return rejections(db, limit=1)[0].n


def register_of(db: psycopg.Connection) -> Directory:
    """The register as it is stored."""
    with db.transaction():
        return load_directory(db)
