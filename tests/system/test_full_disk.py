"""`carewatch up` on a disk that fills up, which its log is on as well: it mends itself once there
is room, and nothing is lost."""

import tempfile
from pathlib import Path

import psycopg
import pytest

from devices.broker_address import Address
from tests.bench.alarm_traffic import fresh
from tests.bench.disk import Disk, exhaust, may_mount
from tests.bench.town import write_town
from tests.edges.paging import Phones
from tests.system.running import Running, carewatch_up
from tests.waiting import until

pytestmark = [pytest.mark.chaos, pytest.mark.system]

TOTAL, RATE = 3_000, 1_000


def test_the_embedded_database_comes_back_when_there_is_room_again() -> None:
    if not may_mount():
        pytest.skip("not here: the right to mount a small disk (root); nothing was filled up")
    with tempfile.TemporaryDirectory(prefix="carewatch-full-") as directory:
        disk = Disk(Path(directory) / "disk", 400)
        try:
            fills_and_is_freed(disk)
        finally:
            disk.close()


def fills_and_is_freed(disk: Disk) -> None:
    phones = Phones()
    with carewatch_up(disk.where / "data") as running:
        town = disk.where / "town.yaml"
        write_town(town, presses=TOTAL // 100, port=int(phones.host.rpartition(":")[2]))
        assert running.carewatch("load", str(town)).returncode == 0
        broker = Address.of(running.urls["mqtt_url"])
        account = (broker.user, broker.password)
        load = fresh(broker.port, TOTAL, rate=RATE, account=account).start()
        disk.fill()
        exhaust(running.urls["database_url"])
        until(lambda: "part fell" in running.output())
        disk.free()
        load.wait(60)
        until(lambda: answers(running))
        with psycopg.connect(running.urls["database_url"], autocommit=True) as conn:
            until(lambda: stored(conn) == (TOTAL, TOTAL))
            until(lambda: len(phones.rang()) >= TOTAL // 100)
    phones.close()


def stored(conn: psycopg.Connection) -> tuple[int, ...] | None:
    """Rows, and distinct messages."""
    return conn.execute("SELECT count(*), count(DISTINCT id) FROM reading").fetchone()


def answers(running: Running) -> bool:
    try:
        psycopg.connect(running.urls["database_url"], connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
