"""The real `carewatch alerts` process, killed where it hurts: nothing is lost, nothing doubled."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from alerts import desk, history
from deploy.migrate import migrate
from tests.bench.postgres import Postgres
from tests.clock import TIMEZONE
from tests.edges.paging import Phones, load, press, store
from tests.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.chaos]

BUTTONS = 40
TOWN = """
timezone: {timezone}
areas: [{{id: wangji, name: Wangji}}]
clients:
{clients}
devices:
{devices}
people:
  - {{id: u-1, role: on_call, contacts: [{{channel: "webhook://{host}/one"}}]}}
  - {{id: u-2, role: on_call, contacts: [{{channel: "webhook://{host}/two"}}]}}
  - {{id: u-3, role: manager, contacts: [{{channel: "webhook://{host}/three"}}]}}
ladders:
  - id: life
    for: {{severities: [life]}}
    rungs: [{{after: 0, page: [u-1]}}, {{after: 3, page: [u-2]}}, {{after: 6, page: [u-3]}}]
    repeat: 3600
"""


def town(host: str) -> str:
    clients = "\n".join(
        f"  - {{id: c-{n}, name: Client {n}, area: wangji}}" for n in range(BUTTONS)
    )
    devices = "\n".join(
        f'  - {{id: btn-{n}, kind: sos, holder: "client:c-{n}"}}' for n in range(BUTTONS)
    )
    return TOWN.format(timezone=TIMEZONE, host=host, clients=clients, devices=devices)


class AlertsProcess:
    """`carewatch alerts`, to be started and killed at will."""

    def __init__(self, database_url: str, directory: Path) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("CAREWATCH_")}
        self._environment = kept | {
            "CAREWATCH_DATABASE_URL": database_url,
            "CAREWATCH_DATA_DIR": str(directory),
            "CAREWATCH_SECRET_KEY": "a key for tests",
        }
        self._log = directory / "alerts.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        begun = self.output().count('"at work"')
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "deploy", "alerts"],
                env=self._environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        until(lambda: self.output().count('"at work"') > begun)

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(timeout=30)

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill(signal.SIGTERM)

    def output(self) -> str:
        return self._log.read_text() if self._log.exists() else ""


@pytest.fixture
def phones() -> Iterator[Phones]:
    phones = Phones()
    yield phones
    phones.close()


@pytest.fixture
def process(database_url: str, tmp_path: Path) -> Iterator[AlertsProcess]:
    process = AlertsProcess(database_url, tmp_path)
    yield process
    process.stop()


def test_killed_between_rungs_every_rung_still_fires_once(
    conn: psycopg.Connection, phones: Phones, process: AlertsProcess
) -> None:
    load(conn, town(phones.host))
    process.start()
    store(conn, press("btn-0"))
    for delivered in (1, 2, 3):
        until(lambda: states(conn) == ["delivered"] * delivered)  # noqa: B023
        process.kill()
        process.start()
    time.sleep(1)
    assert Counter(path for _, path, _ in phones.came) == {"/one": 1, "/two": 1, "/three": 1}
    alert = history.open_alerts(conn)[0]
    due = [(page.page.due_at - alert.raised_at).total_seconds() for page in pages(conn)]
    assert due == [0, 3, 6]


def pages(conn: psycopg.Connection) -> list[history.PageRecord]:
    return [
        page for alert in history.open_alerts(conn) for page in history.pages_of(conn, alert.id)
    ]


def states(conn: psycopg.Connection) -> list[str]:
    return [page.state for page in pages(conn)]


def test_killed_between_sending_and_writing_down_one_page_comes_again_under_its_id(
    conn: psycopg.Connection, phones: Phones, process: AlertsProcess
) -> None:
    load(conn, town(phones.host))
    process.start()
    phones.delays["/one"] = 1.0
    store(conn, press("btn-0"))
    until(lambda: phones.rang("/one"))
    process.kill()
    phones.delays.clear()
    process.start()
    until(lambda: len(phones.rang("/one")) == 2)
    until(lambda: pages(conn)[0].state == "delivered")
    assert len({page["page"] for page in phones.rang("/one")}) == 1
    assert [page["attempt"] for page in phones.rang("/one")] == [1, 2]


def test_answered_while_it_was_dead_it_pages_nobody_more(
    conn: psycopg.Connection, phones: Phones, process: AlertsProcess
) -> None:
    load(conn, town(phones.host))
    process.start()
    store(conn, press("btn-0"))
    until(lambda: states(conn) == ["delivered"])
    alert = phones.rang("/one")[0]["alert"]
    process.kill()
    desk.acknowledge(conn, alert, "u-1", via="link")
    time.sleep(4)
    process.start()
    until(lambda: history.open_alerts(conn)[0].acked_by == "u-1")
    time.sleep(1)
    assert [path for _, path, _ in phones.came] == ["/one"]


def test_killed_again_and_again_under_load_no_alert_is_lost_or_doubled(
    conn: psycopg.Connection, phones: Phones, process: AlertsProcess
) -> None:
    load(conn, town(phones.host))
    process.start()
    kills = 0
    for n in range(BUTTONS):
        store(conn, press(f"btn-{n}"))
        if n % 10 == 5:
            process.kill()
            kills += 1
            process.start()
    until(lambda: len({page["subject"] for page in phones.rang("/three")}) == BUTTONS)
    alerts = history.alerts(conn, history.AlertFilter())
    assert Counter(alert.subject for alert in alerts) == {
        f"client:c-{n}": 1 for n in range(BUTTONS)
    }
    assert {alert.occurrences for alert in alerts} == {1}
    findings = conn.execute("SELECT count(*) FROM finding").fetchone()
    assert findings == (BUTTONS,)
    for path in ("/one", "/two", "/three"):
        came = Counter(page["page"] for page in phones.rang(path))
        assert len(came) == BUTTONS
        assert max(came.values()) <= 1 + kills  # under the same id, at most once more a kill


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    # Not in tmp_path, which other users can't enter: as root, PostgreSQL runs as another user.
    with tempfile.TemporaryDirectory(prefix="carewatch-alerts-") as directory:
        postgres = Postgres(Path(directory) / "pg")
        postgres.start()
        with psycopg.connect(postgres.url, autocommit=True) as conn:
            migrate(conn)
        yield postgres
        postgres.kill()


@pytest.mark.parametrize("fall", ["kill", "stop", "freeze"])
def test_the_database_falls_during_a_send(
    fall: str, postgres: Postgres, phones: Phones, tmp_path: Path
) -> None:
    process = AlertsProcess(postgres.url, tmp_path)
    with psycopg.connect(postgres.url, autocommit=True) as conn:
        load(conn, town(phones.host))
        process.start()
        phones.delays["/one"] = 1.0
        store(conn, press("btn-0"))
        until(lambda: phones.rang("/one"))
        getattr(postgres, fall)()
    time.sleep(4)  # the second rung falls due meanwhile
    postgres.thaw() if fall == "freeze" else postgres.start()
    with psycopg.connect(postgres.url, autocommit=True) as conn:
        until(lambda: states(conn) == ["delivered"] * 3)
        assert len(history.alerts(conn, history.AlertFilter())) == 1
    process.stop()
    came = Counter(page["page"] for page in phones.rang())
    assert len(came) == 3
    assert came.total() <= 4
