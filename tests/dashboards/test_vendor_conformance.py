"""Kept runs of the checklist on the console: test by test, for those who may see the device."""

from datetime import timedelta
from xml.etree import ElementTree

import httpx
import psycopg
import pytest
from makers import made_town
from site_of_tests import signed_in

from devices.conformance.checklist import Lang
from devices.conformance.kept import KEPT, keep_run, last_runs, runs_of
from devices.conformance.report import Report
from devices.conformance.run import CheckResult, Evidence
from tests.clock import utc_now

pytestmark = pytest.mark.edge
MADE, OTHERS = "btn-c1", "btn-c2"  # devices of two makers; u-acme is the first's


@pytest.fixture
def town_url(database_url: str) -> str:
    return made_town(database_url)


def kept(conn: psycopg.Connection, device: str, state: str = "fail", age: int = 0) -> int:
    """A run of this device, one of whose two checks ended so."""
    now = utc_now() - timedelta(hours=age)
    said = Evidence("carewatch/v1/w/sos/x", now, '{"id": "7"}')
    words: dict[Lang, str] = {"zh": "编码不是 UTF-8", "en": "not UTF-8"}

    def report(lang: Lang) -> Report:
        fine = CheckResult("heard", "pass", "heard")
        found = CheckResult("utf8", state, words[lang], "0xcd", "UTF-8", "send it so", said)  # type: ignore[arg-type]
        return Report(
            device=device,
            kind="sos",
            begun=now,
            ended=now,
            roads=("mqtt",),
            heard=12,
            lang=lang,
            results=(fine, found),
        )

    return keep_run(conn, {"zh": report("zh"), "en": report("en")}, "0.1.0")


def test_the_last_runs_are_kept_and_no_more(db: psycopg.Connection) -> None:
    numbers = [kept(db, MADE) for _ in range(KEPT + 3)]
    other = kept(db, "another", "pass")
    assert [run.number for run in runs_of(db, MADE)] == numbers[:2:-1]
    last = last_runs(db, [MADE, "another", "none"])
    assert {run.device: (run.number, run.state) for run in last.values()} == {
        MADE: (numbers[-1], "fail"),
        "another": (other, "pass"),
    }


def test_a_run_is_shown_test_by_test(web: httpx.Client, db: psycopg.Connection) -> None:
    number, desk = kept(db, MADE), signed_in(web, "u-acme")
    listed = desk.get("/vendor/conformance?lang=en").text
    assert f'href="/vendor/conformance/{number}"' in listed
    for lang, title in (("en", "not UTF-8"), ("zh", "编码不是 UTF-8")):
        page = desk.get(f"/vendor/conformance/{number}?lang={lang}").text
        assert title in page
        assert "{&#34;id&#34;: &#34;7&#34;}" in page
        assert f"carewatch conformance --device {MADE}" in page
    said = desk.get(f"/vendor/conformance/{number}/report.json").json()
    assert (said["state"], said["device"]) == ("fail", MADE)
    suite = ElementTree.fromstring(desk.get(f"/vendor/conformance/{number}/junit.xml").text)
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert "fail" in desk.get(f"/vendor/conformance/device/{MADE}.svg").text


@pytest.mark.parametrize("device", ["never-registered", OTHERS])
def test_what_is_not_the_visitors_is_not_there(
    device: str, web: httpx.Client, db: psycopg.Connection
) -> None:
    number, thief = kept(db, device), signed_in(web, "u-acme")
    kept(db, MADE)
    listed = thief.get("/vendor/conformance").text
    assert device not in listed
    assert MADE in listed
    for path in (str(number), f"{number}/report.json", f"{number}/junit.xml", "9999999"):
        assert thief.get(f"/vendor/conformance/{path}").status_code == 404, path
    assert thief.get(f"/vendor/conformance/device/{device}.svg").status_code == 404


def test_the_step_of_the_way_to_production_is_the_last_runs(
    web: httpx.Client, db: psycopg.Connection
) -> None:
    kept(db, MADE, "pass", age=2)
    desk = signed_in(web, "u-acme")
    page = desk.get(f"/vendor/onboarding?device={MADE}&lang=en").text
    assert "carewatch conformance" not in page
    kept(db, MADE, "fail")
    page = desk.get(f"/vendor/onboarding?device={MADE}&lang=en").text
    assert "carewatch conformance" in page
