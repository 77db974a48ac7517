"""The API against a real database, with rows as the other rooms write them."""

import csv
import html
import io
import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import psycopg
import pytest
import yaml
from site_of_tests import signed_in
from small_town import NOW, RESIDENT, SECRET, alert, door, position, put, status, store, town, visit

from alerts.cases.lifecycle import told
from alerts.lanes.tables import put_findings
from alerts.types import Evidence, Finding, Severity, StoryLine
from dashboards import actions as verbs
from deploy.town.loading import load_town
from devices.readings import FaceSeen, Reason, Rejection
from tests.clock import ZONE, noon_of_today, town_time, utc_now
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.edge
FORM = re.compile(
    r'action="/desk/alerts/al-1/(\w+)"><input type="hidden" name="once" value="([^"]+)"'
)


def test_without_a_sign_in_nothing_is_told(web: httpx.Client) -> None:
    for path in ("alerts", "visits", "devices", "readings", "board", "stream", "ledger"):
        assert web.get(f"/api/v1/{path}").status_code == 401, path
    assert web.get("/desk").headers["location"] == "/sign-in?next=/desk"


def test_a_wrong_secret_is_refused_and_guessing_is_slowed(web: httpx.Client) -> None:
    tries = [
        web.post("/api/v1/session", json={"name": "u-1", "secret": f"guess {n}"}).status_code
        for n in range(12)
    ]
    assert tries == [401] * 10 + [429] * 2


def test_alerts_are_filtered(api: httpx.Client, db: psycopg.Connection) -> None:
    put(
        db,
        alert("open"),
        alert("far", area="other", subject="client:c-3", state="resolved", outcome="test"),
        alert("low", rule="battery_low", subject="device:door-c1", severity=Severity.LOW),
    )

    def ids(**query: str) -> set[str]:
        return {each["id"] for each in api.get("/api/v1/alerts", params=query).json()}

    assert ids() == {"open", "far", "low"}
    assert ids(state="open") == {"open", "low"}
    assert ids(rule="battery_low") == {"low"}
    assert ids(area="mudan") == {"open", "low"}  # with all below it
    assert ids(since="2100-01-01T00:00:00Z") == set()


def test_an_alert_reads_like_a_finding(api: httpx.Client, db: psycopg.Connection) -> None:
    put(db, alert(evidence=(Evidence(what="sos", device="btn-c1"),)))
    found = api.get("/api/v1/alerts/al-1").json()
    assert found["event"] == "raised"
    assert found["at"] == found["raised_at"] == "2026-11-02T01:59:00Z"
    assert found["evidence"][0]["device"] == "btn-c1"
    assert api.get("/api/v1/alerts/nothing").status_code == 404


@pytest.mark.parametrize(("person", "sees"), [("u-1", {"here", "far"}), ("u-far", {"far"})])
def test_people_see_their_own_areas(
    web: httpx.Client, db: psycopg.Connection, person: str, sees: set[str]
) -> None:
    put(db, alert("here"), alert("far", area="other", subject="client:c-3"))
    client = signed_in(web, person)
    assert {each["id"] for each in client.get("/api/v1/alerts").json()} == sees
    hidden = {"here", "far"} - sees
    assert all(client.get(f"/api/v1/alerts/{id}").status_code == 404 for id in hidden)


def test_an_agency_sees_no_other_agencys(web: httpx.Client, db: psycopg.Connection) -> None:
    put(db, alert("theirs", agency="a-1"), alert("ours", agency="a-2", key="2"))
    found = signed_in(web, "u-a2").get("/api/v1/alerts").json()
    assert [each["id"] for each in found] == ["ours"]


def test_roles_have_limits(web: httpx.Client, db: psycopg.Connection) -> None:
    put(db, alert())
    viewer = signed_in(web, "u-see")
    assert viewer.post("/api/v1/alerts/al-1/acknowledge").status_code == 403
    assert viewer.get("/api/v1/ledger").status_code == 403
    vendor = signed_in(web, "u-dev")
    assert vendor.get("/api/v1/alerts").status_code == 403
    assert vendor.get("/api/v1/rejections").status_code == 200


def test_an_action_goes_into_the_inbox_and_says_when_nobody_has_carried_it_out(
    api: httpx.Client, db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verbs, "PATIENCE", 0.2)
    put(db, alert())
    answer = api.post("/api/v1/alerts/al-1/acknowledge")
    assert (answer.status_code, answer.json()["confirmed"]) == (202, False)
    said = db.execute(
        "SELECT type, body ->> 'person', body ->> 'alert' FROM inbox WHERE type <> 'town_changed'"
    ).fetchall()
    assert said == [("acknowledged", "u-1", "al-1")]


