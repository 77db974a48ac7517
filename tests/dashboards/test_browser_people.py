"""The desk and the phone page in a real browser, with modules and without."""

from collections.abc import Iterator
from datetime import timedelta

import httpx
import psycopg
import pytest
from browsing import Visit, browser_of_tests
from playwright.sync_api import Browser, Page, expect
from site_of_tests import KEY, alerts_at_work, free_port, ingest_alive, serving, settings_for
from small_town import SECRET, press, store

from alerts import desk, history
from tests.clock import utc_now
from tests.waiting import PATIENCE, until

pytestmark = [pytest.mark.edge, pytest.mark.browser]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    yield from browser_of_tests()


@pytest.fixture
def house(town_url: str, db: psycopg.Connection) -> Iterator[str]:
    """The address of a house at work, in which c-1 has pressed the button."""
    settings = settings_for(town_url, free_port())
    with (
        ingest_alive(town_url),
        alerts_at_work(town_url, settings.public_url),
        serving(settings) as address,
    ):
        store(db, press())
        until(lambda: history.open_alerts(db))
        yield address


def test_an_operator_works_through_an_alert(
    browser: Browser, house: str, db: psycopg.Connection
) -> None:
    with Visit.to(browser, house, width=1440, height=1000) as visit:
        page = visit.page
        sign_in(page, "u-2")
        row = page.locator(".alerts .open")
        expect(row).to_contain_text("王** · c-1 · 王集")
        row.click()
        expect(page.locator(".next")).to_contain_text("后自动升级给 孙**")
        expect(page.locator(".facts").first).to_contain_text("设备时间")
        expect(page.locator(".timeline")).to_contain_text("告警产生")
        assert "王淑兰" not in page.content()

        page.get_by_role("button", name="显示姓名与电话").click()
        expect(page.locator(".who-where")).to_contain_text("王淑兰")
        expect(page.locator(".who-where")).to_contain_text("13800001234")
        revealed = db.execute("SELECT person, subject FROM access_log WHERE what = 'reveal'")
        assert revealed.fetchall() == [("u-2", "client:c-1")]

        page.get_by_role("button", name="确认，我来处理").click()
        expect(page.locator(".story .side")).to_contain_text("已确认 · 孙**")
        page.get_by_role("button", name="我已到场").click()
        expect(page.locator(".timeline")).to_contain_text("已到场")
        page.locator("select[name=outcome]").select_option("helped")
        page.get_by_role("button", name="解决").click()
        expect(page.locator(".story .side")).to_contain_text("已解决")
        expect(page.locator(".timeline")).to_contain_text("已提供帮助")
        assert visit.complaints == []


def test_the_open_list_is_live(browser: Browser, house: str, db: psycopg.Connection) -> None:
    with Visit.to(browser, house) as visit:
        sign_in(visit.page, "u-2")
        expect(visit.page.locator(".alerts li")).to_have_count(1)
        store(db, press("btn-c2"))
        expect(visit.page.locator(".alerts li")).to_have_count(2)
        expect(visit.page.locator(".alerts")).to_contain_text("李**")
        assert visit.complaints == []


def test_everything_works_without_javascript(
    browser: Browser, house: str, db: psycopg.Connection
) -> None:
    with Visit.to(browser, house, javascript=False) as visit:
        page = visit.page
        sign_in(page, "u-2")
        page.locator(".alerts a").first.click()
        expect(page.locator(".next")).to_contain_text("自动升级给")
        page.get_by_role("button", name="确认，我来处理").click()
        expect(page.locator(".notice")).to_have_text("已执行。")
        page.get_by_label("添加备注").fill("已打电话 <b>无人接</b>")
        page.get_by_role("button", name="保存备注").click()
        expect(page.locator(".timeline")).to_contain_text("<b>无人接</b>")
        page.locator("select[name=outcome]").select_option("hospital")
        page.get_by_role("button", name="解决").click()
        expect(page.locator(".story .side")).to_contain_text("已解决")
        (ended,) = history.alerts(db, history.AlertFilter())
        assert (ended.outcome, ended.resolved_by) == ("hospital", "u-2")
        page.get_by_role("button", name="退出").click()
        page.goto("/desk")
        expect(page).to_have_url(f"{house}/sign-in?next=/desk")


def test_somebody_on_call_answers_on_a_phone(
    browser: Browser, house: str, db: psycopg.Connection
) -> None:
    (alert,) = history.open_alerts(db)
    with Visit.to(browser, house, width=390, height=860) as visit:
        page = visit.page
        page.goto(link(alert.id, "u-1"))
        expect(page.locator("h1")).to_have_text("SOS 紧急求助")
        button = page.get_by_role("button", name="确认，我来处理")
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 64
        assert box["y"] + box["height"] <= 860  # at hand, without scrolling
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        button.click()
        expect(page.locator("#line")).to_contain_text("已确认")
        expect(page.locator(".next.answered")).to_contain_text("赵** 已确认")
        expect(page.get_by_role("button", name="我已到场")).to_be_visible()
        until(lambda: "opened" in [line.what for line in history.story(db, alert.id)])
        assert visit.complaints == []


def test_an_answer_given_without_a_network_is_sent_when_it_is_back(
    browser: Browser, house: str, db: psycopg.Connection
) -> None:
    (alert,) = history.open_alerts(db)
    with Visit.to(browser, house, width=390, height=860) as visit:
        page = visit.page
        page.goto(link(alert.id, "u-1"))
        page.context.set_offline(True)
        page.get_by_role("button", name="确认，我来处理").click()
        expect(page.locator("#line")).to_have_text("未发送！正在重试")
        assert history.open_alerts(db)[0].acked_at is None
        page.context.set_offline(False)
        expect(page.locator("#line")).to_contain_text("已确认")
        assert history.open_alerts(db)[0].acked_by == "u-1"


def test_a_link_preview_answers_nothing(house: str, db: psycopg.Connection) -> None:
    (alert,) = history.open_alerts(db)
    for agent in ("WeChat/8.0 preview", "Mozilla/5.0"):
        page = httpx.get(
            house + link(alert.id, "u-1"), headers={"user-agent": agent}, timeout=PATIENCE
        )
        assert page.status_code == 200
    assert history.open_alerts(db)[0].acked_at is None
    assert "opened" not in [line.what for line in history.story(db, alert.id)]


@pytest.mark.parametrize("path", ["/desk", "/me", "/ledger", "/rules", "/vendor", "/api/v1/docs"])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_pages_complain_of_nothing(browser: Browser, site: str, path: str, lang: str) -> None:
    with Visit.to(browser, site) as visit:
        sign_in(visit.page, "u-1")
        visit.page.goto(f"{path}?lang={lang}")
        expect(visit.page.locator("h1").first).to_be_visible()
        assert visit.complaints == []


def sign_in(page: Page, name: str) -> None:
    page.goto("/desk")
    page.get_by_label("账号").fill(name)
    page.get_by_label("密码").fill(SECRET)
    page.get_by_role("button", name="登录").click()
    expect(page.locator("nav .who")).to_be_visible()


def link(alert: str, person: str) -> str:
    ends = utc_now() + timedelta(hours=1)
    return f"/a/{desk.sign(KEY, alert=alert, person=person, ends_at=ends)}"
