"""Messages by HTTP, against a real database: committed before they are answered."""

import base64
from collections.abc import Iterator
from datetime import datetime, timedelta

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from devices.credentials import issue, revoke
from ingest.admission.admit import Admitted
from ingest.history import MessageCount, horizon, message_counts, renew_horizon, workers
from ingest.http.callers import Access
from ingest.http.push import push_router
from ingest.store.save import AdmittedMessage, Arrivals, save
from tests.clock import utc_now

pytestmark = pytest.mark.edge

AT = "2026-11-02T09:00:00+08:00"
SOS = {"id": "s-1", "at": AT}
PATH = "/ingest/v1/wangji/sos/btn-1"


class Town:
    """A served router, its database, and the secret of btn-1."""

    def __init__(self, client: TestClient, conn: psycopg.Connection, secret: str) -> None:
        self.client = client
        self.conn = conn
        self.secret = secret
        self.bearer = {"Authorization": f"Bearer {secret}"}

    def rows(self) -> list[tuple[str, str]]:
        return list(self.conn.execute("SELECT device, kind FROM reading ORDER BY arrival"))

    def rejected(self) -> list[tuple[str, str]]:
        return list(
            self.conn.execute("SELECT reason, http::jsonb ->> 'path' FROM rejection ORDER BY n")
        )


@pytest.fixture
def town(database_url: str) -> Iterator[Town]:
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO device (id, kind, topic) VALUES ('btn-1', 'sos', NULL),"
            " ('door-1', 'door', NULL), ('phone-1', 'phone', 'owntracks/me/phone')"
        )
        secret = issue(conn, "btn-1")
        app = FastAPI()
        app.include_router(push_router(database_url, Access("gate", ("10.8.0.0/16",))))
        with TestClient(app) as client:
            yield Town(client, conn, secret)


def test_a_press_is_committed_and_then_answered(town: Town) -> None:
    answer = town.client.post(PATH, json=SOS, headers=town.bearer)
    assert answer.status_code == 200
    assert answer.json()["outcome"] == "stored"
    assert town.rows() == [("btn-1", "sos")]
    assert town.conn.execute("SELECT life FROM arrival_log").fetchall() == [(True,)]


def test_a_refused_message_is_kept_for_who_showed_the_secret(town: Town) -> None:
    """On a path that names no device, and on one that names it."""
    path = f"/ingest/as/btn-1:{town.secret}/owntracks"
    for where, headers in ((PATH, town.bearer), (path, {})):
        assert town.client.post(where, content=b"{", headers=headers).status_code in (200, 400)
    kept = town.conn.execute("SELECT DISTINCT device FROM rejection").fetchall()
    assert kept == [("btn-1",)]


def test_a_repeat_is_well_and_stays_one_row(town: Town) -> None:
    for outcome in ("stored", "duplicate"):
        answer = town.client.post(PATH, json=SOS, headers=town.bearer)
        assert (answer.status_code, answer.json()["outcome"]) == (200, outcome)
    assert len(town.rows()) == 1


def test_what_became_of_each_message_is_counted(town: Town) -> None:
    for body in (SOS, SOS, SOS | {"id": "s-2"}, ["s-3"]):
        town.client.post(PATH, json=body, headers=town.bearer)
    (count,) = message_counts(town.conn, utc_now() - timedelta(minutes=2))
    assert count == MessageCount("contract", received=4, stored=2, duplicate=1, rejected=1)
    assert count.missing == 0


def test_the_ways_to_show_a_secret(town: Town) -> None:
    basic = base64.b64encode(f"btn-1:{town.secret}".encode()).decode()
    ways: list[tuple[str, dict[str, str]]] = [
        (PATH, town.bearer),
        (PATH, {"Authorization": f"Basic {basic}"}),
        (f"/ingest/as/btn-1:{town.secret}{PATH}", {}),
        (f"/ingest/as/{town.secret}{PATH}", {}),
        (PATH, {"Authorization": "Bearer gate"}),
        (f"/ingest/as/gate{PATH}", {}),
    ]
    for number, (path, headers) in enumerate(ways):
        answer = town.client.post(path, json={"id": f"s-{number}", "at": AT}, headers=headers)
        assert answer.status_code == 200, path
    assert len(town.rows()) == len(ways)