def test_an_answer_given_twice_is_one_entry(api: httpx.Client, db: psycopg.Connection) -> None:
    put(db, alert(state="acknowledged", acked_at=utc_now(), acked_by="u-1"))
    assert api.post("/api/v1/alerts/al-1/acknowledge").json()["confirmed"]
    assert db.execute("SELECT count(*) FROM inbox WHERE type = 'acknowledged'").fetchone() == (0,)


def test_what_is_sent_again_under_its_key_is_said_once(
    api: httpx.Client, db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verbs, "PATIENCE", 0.05)
    put(db, alert())

    def say(verb: str, key: str | None) -> None:
        headers = {"idempotency-key": key} if key else {}
        body = {"note": "on my way", "outcome": "helped"}
        answer = api.post(f"/api/v1/alerts/al-1/{verb}", json=body, headers=headers)
        assert answer.status_code == 202

    for verb in ("note", "escalate", "resolve"):
        for key in ("k-1", "k-1", "k-2", None, None):
            say(verb, key)
    said = db.execute(
        "SELECT type, count(*) FROM inbox WHERE type <> 'town_changed' GROUP BY 1 ORDER BY 1"
    )
    assert said.fetchall() == [("escalated", 4), ("noted", 4), ("resolved", 4)]
    put(db, told(alert(), NOW, "noted", "u-1", "on my way"))  # the engine comes to it
    again = api.post(
        "/api/v1/alerts/al-1/note", json={"note": "x"}, headers={"idempotency-key": "k-1"}
    )
    assert (again.status_code, again.json()["confirmed"]) == (200, True)


def test_a_story_tells_each_findings_reason(api: httpx.Client, db: psycopg.Connection) -> None:
    at = utc_now()
    found = Finding(
        at=at, rule="visit_missed", subject="client:c-1", event="raised", severity=Severity.HIGH,
        reason="caregiver_silent", detail="not seen", evidence=(Evidence(what="no_check_in"),),
    )  # fmt: skip
    other = msgspec.structs.replace(found, reason="caregiver_elsewhere")
    put_findings(db, [(found, "al-1"), (other, "al-2")])
    story = (StoryLine(at=at, what="raised", detail="not seen"),)
    put(db, alert(rule="visit_missed", reason="late_evidence", story=story))
    page = api.get("/desk/alerts/al-1").text
    assert "护理员手机失联。依据：无签到" in page.partition('class="timeline"')[2]
    assert "not seen" not in page


def test_a_form_that_is_sent_twice_is_said_once(
    api: httpx.Client, db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verbs, "PATIENCE", 0.05)
    put(db, alert())
    for _ in range(2):
        page = api.get("/desk/alerts/al-1").text
        for verb, once in FORM.findall(page):
            form = {"note": "on my way", "outcome": "helped", "once": once}
            for _ in range(2):
                assert api.post(f"/desk/alerts/al-1/{verb}", data=form).status_code == 303
    said = db.execute(
        "SELECT type, count(*) FROM inbox WHERE type <> 'town_changed' GROUP BY 1 ORDER BY 1"
    )
    assert said.fetchall() == [("escalated", 2), ("noted", 2), ("resolved", 2)]


@pytest.mark.parametrize(
    ("verb", "body", "says"),
    [
        ("resolve", {}, "outcome"),
        ("resolve", {"outcome": "went home"}, "must be one of"),
        ("note", {"note": " "}, "empty"),
        ("resolve", {"outcome": 7}, "body"),
        ("dance", {}, "no such action"),
    ],
)
def test_a_bad_action_says_what_is_wrong(
    api: httpx.Client, db: psycopg.Connection, verb: str, body: dict[str, object], says: str
) -> None:
    put(db, alert())
    answer = api.post(f"/api/v1/alerts/al-1/{verb}", json=body)
    assert answer.status_code in (400, 404)
    assert says in answer.json()["error"]


def test_another_site_cannot_act_for_me(api: httpx.Client, db: psycopg.Connection) -> None:
    put(db, alert())
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
        answer = api.post("/api/v1/alerts/al-1/acknowledge", headers=headers)
        assert answer.status_code == 403


def test_visits_and_their_revisions(api: httpx.Client, db: psycopg.Connection) -> None:
    noon = noon_of_today()
    put(db, visit("v-1@x", start=noon))
    put(db, visit("v-1@x", start=noon, state="done", revision=1), visit("v-2@x", start=noon))
    assert {one["id"] for one in api.get("/api/v1/visits").json()} == {"v-1@x", "v-2@x"}
    assert [one["id"] for one in api.get("/api/v1/visits?state=done").json()] == ["v-1@x"]
    history = api.get("/api/v1/visits/v-1@x").json()
    assert history["visit"]["state"] == "done"
    assert [row["state"] for _, row in history["revisions"]] == ["planned", "done"]


