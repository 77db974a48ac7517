"""The stream, with the real feed behind it and the real alerts process beside it."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import psycopg
import pytest
from site_of_tests import (
    KEY,
    alerts_at_work,
    free_port,
    ingest_alive,
    serving,
    settings_for,
    signed_in,
    until,
)
from small_town import NOW, SECRET, alert, directory, position, press, put, store, visit

from alerts import desk, history
from dashboards.auth.tokens import reply_key, wall_token
from dashboards.live.board import AlertsChanged, Board, Health, Second
from dashboards.live.stream import WAITING, Stream
from dashboards.scope import WHOLE, Scope
from tests.clock import utc_now
from tests.waiting import PATIENCE

pytestmark = pytest.mark.edge


def events(web: httpx.Client, token: str | None = None) -> Iterator[tuple[str, Any]]:
    """(event, data) as they come, for ever."""
    query = {"token": token} if token else {}
    with web.stream("GET", "/api/v1/stream", params=query) as answer:
        assert answer.status_code == 200
        name = ""
        for line in answer.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                yield name, msgspec.json.decode(line.removeprefix("data: "))


def test_a_screen_gets_the_whole_first_and_then_what_changes(
    api: httpx.Client, db: psycopg.Connection
) -> None:
    now = utc_now()
    stream = events(api)
    name, screen = next(stream)
    assert (name, screen["cards"]) == ("snapshot", {})
    put(db, alert(raised_at=now))
    store(db, position(at=now))
    for name, data in stream:
        if name == "delta" and data.get("cards"):
            assert data["cards"]["al-1"]["who"] == "王**"
        if name == "delta" and data.get("caregivers"):
            assert data["caregivers"]["g-1"][:2] == [35.241, 115.481]
            break
    beat = next(data for name, data in stream if name == "heartbeat")
    assert beat["ingest"] is None  # nobody is there, and the screen is told


def test_a_wall_watches_by_its_token_alone(web: httpx.Client) -> None:
    assert next(events(web, wall_token(KEY)))[0] == "snapshot"
    assert web.get("/wall", params={"token": wall_token(KEY)}).status_code == 200
    assert web.get("/api/v1/alerts", params={"token": wall_token(KEY)}).status_code == 401
    forged = wall_token("another key")
    assert web.get("/api/v1/stream", params={"token": forged}).status_code == 401


def test_a_walls_token_may_be_for_an_area(web: httpx.Client, db: psycopg.Connection) -> None:
    put(db, alert(raised_at=utc_now()))
    scoped = wall_token(KEY, Scope(areas=("other",)))
    until(lambda: web.get("/api/v1/board", params={"token": wall_token(KEY)}).json()["cards"])
    assert web.get("/api/v1/board", params={"token": scoped}).json()["cards"] == {}


@pytest.fixture
def at_work(town_url: str) -> Iterator[httpx.Client]:
    """A client of the pages, with ingest and alerts at work behind them."""
    settings = settings_for(town_url, free_port())
    with (
        ingest_alive(town_url),
        alerts_at_work(town_url, settings.public_url),
        serving(settings) as address,
        httpx.Client(base_url=address, timeout=PATIENCE) as client,
    ):
        yield client


def test_a_press_is_on_the_wall_and_goes_when_somebody_answers(
    at_work: httpx.Client, db: psycopg.Connection
) -> None:
    client = signed_in(at_work, "u-2")
    store(db, press())

    def cards() -> list[dict[str, Any]]:  # a month's end has alerts of its own
        shown = client.get("/api/v1/board").json()["cards"].values()
        return [card for card in shown if card["rule"] == "sos_pressed"]

    until(cards)
    (card,) = cards()
    assert card["sos"]["address"] == "王集村 12 号"
    until(lambda: client.get("/readyz").status_code == 200)

    done = client.post(f"/api/v1/alerts/{card['id']}/acknowledge").json()
    assert done["confirmed"]
    assert done["alert"]["acked_by"] == "u-2"
    until(lambda: cards()[0]["sos"] is None)
    assert cards()[0]["acked_by"] == "孙**"

    resolved = client.post(
        f"/api/v1/alerts/{card['id']}/resolve", json={"outcome": "helped", "note": "扶起"}
    ).json()
    assert resolved["alert"]["outcome"] == "helped"
    until(lambda: cards() == [])


def test_the_link_of_a_page(at_work: httpx.Client, db: psycopg.Connection) -> None:
    """GET changes nothing; POST answers, once or ten times; others' links are refused plainly."""
    store(db, press())
    until(lambda: db.execute("SELECT 1 FROM alert").fetchone())
    row = db.execute("SELECT id FROM alert").fetchone()
    assert row is not None
    link = _link(row[0], "u-1")
    by_people = "SELECT count(*) FROM inbox WHERE type <> 'receipt'"  # those come meanwhile
    before = db.execute(by_people).fetchone()
    assert at_work.get(link).status_code == 200
    assert db.execute(by_people).fetchone() == before

    answers = [at_work.post(link).json() for _ in range(3)]
    assert [answer["confirmed"] for answer in answers] == [True] * 3
    assert answers[0]["acked_by"] == "u-1"
    said = "SELECT count(*) FROM inbox WHERE type = 'acknowledged'"
    assert db.execute(said).fetchone() == (1,)

    second = at_work.post(_link(row[0], "u-2")).json()
    assert second["acked_by"] == "u-1"  # told who was first

    page = {"accept": "text/html"}
    guessed = at_work.get(link[:-3] + "abc", headers=page)
    assert (guessed.status_code, "链接无效" in guessed.text) == (403, True)
    past = at_work.get(_link(row[0], "u-1", ends=0), headers=page)
    assert (past.status_code, "链接已过期" in past.text) == (410, True)
    at_work.post("/sign-in", data={"name": "u-2", "secret": SECRET})
    foreign = at_work.get(link, headers=page)
    assert (foreign.status_code, "发给别人" in foreign.text) == (403, True)
    at_work.cookies.clear()

    assert at_work.post(f"{link}/resolve", data={"outcome": "helped"}).status_code == 200
    over = at_work.post(link, headers=page)
    assert (over.status_code, "已经结束" in over.text) == (410, True)


