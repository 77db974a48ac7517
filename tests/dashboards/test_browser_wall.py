"""The wall in a real browser: it shows what happens, and says so when it cannot."""

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from browsing import Visit, browser_of_tests
from playwright.sync_api import Browser, Page, expect
from site_of_tests import (
    KEY,
    alerts_at_work,
    free_port,
    ingest_alive,
    serving,
    settings_for,
    until,
)
from small_town import alert, position, press, put, store

from alerts import desk
from alerts.types import Severity
from dashboards.auth.tokens import wall_token
from dashboards.settings import DashboardSettings, Lang
from dashboards.texts import Words
from devices.directory import Area, Circle, Client, RegisterChange
from ingest.store.counts import Tally, keep
from tests.clock import TIMEZONE, utc_now

pytestmark = [pytest.mark.edge, pytest.mark.browser]
WALL = f"/wall?token={wall_token(KEY)}"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    yield from browser_of_tests()


@pytest.fixture
def settings(town_url: str) -> DashboardSettings:
    return settings_for(town_url, free_port())


@pytest.fixture
def wall(browser: Browser, town_url: str, settings: DashboardSettings) -> Iterator[Visit]:
    """A wall of a house in which everybody is at work."""
    with (
        ingest_alive(town_url),
        alerts_at_work(town_url, settings.public_url),
        serving(settings) as address,
        Visit.to(browser, address, width=1920, height=1080) as visit,
    ):
        visit.page.goto(WALL)
        expect(visit.page.locator("#data")).to_contain_text("数据正常")
        yield visit


def test_a_quiet_town(wall: Visit) -> None:
    page = wall.page
    expect(page.locator("#more")).to_have_text("当前没有告警")
    expect(page.locator("#banner")).to_be_hidden()
    expect(page.locator("#takeover")).to_be_hidden()
    expect(page.locator("#kpi-devices .under")).to_contain_text("失联")
    assert wall.complaints == []


def test_nothing_is_cut_off_at_any_hour(wall: Visit) -> None:
    """The layout moves by a pixel each hour, against burn-in; there is room for it."""
    for hour in range(6):
        wall.page.clock.set_fixed_time(datetime(2026, 11, 22, hour, 30, tzinfo=UTC))
        wall.page.reload()
        expect(wall.page.locator("#time")).not_to_be_empty()
        assert wall.page.evaluate(
            "[document.documentElement.scrollHeight - innerHeight,"
            " document.documentElement.scrollWidth - innerWidth]"
        ) == [0, 0]


def test_a_caregiver_moves(wall: Visit, db: psycopg.Connection) -> None:
    store(db, position(at=utc_now(), lat=35.3))
    until(lambda: wall.page.evaluate("__m.screen.caregivers['g-1']?.[0]") == 35.3)


def test_an_sos_takes_the_map_over_until_somebody_answers(
    wall: Visit, db: psycopg.Connection
) -> None:
    page = wall.page
    put(db, alert("missed", rule="visit_missed", severity=Severity.HIGH, raised_at=_now()))
    store(db, press())
    takeover = page.locator("#takeover")
    expect(takeover).to_be_visible()
    expect(takeover).to_contain_text("SOS 紧急求助")
    expect(takeover).to_contain_text("王** · 女")
    expect(takeover).to_contain_text("王集村 12 号")
    expect(page.locator(".row").first).to_have_class("row life open")  # the list stays in sight
    expect(page.locator("#time")).to_be_visible()
    expect(page.locator("#spoken")).to_contain_text("SOS 紧急求助 王**")
    assert _inside(page, "#takeover", "#map")
    expect(takeover.locator("canvas")).to_be_visible()
    assert _inside(page, "#takeover canvas", "#takeover .foot")
    page.reload()  # the map may come later than the press
    expect(takeover.locator("canvas")).to_be_visible()

    store(db, press("btn-c2"))
    expect(page.locator("#stack li")).to_contain_text(["2. SOS 王**"])  # the newest large
    expect(takeover).to_contain_text("李**")

    for (id,) in db.execute("SELECT id FROM alert WHERE rule = 'sos_pressed'").fetchall():
        desk.acknowledge(db, id, "u-2")
    expect(takeover).to_be_hidden()
    expect(page.locator(".row.acknowledged .owner").first).to_have_text("孙**")
    assert wall.complaints == []


def test_more_rows_than_fit_are_counted_by_priority(wall: Visit, db: psycopg.Connection) -> None:
    now = _now()
    put(
        db,
        *(
            alert(f"h{n}", key=str(n), rule="visit_missed", severity=Severity.HIGH, raised_at=now)
            for n in range(7)
        ),
        alert("low", rule="battery_low", severity=Severity.LOW, raised_at=now),
    )
    expect(wall.page.locator(".row")).to_have_count(6)
    expect(wall.page.locator("#more")).to_have_text("另有 2 条（P1 0 · P2 1 · P3 0 · P4 1）")
    expect(wall.page.locator("#count")).to_have_text("8")


