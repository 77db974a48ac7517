"""`carewatch load` on a real PostgreSQL: twice is once, a change is just that, and never half."""

import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psycopg
import pytest
from typer.testing import CliRunner

from alerts.plans.plans import add_visit, diff_plans, load_plans
from alerts.types import PlanSet, TownChanged
from core.errors import CarewatchError
from deploy.cli import app
from deploy.device_changes import add_device
from deploy.town.loading import CHUNK, Loaded, entries, load_town
from deploy.town.townfile import TownFile, parse_town
from devices import registry
from devices.credentials import credential_fits
from devices.directory import Client, Device, RegisterChange

pytestmark = pytest.mark.edge
FILE = Path(__file__).parent.parent / "deploy" / "town.yaml"
NOTHING = Loaded(timezone=None, register=RegisterChange(), plans=PlanSet(), added={})


@pytest.fixture
def conn(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url) as conn:
        yield conn


@pytest.fixture(scope="module")
def text() -> str:
    return FILE.read_text()


@pytest.fixture(scope="module")
def town(text: str) -> TownFile:
    return parse_town(text)


def inbox(conn: psycopg.Connection) -> list[TownChanged]:
    rows = conn.execute("SELECT body::text FROM inbox ORDER BY arrival").fetchall()
    return [msgspec.json.decode(body, type=TownChanged) for (body,) in rows]


def everything(conn: psycopg.Connection) -> str:
    """All rows with their physical versions: the same text means that nothing was written."""
    tables = (*registry.TABLES.values(), "zone", "visit_plan", "staff", "rota", "ladder")
    rows = [
        conn.execute(f"SELECT xmin::text, {table}::text FROM {table} ORDER BY 2").fetchall()
        for table in (*tables, "rule_setting", "town", "inbox")
    ]
    conn.rollback()
    return str(rows)


def in_database(conn: psycopg.Connection) -> tuple[RegisterChange, PlanSet]:
    directory = registry.load_directory(conn)
    parts = {section: tuple(getattr(directory, section)) for section in registry.TABLES}
    plans = msgspec.structs.replace(load_plans(conn), settings_version=None)
    return RegisterChange(**parts), plans  # type: ignore[arg-type]


def test_the_database_holds_what_the_file_says(conn: psycopg.Connection, town: TownFile) -> None:
    load_town(conn, town)
    register, plans = in_database(conn)
    directory = registry.load_directory(conn)
    assert registry.diff(directory, town.register) == RegisterChange()
    assert len(directory.devices) == len(town.register.devices) == len(register.devices)
    assert plans == town.plans


def test_loading_twice_changes_nothing(conn: psycopg.Connection, town: TownFile) -> None:
    assert load_town(conn, town).summary[0] == "timezone: Asia/Shanghai"
    conn.commit()
    before = everything(conn)
    assert load_town(conn, town).summary == []
    conn.commit()
    assert everything(conn) == before


def test_a_changed_file_changes_just_that(conn: psycopg.Connection, text: str) -> None:
    load_town(conn, parse_town(text))
    changed = (
        text.replace("radius: 150", "radius: 200")
        .replace("  - {id: v-1,", "  - {id: v-9,")
        .replace("confirm_fixes: 2", "confirm_fixes: 3")
    )
    loaded = load_town(conn, parse_town(changed))
    assert loaded.summary == [
        "clients: 1 changed",
        "visits: 1 added, 1 removed",
        "rules: changed",
    ]
    told = inbox(conn)[-1]
    assert [client.id for client in told.register.clients] == ["c-1"]
    assert [visit.id for visit in told.plans.visits] == ["v-9"]
    assert told.plans.removed == {"visits": ("v-1",)}
    assert told.plans.rules == {
        "sos_pressed": {"join_minutes": 10},
        "geofence_breached": {"confirm_fixes": 3},
    }
    assert (told.plans.rules_for, told.plans.ladders, told.timezone) == (None, (), None)
    assert diff_plans(load_plans(conn), parse_town(changed).plans) == PlanSet()


def test_the_inbox_tells_the_whole_town(conn: psycopg.Connection, town: TownFile) -> None:
    directory, since = registry.load_snapshot(conn)
    load_town(conn, town)
    followed, _ = registry.refresh(conn, directory, since)
    assert registry.diff(followed, town.register) == RegisterChange()
    [told] = inbox(conn)
    plans = msgspec.structs.replace(town.plans, settings_version=1)
    assert (told.by, told.timezone, told.plans) == ("load", "Asia/Shanghai", plans)


def test_an_empty_file_empties_the_town(conn: psycopg.Connection, town: TownFile) -> None:
    load_town(conn, town)
    load_town(conn, parse_town(""))
    register, plans = in_database(conn)
    assert register == RegisterChange()
    assert plans == PlanSet(rules={}, rules_for=())


def test_ladders_keep_the_order_of_the_file(conn: psycopg.Connection) -> None:
    def ladders(*ids: str) -> TownFile:
        return parse_town("ladders:\n" + "".join(f"- {{id: {key}}}\n" for key in ids))

    load_town(conn, ladders("a", "b", "c"))
    loaded = load_town(conn, ladders("c", "a", "d"))
    assert [ladder.id for ladder in load_plans(conn).ladders] == ["c", "a", "d"]
    assert [ladder.id for ladder in loaded.plans.ladders] == ["c", "a", "d"]
    assert loaded.plans.removed == {"ladders": ("a", "b", "c")}
    assert loaded.summary == ["ladders: 1 added, 2 changed, 1 removed"]


