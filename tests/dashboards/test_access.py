"""What strangers, and operators of another area, get out of pages and API: nothing."""

from datetime import timedelta

import httpx
import msgspec
import psycopg
import pytest
from fastapi.testclient import TestClient
from site_of_tests import settings_for, signed_in
from small_town import NOW, SECRET, alert, directory, put

from alerts.lanes import tables
from alerts.types import Muted
from dashboards.app import create_app
from dashboards.auth.known_browsers import COOKIE
from dashboards.auth.middleware import LARGEST
from dashboards.live.board import Board, Health, Second, fold, narrowed
from dashboards.scope import Scope
from dashboards.views.spreadsheet import harmless
from tests.clock import utc_now

UNANSWERABLE = (
    "/api/v1/alerts/%00",
    "/api/v1/alerts?rule=%00",
    "/api/v1/visits/%00",
    "/api/v1/visits?since=9999-12-31T23:59:59Z",
    "/api/v1/readings?device=%00",
    "/api/v1/readings?since=0001-01-01",
    "/api/v1/rejections?reason=%00",
    "/api/v1/answering?until=0001-01-01",
    "/api/v1/ledger?since=9999-12-31",
    "/desk/alerts/%00",
    "/vendor?device=%00",
    "/ledger?since=9999-12-31",
)


def test_a_narrowed_board_holds_no_count_of_what_it_may_not_see() -> None:
    whole = fold(Board(at=NOW, directory=directory()), Second(NOW, Health()))
    assert whole.census.clients == 3
    far = narrowed(whole, Scope(areas=("other",)))
    assert far.census.clients == 1
    assert set(far.census.uncovered) == {"other"}


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1"])
def test_no_cell_of_a_file_is_calculated(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"


@pytest.mark.edge
def test_what_nobody_can_look_up_is_the_askers_mistake(api: httpx.Client) -> None:
    answers = {path: api.get(path).status_code for path in UNANSWERABLE}
    assert answers == dict.fromkeys(UNANSWERABLE, 400)
    assert api.get("/api/v1/attendance?month=0000-01").status_code == 422
    assert api.get("/api/v1/attendance?month=٢٠٢٦-11").status_code == 422


@pytest.mark.edge
def test_a_body_that_is_no_text_is_the_senders_mistake(
    api: httpx.Client, db: psycopg.Connection
) -> None:
    put(db, alert())
    broken = b'{"name": "\xed\xa0\x80", "secret": "x", "note": "\xed\xa0\x80"}'
    for path in ("/api/v1/session", "/api/v1/alerts/al-1/note", "/a/x/keypad"):
        assert api.post(path, content=broken).status_code == 400, path
    nul = {"name": "\0", "secret": "x"}
    assert api.post("/api/v1/session", json=nul).status_code == 400
    assert api.post("/sign-in", data=nul).status_code == 400
    forever = {"hours": "999999999", "reason": "x"}
    assert api.post("/desk/alerts/al-1/mute", data=forever).status_code == 422


@pytest.mark.edge
def test_nobody_fills_the_memory_with_a_body(web: httpx.Client) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    for path, headers in (("/api/v1/session", {}), ("/sign-in", form), ("/reply/sms/x", form)):
        body = iter([b"x" * 65_536] * (LARGEST // 65_536 + 1))
        try:
            status = web.post(path, content=body, headers=headers).status_code
        except httpx.TransportError:  # it hung up on us while we were still talking
            status = 413
        assert status in (400, 413), path


@pytest.mark.edge
def test_a_mute_of_another_area_is_neither_shown_nor_ended(
    web: httpx.Client, db: psycopg.Connection
) -> None:
    now = utc_now()
    until = now + timedelta(hours=1)
    kept = {"at": now, "until": until, "person": "u-1"}
    mutes = (
        Muted(id="m-here", reason="building works", subject="client:c-1", **kept),  # type: ignore[arg-type]
        Muted(id="m-all", reason="a storm", **kept),  # type: ignore[arg-type]
        Muted(id="m-far", reason="moved house", area="other", **kept),  # type: ignore[arg-type]
    )
    with db.transaction():
        tables.put_mutes(db, mutes)
    far = signed_in(web, "u-far")
    page = far.get("/desk").text
    assert [one.id for one in mutes if one.reason in page] == ["m-far"]
    for one in mutes:
        far.post(f"/desk/mutes/{one.id}/end")
    ended = db.execute("SELECT body ->> 'id' FROM inbox WHERE type = 'unmuted'").fetchall()
    assert ended == [("m-far",)]


@pytest.mark.edge
@pytest.mark.parametrize(
    "wish", ["//evil", "/\\evil", "https://evil", "/\t/evil", "javascript:x", "/x\r\nx-evil: 1", ""]
)
def test_a_sign_in_leads_to_no_other_site(web: httpx.Client, wish: str) -> None:
    answer = web.post("/sign-in", data={"name": "u-1", "secret": SECRET, "next": wish})
    where = httpx.URL(answer.headers["location"])
    assert answer.status_code == 303
    assert (where.host, where.path[:1]) == ("", "/")
    assert "x-evil" not in answer.headers


WAYS = ("/sign-in", "/api/v1/session")


def tried(client: TestClient, way: str, secret: str, address: str) -> int:
    """The status of one sign-in as u-1 through our proxy, from a browser that nobody knows."""
    client.cookies.clear()
    headers, given = {"x-forwarded-for": address}, {"name": "u-1", "secret": secret}
    if way == "/sign-in":
        return client.post(way, data=given, headers=headers, follow_redirects=False).status_code
    return client.post(way, json=given, headers=headers).status_code


@pytest.mark.edge
@pytest.mark.parametrize("way", WAYS)
def test_wrong_tries_elsewhere_never_lock_the_right_secret_out(town_url: str, way: str) -> None:
    settings = msgspec.structs.replace(settings_for(town_url, 8800), proxies=("127.0.0.1",))
    welcome = 303 if way == "/sign-in" else 200
    with TestClient(
        create_app(settings), base_url=settings.public_url, client=("127.0.0.1", 1)
    ) as proxied:
        for _ in range(12):
            assert tried(proxied, way, SECRET, "1.1.1.1") == welcome  # the right one never counts
        guesses = [tried(proxied, way, "wrong", f"2001:db8::{last:x}") for last in range(12)]
        assert guesses == [401] * 10 + [429] * 2
        assert tried(proxied, way, SECRET, "2001:db8::ff") == 429  # the guesser's own network
        assert tried(proxied, way, SECRET, "1.1.1.1") == welcome
        assert tried(proxied, way, SECRET, "9.9.9.9, 2001:db8:0:1::1") == welcome


@pytest.mark.edge
@pytest.mark.parametrize("way", WAYS)
def test_a_browser_that_signed_in_before_gets_in_beside_a_guesser(town_url: str, way: str) -> None:
    settings = settings_for(town_url, 8800)
    with TestClient(create_app(settings), base_url=settings.public_url) as client:
        given: dict[str, str] = {"name": "u-1", "secret": SECRET}

        def signed_in(cookies: dict[str, str]) -> httpx.Response:
            client.cookies.clear()
            client.cookies.update(cookies)
            if way == "/sign-in":
                return client.post(way, data=given, follow_redirects=False)
            return client.post(way, json=given)

        known = {COOKIE: signed_in({}).cookies[COOKIE]}
        guesses = [tried(client, way, "wrong", "") for _ in range(11)]
        assert guesses == [401] * 10 + [429]
        assert signed_in({}).status_code == 429
        assert signed_in(known).status_code in (200, 303)