def test_devices_tell_who_is_silent_and_whose_clock_is_off(
    town_url: str, db: psycopg.Connection
) -> None:
    from site_of_tests import free_port, serving, settings_for

    now = utc_now()
    wrong = door("door-c3", now)
    store(db, status("btn-c1", now), type(wrong)(**_fields(wrong) | {"clock": "quarantined"}))
    with (
        serving(settings_for(town_url, free_port())) as address,
        httpx.Client(base_url=address, timeout=PATIENCE) as web,
    ):
        found = {one["id"]: one for one in signed_in(web, "u-1").get("/api/v1/devices").json()}
    assert found["btn-c1"]["online"]
    assert not found["btn-c2"]["online"]
    assert found["door-c3"]["clock"] == "quarantined"


def test_reading_a_trail_is_written_down(api: httpx.Client, db: psycopg.Connection) -> None:
    now = utc_now()
    store(db, position(at=now), door(at=now))
    assert [one["kind"] for one in api.get("/api/v1/readings?device=phone-g1").json()] == [
        "position"
    ]
    looked = db.execute("SELECT person, what, subject FROM access_log WHERE what = 'trail'")
    assert looked.fetchall() == [("u-1", "trail", "device:phone-g1")]


def test_rejections_keep_their_bytes(api: httpx.Client, db: psycopg.Connection) -> None:
    store(db, Rejection(Reason.NOT_JSON, "line 1"))
    (found,) = api.get("/api/v1/rejections").json()
    assert (found["rejected"], found["payload_b64"]) == ("not_json", "eyJhIjogMX0=")


def test_the_ledger_as_csv_is_for_excel_and_runs_nothing(
    api: httpx.Client, db: psycopg.Connection
) -> None:
    noon = noon_of_today()
    evil = visit("v-1@x", start=noon, state="done", reason='=HYPERLINK("http://evil")')
    put(db, evil)
    answer = api.get("/api/v1/ledger?format=csv")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert "sha-256=:" in answer.headers["repr-digest"]
    (row,) = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert row["client_name"] == "王淑兰"
    assert row["reason"].startswith("'=")
    logged = db.execute("SELECT count(*) FROM access_log WHERE what = 'export'").fetchone()
    assert logged == (1,)


def test_the_ledger_totals_are_of_its_rows(api: httpx.Client, db: psycopg.Connection) -> None:
    noon = noon_of_today()
    came = {"began": noon, "ended": noon + timedelta(minutes=30), "grade": "verified"}
    put(
        db,
        visit("v-1@x", start=noon, state="done", **came),
        visit("v-2@x", start=noon, state="missed", client="c-3"),
    )
    page = api.get("/api/v1/ledger?area=mudan").json()
    assert page["totals"] == {
        "visits": 1,
        "done": 1,
        "verified": 1,
        "minutes": 30,
        "planned_minutes": 60,
        "exceptions": 1,
    }
    assert page["rows"][0]["exceptions"] == ["short"]
    assert api.get("/api/v1/ledger?since=2026-01-02&until=2026-01-01").status_code == 400


def test_attendance_wants_a_live_face_in_each_half(
    api: httpx.Client, db: psycopg.Connection
) -> None:
    def face(day: int, **fields: object) -> FaceSeen:
        at = town_time(f"2026-10-{day:02} 12:00")
        usual = {"person": "P-1", "score": 0.95, "alive": True}
        return FaceSeen(
            device="term-f1", id=f"f{day}", observed_at=at, received_at=at, **usual | fields
        )

    load_town(db, town(RESIDENT))
    store(db, face(3), face(4, method="card"), face(5, score=0.5), face(20, alive=False))
    (row,) = until(lambda: api.get("/api/v1/attendance?month=2026-10").json())
    assert (row["first_half"], row["second_half"], row["kept"]) == (["2026-10-03"], [], False)
    assert row["refused"] == 2  # the one that was not sure, and the photo; a card is no face
    store(db, face(21))
    (row,) = api.get("/api/v1/attendance?month=2026-10").json()
    assert row["kept"]
    assert "r-1" in api.get("/api/v1/attendance?month=2026-10&format=csv").text
    assert api.get("/api/v1/attendance?month=2026-13").status_code == 422


