"""The inspector: narrowed by the database, each rejection explained, and nobody sees another's."""

from base64 import b64decode
from collections.abc import Iterator

import httpx
import msgspec
import psycopg
import pytest
from makers import comes, made_town, register_of
from site_of_tests import signed_in
from small_town import press

from devices.envelope import Envelope
from ingest.admission.admit import Admitted
from ingest.admission.containment import contained
from ingest.store.save import AdmittedMessage, save
from tests.clock import utc_now
from tests.waiting import PATIENCE

pytestmark = pytest.mark.edge


@pytest.fixture
def town_url(database_url: str) -> str:
    return made_town(database_url)


@pytest.fixture
def acme(site: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=site, timeout=PATIENCE, params={"lang": "en"}) as client:
        yield signed_in(client, "u-acme")


def test_anothers_many_bad_messages_do_not_push_mine_out(
    web: httpx.Client, db: psycopg.Connection
) -> None:
    comes(db, "door-c1", b'{"id": "1", "at": 1793581200, "open": "mine"}', "door")
    for _ in range(3):
        bad = [f"{n} {utc_now()}".encode() for n in range(80)]
        for payload in bad:
            comes(db, "btn-c2", payload)
    manager = signed_in(web, "u-1")
    every = manager.get("/vendor", params={"lang": "en"}).text
    assert every.count('class="rejected"') == 200
    assert "open: expected true or false" not in every
    mine = manager.get("/vendor", params={"device": "door-c1", "lang": "en"}).text
    assert mine.count('class="rejected"') == 1
    assert "open: expected true or false" in mine
    by_reason = manager.get("/vendor/list", params={"reason": "bad_value"}).text
    assert by_reason.count('class="rejected"') == 1


def test_verdict_and_place_are_asked_of_the_database(
    web: httpx.Client, db: psycopg.Connection
) -> None:
    comes(db, "btn-c1", b"{")
    comes(db, "term-f1", b"[]", "face")
    good = press("btn-c1")
    skewed = msgspec.structs.replace(press("btn-c1"), id="later", clock="ahead")
    mended = msgspec.structs.replace(press("btn-c1"), id="bom", repaired=("bom",))
    save(
        db,
        [
            AdmittedMessage(
                Envelope("carewatch/v1/wangji/sos/btn-c1", b"", each.received_at),
                Admitted("contract", (each,)),
            )
            for each in (good, skewed, mended)
        ],
    )
    ask = signed_in(web, "u-1").get

    def verdicts(**asked: str) -> list[int]:
        page = ask("/vendor/list", params=asked).text
        return [page.count(f'class="{each}"') for each in ("accepted", "repaired", "rejected")]

    assert verdicts() == [1, 2, 2]
    for device in ({}, {"device": "btn-c1"}):
        assert verdicts(verdict="accepted", **device) == [1, 0, 0]
        assert verdicts(verdict="repaired", **device) == [0, 2, 0]
    assert verdicts(verdict="rejected") == [0, 0, 2]
    assert verdicts(place="f-1") == [0, 0, 1]
    assert verdicts(place="f-1", device="btn-c1") == [0, 0, 0]
    assert verdicts(place="f-1", device="term-f1", verdict="rejected") == [0, 0, 1]
    assert ask("/vendor", params={"verdict": "lost"}).status_code == 422


def test_a_rejection_says_where_what_was_expected_and_got_and_how_to_mend_it(
    acme: httpx.Client, db: psycopg.Connection
) -> None:
    payload = '{"id": "1", "at": 1793581200, "open": 7, "battery": 140, "note": "王淑兰"}'
    n = comes(db, "door-c1", payload.encode(), "door")
    page = acme.get(f"/vendor/rejections/{n}").text
    assert "<code>/open</code>" in page
    assert "<td>true or false</td>" in page
    assert "contract.door.open.type" in page
    assert "<code>/battery</code>" in page
    assert "a number, 0 to 100" in page
    assert 'href="/vendor/errors#bad_value"' in page
    assert 'id="bad_value"' in acme.get("/vendor/errors").text
    assert b'"id": "1", "at'.hex(" ") in page  # the bytes beside the text
    assert "mosquitto_pub" in page
    assert "/ingest/v1/wangji/door/door-c1" in page
    assert "&#34;battery&#34;: 140,\n" in page  # the tree
    assert "王淑兰" not in page
    assert "*********" in page
    (error, second) = acme.get(f"/api/v1/rejections/{n}").json()["errors"]
    assert (error["pointer"], error["got"]["shown"]) == ("/open", "7")
    assert second["help"] == "/vendor/errors#out_of_range"