def test_a_flood_and_sums_that_are_off_are_said(wall: Visit, db: psycopg.Connection) -> None:
    page = wall.page
    expect(page.locator("#flood")).to_be_hidden()
    expect(page.locator("#sums")).to_contain_text("拒收")
    many = [alert(f"h{n}", key=str(n), rule="battery_low", raised_at=_now()) for n in range(11)]
    put(db, *many)
    keep(db, Tally({("owntracks", "received"): 3, ("owntracks", "stored"): 2}))
    expect(page.locator("#flood")).to_have_text("告警过多：10 分钟 11 条 · 电量低 (王集) 11")
    expect(page.locator("#sums")).to_have_text("计数不平：owntracks")
    db.execute("INSERT INTO broker_drops (dropped, grew_at) VALUES (1234, now())")
    expect(page.locator("#sums")).to_contain_text("丢弃了")
    db.execute("INSERT INTO session_intrusion (slot, sign, count) VALUES ('life', 'missing', 1)")
    expect(page.locator("#sums")).to_have_text("有人在读取本系统的消息会话")
    assert page.evaluate(
        "[...document.querySelectorAll('.row, #flood')]"
        ".every((each) => each.scrollHeight <= each.clientHeight + 1)"
    )
    assert wall.complaints == []


FITS = """(texts) => {
  const banner = document.querySelector("#banner");
  banner.hidden = false;
  document.querySelector("#banner-text").textContent = texts[0];
  document.querySelector("#banner-other").textContent = texts[1];
  return banner.scrollWidth <= banner.clientWidth && banner.scrollHeight <= banner.clientHeight;
}"""


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_banner_fits_at_the_largest_scale(wall: Visit, lang: Lang) -> None:
    wall.page.goto(f"{WALL}&lang={lang}&scale=1.6")
    expect(wall.page.locator("#time")).not_to_be_empty()
    words = Words(lang)
    for cause in ("stream", "ingest", "engine"):
        texts = [say(f"stale.{cause}", s=86_400) for say in (words, words.other)]
        assert wall.page.evaluate(FITS, texts), texts


def test_what_a_device_says_is_never_markup(wall: Visit, db: psycopg.Connection) -> None:
    put(db, alert(rule="<img src=x onerror=alert(1)>", raised_at=_now(), severity=Severity.HIGH))
    expect(wall.page.locator(".row .title")).to_have_text("<img src=x onerror=alert(1)>")
    assert wall.complaints == []


def test_english_first_and_sound_off_by_address(wall: Visit) -> None:
    wall.page.goto(f"{WALL}&lang=en&sound=0")
    expect(wall.page.locator("#data")).to_contain_text("live")
    expect(wall.page.locator("h1 .other")).to_have_text("城市照护监护中心")
    expect(wall.page.locator("#sound")).to_have_text("sound off")


def test_a_wall_without_data_says_so_and_comes_back_by_itself(
    browser: Browser, town_url: str, settings: DashboardSettings
) -> None:
    with (
        ingest_alive(town_url),
        alerts_at_work(town_url, settings.public_url),
        Visit.to(browser, settings.public_url) as visit,
    ):
        page, banner = visit.page, visit.page.locator("#banner")
        with serving(settings):
            page.goto(WALL)
            expect(page.locator("#data")).to_contain_text("数据正常")
            expect(banner).to_be_hidden()
        expect(banner).to_contain_text("数据中断")
        expect(banner).to_contain_text("NO DATA")
        expect(page.locator("#map")).to_have_class("panel stale")
        shown = page.locator("#time").inner_text()
        expect(page.locator("#time")).not_to_have_text(shown)  # the clock does not stand still
        with serving(settings):
            expect(banner).to_be_hidden(timeout=15_000)
            expect(page.locator("#map")).to_have_class("panel")


def test_a_wall_whose_ingest_has_died_says_so(
    browser: Browser, town_url: str, settings: DashboardSettings
) -> None:
    with (
        ingest_alive(town_url) as death,
        alerts_at_work(town_url, settings.public_url),
        serving(settings) as address,
        Visit.to(browser, address) as visit,
    ):
        visit.page.goto(WALL)
        expect(visit.page.locator("#data")).to_contain_text("数据正常")
        expect(visit.page.locator("#banner")).to_be_hidden()
        death.set()
        expect(visit.page.locator("#banner")).to_contain_text("接收服务无响应")


def test_a_city_of_37100_homes_is_drawn_as_cells(browser: Browser, database_url: str) -> None:
    from alerts.types import PlanSet
    from deploy.town.loading import load_town
    from deploy.town.townfile import TownFile

    clients = tuple(
        Client(id=f"c-{n}", area="a", home=Circle(lat=35 + n % 200 / 300, lon=115 + n // 200 / 200))
        for n in range(37_100)
    )
    register = RegisterChange(areas=(Area(id="a", name="牡丹区"),), clients=clients)
    with psycopg.connect(database_url) as conn:
        load_town(conn, TownFile(TIMEZONE, register, PlanSet()))
    with (
        serving(settings_for(database_url, free_port())) as address,
        Visit.to(browser, address) as visit,
    ):
        visit.page.goto(WALL)
        until(lambda: visit.page.evaluate("window.__m?.baseMs ?? 0") > 0)
        homes = visit.page.evaluate(
            "fetch('/api/v1/board/map').then((answer) => answer.json())"
            ".then((map) => map.homes.reduce((sum, cell) => sum + cell[2], 0))"
        )
        assert homes == 37_100
        assert visit.complaints == []


def _now() -> datetime:
    return utc_now()


def _inside(page: Page, inner: str, outer: str) -> bool:
    small, large = (page.locator(one).bounding_box() for one in (inner, outer))
    assert small
    assert large
    return (
        small["x"] >= large["x"] - 1
        and small["y"] >= large["y"] - 1
        and small["x"] + small["width"] <= large["x"] + large["width"] + 1
        and small["y"] + small["height"] <= large["y"] + large["height"] + 1
    )
