"""A box of devices and one code: each gets its own secret, once, and nobody gets another's."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import paho.mqtt.client as mqtt
import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from core.errors import CarewatchError
from deploy.claiming import codes
from deploy.claiming.codes import NewCode
from deploy.claiming.exchange import Claim, Claimed, Refused, exchange, release
from deploy.claiming.route import PATH, Places, claim_router
from deploy.cli import app
from devices import registry
from devices.credentials import credential, credential_fits
from devices.directory import Device, Facility, RegisterChange
from ingest.mqtt.control import BrokerControl
from tests.clock import utc_now
from tests.guarded_brokers import PLUGIN, GuardedBroker, by_dynamic_security
from tests.waiting import until

pytestmark = pytest.mark.edge
NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
NONCE = "a nonce of the first terminal"
DEEP = b'{"x":' + b"[" * 4000
MONTH = timedelta(days=30)


@pytest.fixture
def town(conn: psycopg.Connection) -> psycopg.Connection:
    registry.apply(
        conn,
        RegisterChange(
            facilities=(Facility(id="f-1", name="Home"),),
            devices=(
                Device(id="btn-1", kind="sos"),
                Device(id="lobby", kind="terminal", holder="facility:f-1"),
            ),
        ),
    )
    conn.execute("UPDATE device SET in_file = true")
    return conn


def new_code(conn: psycopg.Connection, *, devices: int = 2, at: datetime = NOW) -> str:
    wanted = NewCode(kind="terminal", devices=devices, lasts=MONTH, holder="facility:f-1")
    return codes.create(conn, wanted, at)


def claims(
    conn: psycopg.Connection, code: str, serial: str, nonce: str = NONCE, at: datetime = NOW
) -> Claimed | Refused:
    return exchange(conn, Claim(code, serial, nonce), now=at)


def given_to(answer: Claimed | Refused) -> Claimed:
    assert isinstance(answer, Claimed), answer
    return answer


def why(answer: Claimed | Refused) -> str:
    assert isinstance(answer, Refused), answer
    return answer.error


def test_a_device_gets_its_own_account_and_the_code_stays_secret(town: psycopg.Connection) -> None:
    code = new_code(town)
    got = given_to(claims(town, code.lower().replace("-", " "), "SN-77"))  # as somebody typed it
    assert got.device == "sn-77"
    assert got.topic == "carewatch/v1/home/face/sn-77"
    assert credential_fits(town, "sn-77", got.secret)
    known = credential(town, "sn-77")
    assert known is not None
    assert (known.kind, known.holder, known.in_file) == ("terminal", "facility:f-1", False)
    kept = town.execute("SELECT claim_code::text, claim::text FROM claim_code, claim").fetchone()
    hidden = codes.taken_apart(code)[1]
    assert kept is not None
    assert not any(word in text for text in kept for word in (hidden, NONCE, got.secret))


def test_a_lost_answer_is_asked_for_again_and_the_first_secret_ends(
    town: psycopg.Connection,
) -> None:
    code = new_code(town, devices=1)
    first = given_to(claims(town, code, "sn-1"))
    again = given_to(claims(town, code, "SN-1"))
    assert again.repeated
    assert not credential_fits(town, "sn-1", first.secret)
    assert credential_fits(town, "sn-1", again.secret)
    late = given_to(claims(town, code, "sn-1", at=NOW + 2 * MONTH))  # its code has ended since
    assert late.repeated
    assert why(claims(town, code, "sn-2")) == "code_full"


def test_who_has_the_code_and_a_serial_number_gets_nothing_of_anothers(
    town: psycopg.Connection,
) -> None:
    code = new_code(town, devices=5)
    first = given_to(claims(town, code, "sn-1"))
    assert why(claims(town, code, "sn-1", "a nonce of somebody else")) == "taken"
    assert why(claims(town, code, "btn-1")) == "taken"  # registered, of another kind
    assert why(claims(town, new_code(town), "sn-1")) == "taken"  # by another code
    for name in ("carewatch-life", "CareWatch", "admin"):
        assert why(claims(town, code, name)) == "taken"
    assert credential_fits(town, "sn-1", first.secret)
    assert credential(town, "btn-1").state == "none"  # type: ignore[union-attr]


def test_a_device_that_the_town_file_names_so_claims_its_first_secret(
    town: psycopg.Connection,
) -> None:
    code = new_code(town)
    got = given_to(claims(town, code, "LOBBY"))
    assert credential_fits(town, "lobby", got.secret)
    assert credential(town, "lobby").in_file  # type: ignore[union-attr]
    assert why(claims(town, code, "lobby", "a nonce of somebody else")) == "taken"


@pytest.mark.parametrize(
    ("serial", "nonce"),
    [
        ("", NONCE),
        ("a/b", NONCE),
        ("+", NONCE),
        ("-x", NONCE),
        ("x" * 65, NONCE),
        ("sn\n", NONCE),
        ("sn", "short"),
        ("sn", "x" * 129),
    ],
)
def test_what_can_not_be_a_claim_is_refused(
    town: psycopg.Connection, serial: str, nonce: str
) -> None:
    assert why(claims(town, new_code(town), serial, nonce)) == "bad_request"


def test_a_code_ends(town: psycopg.Connection) -> None:
    code = new_code(town)
    assert why(claims(town, code, "sn-1", at=NOW + MONTH)) == "code_expired"
    claims(town, code, "sn-1")
    codes.revoke_code(town, codes.taken_apart(code)[0], NOW)
    assert why(claims(town, code, "sn-2")) == "code_revoked"
    for wrong in (code[:-1] + "X", "", code[:6], "\0" * 40, "x" * 4000):
        assert why(claims(town, wrong, "sn-3")) == "unknown_code"


def test_a_revoked_device_stays_out_until_it_is_released(town: psycopg.Connection) -> None:
    code = new_code(town, devices=1)
    claims(town, code, "sn-1")
    town.execute("UPDATE device SET revoked_at = now() WHERE id = 'sn-1'")
    assert why(claims(town, code, "sn-1")) == "revoked"
    release(town, "SN-1", None)
    assert credential(town, "sn-1") is None
    got = given_to(claims(town, code, "sn-1", "a nonce made after a reset"))
    assert credential_fits(town, "sn-1", got.secret)
    with pytest.raises(CarewatchError, match="claimed nothing"):
        release(town, "sn-9", None)


def test_twenty_at_once_for_ten_places(town: psycopg.Connection, database_url: str) -> None:
    code = new_code(town, devices=10)

    def one(number: int) -> Claimed | Refused:
        with psycopg.connect(database_url) as own:
            return claims(own, code, f"sn-{number}")

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(one, range(20)))
    got = [answer for answer in answers if isinstance(answer, Claimed)]
    assert len(got) == 10
    assert {why(answer) for answer in answers if answer not in got} == {"code_full"}
    assert all(credential_fits(town, each.device, each.secret) for each in got)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(("a", "A", "b", "c")), st.sampled_from(("nonce-1" * 3, "nonce-2" * 3))
    )
)


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_in_any_order_a_serial_belongs_to_the_first_nonce_that_claimed_it(
    town: psycopg.Connection, steps: list[tuple[str, str]]
) -> None:
    town.execute("DELETE FROM claim")
    town.execute("DELETE FROM device WHERE NOT in_file")
    code = new_code(town, devices=2)
    owners: dict[str, str] = {}
    for serial, nonce in steps:
        name = serial.casefold()
        answer = claims(town, code, serial, nonce)
        if owners.get(name, nonce) != nonce:
            assert why(answer) == "taken"
        elif name in owners or len(owners) < 2:
            assert given_to(answer).repeated == (name in owners)
            owners[name] = nonce
        else:
            assert why(answer) == "code_full"


# ---------------------------------------------------------------- by HTTP, and at a real broker


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[GuardedBroker]:
    if not PLUGIN.exists():
        pytest.skip("no dynamic-security plugin")
    broker = by_dynamic_security(tmp_path / "broker", ())
    broker.start()
    yield broker
    broker.stop()


def web(database_url: str, control_url: str | None = None) -> TestClient:
    site = FastAPI()
    places = Places(database_url, control_url, "mqtts://care.example:8883", "https://care.example")
    site.include_router(claim_router(places))
    return TestClient(site)


def asks(
    client: TestClient, code: str, serial: str, nonce: str = NONCE, **more: str
) -> httpx.Response:
    return client.post(PATH, json={"code": code, "serial": serial, "nonce": nonce}, headers=more)


def test_a_claimed_account_serves_at_the_broker_until_it_is_revoked(
    town: psycopg.Connection,
    database_url: str,
    guarded: GuardedBroker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CAREWATCH_DATABASE_URL", database_url)
    monkeypatch.setenv("CAREWATCH_MQTT_CONTROL_URL", guarded.admin_url)
    code = new_code(town, at=utc_now())
    said = asks(web(database_url, guarded.admin_url), code, "sn-1")
    assert said.status_code == 201
    told = said.json()
    assert told["mqtt"]["url"] == "mqtts://care.example:8883"
    assert told["http"]["url"] == "https://care.example/ingest/v1/home/face/sn-1"
    refusals: list[bool] = []
    device = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    device.username_pw_set(told["mqtt"]["username"], told["secret"])
    device.on_connect = lambda *says: refusals.append(says[3].is_failure)
    device.connect("127.0.0.1", guarded.device_port)
    device.loop_start()
    until(lambda: refusals == [False])
    device.publish(told["mqtt"]["topic"], b"{}", qos=1).wait_for_publish(60)
    ended = CliRunner().invoke(app, ["device", "claim-code", "revoke", code, "--with-devices"])
    assert ended.exit_code == 0, ended.output
    assert ended.stdout == f"{code[:6]}: revoked, and 1 devices\n"
    until(lambda: True in refusals)  # cut off, and refused when it came back
    device.loop_stop()
    assert not credential_fits(town, "sn-1", told["secret"])


def test_where_the_broker_is_away_nothing_is_claimed(
    town: psycopg.Connection, database_url: str, guarded: GuardedBroker
) -> None:
    code, url = new_code(town, devices=1, at=utc_now()), guarded.admin_url
    guarded.stop()
    client = web(database_url, url)
    assert asks(client, code, "sn-1").status_code == 503
    assert credential(town, "sn-1") is None
    guarded.start()
    assert asks(client, code, "sn-1").status_code == 201
    with BrokerControl(url) as control:
        assert control.account("sn-1") is not None


def test_no_browser_and_no_rubbish_is_answered(
    town: psycopg.Connection, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    code, client = new_code(town, at=utc_now()), web(database_url)
    foreign = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    assert asks(client, code, "sn-1", **foreign).status_code == 403
    assert client.get(PATH).status_code == 405
    for body in (b"", b"[]", b"{", b"\xff", b'{"code":1}', b"x" * 5000, b'{"code":"a"}', DEEP):
        answer = client.post(PATH, content=body)
        assert (answer.status_code, answer.json()["error"]) == (400, "bad_request")
    assert asks(client, "wrong", "sn-1").status_code == 401
    assert asks(client, code, "btn-1").status_code == 409
    assert town.execute("SELECT count(*) FROM claim").fetchone() == (0,)


def test_the_commands(
    town: psycopg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAREWATCH_DATABASE_URL", database_url)

    def run(*words: str) -> str:
        done = CliRunner().invoke(app, ["device", "claim-code", *words])
        assert done.exit_code == 0, done.output
        return done.stdout

    made = run("create", "--kind", "terminal", "--devices", "3", "--holder", "facility:f-1")
    code = made.split()[1]
    assert asks(web(database_url), code, "sn-1").status_code == 201
    assert f"{code[:6]}\tterminal\tfacility:f-1\thome\t-\t-\t1 of 3" in run("list")
    assert "\nsn-1\tsn-1\t" in run("list", code)
    assert run("release", "sn-1") == "sn-1: released\n"
    assert run("revoke", code[:6]) == f"{code[:6]}: revoked\n"
    assert run("list").rstrip().endswith("\trevoked")
    assert code not in run("list")


@pytest.mark.parametrize(
    "words",
    [
        ("--devices", "0"),
        ("--devices", "2", "--days", "-1"),
        ("--devices", "2", "--site", "a/b"),
        ("--devices", "2", "--prefix", "carewatch-"),
        ("--devices", "2", "--holder", "facility:nowhere"),
    ],
)
def test_a_code_that_could_serve_nobody_is_not_made(
    words: tuple[str, ...],
    town: psycopg.Connection,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CAREWATCH_DATABASE_URL", database_url)
    done = CliRunner().invoke(app, ["device", "claim-code", "create", "--kind", "terminal", *words])
    assert isinstance(done.exception, CarewatchError)
    assert town.execute("SELECT count(*) FROM claim_code").fetchone() == (0,)