SECRETS = '{"id": "1", "press": "hard", "lat": 35.241, "name": "李建国", "token": "s3cret"}'


def test_nothing_raw_is_shown_anywhere(web: httpx.Client, db: psycopg.Connection) -> None:
    n = comes(db, "btn-c2", SECRETS.encode())
    manager = signed_in(web, "u-1")
    for path in ("/vendor", "/vendor/list", f"/vendor/rejections/{n}", "/api/v1/rejections"):
        shown = manager.get(path).text
        assert not [private for private in ("35.241", "李建国", "s3cret") if private in shown], path
        assert "李建国".encode().hex(" ") not in shown
    (one,) = {each["payload_b64"] for each in manager.get("/api/v1/rejections").json()}
    assert len(b64decode(one)) == len(SECRETS.encode())
    assert b"s3cret" not in b64decode(one)


def test_a_vendor_finds_nothing_of_another(
    acme: httpx.Client, db: psycopg.Connection, site: str
) -> None:
    theirs = comes(db, "btn-c2", b'{"id": "theirs"')
    nobodys = comes(db, "stranger", b'{"id": "nobodys"}')
    ours = comes(db, "btn-c1", b'{"id": "ours"')
    save(
        db,
        [
            AdmittedMessage(
                Envelope(f"carewatch/v1/wangji/sos/{device}", b"", utc_now()),
                Admitted("contract", (press(device),)),
            )
            for device in ("btn-c1", "btn-c2")
        ],
    )
    for path in ("/vendor", "/vendor/list", "/api/v1/rejections"):
        shown = acme.get(path).text
        assert "btn-c1" in shown, path
        assert not [each for each in ("btn-c2", "stranger", "term-f1") if each in shown], path
    for asked in ({"device": "btn-c2"}, {"device": "stranger"}, {"place": "f-1"}):
        assert acme.get("/api/v1/rejections", params=asked).json() == []
        shown = acme.get("/vendor/list", params=asked).text
        assert "rejected" not in shown
        assert "accepted" not in shown
    for n in (theirs, nobodys, 999_999):
        assert acme.get(f"/vendor/rejections/{n}").status_code == 404
        assert acme.get(f"/api/v1/rejections/{n}").status_code == 404
    assert acme.get(f"/vendor/rejections/{ours}").status_code == 200
    assert acme.get(f"/vendor/rejections/{2**63}").status_code == 422
    api = ("devices", "devices/btn-c1/days", "readings", "alerts", "visits", "board", "figures")
    pages = ("/me", "/ledger", "/rules", "/wall", "/desk/alerts/al-1")
    for path in (*(f"/api/v1/{each}" for each in api), "/api/v1/stream", *pages):
        assert acme.get(path).status_code in (401, 403), path
    assert acme.get("/desk").headers["location"] == "/vendor"
    assert "安康院" not in acme.get("/vendor").text  # no device of ours stands there


@pytest.mark.parametrize(
    ("topic", "device"),
    [
        ("carewatch/v1/wangji/sos/btn-c1", "btn-c1"),
        ("carewatch/v1/wangji/sos/stranger", "stranger"),
        ("a/b/door-c1", "door-c1"),
        ("a/b/c", ""),
    ],
)
def test_whose_a_message_is_its_topic_says(db: psycopg.Connection, topic: str, device: str) -> None:
    admitted = contained(Envelope(topic, b"{", utc_now()), register_of(db))
    assert (admitted.device, bool(admitted.rejections)) == (device, True)