def test_devices_added_by_hand_outlive_a_load(conn: psycopg.Connection, town: TownFile) -> None:
    secret = add_device(conn, Device(id="hand", topic="by/hand"))
    load_town(conn, town)
    directory = registry.load_directory(conn)
    assert "hand" in directory.devices
    assert directory.device_on("by/hand") == Device(id="hand", topic="by/hand")
    assert load_town(conn, town).summary == []
    assert credential_fits(conn, "hand", secret)


def test_a_file_takes_a_device_over_and_keeps_its_secret(conn: psycopg.Connection) -> None:
    secret = add_device(conn, Device(id="d", kind="sos"))
    load_town(conn, parse_town("devices: [{id: d, kind: door}]"))
    assert credential_fits(conn, "d", secret)
    load_town(conn, parse_town("devices: []"))
    assert "d" not in registry.load_directory(conn).devices


def test_a_taken_topic_changes_nothing(conn: psycopg.Connection, town: TownFile) -> None:
    load_town(conn, town)
    add_device(conn, Device(id="hand", topic="by/hand"))
    conn.commit()
    before = everything(conn)
    with pytest.raises(CarewatchError, match="by/hand"):
        load_town(conn, parse_town("devices: [{id: other, topic: by/hand}]"))
    assert everything(conn) == before


def test_a_file_that_lacks_most_of_the_town_is_refused(conn: psycopg.Connection) -> None:
    def clients(many: int) -> TownFile:
        return parse_town("clients:\n" + "".join(f"- {{id: c-{n}}}\n" for n in range(many)))

    load_town(conn, clients(60))
    conn.commit()
    before = everything(conn)
    with pytest.raises(CarewatchError, match="lacks 50 of the 60 clients"):
        load_town(conn, clients(10))
    assert everything(conn) == before
    load_town(conn, clients(35))
    load_town(conn, clients(0), remove_many=True)
    assert in_database(conn)[0] == RegisterChange()


def test_a_visit_planned_besides_the_file(conn: psycopg.Connection, town: TownFile) -> None:
    load_town(conn, town)
    visit = msgspec.structs.replace(town.plans.visits[0], id="v-extra")
    assert add_visit(conn, visit, by="desk") > 0
    assert inbox(conn)[-1].plans == PlanSet(visits=(visit,))
    assert visit in load_plans(conn).visits
    assert load_town(conn, town).summary == ["visits: 1 removed"]


def test_two_loads_at_once_end_as_one_after_the_other(
    conn: psycopg.Connection, database_url: str, text: str
) -> None:
    towns = [parse_town(text.replace("王秀英", f"客户{n}")) for n in range(4)]

    def load(town: TownFile) -> None:
        with psycopg.connect(database_url) as own:
            load_town(own, town)

    threads = [threading.Thread(target=load, args=(town,)) for town in towns]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = [entry.register.clients for entry in inbox(conn)]
    assert [len(clients) for clients in told] == [1] * 4
    last = told[-1][0]
    assert registry.load_directory(conn).clients.get("c-1") == last
    assert {clients[0].name for clients in told} == {f"客户{n}" for n in range(4)}


def test_many_items_are_told_in_pieces(town: TownFile) -> None:
    clients = tuple(Client(id=f"c-{n}") for n in range(CHUNK + 1))
    visit = town.plans.visits[0]
    visits = tuple(msgspec.structs.replace(visit, id=f"v-{n}") for n in range(CHUNK))
    loaded = Loaded(
        timezone="Asia/Shanghai",
        register=RegisterChange(clients=clients, removed={"devices": ("d",)}),
        plans=msgspec.structs.replace(town.plans, visits=visits, removed={"zones": ("z",)}),
        added={},
    )
    told = list(entries(loaded, by="load", at=visit.start))
    sizes = [len(e.register.clients) + len(e.plans.visits) + len(e.plans.zones) for e in told]
    assert max(sizes) <= CHUNK
    assert tuple(c for entry in told for c in entry.register.clients) == clients
    assert tuple(v for entry in told for v in entry.plans.visits) == visits
    assert told[0].plans.ladders == town.plans.ladders
    assert told[0].register.removed == {"devices": ("d",)}
    assert all(entry.plans.ladders == () and entry.timezone is None for entry in told[1:])
    assert list(entries(NOTHING, by="load", at=visit.start)) == []


def test_the_command(
    conn: psycopg.Connection, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAREWATCH_DATABASE_URL", database_url)

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["load", *arguments])
        said = str(result.exception) if isinstance(result.exception, CarewatchError) else ""
        return result.exit_code, result.stdout + said

    assert run(str(FILE), "--check") == (0, f"{FILE}: no faults\n")
    assert in_database(conn)[0] == RegisterChange()
    code, output = run(str(FILE))
    assert code == 0
    assert "devices: 4 added\n" in output
    assert run(str(FILE)) == (0, "nothing changed\n")
    bad = tmp_path / "bad.yaml"
    bad.write_text("areas:\n- {id: a, parent: a}\n")
    conn.commit()
    before = everything(conn)
    code, output = run(str(bad))
    assert code == 1  # 2 by way of deploy.cli.main
    assert "line 2: areas a, parent: areas contain themselves: a > a" in output
    assert everything(conn) == before