def test_how_alarms_were_answered(api: httpx.Client, db: psycopg.Connection) -> None:
    now = utc_now()
    quick = StoryLine(at=now - timedelta(seconds=90), what="acknowledged", who="u-1")
    put(
        db,
        alert("quick", key="1", raised_at=now - timedelta(seconds=120), story=(quick,)),
        alert("waiting", key="2", raised_at=now - timedelta(minutes=20)),
        alert("low", rule="battery_low", severity=Severity.LOW, raised_at=now),
    )
    page = api.get("/api/v1/answering").json()
    assert page["figures"]["alerts"] == 2
    assert page["figures"]["within_60"] == 0.5
    assert [late["alert"] for late in page["figures"]["late"]] == ["waiting"]
    rows = list(csv.DictReader(io.StringIO(api.get("/api/v1/answering?format=csv").text[1:])))
    assert [(row["alert"], row["late"]) for row in rows] == [("waiting", "yes"), ("quick", "no")]
    assert rows[1]["waited_seconds"] == "30"
    assert page["figures"]["by_person"] == [{"person": "u-1", "answered": 1, "soon": 1}]


def test_what_has_stood_for_a_day_is_named_on_the_desk_and_by_the_api(
    api: httpx.Client, db: psycopg.Connection
) -> None:
    raised = utc_now() - timedelta(hours=25)
    put(
        db,
        alert("old", key="1", rule="battery_low", raised_at=raised),
        alert("over", key="2", rule="battery_low", raised_at=raised, state="resolved"),
        alert("new", key="3", raised_at=utc_now() - timedelta(hours=23)),
    )

    def stale(**wanted: str) -> list[tuple[str, str]]:
        rows = api.get("/api/v1/alerts", params={"stale": "true", **wanted}).json()
        return [(row["id"], row["raised_at"]) for row in rows]

    old = ("old", f"{raised:%Y-%m-%dT%H:%M:%S.%fZ}")
    assert stale() == stale(state="open") == [old]
    assert stale(state="resolved") == stale(until=raised.isoformat()) == []
    local = raised.astimezone(ZONE)
    until(lambda: f"自 {local:%Y-%m-%d %H:%M}" in _card(api.get("/desk").text, "standing"))
    assert "/desk/alerts/new" not in _card(api.get("/desk").text, "standing")


def _card(page: str, id: str) -> str:
    return page.partition(f'id="{id}"')[2].partition("</section>")[0]


def test_the_ledger_leads_to_the_figures_of_its_days(api: httpx.Client) -> None:
    page = api.get("/ledger?since=2026-11-01&until=2026-11-02").text
    assert '"/desk#answering"' in page
    links = [html.unescape(link) for link in re.findall(r'"(/api/v1/answering[^"]*)"', page)]
    assert len(links) == 2
    for link in links:
        asked = parse_qs(urlsplit(link).query)
        assert asked["since"] == [f"{town_time('2026-11-01'):%FT%TZ}"]
        assert asked["until"] == [f"{town_time('2026-11-03'):%FT%TZ}"]
        assert api.get(link).status_code == 200


def test_the_document_describes_what_is_served(api: httpx.Client) -> None:
    document = api.get("/api/v1/openapi.json").json()
    assert {"/api/v1/alerts", "/api/v1/stream", "/api/v1/ledger", "/api/v1/attendance"} <= set(
        document["paths"]
    )
    page = api.get("/api/v1/docs").text
    assert "ApiAlert" in page
    assert "http://" not in page.replace("http://127.0.0.1", "")  # nothing from outside
    assert "https://" not in page


def test_watching_the_service(web: httpx.Client) -> None:
    assert web.get("/healthz").text == "ok\n"
    ready = web.get("/readyz")
    assert ready.status_code == 503
    assert "no ingest worker" in ready.text
    assert "carewatch_screens" in web.get("/metrics").text


def test_every_answer_is_shielded(web: httpx.Client) -> None:
    headers = web.get("/sign-in").headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_signing_in_leads_only_inside(web: httpx.Client) -> None:
    form = {"name": "u-1", "secret": SECRET, "next": "//evil.example/"}
    answer = web.post("/sign-in", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie


def _fields(reading: object) -> dict[str, object]:
    return {name: getattr(reading, name) for name in reading.__struct_fields__}  # type: ignore[attr-defined]


def test_the_contract_is_served_to_whoever_asks(web: httpx.Client) -> None:
    web.cookies.clear()
    document = yaml.safe_load(web.get("/contract/v1/asyncapi.yaml").text)
    payload = document["components"]["messages"]["sos"]["payload"]["$ref"]
    schema = web.get(f"/contract/v1/{payload}")
    assert schema.headers["content-type"] == "application/schema+json"
    assert schema.json()["title"] == "sos"
    assert "设备接入约定" in web.get("/contract/v1/contract-v1.zh-CN.md").text
    for other in ("../messages.py", "messages.py", "%2e%2e/messages.py", ""):
        assert web.get(f"/contract/v1/{other}").status_code == 404, other
