"""From a rule's parameters to an alert that was judged by other ones, in a real browser."""

import re
from collections.abc import Iterator

import httpx
import psycopg
import pytest
from browsing import Visit, browser_of_tests
from playwright.sync_api import Browser, Page, expect
from site_of_tests import (
    alerts_at_work,
    free_port,
    ingest_alive,
    serving,
    settings_for,
    signed_in,
    until,
)
from small_town import SECRET, store

from alerts import history
from alerts.plans.versions import in_force
from devices.readings import DeviceStatus
from tests.clock import ZONE, utc_now
from tests.waiting import PATIENCE

LOAD = re.compile(r"每席每天报警：0 → 0\.1\d（\+0\.1\d）")  # one in seven to eight days
pytestmark = [pytest.mark.edge, pytest.mark.browser]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    yield from browser_of_tests()


@pytest.fixture
def house(town_url: str) -> Iterator[str]:
    """The address of a house at work."""
    settings = settings_for(town_url, free_port())
    with (
        ingest_alive(town_url),
        alerts_at_work(town_url, settings.public_url),
        serving(settings) as address,
    ):
        yield address


def report_charge(conn: psycopg.Connection, percent: float) -> None:
    """The door sensor of c-1 says how full its battery is."""
    now = utc_now()
    said = {"device": "door-c1", "id": f"{now:%H%M%S%f}", "observed_at": now, "received_at": now}
    store(conn, DeviceStatus(battery=percent, **said))  # type: ignore[arg-type]


def test_try_see_enable_and_be_judged_by_it(
    browser: Browser, house: str, db: psycopg.Connection
) -> None:
    report_charge(db, 30)
    report_charge(db, 30)
    with Visit.to(browser, house, width=1280, height=1000) as visit:
        page = visit.page
        sign_in(page, "u-1")
        page.goto("/rules")
        expect(page.locator("#battery_low")).to_contain_text("电量（%）")
        page.locator("#battery_low .button").click()
        page.locator("[name='p.percent']").fill("40")
        start_trial(page)
        load = page.locator(".load")
        expect(load).to_contain_text("每席每天", timeout=180_000)
        expect(load.locator("tr", has_text="其中所改规则").locator("td")).to_have_text(
            ["0", "1", "+1"]
        )
        expect(page.frame_locator(".report").locator("h1")).to_contain_text("规则回测")
        expect(page.locator(".enable")).to_contain_text(LOAD)

        page.locator("[name=note]").fill("冬天电池掉得快")
        page.get_by_label("我已看过预计的报警负荷与差别").check()
        page.get_by_role("button", name="启用为第 2 版").click()
        expect(page.locator("main")).to_contain_text("现行版本 2")
        newest = page.locator("#versions tbody tr").first
        expect(newest).to_contain_text("冬天电池掉得快")
        expect(newest).to_contain_text("电量低 · 电量（%）: 未设置（默认） → 40")
        assert history.open_alerts(db) == []

        report_charge(db, 30)
        until(lambda: history.open_alerts(db))
        (alert,) = history.open_alerts(db)
        assert (alert.rule, alert.settings_version) == ("battery_low", 2)
        assert alert.settings["percent"] == 40
        page.goto(f"/desk/alerts/{alert.id}")
        expect(page.locator(".facts").last).to_contain_text("参数第 2 版")
        assert visit.complaints == []


def test_without_javascript_an_older_version_comes_back(
    browser: Browser, house: str, db: psycopg.Connection
) -> None:
    with Visit.to(browser, house, javascript=False) as visit:
        page = visit.page
        sign_in(page, "u-1")
        page.goto("/rules/try/no_activity")
        page.locator("[name='p.hours']").fill("12")
        page.locator("[name=area]").select_option("wangji")
        start_trial(page)
        enable(page, "独居多")
        expect(page.locator("#no_activity")).to_contain_text("area wangji: 12")
        page.get_by_role("link", name="试用并恢复…").click()
        start_trial(page)
        expect(page.locator("main")).to_contain_text("即第 1 版的参数")
        enable(page, "太多了")
        expect(page.locator("main")).to_contain_text("现行版本 3")
        assert all("no_activity" not in line.rules for line in in_force(db).settings.rules_for)


def test_an_operator_tries_and_a_manager_enables(
    browser: Browser, house: str, db: psycopg.Connection
) -> None:
    with Visit.to(browser, house) as visit:
        page = visit.page
        sign_in(page, "u-2")
        page.goto("/rules/try/battery_low")
        page.locator("[name='p.percent']").fill("hot")
        page.get_by_role("button", name="开始试用").click()
        expect(page.locator("main")).to_contain_text("battery_low")
        page.goto("/rules/try/battery_low")
        page.locator("[name='p.percent']").fill("40")
        start_trial(page)
        expect(page.locator(".notice")).to_have_text("启用须由主管或管理员确认。", timeout=180_000)
        enabling = f"{page.url.removeprefix(house)}/enable"
    for person in ("u-2", "u-see"):
        with httpx.Client(base_url=house, timeout=PATIENCE) as web:
            answer = signed_in(web, person).post(enabling, data={"note": "x", "confirm": "yes"})
            assert answer.status_code == 403
    with httpx.Client(base_url=house, timeout=PATIENCE) as web:
        form = {"note": "x", "confirm": "yes"}
        foreign = {"sec-fetch-site": "cross-site"}
        assert signed_in(web, "u-1").post(enabling, data=form, headers=foreign).status_code == 403
        assert web.post(enabling, data=form).status_code == 404  # the trial is its author's
        assert web.post(enabling, data={"note": "x"}).status_code == 400
        assert web.get("/rules/try/nobody").status_code == 404
    assert in_force(db).version == 1


def start_trial(page: Page) -> None:
    today = utc_now().astimezone(ZONE)
    page.locator("[name=until]").fill(f"{today:%Y-%m-%d}")
    page.get_by_role("button", name="开始试用").click()


def enable(page: Page, note: str) -> None:
    expect(page.locator(".enable")).to_be_visible(timeout=180_000)
    page.locator("[name=note]").fill(note)
    page.get_by_label("我已看过").check()
    page.get_by_role("button", name="启用为").click()


def sign_in(page: Page, name: str) -> None:
    page.goto("/desk")
    page.get_by_label("账号").fill(name)
    page.get_by_label("密码").fill(SECRET)
    page.get_by_role("button", name="登录").click()
    expect(page.locator("nav .who")).to_be_visible()
