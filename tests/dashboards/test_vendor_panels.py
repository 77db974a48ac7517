"""The console's panels: a day's errors by make, the way to production, clocks and repeats."""

from datetime import timedelta

import httpx
import msgspec
import psycopg
import pytest
from makers import comes, made_town
from site_of_tests import signed_in
from small_town import door, press, status

from dashboards.texts import Words
from dashboards.views.makes import bars, skew_said
from dashboards.views.onboarding import Facts, Step, journey
from devices.credentials import issue, revoke
from devices.directory import Device
from devices.envelope import Envelope
from devices.readings import Reading
from devices.registry import Standing, standings
from ingest.admission.admit import Admitted
from ingest.history import SKEWS, device_quality, repeats
from ingest.store import upkeep
from ingest.store.quality import keep_repeats, repeats_of
from ingest.store.save import AdmittedMessage, save
from tests.clock import utc_now


@pytest.fixture
def town_url(database_url: str) -> str:
    return made_town(database_url)


def say(db: psycopg.Connection, *readings: Reading) -> None:
    """Store readings as a lane does, repeats counted."""
    messages = [
        AdmittedMessage(
            Envelope("carewatch/v1/wangji/x/y", b"", each.received_at),
            Admitted("contract", (each,)),
        )
        for each in readings
    ]
    keep_repeats(db, repeats_of(messages, save(db, messages)))


@pytest.mark.edge
def test_a_days_errors_are_added_up_by_model_and_firmware(
    web: httpx.Client, db: psycopg.Connection
) -> None:
    say(db, msgspec.structs.replace(status("door-c1", utc_now()), firmware="2.7"))
    for device in ("btn-c1", "btn-c2"):
        comes(db, device, b"{")
    comes(db, "door-c1", b"[]", "door")
    newest = comes(db, "door-c1", b"[1]", "door")
    page = signed_in(web, "u-1").get("/vendor/summary", params={"lang": "en"}).text
    rows = [row for row in page.split("<tr>") if "<code>not_" in row]
    assert len(rows) == 3
    (of_door,) = [row for row in rows if "<code>not_an_object" in row]
    assert "DS-1" in of_door
    assert "2.7" in of_door  # said by the device: the register has none
    assert '<td class="n">2</td>' in of_door
    assert f"/vendor/rejections/{newest}" in of_door
    (of_acme,) = [row for row in rows if "SOS-1" in row]
    assert "1.0" in of_acme
    ours = signed_in(web, "u-acme").get("/vendor/summary", params={"lang": "en"}).text
    assert "SOS-1" in ours
    assert "SOS-2" not in ours


@pytest.mark.edge
def test_the_way_to_production_is_told_from_what_is_stored(
    web: httpx.Client, db: psycopg.Connection
) -> None:
    acme = signed_in(web, "u-acme")

    def states() -> list[str]:
        page = acme.get("/vendor/onboarding", params={"device": "btn-c1", "lang": "en"}).text
        return [part.split('"')[0] for part in page.split('<li class="')[1:]]

    assert states() == ["done", "done", "open", "open", "open", "open"]
    page = acme.get("/vendor/onboarding", params={"device": "btn-c1"}).text
    assert "carewatch device add btn-c1" in page
    assert "carewatch conformance --device btn-c1" in page
    issue(db, "btn-c1")
    say(db, press("btn-c1"))
    assert states() == ["done", "done", "done", "done", "open", "done"]
    revoke(db, "btn-c1")
    assert states() == ["done", "done", "failed", "done", "open", "open"]
    for path in ("/vendor/onboarding?device=btn-c2", "/vendor/onboarding?device=nobody"):
        assert acme.get(path).status_code == 404
    listed = acme.get("/vendor/onboarding").text
    assert "btn-c1" in listed
    assert "btn-c2" not in listed
    known = standings(db, ["btn-c1", "nobody"])["btn-c1"]
    assert known.in_file_at is not None
    assert known.secret_at is not None
    assert known.registered_at is not None


@pytest.mark.edge
def test_first_heard_outlives_the_readings(web: httpx.Client, db: psycopg.Connection) -> None:
    now = utc_now()
    say(db, door("door-c1", now - timedelta(days=3)))
    upkeep.run(db)
    upkeep.run(db, now=now + timedelta(days=800))
    page = signed_in(web, "u-acme").get("/vendor/onboarding", params={"device": "door-c1"}).text
    assert page.count('class="done"') == 4


@pytest.mark.edge
def test_clocks_repeats_and_lateness_by_make(web: httpx.Client, db: psycopg.Connection) -> None:
    now = utc_now()

    def at(id: str, **behind: float) -> Reading:
        one = door("door-c1", now)
        seen = now - timedelta(**behind)
        return msgspec.structs.replace(one, id=id, observed_at=seen)

    say(db, at("a"), at("b", seconds=30), at("c", hours=2), at("d", minutes=-20))
    say(db, at("a"), at("a"), at("b", seconds=30))
    say(db, msgspec.structs.replace(at("e", days=3), replayed=True))
    say(db, msgspec.structs.replace(at("f"), observed_at=None))
    assert repeats(db, now - timedelta(hours=24)) == {"door-c1": 3}
    (found,) = device_quality(db, now - timedelta(hours=24))
    assert (found.readings, found.late, found.replayed, found.untimed) == (6, 2, 1, 1)
    assert (found.busiest, sum(found.skews)) == (6, 4)
    counted = {edge: n for edge, n in zip((*SKEWS, None), found.skews, strict=True) if n}
    assert counted == {-120: 1, 1: 1, 60: 1, 86_400: 1}
    page = signed_in(web, "u-acme").get("/vendor/quality", params={"lang": "en"}).text
    assert "3 · 33.3%" in page
    assert "5 messages a second" in page
    theirs = signed_in(web, "u-beta").get("/vendor/quality").text
    assert "door-c1" not in theirs
    assert "DS-1" not in theirs


@pytest.mark.edge
def test_repeats_are_kept_for_a_week(db: psycopg.Connection) -> None:
    now = utc_now()
    keep_repeats(db, {"door-c1": 2})
    keep_repeats(db, {"door-c1": 1, "btn-c1": 4})
    assert repeats(db, now, ["door-c1"]) == {"door-c1": 3}
    db.execute("UPDATE device_repeats SET hour = hour - interval '8 days' WHERE device = 'btn-c1'")
    keep_repeats(db, {"door-c1": 1})
    assert repeats(db, now - timedelta(days=30)) == {"door-c1": 4}


def test_bars_say_which_clocks_they_count() -> None:
    words = Words("en")
    said = [skew_said(bar, words, lambda s: f"{s:g}s") for bar in bars([1] * (len(SKEWS) + 1))]
    assert said == [
        "ahead by more than 86400s",
        "ahead by 120s – 86400s",
        "ahead by 10s – 120s",
        "ahead by 1s – 10s",
        "within 1s",
        "behind or late by 1s – 10s",
        "behind or late by 10s – 60s",
        "behind or late by 60s – 3600s",
        "behind or late by 3600s – 86400s",
        "behind or late by more than 86400s",
    ]


def test_a_device_in_maintenance_is_not_in_production() -> None:
    now = utc_now()
    standing = Standing("d", now, True, now, None, True, now)
    facts = Facts(Device(id="d", maintenance=True), standing, None, False, now, Step("x", "open"))
    *_, last = journey(facts).steps
    assert (last.state, last.fact) == ("open", "maintenance")
    assert journey(facts).next == "vendor"