def test_answers_come_back_by_keypad_and_by_sms(
    at_work: httpx.Client, db: psycopg.Connection
) -> None:
    store(db, press())
    until(lambda: history.open_alerts(db))
    (first,) = history.open_alerts(db)
    wrong = at_work.post(f"{_link(first.id, 'u-1')}x/keypad", data={"Digits": "1"})
    assert (wrong.status_code, wrong.json()["refused"]) == (403, "invalid")
    at_work.post(f"{_link(first.id, 'u-1')}/keypad", data={"Digits": "1"})
    until(lambda: history.open_alerts(db)[0].acked_by == "u-1")

    reply = {"from": "+86 139 0000 5678", "text": "1 去了"}
    assert at_work.post("/reply/sms/guessed", json=reply).status_code == 403
    nothing = at_work.post(f"/reply/sms/{reply_key(KEY)}", json=reply).json()
    assert nothing["alert"] is None  # nothing waits for this person
    incomplete = at_work.post(f"/reply/sms/{reply_key(KEY)}", json={"text": "1"})
    assert incomplete.status_code == 400

    receipt = {"page": f"{first.id}-1.0-u-1-0", "state": "read"}
    assert at_work.post(f"/reply/receipt/{reply_key(KEY)}", params=receipt).status_code == 200
    until(lambda: "read" in [line.what for line in history.story(db, first.id)])
    bad = at_work.post(f"/reply/receipt/{reply_key(KEY)}", params=receipt | {"state": "eaten"})
    assert bad.status_code == 400


def test_whoever_opens_the_page_is_noted_once(town_url: str, db: psycopg.Connection) -> None:
    put(db, alert())
    with (
        serving(settings_for(town_url, free_port())) as address,
        httpx.Client(base_url=address, timeout=PATIENCE) as web,
    ):
        link = _link("al-1", "u-1")
        assert web.post(f"{link}/opened").status_code == 204
        assert web.post(f"{link}/reveal").text.count("13800001234")
    kinds = db.execute("SELECT type FROM inbox WHERE type <> 'town_changed'").fetchall()
    assert kinds == [("opened",)]
    assert db.execute("SELECT person, what FROM access_log").fetchall() == [("u-1", "reveal")]


