"""What a vendor finds on the console: the steps, the contract, the samples."""

import re
from datetime import datetime, timedelta

import httpx
import psycopg
import pytest
from site_of_tests import signed_in
from small_town import door, position, store

from dashboards.pages.contract import FILES
from ingest.store import upkeep
from tests.clock import utc_now

pytestmark = pytest.mark.edge


def test_the_steps_say_how_far_a_device_has_come(web: httpx.Client) -> None:
    vendor = signed_in(web, "u-1")
    page = vendor.get("/vendor", params={"device": "btn-c1", "lang": "en"}).text
    assert "carewatch conformance --device btn-c1" in page
    assert "registered</b>" in page
    assert "nothing heard yet" in page
    assert "not registered" in vendor.get("/vendor", params={"device": "x", "lang": "en"}).text


def test_a_command_to_copy_is_quoted_whatever_the_address_of_the_page_says(
    web: httpx.Client,
) -> None:
    page = signed_in(web, "u-1").get("/vendor", params={"device": "x; touch /tmp/owned"}).text
    assert "--device &#39;x; touch /tmp/owned&#39;" in page
    assert "device add &#39;x; touch /tmp/owned&#39; --kind" in page


def test_what_a_device_said_day_by_day_outlives_its_readings(
    web: httpx.Client, db: psycopg.Connection
) -> None:
    now = utc_now()
    began = (now - timedelta(days=2)).replace(hour=6, minute=0, second=0, microsecond=0)
    store(db, position(at=began), position(at=began + timedelta(hours=3)), door(at=began))
    upkeep.run(db)
    upkeep.run(db, now=now + timedelta(days=100))
    asked = signed_in(web, "u-1").get
    days = "/api/v1/devices/phone-g1/days"
    (day,) = asked(days).json()
    assert (day["kind"], day["readings"]) == ("position", 2)
    assert datetime.fromisoformat(day["last_at"]) == began + timedelta(hours=3)
    assert asked("/api/v1/readings?kind=position").json() == []
    of_hours = {"since": began.isoformat(), "until": (began + timedelta(hours=3)).isoformat()}
    hours = asked("/api/v1/readings/hours", params=of_hours).json()
    assert [(one["kind"], one["readings"]) for one in hours] == [("door", 1), ("position", 1)]
    assert f"<td>{began:%Y-%m-%d}</td>" in asked("/vendor?device=phone-g1").text
    assert asked(days, params={"until": f"{began:%Y-%m-%d}"}).json() == []
    assert asked("/api/v1/devices/nobody/days").status_code == 404


def test_the_contract_and_its_files_are_served(web: httpx.Client) -> None:
    vendor = signed_in(web, "u-dev")
    assert "# Device contract v1" in vendor.get("/vendor/contract?lang=en").text
    assert "64 KiB" in vendor.get("/vendor/contract?lang=zh").text
    for name, path in FILES.items():
        assert vendor.get(f"/contract/v1/{name}").content == path.read_bytes()
    assert vendor.get("/contract/v1/secret_key").status_code == 404
    assert vendor.get("/contract/v1/schemas/door.json").json()["title"]
    assert vendor.get("/contract/v1/schemas/..%2Fmessages.py").status_code == 404


def test_the_documents_panel_leads_to_all_there_is(web: httpx.Client) -> None:
    vendor = signed_in(web, "u-dev")
    page = vendor.get("/vendor/docs").text
    links = set(re.findall(r'href="(/(?:vendor|api|contract)/[^"#]+)', page))
    assert {"/vendor/contract", "/contract/v1/asyncapi.yaml", "/vendor/changelog"} <= links
    assert {"/api/v1/docs", "/api/v1/openapi.json", "/contract/v1/schemas/sos.json"} <= links
    assert {link: vendor.get(link).status_code for link in links} == dict.fromkeys(links, 200)
    assert "carewatch/v1/wangji/door/door-c1" in page
    assert "&#34;tamper&#34;: false" in page  # of a good sample
    assert "<code>open</code>" in page  # of a bad one
    assert "Changes of contract v1" in vendor.get("/vendor/changelog?lang=en").text
    assert "设备协议 v1 的变更" in vendor.get("/vendor/changelog?lang=zh").text


def test_nobody_else_reads_it(web: httpx.Client) -> None:
    assert signed_in(web, "u-see").get("/vendor/contract").status_code == 403
