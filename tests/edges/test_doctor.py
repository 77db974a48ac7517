"""`carewatch doctor` names what is wrong, and the mend."""

import errno
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from broker_fixtures import Broker

from alerts.records.lint import check_paging
from core.keys_in_use import note_key
from core.signing import fingerprint
from deploy.checkup import Checked, of_broker, of_database, of_keys
from deploy.settings import Settings
from deploy.stack.local import free_port
from devices.registry import load_directory
from ingest.store.counts import Tally, keep
from tests.edges.paging import load
from tests.waiting import until

pytestmark = pytest.mark.edge


def checked(url: str) -> Iterator[Checked]:
    return of_database(url, Settings(data_dir=Path("/nowhere")))


def wrong(found: Iterator[Checked]) -> list[tuple[str, str]]:
    return [(each.what, each.says) for each in found if each.mend]


def test_a_sound_database_is_told_to_be_so(conn: psycopg.Connection, database_url: str) -> None:
    load(conn, 'people: [{id: u-1, role: on_call, contacts: [{channel: "webhook://x/y"}]}]')
    conn.execute("INSERT INTO ingest_horizon VALUES ('w', 'life', now()), ('w', 'bulk', now())")
    found = list(checked(database_url))
    assert [each.what for each in found] == ["database", "clock", "services", "messages", "rota"]
    assert wrong(iter(found)) == []


def test_each_thing_that_is_wrong_is_named(conn: psycopg.Connection, database_url: str) -> None:
    load(conn, "rotas: [{id: night, people: []}]")
    conn.execute("INSERT INTO broker_drops (dropped, grew_at) VALUES (7, now())")
    assert wrong(checked(database_url)) == [
        ("services", "no ingest process is at work on 2 lanes (first: life)"),
        ("services", "the broker has dropped 7 messages"),
        ("rota", "rota night: empty rota"),
        ("rota", "people: nobody for life (no on_call, manager, admin, operator with a contact)"),
    ]


def test_a_session_that_somebody_else_reads_is_named(
    conn: psycopg.Connection, database_url: str
) -> None:
    conn.execute(
        "INSERT INTO session_intrusion (slot, sign, count, seen_at)"
        " VALUES ('life', 'missing', 3, now() - interval '2 h'),"
        " ('life', 'missing', 2, now() - interval '3 h'),"
        " ('bulk-1', 'ended', 1, now() - interval '25 h')"
    )
    said = [says for what, says in wrong(checked(database_url)) if "broker session" in says]
    assert said == ["broker session life: 5 messages for it never came: somebody acknowledged them"]


def test_a_flaw_that_the_daily_check_has_seen_is_told_with_since_when(
    conn: psycopg.Connection, database_url: str
) -> None:
    load(conn, 'people: [{id: u-1, role: admin, contacts: [{channel: "webhook://x/y"}]}]')
    load(conn, "rotas: [{id: night, people: []}]")
    check_paging(conn, load_directory(conn), datetime(2026, 11, 2, 4, tzinfo=UTC))
    told = [says for what, says in wrong(checked(database_url)) if what == "rota"]
    assert "rota night: empty rota, since 2026-11-02 12:00" in told


def test_messages_that_do_not_add_up_are_told_by_family(
    conn: psycopg.Connection, database_url: str
) -> None:
    counted = {"received": 10, "stored": 6, "duplicate": 2, "rejected": 1, "ignored": 1}
    keep(conn, Tally({("contract", column): n for column, n in counted.items()}))
    assert not [each for each in checked(database_url) if each.what == "messages" and each.mend]
    conn.execute("UPDATE message_count SET stored = stored - 2")
    assert [each.says for each in checked(database_url) if each.what == "messages"] == [
        "contract: of 10 received in 24 h 4 were stored, 1 rejected, 2 duplicates, 1 ignored:"
        " 2 too few"
    ]


def test_a_database_without_a_schema(database_cluster: str) -> None:
    assert wrong(checked(database_cluster)) == [("database", "has no schema")]


def test_a_database_that_does_not_answer() -> None:
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    ((what, says),) = wrong(checked(url))
    assert what == "database"
    assert says.startswith("does not answer: connection failed")


def test_a_wrong_password_is_called_one(database_cluster: str) -> None:
    with psycopg.connect(database_cluster, autocommit=True) as conn:
        (file,) = conn.execute("SHOW hba_file").fetchone() or ("",)
        conn.execute("CREATE ROLE care LOGIN PASSWORD 'right'")
        before = Path(file).read_text()
        Path(file).write_text(f"local all care scram-sha-256\n{before}")
        conn.execute("SELECT pg_reload_conf()")
        try:
            url = database_cluster.replace("postgres:@", "care:hush@", 1)
            said = until(lambda: [each for each in wrong(checked(url)) if "wrong" in each[1]])
        finally:
            Path(file).write_text(before)
            conn.execute("SELECT pg_reload_conf()")
            conn.execute("DROP ROLE care")
    assert len(said) == 1
    assert 'password authentication failed for user "care"' in said[0][1]
    assert "hush" not in said[0][1]


def test_a_broker_that_answers(broker: Broker) -> None:
    assert wrong(of_broker(broker.url)) == []


def test_a_broker_that_does_not(broker: Broker) -> None:
    port = free_port()
    assert wrong(of_broker(f"mqtt://127.0.0.1:{port}")) == [
        ("broker", f"127.0.0.1:{port}: {os.strerror(errno.ECONNREFUSED)}")
    ]


def keys_said(conn: psycopg.Connection, ours: str | None) -> list[tuple[str, str]]:
    settings = Settings(secret_key=ours, data_dir=Path("/nowhere"))  # type: ignore[arg-type]
    return [(each.mark, each.says) for each in of_keys(conn, settings)]


def test_a_key_that_is_not_the_others_is_named(conn: psycopg.Connection) -> None:
    a, b = fingerprint("a" * 40), fingerprint("b" * 40)
    assert keys_said(conn, None) == []
    note_key(conn, "alerts", "a" * 40)
    note_key(conn, "dashboards", "a" * 40)
    everywhere = f"one secret key everywhere (alerts {a}, dashboards {a}"
    assert keys_said(conn, None) == [("ok", f"{everywhere})")]
    assert keys_said(conn, "a" * 40) == [("ok", f"{everywhere}, this command {a})")]
    ((mark, says),) = keys_said(conn, "b" * 40)
    assert (mark, says[:42]) == ("--", "our secret key is not the services' (alert")
    note_key(conn, "dashboards", "b" * 40)
    ((mark, says),) = keys_said(conn, "b" * 40)
    assert mark == "!!"
    assert f"alerts {a}, dashboards {b}" in says
