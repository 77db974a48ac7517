"""The console proposes to register what devices announce, and a manager does it for somebody."""

from pathlib import Path

import httpx
import psycopg
import pytest
from site_of_tests import signed_in

from alerts import desk
from devices.directory import Device
from devices.envelope import Envelope
from devices.recording import read_recording
from devices.registry import load_directory, lock_town
from ingest.admission.admit import admit
from ingest.store.announcements import keep
from tests.clock import utc_now
from tests.waiting import until

pytestmark = pytest.mark.edge
FILES = Path(__file__).parent.parent / "devices" / "discovery"
DOOR = "garagedoor1/binary_sensor/garage_door_position/state"


def announce(db: psycopg.Connection, *envelopes: Envelope) -> None:
    """What ingest does with announcements that come."""
    directory = load_directory(db)
    taken = [admit(each, directory).announcement for each in envelopes]
    keep(db, [(own, utc_now()) for own in taken if own is not None])


def captured(name: str) -> list[Envelope]:
    return [envelope for _, envelope in read_recording(FILES / f"{name}.jsonl")]


@pytest.fixture(autouse=True)
def esphome(db: psycopg.Connection) -> None:
    announce(db, *captured("esphome"))


def shown(web: httpx.Client, lang: str = "en") -> str:
    return web.get("/vendor/discovery", params={"lang": lang}).text


def test_what_is_announced_is_offered_in_both_languages(web: httpx.Client) -> None:
    manager = signed_in(web, "u-1")
    assert "/vendor/discovery" in manager.get("/vendor").text
    english = shown(manager)
    assert "GarageDoor1" in english
    assert DOOR in english
    assert 'value="door-garagedoor1"' in english
    assert "Register as" in english
    assert "登记为" in shown(manager, "zh")


def register(web: httpx.Client, **changed: str) -> httpx.Response:
    form = {"topic": DOOR, "id": "door-new", "kind": "door", "holder": "client:c-2"} | changed
    return web.post("/vendor/discovery", data=form)


def test_a_manager_registers_a_door_for_a_client(web: httpx.Client, db: psycopg.Connection) -> None:
    manager = signed_in(web, "u-1")
    answer = register(manager)
    assert answer.status_code == 303, answer.text
    device = load_directory(db).devices.get("door-new")
    assert device == Device(
        id="door-new", kind="door", holder="client:c-2", topic=DOOR, model="Espressif esp32"
    )
    (by,) = db.execute(
        "SELECT body ->> 'by' FROM inbox WHERE type = 'town_changed' ORDER BY arrival DESC LIMIT 1"
    ).fetchone() or ("",)
    assert by == "u-1"
    until(lambda: "registered as door-new" in shown(manager))
    assert register(manager, id="door-other").status_code == 422


@pytest.mark.parametrize(
    ("changed", "status", "says"),
    [
        ({"id": "door-c1"}, 422, "registered already"),
        ({"id": "a b"}, 422, "no spaces"),
        ({"id": "carewatch-x"}, 422, "kept for services"),
        ({"holder": "c-2"}, 422, "client:ID"),
        ({"holder": "client:nobody"}, 422, "no such client"),
        ({"topic": "somebody/elses"}, 404, "There is nothing here"),
    ],
)
def test_what_can_not_be_registered_is_said_and_changes_nothing(
    web: httpx.Client, db: psycopg.Connection, changed: dict[str, str], status: int, says: str
) -> None:
    answer = register(signed_in(web, "u-1"), **changed)
    assert (answer.status_code, says in answer.text) == (status, True), answer.text
    assert "door-new" not in load_directory(db).devices
    assert load_directory(db).device_on(DOOR) is None


def test_who_may_not_register_sees_no_form_and_is_refused(
    web: httpx.Client, db: psycopg.Connection
) -> None:
    vendor = signed_in(web, "u-dev")
    assert "Register as" not in shown(vendor)
    assert register(vendor).status_code == 403
    assert load_directory(db).device_on(DOOR) is None


def test_a_part_of_the_town_sees_its_own_accounts_announcements(
    web: httpx.Client, db: psycopg.Connection
) -> None:
    state = "node3/binary_sensor/{}/state"
    ours = Device(id="node-3", kind="door", holder="client:c-3", topic=state.format("front"))
    with db.transaction():
        desk.register_device(db, ours, lock_town(db), by="test")
    fields = (
        f'{{"stat_t": "{state.format("back")}", "dev_cla": "door", "dev": {{"name": "Node3"}}}}'
    )
    announce(db, Envelope("homeassistant/binary_sensor/node3/b/config", fields.encode(), utc_now()))
    far = signed_in(web, "u-far")  # answers for the area that c-3 lives in
    until(lambda: "Node3" in shown(far))
    assert "GarageDoor1" not in shown(far)
    assert "Node3" not in shown(signed_in(web, "u-a2"))


def test_a_withdrawn_announcement_is_offered_no_more(
    web: httpx.Client, db: psycopg.Connection
) -> None:
    for each in captured("esphome"):
        announce(db, Envelope(each.topic, b"", utc_now()))
    page = shown(signed_in(web, "u-1"))
    assert "withdrawn" in page
    assert "Register as" not in page
