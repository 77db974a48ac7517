"""Terminals hear by HTTP what their own protocol has them wait for."""

from collections.abc import Iterator

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from devices.credentials import issue
from ingest.answers import Coming, say_coming
from ingest.http.callers import Access
from ingest.http.push import push_router
from tests.clock import utc_now

pytestmark = pytest.mark.edge

GATE = {"Authorization": "Bearer gate"}
LINES = "7\t2026-11-02 09:00:00\t0\t15\n8\t2026-11-02 09:01:00\t0\t15\n"
CDATA = "/iclock/cdata?SN=ZK1&table=ATTLOG&Stamp=4711"


@pytest.fixture
def served(conn: psycopg.Connection, database_url: str) -> Iterator[TestClient]:
    conn.execute(
        "INSERT INTO device (id, kind) VALUES ('ZK1', 'terminal'), ('btn-1', 'sos'),"
        " ('btn-2', 'sos')"
    )
    app = FastAPI()
    app.include_router(push_router(database_url, Access("gate")))
    with TestClient(app) as client:
        yield client


def test_a_zkteco_terminal_hears_how_many_records_were_taken(
    served: TestClient, conn: psycopg.Connection
) -> None:
    for _ in range(2):  # again: no new row, and the same answer
        answer = served.post(CDATA, content=LINES, headers=GATE)
        assert (answer.status_code, answer.text) == (200, "OK: 2")
    assert conn.execute("SELECT count(*) FROM reading").fetchone() == (2,)


def test_a_record_that_no_resending_mends_is_taken_and_kept(
    served: TestClient, conn: psycopg.Connection
) -> None:
    answer = served.post(CDATA, content="7\tno time\t0\t15\n", headers=GATE)
    assert (answer.status_code, answer.text) == (200, "OK: 1")
    assert conn.execute("SELECT reason FROM rejection").fetchall() == [("bad_value",)]


def test_a_terminal_that_nobody_registered_keeps_its_records(served: TestClient) -> None:
    answer = served.post(CDATA.replace("ZK1", "ZK9"), content=LINES, headers=GATE)
    assert answer.status_code == 400
    assert "OK" not in answer.text


def test_the_handshake_says_how_far_the_terminal_has_come(served: TestClient) -> None:
    def options() -> list[str]:
        answer = served.get("/iclock/cdata?SN=ZK1&options=all&pushver=2.4.1", headers=GATE)
        assert answer.status_code == 200
        return answer.text.splitlines()

    first = options()
    assert first[0] == "GET OPTION FROM: ZK1"
    assert "ATTLOGStamp=None" in first
    served.post(CDATA, content=LINES, headers=GATE)
    assert "ATTLOGStamp=4711" in options()


def test_polls_and_registration(served: TestClient) -> None:
    assert served.get("/iclock/getrequest?SN=ZK1", headers=GATE).text == "OK"
    registered = served.post("/iclock/registry?SN=ZK1", headers=GATE)
    assert registered.text.startswith("RegistryCode=")


def test_a_phones_position_that_is_refused_is_not_sent_for_ever(
    served: TestClient, conn: psycopg.Connection
) -> None:
    answer = served.post("/pub?u=me&d=phone", json={"_type": "location"}, headers=GATE)
    assert (answer.status_code, answer.json()) == (200, [])
    assert conn.execute("SELECT count(*) FROM rejection").fetchone() == (1,)


def test_a_button_hears_received_and_may_ask_for_more(
    served: TestClient, conn: psycopg.Connection
) -> None:
    secret = {"Authorization": f"Bearer {issue(conn, 'btn-1')}"}
    other = {"Authorization": f"Bearer {issue(conn, 'btn-2')}"}
    press = {"id": "p-1", "at": "2026-11-02T09:00:00+08:00"}
    answer = served.post("/ingest/v1/w/sos/btn-1", json=press, headers=secret).json()
    assert (answer["answer"], answer["presses"]) == ("received", ["p-1"])
    asked = "/ingest/v1/w/answer/btn-1"
    assert served.get(asked, headers=secret).json() == {"answers": []}
    say_coming(conn, [Coming("btn-1", "p-1", utc_now())])
    (told,) = served.get(asked, headers=secret).json()["answers"]
    assert (told["answer"], told["id"]) == ("coming", "p-1")
    assert served.get(asked, headers=other).status_code in (401, 403)
    assert served.get(asked).status_code == 401
