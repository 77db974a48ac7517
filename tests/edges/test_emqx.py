"""What EMQX's HTTP authenticator and authorizer are answered, as its manual documents the form."""

from collections.abc import Iterator

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from devices import registry
from devices.credentials import issue, revoke
from devices.directory import Device, RegisterChange
from ingest.http.emqx import AUTHENTICATE, AUTHORIZE, LARGEST, emqx_router

pytestmark = pytest.mark.edge
BEARER = {"authorization": "Bearer between us"}


class Asked:
    """EMQX's side: it asks, and reads the result."""

    def __init__(self, client: TestClient, secret: str) -> None:
        self.client = client
        self.secret = secret

    def connects(self, username: str | None, clientid: str, password: str | None) -> object:
        body = {"username": username, "clientid": clientid, "password": password}
        answer = self.client.post(AUTHENTICATE, json=body, headers=BEARER)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()["is_superuser"] is False
        return answer.json()["result"]

    def may(self, username: str, action: str, topic: str, clientid: str | None = None) -> object:
        who = {"username": username, "clientid": clientid or username}
        body = {**who, "action": action, "topic": topic}
        answer = self.client.post(AUTHORIZE, json=body, headers=BEARER)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        return answer.json()["result"]


@pytest.fixture
def emqx(conn: psycopg.Connection, database_url: str) -> Iterator[Asked]:
    phone = Device(id="phone-1", topic="owntracks/u/phone")
    registry.apply(conn, RegisterChange(devices=(Device(id="btn-1", kind="sos"), phone)))
    issue(conn, "phone-1")
    app = FastAPI()
    app.include_router(emqx_router(database_url, "between us"))
    with TestClient(app) as client:
        yield Asked(client, issue(conn, "btn-1"))


def test_a_device_connects_under_its_own_id_alone(emqx: Asked) -> None:
    assert emqx.connects("btn-1", "btn-1", emqx.secret) == "allow"
    assert emqx.connects("btn-1", "btn-1", "wrong") == "deny"
    assert emqx.connects("btn-1", "phone-1", emqx.secret) == "deny"
    assert emqx.connects("btn-1", "carewatch-life", emqx.secret) == "deny"
    assert emqx.connects("none", "none", "") == "deny"
    assert emqx.connects("btn-1", "btn-1", None) == "deny"
    assert emqx.connects(None, "x", None) == "deny"


def test_the_services_are_left_to_the_next_in_the_chain(emqx: Asked) -> None:
    assert emqx.connects("carewatch", "carewatch-life-1234", "x") == "ignore"
    assert emqx.may("carewatch", "subscribe", "#", "carewatch-life-1234") == "ignore"


@pytest.mark.parametrize(
    ("device", "action", "topic", "result"),
    [
        ("btn-1", "publish", "carewatch/v1/w/sos/btn-1", "allow"),
        ("btn-1", "publish", "carewatch/v1/w/sos/btn-2", "deny"),
        ("btn-1", "publish", "carewatch/lanes/canary/life", "deny"),
        ("btn-1", "subscribe", "carewatch/v1/+/answer/btn-1", "allow"),
        ("btn-1", "subscribe", "carewatch/v1/w/answer/btn-1", "allow"),
        ("btn-1", "subscribe", "carewatch/v1/+/answer/+", "deny"),
        ("btn-1", "subscribe", "#", "deny"),
        ("btn-1", "subscribe", "$share/carewatch/#", "deny"),
        ("btn-1", "subscribe", "$SYS/#", "deny"),
        ("phone-1", "publish", "owntracks/u/phone/event", "allow"),
        ("phone-1", "subscribe", "owntracks/u/phone/cmd", "allow"),
        ("phone-1", "subscribe", "owntracks/u/phone/#", "deny"),
        ("none", "publish", "carewatch/v1/w/sos/none", "deny"),
    ],
)
def test_rights_are_those_of_the_register(
    emqx: Asked, device: str, action: str, topic: str, result: str
) -> None:
    assert emqx.may(device, action, topic) == result


def test_a_client_with_anothers_id_may_nothing(emqx: Asked) -> None:
    assert emqx.may("btn-1", "publish", "carewatch/v1/w/sos/btn-1", "phone-1") == "deny"


def test_revoked_counts_at_once(emqx: Asked, conn: psycopg.Connection) -> None:
    revoke(conn, "btn-1")
    assert emqx.connects("btn-1", "btn-1", emqx.secret) == "deny"
    assert emqx.may("btn-1", "publish", "carewatch/v1/w/sos/btn-1") == "deny"


@pytest.mark.parametrize("path", [AUTHENTICATE, AUTHORIZE])
def test_who_has_no_token_is_not_answered(emqx: Asked, path: str) -> None:
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Bearer "}):
        assert emqx.client.post(path, json={}, headers=headers).status_code == 401
    assert emqx.client.get(path, headers=BEARER).status_code == 405


def test_a_question_that_can_not_be_read_allows_nothing(emqx: Asked) -> None:
    assert emqx.client.post(AUTHORIZE, content=b"{", headers=BEARER).status_code == 400
    large = b'{"username":"' + b"x" * LARGEST + b'"}'
    assert emqx.client.post(AUTHENTICATE, content=large, headers=BEARER).status_code == 413