def test_in_a_demo_everybody_may_look_and_nobody_act(town_url: str, db: psycopg.Connection) -> None:
    with (
        serving(settings_for(town_url, free_port(), demo=True)) as address,
        httpx.Client(base_url=address, follow_redirects=True, timeout=PATIENCE) as web,
    ):
        assert web.get("/").url.path == "/wall"
        assert web.get("/desk").status_code == 200
        assert web.post("/api/v1/alerts/al-1/acknowledge").status_code == 401
        answered = alert(state="acknowledged", acked_at=utc_now(), acked_by="u-1")
        put(db, answered)
        page = {
            "page": "p",
            "alert": "al-1",
            "title": "【紧急】",
            "message": "王淑兰 按下SOS，刚刚 应答：/a/x",
            "text": "王淑兰 按下SOS，刚刚",
            "severity": "life",
            "ack_url": "/a/x",
        }
        assert web.post("/demo/phone/u-1", json=page).status_code == 204
        phones = web.get("/demo/phone").text
        assert "【紧急】" in phones
        assert "<p>王淑兰 按下SOS，刚刚</p>" in phones
        until(lambda: "赵** 已确认" in web.get("/demo/phone").text)
        assert "<button>确认</button>" not in web.get("/demo/phone").text


def test_a_fresh_installation_lets_its_own_machine_in(database_url: str) -> None:
    settings = settings_for(database_url, free_port())
    with (
        serving(msgspec.structs.replace(settings, hosts=("care.example",))) as address,
        httpx.Client(base_url=address, timeout=PATIENCE) as web,
    ):
        assert "carewatch sign-in add" in web.get("/desk").text
        assert web.get("/api/v1/alerts", headers={"x-forwarded-for": "1.2.3.4"}).status_code == 401
        assert web.get("/api/v1/alerts", headers={"host": "care.example"}).status_code == 401
        assert web.get("/api/v1/alerts", headers={"host": "evil.example"}).status_code == 421


def test_what_happened_while_the_database_was_away_is_seen_afterwards(
    town_url: str, db: psycopg.Connection, api: httpx.Client
) -> None:
    """The follower begins anew with a whole snapshot."""
    stream = events(api)
    next(stream)
    with psycopg.connect(town_url, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'dashboards' AND datname = current_database()"
        )
    now = utc_now()
    put(db, alert(raised_at=now), visit("v-1@x", start=now))
    for name, data in stream:
        if name == "delta" and data.get("cards"):
            break
    until(lambda: api.get("/api/v1/board").json()["figures"]["visits_by_state"] == {"planned": 1})


# ---------------------------------------------------------------- the stream alone


def test_a_screen_that_lags_gets_a_fresh_snapshot_and_no_ghosts() -> None:
    asyncio.run(_lagging())


async def _lagging() -> None:
    stream = Stream("assets")
    stream.attach(asyncio.get_running_loop())
    stream.begin(Board(at=NOW, directory=directory()))
    frames = stream.frames(WHOLE)
    assert await anext(frames) == b"retry: 2000\n\n"
    assert b"event: snapshot" in await anext(frames)
    for n in range(WAITING + 5):
        stream.take(AlertsChanged((alert(f"al-{n}", raised_at=NOW),)))
    stream.take(Second(NOW, Health()))
    await asyncio.sleep(0)
    fresh = await anext(frames)
    assert b"event: snapshot" in fresh
    assert f"al-{WAITING + 4}".encode() in fresh
    stream.end()
    rest = [frame async for frame in frames]
    assert all(b"event: delta" not in frame for frame in rest)  # they are older than it
    assert stream.watching == 0


def test_screens_of_one_audience_share_their_frames() -> None:
    asyncio.run(_sharing())


async def _sharing() -> None:
    stream = Stream("assets")
    stream.attach(asyncio.get_running_loop())
    stream.begin(Board(at=NOW, directory=directory()))
    screens = [stream.frames(WHOLE) for _ in range(3)]
    for screen in screens:
        await anext(screen)
        await anext(screen)
    stream.take(AlertsChanged((alert(raised_at=NOW),)))
    one, *others = [await anext(screen) for screen in screens]
    assert all(other is one for other in others)
    for screen in screens:
        await screen.aclose()


def _link(id: str, person: str, ends: float | None = None) -> str:
    at = datetime.fromtimestamp(ends, UTC) if ends is not None else datetime(2100, 1, 1, tzinfo=UTC)
    return f"/a/{desk.sign(KEY, alert=id, person=person, ends_at=at)}"
