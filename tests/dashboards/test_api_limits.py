"""A limit counts what the asker may see, not what is hidden from them."""

from datetime import timedelta

import httpx
import psycopg
import pytest
from site_of_tests import signed_in
from small_town import ago, alert, position, put, store

from tests.clock import utc_now

pytestmark = pytest.mark.edge


def test_hidden_alerts_use_up_no_limit(web: httpx.Client, db: psycopg.Connection) -> None:
    put(db, *(alert(f"far-{n}", key=f"f{n}", area="other", raised_at=ago(hours=2)) for n in (1, 2)))
    put(db, *(alert(f"here-{n}", key=f"h{n}") for n in range(9)))
    found = signed_in(web, "u-far").get("/api/v1/alerts", params={"limit": 2}).json()
    assert {each["id"] for each in found} == {"far-1", "far-2"}
    (newest,) = web.get("/api/v1/alerts", params={"limit": 1}).json()
    assert newest["id"].startswith("far")  # still signed in as u-far


def test_hidden_readings_use_up_no_limit(web: httpx.Client, db: psycopg.Connection) -> None:
    now = utc_now()
    store(db, position(device="phone-g2", at=now - timedelta(minutes=5)))
    store(db, *(position(at=now - timedelta(seconds=n)) for n in range(9)))
    client = signed_in(web, "u-1")
    everything = client.get("/api/v1/readings", params={"limit": 50}).json()
    client = signed_in(web, "u-a2")
    mine = client.get("/api/v1/readings", params={"limit": 50}).json()
    assert 0 < len(mine) < len(everything)
    assert client.get("/api/v1/readings", params={"limit": 1}).json() == mine[:1]