def test_who_shows_nothing_or_something_wrong_is_refused_and_nothing_is_kept(town: Town) -> None:
    wrong: list[tuple[str, dict[str, str]]] = [
        (PATH, {}),
        (PATH, {"Authorization": "Bearer nonsense"}),
        ("/ingest/v1/wangji/door/door-1", town.bearer),
        (f"/ingest/as/door-1:{town.secret}/ingest/v1/wangji/door/door-1", {}),
        ("/pub", {"Authorization": "Bearer \0"}),
    ]
    for path, headers in wrong:
        answer = town.client.post(path, json=SOS, headers=headers)
        assert answer.status_code == 401, path
        assert answer.headers["www-authenticate"].startswith("Basic")
    assert (town.rows(), town.rejected()) == ([], [])


def test_a_revoked_secret_serves_no_more(town: Town) -> None:
    revoke(town.conn, "btn-1")
    assert town.client.post(PATH, json=SOS, headers=town.bearer).status_code == 401


def test_a_device_may_not_speak_for_another(town: Town) -> None:
    fix = {"_type": "location", "lat": 35.2, "lon": 115.4, "tst": 1_793_000_000, "topic": "x"}
    path = f"/ingest/as/btn-1:{town.secret}/owntracks"
    headers = {"X-Limit-U": "me", "X-Limit-D": "phone"}
    answer = town.client.post(path + "?u=me&d=phone", json=fix, headers=headers)
    assert answer.status_code == 403
    assert town.rows() == []


def test_a_vendors_own_path_is_read_by_its_family_and_answered_as_its_client_expects(
    town: Town,
) -> None:
    fix = {"_type": "location", "lat": 35.2, "lon": 115.4, "tst": 1_793_000_000}
    answer = town.client.post("/ingest/as/gate/pub?u=me&d=phone", json=fix)
    assert (answer.status_code, answer.text) == (200, "[]")
    assert town.rows() == [("phone-1", "position")]


@pytest.mark.parametrize(
    ("path", "body", "status", "reason"),
    [
        ("/ingest/v1/wangji/sos/btn-1", b"{", 400, "not_json"),
        ("/ingest/v1/wangji/door/btn-1", b"{}", 400, "missing_field"),
        ("/ingest/v1/wangji/sos/nobody", b'{"id":"1","at":1793000000}', 400, "unknown_device"),
        ("/ingest/v1/wangji/bogus/btn-1", b"{}", 404, "unknown_kind"),
        ("/ingest/v1/wangji", b"{}", 404, "unknown_topic"),
        ("/ingest/push/what", b"hello", 404, "unknown_topic"),
        ("/ingest/v1/wangji/door/btn-1", b'{"id":"' + b"x" * 5_000_000, 413, "too_large"),
    ],
)
def test_what_cannot_be_read_is_named_and_kept(
    town: Town, path: str, body: bytes, status: int, reason: str
) -> None:
    answer = town.client.post(path, content=body, headers={"Authorization": "Bearer gate"})
    assert (answer.status_code, answer.json()["rejected"]) == (status, reason)
    assert [each[0] for each in town.rejected()] == [reason]


def test_a_press_that_is_too_large_is_stored_and_what_is_wrong_with_it_said(town: Town) -> None:
    body = b'{"id":"7","at":1793000000,"log":"' + b"x" * 100_000 + b'"}'
    for outcome in ("stored", "duplicate"):
        answer = town.client.post("/ingest/v1/wangji/sos/btn-1", content=body, headers=town.bearer)
        said = answer.json()
        assert (answer.status_code, said["outcome"], said["presses"]) == (200, outcome, ["7"])
        assert [each["rejected"] for each in said["rejections"]] == ["too_large"]
    assert town.rows() == [("btn-1", "sos")]


