"""The main road, driven: a device publishes, a phone is paged, a person answers by the link."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, LiteralString

import httpx
import psycopg
import pytest

from tests.clock import TIMEZONE, ZONE, epoch_now, utc_now
from tests.system.running import Receiver, Running, carewatch_up
from tests.waiting import PATIENCE, until

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(
        shutil.which("mosquitto_pub") is None, reason="mosquitto_pub is not here: apt has it"
    ),
]

TOWN = """\
timezone: {timezone}
areas: [{{id: wangji, name: 王集}}]
agencies: [{{id: a-1, name: 康乐}}]
clients:
  - {{id: c-1, name: 王秀英, area: wangji, agency: a-1,
      home: {{lat: 35.24, lon: 115.48, radius: 150}}}}
  - {{id: c-2, name: 李建国, area: wangji, agency: a-1,
      home: {{lat: 35.25, lon: 115.48, radius: 150}}}}
  - {{id: c-3, name: 周玉兰, area: wangji, agency: a-1}}
caregivers: [{{id: g-1, name: 赵敏, agency: a-1}}]
facilities: [{{id: f-1, name: 敬老院, area: wangji, home: {{lat: 35.24, lon: 115.49}}}}]
residents: [{{id: r-22, facility: f-1, name: 张玉珍, face: "22"}}]
devices:
  - {{id: phone-g1, kind: phone, holder: "caregiver:g-1", topic: owntracks/g-1/phone}}
  - {{id: btn-c1, kind: sos, holder: "client:c-1"}}
  - {{id: btn-c2, kind: sos, holder: "client:c-2", topic: zigbee2mqtt/btn_c2}}
  - {{id: stove-c3, kind: sensor, holder: "client:c-3", topic: zigbee2mqtt/stove_c3}}
  - {{id: term-f1, kind: terminal, holder: "facility:f-1", topic: mqtt/face/1006498/Rec}}
conditions:
  - {{id: gas, when: highest > 0.0, quantities: [gas], severity: high, text: 厨房燃气报警。}}
people:
  - {{id: u-1, name: 孙值班, role: on_call, areas: [wangji],
      contacts: [{{channel: "webhook://127.0.0.1:{port}/one"}}]}}
  - {{id: u-2, name: 周主任, role: manager, areas: [wangji],
      contacts: [{{channel: "webhook://127.0.0.1:{port}/two"}}]}}
ladders:
  - {{id: life, for: {{severities: [life]}}, repeat: 3,
      rungs: [{{after: 0, page: [u-1]}}, {{after: 4, page: [u-2]}}]}}
"""
FACE = (
    '{"operator":"RecPush","info":{"customId":"","personId":"22","RecordID":"389",'
    '"VerifyStatus":"1","PersonType":"0","similarity1":"94.000000","Sendintime":1,'
    '"persionName":"Person 2","facesluiceId":"1006498","time":"%s","PushType":0}}'
)


@pytest.fixture(scope="module")
def phone() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, phone: Receiver) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("road")
    (home / "town.yaml").write_text(TOWN.format(timezone=TIMEZONE, port=phone.port))
    with carewatch_up(home / "data") as running:
        loaded = running.carewatch("load", str(home / "town.yaml"))
        assert loaded.returncode == 0, loaded.stderr
        time.sleep(2)  # the register is followed, not restarted: give the lanes a moment
        yield running


def publish(running: Running, topic: str, payload: str) -> None:
    url = f"{running.urls['mqtt_url']}/{topic}"
    subprocess.run(["mosquitto_pub", "-L", url, "-q", "1", "-m", payload], check=True)


def rows(running: Running, query: LiteralString, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(running.urls["database_url"]) as conn:
        return conn.execute(query, values or None).fetchall()


def test_an_sos_reaches_the_phone_and_is_answered_by_its_link(
    running: Running, phone: Receiver
) -> None:
    publish(
        running,
        "carewatch/v1/wangji/sos/btn-c1",
        f'{{"id":"p-1","at":{epoch_now():.3f},"battery":80}}',
    )
    page = phone.next_page()
    assert page["rule"] == "sos_pressed"
    assert page["subject"] == "client:c-1"
    assert (page["to"], page["rung"]) == ("u-1", 1)

    shown = httpx.get(page["ack_url"], timeout=PATIENCE)
    assert shown.is_success
    assert rows(running, "SELECT state FROM alert WHERE subject = 'client:c-1'") == [("open",)]

    answered = httpx.post(page["ack_url"], follow_redirects=True, timeout=PATIENCE)
    assert answered.is_success
    assert phone.silent_for(8), "a rung fired although the alert was acknowledged"
    assert rows(running, "SELECT state FROM alert WHERE subject = 'client:c-1'") == [
        ("acknowledged",)
    ]


def test_an_unanswered_sos_of_another_family_climbs(running: Running, phone: Receiver) -> None:
    publish(running, "zigbee2mqtt/btn_c2", '{"action":"emergency","battery":97,"linkquality":90}')
    first = phone.next_page()
    assert (first["subject"], first["to"], first["rung"]) == ("client:c-2", "u-1", 1)
    second = phone.next_page()
    assert (second["alert"], second["to"], second["rung"]) == (first["alert"], "u-2", 2)
    due = "SELECT due_at FROM page WHERE id IN (%s, %s) ORDER BY due_at"
    (at_once, later) = (at for (at,) in rows(running, due, first["page"], second["page"]))
    assert later - at_once == timedelta(seconds=4)
    repeated = phone.next_page()
    assert (repeated["to"], repeated["page"] == second["page"]) == ("u-2", False)
    httpx.post(second["ack_url"], follow_redirects=True, timeout=PATIENCE)


def test_phones_and_terminals_around_it_are_stored(running: Running) -> None:
    now = utc_now()
    publish(
        running,
        "owntracks/g-1/phone",
        f'{{"_type":"location","lat":35.24,"lon":115.48,"acc":12,"batt":66,"tst":{int(now.timestamp())}}}',
    )
    publish(
        running,
        "mqtt/face/1006498/Rec",
        FACE % f"{now.astimezone(ZONE):%Y-%m-%d %H:%M:%S}",
    )
    wanted = {("phone-g1", "position"), ("term-f1", "face")}
    until(lambda: wanted <= set(rows(running, "SELECT device, kind FROM reading")))


def test_ctrl_c_leaves_nobody_behind_and_the_data_stays(tmp_path: Path) -> None:
    with carewatch_up(tmp_path / "data") as running:
        pids = running.children()
        assert len(pids) >= 4  # broker, ingest, alerts, dashboards
        assert running.stop() == 0
    left = subprocess.run(
        ["ps", "-o", "pid=,args=", "-p", ",".join(map(str, pids))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert left.stdout == ""
    with carewatch_up(tmp_path / "data") as again:
        assert again.process.poll() is None


def test_gas_in_a_kitchen_is_an_alert_by_the_towns_own_condition(running: Running) -> None:
    publish(running, "zigbee2mqtt/stove_c3", '{"gas":true,"temperature":24.5,"linkquality":120}')
    raised: LiteralString = "SELECT body ->> 'detail' FROM alert WHERE subject = 'client:c-3'"
    until(lambda: rows(running, raised))
    assert rows(running, raised) == [("厨房燃气报警。",)]
    kept = rows(running, "SELECT body::jsonb ->> 'quantity' FROM reading WHERE device = 'stove-c3'")
    assert sorted(kept) == [("gas",), ("temperature",)]
