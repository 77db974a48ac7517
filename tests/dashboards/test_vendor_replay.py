"""Rejected messages read again from the console: who may, once confirmed, and written down."""

import httpx
import psycopg
import pytest
from makers import comes, made_town
from site_of_tests import signed_in

from devices.directory import Device, RegisterChange
from devices.registry import apply
from ingest.history import rejected

pytestmark = pytest.mark.edge

PRESS = b'{"id": "1", "at": "2026-11-02T11:59:58Z"}'
YES = {"confirm": "yes"}


@pytest.fixture
def town_url(database_url: str) -> str:
    return made_town(database_url)


def stored(db: psycopg.Connection) -> list[tuple[str]]:
    return db.execute("SELECT device FROM reading ORDER BY arrival").fetchall()


def logged(db: psycopg.Connection) -> list[tuple[str, str, str]]:
    return db.execute(
        "SELECT person, what, subject FROM access_log WHERE what LIKE 'replay%' ORDER BY at, what"
    ).fetchall()


def register(db: psycopg.Connection, *devices: str) -> None:
    apply(db, RegisterChange(devices=tuple(Device(id=each, kind="sos") for each in devices)))


def test_one_message_is_read_again_when_it_was_confirmed(
    web: httpx.Client, db: psycopg.Connection
) -> None:
    n = comes(db, "new-1", PRESS)
    manager = signed_in(web, "u-1")
    assert "Read again" in manager.get(f"/vendor/rejections/{n}?lang=en").text
    where = f"/vendor/rejections/{n}/replay"
    assert manager.post(where).status_code == 400
    assert (stored(db), logged(db)) == ([], [])
    assert manager.post(where, data=YES).headers["location"].endswith("read=rejected")
    register(db, "new-1")
    answer = manager.post(where, data=YES, follow_redirects=True)
    assert "It was read again and stored" in answer.text
    assert stored(db) == [("new-1",)]
    found = rejected(db, n)
    assert found is not None
    assert found.replayed_at is not None
    asked = f"rejection {n}"
    said = f"{asked}: 1 stored, 0 duplicate, 0 ignored, 0 rejected"
    assert logged(db)[-2:] == [("u-1", "replay", asked), ("u-1", "replayed", said)]


def test_all_that_wait_and_fit_are_read_again(web: httpx.Client, db: psycopg.Connection) -> None:
    for device in ("new-1", "new-2"):
        comes(db, device, PRESS)
        comes(db, device, b"{")
    register(db, "new-1", "new-2")
    manager = signed_in(web, "u-1")
    asked = {"device": "new-1", "reason": "unknown_device"}
    page = manager.get("/vendor/replay", params={**asked, "lang": "en"}).text
    assert "<dd>1</dd>" in page
    assert manager.post("/vendor/replay", data=asked).status_code == 400
    done = manager.post("/vendor/replay", data={**asked, **YES}, params={"lang": "en"}).text
    assert "1 stored · 0 stored before" in done
    assert stored(db) == [("new-1",)]
    manager.post("/vendor/replay", data=YES)
    assert stored(db) == [("new-1",), ("new-2",)]
    assert logged(db)[-1][2] == "all rejections: 1 stored, 0 duplicate, 0 ignored, 2 rejected"
    assert manager.post("/vendor/replay", data={"reason": "x", **YES}).status_code == 400


def test_who_may_not_reads_nothing_again(web: httpx.Client, db: psycopg.Connection) -> None:
    comes(db, "new-1", PRESS)
    n = comes(db, "btn-c1", b"{")
    register(db, "new-1")
    for person in ("u-acme", "u-2", "u-see"):
        client = signed_in(web, person)
        for path in ("/vendor/replay", f"/vendor/rejections/{n}/replay"):
            assert client.post(path, data=YES).status_code == 403, (person, path)
        assert client.get("/vendor/replay").status_code == 403
    assert (stored(db), logged(db)) == ([], [])


def test_a_manager_of_a_part_reads_nothing_of_another(
    web: httpx.Client, db: psycopg.Connection
) -> None:
    n = comes(db, "btn-c1", b"{")  # in wangji; the manager's is another area
    comes(db, "new-1", PRESS)
    register(db, "new-1")
    db.execute(
        "UPDATE staff SET body = jsonb_set(body, '{role}', '\"manager\"') WHERE id = 'u-far'"
    )
    far = signed_in(web, "u-far")
    assert far.post(f"/vendor/rejections/{n}/replay", data=YES).status_code == 404
    for asked in ({}, {"device": "new-1"}, {"device": "btn-c1"}):
        assert far.post("/vendor/replay", data={**asked, **YES}).status_code == 200
    assert stored(db) == []