def test_a_fault_of_ours_is_answered_and_kept_for_the_mend(
    town: Town, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object) -> Admitted:
        raise ValueError("35.241")

    monkeypatch.setattr("ingest.admission.containment.admit", fails)
    answer = town.client.post(PATH, json=SOS, headers=town.bearer)
    assert (answer.status_code, answer.json()["rejected"]) == (400, "bad_value")
    assert town.rejected() == [("bad_value", PATH)]
    said = "".join(capsys.readouterr())
    assert "admission failed" in said
    assert "35.241" not in said


def test_a_secret_in_the_path_is_not_kept(town: Town) -> None:
    town.client.post("/ingest/as/gate/ingest/push/what", content=b"hello")
    assert town.rejected() == [("unknown_topic", "/ingest/push/what")]


def test_a_trusted_network_needs_no_secret(town: Town) -> None:
    trusted = TestClient(town.client.app, client=("10.8.3.4", 1))
    assert trusted.post(PATH, json=SOS).status_code == 200
    assert trusted.post(PATH, json=SOS, headers={"Authorization": "Bearer no"}).status_code == 401
    elsewhere = TestClient(town.client.app, client=("10.9.3.4", 1))
    assert elsewhere.post(PATH, json=SOS).status_code == 401


def test_with_the_database_away_the_sender_is_asked_to_come_again() -> None:
    app = FastAPI()
    nowhere = "postgresql://nobody@127.0.0.1:1/none?connect_timeout=1"
    app.include_router(push_router(nowhere, Access("gate")))
    with TestClient(app) as client:
        answer = client.post(PATH, json=SOS, headers={"Authorization": "Bearer gate"})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"


# ---------------------------------------------------------------- who says too much


def test_a_device_that_says_too_much_waits_and_its_presses_do_not(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.http.rates.BURST", 2)
    monkeypatch.setattr("ingest.http.rates.A_SECOND", 0.0)
    status = "/ingest/v1/wangji/status/btn-1"
    said = [
        town.client.post(status, json={"id": f"t-{n}", "at": AT}, headers=town.bearer)
        for n in range(4)
    ]
    assert [each.status_code for each in said] == [200, 200, 429, 429]
    assert said[-1].headers["retry-after"] == "10"
    assert town.client.post(PATH, json=SOS, headers=town.bearer).status_code == 200
    assert [kind for _, kind in town.rows()] == ["status", "status", "sos"]
    other = {"Authorization": f"Bearer {issue(town.conn, 'door-1')}"}
    door = {"id": "d-1", "at": AT, "open": True}
    answer = town.client.post("/ingest/v1/wangji/door/door-1", json=door, headers=other)
    assert answer.status_code == 200
    (count,) = message_counts(town.conn, utc_now() - timedelta(minutes=2))
    assert (count.received, count.missing) == (4, 0)  # what was postponed is counted when it comes


# ---------------------------------------------------------------- timers wait for it


def test_no_timer_passes_a_message_on_its_way(
    town: Town, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    seen: list[tuple[datetime, datetime, datetime]] = []

    def slowly(conn: psycopg.Connection, messages: list[AdmittedMessage]) -> Arrivals:
        with psycopg.connect(database_url, autocommit=True) as other:
            renew_horizon(other, "bulk", "bulk", utc_now())
            until = horizon(other, "main"), horizon(other, "life")
        seen.append((messages[0].envelope.received_at, *until))
        return save(conn, messages)

    monkeypatch.setattr("ingest.http.push.save", slowly)
    town.client.post(PATH, json=SOS, headers=town.bearer)
    ((received_at, main, life),) = seen
    assert main <= received_at
    assert life <= received_at
    assert horizon(town.conn, "life") > received_at
    assert [each.worker for each in workers(town.conn)] == ["bulk"]
