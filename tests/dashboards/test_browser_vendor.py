"""The vendor console in a real browser: live, paused, in both languages, and on a phone."""

from collections.abc import Iterator

import psycopg
import pytest
from browsing import Visit, browser_of_tests
from makers import comes, made_town
from playwright.sync_api import Browser, expect
from small_town import SECRET

pytestmark = [pytest.mark.edge, pytest.mark.browser]

PANELS = ("", "/summary", "/onboarding", "/onboarding?device=door-c1", "/quality", "/docs")
READ = ("/errors", "/contract", "/changelog", "/discovery")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    yield from browser_of_tests()


@pytest.fixture
def town_url(database_url: str) -> str:
    return made_town(database_url)


def enter(visit: Visit, lang: str, name: str = "u-acme") -> None:
    visit.page.goto(f"/sign-in?lang={lang}&next=/vendor")
    visit.page.fill("[name=name]", name)
    visit.page.fill("[name=secret]", SECRET)
    visit.page.locator("main button").click()
    expect(visit.page.locator(".console")).to_be_visible()


def test_messages_come_by_themselves_until_paused(
    browser: Browser, site: str, db: psycopg.Connection
) -> None:
    with Visit.to(browser, site) as visit:
        enter(visit, "en")
        rejected = visit.page.locator(".messages .rejected")
        comes(db, "btn-c2", b"{")  # another maker's
        comes(db, "btn-c1", b"{")
        expect(rejected).to_have_count(1)
        visit.page.get_by_role("button", name="Pause").click()
        comes(db, "btn-c1", b"[]")
        visit.page.wait_for_timeout(5000)  # two of its beats
        expect(rejected).to_have_count(1)
        visit.page.get_by_role("button", name="Go on").click()
        expect(rejected).to_have_count(2)
        rejected.first.locator("a").click()
        expect(visit.page.locator(".errors")).to_contain_text("a JSON object")
        expect(visit.page.locator(".hex")).to_contain_text("5b 5d")
        expect(visit.page.locator("#curl")).to_contain_text("/ingest/v1/wangji/sos/btn-c1")
        visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        visit.page.locator("[data-copy=curl]").click()
        expect(visit.page.locator("[data-copy=curl]")).to_have_text("copied")
        pasted = visit.page.evaluate("navigator.clipboard.readText()")
        assert pasted == visit.page.locator("#curl").text_content()
        visit.page.get_by_role("link", name="How to mend it").click()
        expect(visit.page.locator("#not_an_object")).to_be_in_viewport()
        assert visit.complaints == []


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_panel_fits_and_complains_of_nothing(
    browser: Browser, site: str, db: psycopg.Connection, lang: str
) -> None:
    payload = b'{"id": "1", "at": 1793581200, "open": "yes", "x": "%s"}' % (b"y" * 300)
    n = comes(db, "door-c1", payload, "door")
    with Visit.to(browser, site, width=1280) as visit:
        enter(visit, lang)
        for path in (*PANELS, *READ, f"/rejections/{n}"):
            for width in (1280, 390):
                visit.page.set_viewport_size({"width": width, "height": 800})
                visit.page.goto(f"/vendor{path}")
                expect(visit.page.locator("main")).to_be_visible()
                wide = visit.page.evaluate("document.documentElement.scrollWidth")
                assert wide <= width, (path, width, wide)
        assert visit.complaints == []
