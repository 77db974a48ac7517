"""How far a device has come from its maker to production: each step from stored facts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec
import psycopg

from alerts.history import people
from dashboards.auth.sessions import first_sign_ins
from dashboards.views.desk import DeskView
from devices import registry
from devices.conformance.kept import last_runs
from devices.conformance.run import State as CheckState
from devices.directory import Device
from devices.registry import Standing
from ingest import history

LISTED = 200  # devices of the table
State = Literal["done", "open", "failed"]
STATE_OF: dict[CheckState, State] = {"pass": "done", "fail": "failed", "needs a person": "open"}
STEPS = ("vendor", "model", "key", "heard", "conformance", "production")


class Step(msgspec.Struct, frozen=True):
    """One step: where it stands, and since when, as far as that was kept."""

    name: str  # one of STEPS
    state: State
    at: datetime | None = None
    fact: str = ""  # what it was told from: a model's name, a vendor's


class Journey(msgspec.Struct, frozen=True):
    """A device and its steps, in their order."""

    device: str
    registered_at: datetime | None
    steps: tuple[Step, ...]

    @property
    def next(self) -> str:
        """Return the first step that is not done; "" when all are."""
        return next((step.name for step in self.steps if step.state != "done"), "")


class Facts(msgspec.Struct, frozen=True):
    """What is known of one device."""

    device: Device
    standing: Standing
    vendor_signed_in: datetime | None  # first, of the vendor's people
    vendor_has_people: bool
    heard_at: datetime | None
    conformance: Step


def journeys(conn: psycopg.Connection, desk: DeskView, ids: Sequence[str]) -> list[Journey]:
    """Return how far each of these registered devices has come."""
    known = [device for id in ids if (device := desk.directory.devices.get(id)) is not None]
    names = [device.id for device in known]
    standing = registry.standings(conn, names)
    heard = history.first_heard(conn, names)
    checked = conformance_of(conn, names)
    vendors = _vendors(conn)
    return [
        journey(
            Facts(
                device=device,
                standing=standing[device.id],
                vendor_signed_in=vendors.get(device.vendor),
                vendor_has_people=device.vendor in vendors,
                heard_at=heard.get(device.id),
                conformance=checked.get(device.id, Step("conformance", "open")),
            )
        )
        for device in known
        if device.id in standing
    ]


def conformance_of(conn: psycopg.Connection, ids: Sequence[str]) -> dict[str, Step]:
    """Return the step of each device whose last run of the checklist was kept."""
    return {
        device: Step("conformance", STATE_OF[run.state], run.ended)
        for device, run in last_runs(conn, ids).items()
    }


def journey(facts: Facts) -> Journey:
    """Return the steps of a device (pure)."""
    steps = (
        _vendor(facts),
        _model(facts),
        _key(facts.standing),
        _heard(facts),
        facts.conformance,
        _production(facts),
    )
    return Journey(facts.device.id, facts.standing.registered_at, steps)


def _vendor(facts: Facts) -> Step:
    name = facts.device.vendor
    done = bool(name) and facts.vendor_has_people
    return Step("vendor", "done" if done else "open", facts.vendor_signed_in, name)


def _model(facts: Facts) -> Step:
    model = facts.device.model
    if not model:
        return Step("model", "open")
    return Step("model", "done", facts.standing.registered_at, model)


def _key(standing: Standing) -> Step:
    if standing.has_secret and standing.revoked_at is not None:
        return Step("key", "failed", standing.revoked_at)
    return Step("key", "done" if standing.has_secret else "open", standing.secret_at)


def _heard(facts: Facts) -> Step:
    return Step("heard", "done" if facts.heard_at else "open", facts.heard_at)


def _production(facts: Facts) -> Step:
    """In the town file, heard, with a key that serves, and not in maintenance."""
    standing = facts.standing
    if not standing.in_file or facts.heard_at is None or standing.revoked_at is not None:
        return Step("production", "open")
    if facts.device.maintenance:
        return Step("production", "open", fact="maintenance")
    moments = [moment for moment in (standing.in_file_at, facts.heard_at) if moment is not None]
    return Step("production", "done", max(moments))


def _vendors(conn: psycopg.Connection) -> dict[str, datetime | None]:
    """Return the vendors that have people, each with the first sign-in of one of them."""
    of_person = {one.id: one.vendor for one in people(conn) if one.vendor}
    found: dict[str, datetime | None] = dict.fromkeys(of_person.values())
    for person, at in first_sign_ins(conn, of_person).items():
        before = found[of_person[person]]
        found[of_person[person]] = at if before is None else min(at, before)
    return found
