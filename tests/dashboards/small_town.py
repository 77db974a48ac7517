"""A small town out of real types, for the dashboards' tests."""

from datetime import UTC, datetime, timedelta

import psycopg
from msgspec.structs import replace

from alerts.lanes import tables
from alerts.types import (
    Alert,
    Contact,
    Ladder,
    PlanSet,
    Rota,
    RuleScope,
    Rung,
    Severity,
    Staff,
    StoryLine,
    VisitRecord,
    VisitStage,
)
from deploy.town.townfile import TownFile
from devices.directory import (
    Agency,
    Area,
    Caregiver,
    Circle,
    Client,
    Device,
    Directory,
    RegisterChange,
    Resident,
)
from devices.directory import Facility as Home
from devices.envelope import Envelope
from devices.readings import DeviceStatus, DoorMoved, Position, Reading, Rejection, SosPressed
from ingest.admission.admit import Admitted
from ingest.store.save import AdmittedMessage, save
from tests.clock import TIMEZONE, utc_now

NOW = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)  # 10:00 in Asia/Shanghai, a Monday
SQUARE = {
    "type": "Polygon",
    "coordinates": [[[115.4, 35.2], [115.6, 35.2], [115.6, 35.4], [115.4, 35.4], [115.4, 35.2]]],
}

REGISTER = RegisterChange(
    areas=(
        Area(id="mudan", name="牡丹区", boundary=SQUARE),
        Area(id="wangji", name="王集", parent="mudan"),
        Area(id="other", name="别处"),
    ),
    agencies=(Agency(id="a-1", name="康养一"), Agency(id="a-2", name="康养二")),
    clients=(
        Client(
            id="c-1",
            name="王淑兰",
            area="wangji",
            home=Circle(lat=35.24, lon=115.48),
            address="王集村 12 号",
            phone="13800001234",
            born=1942,
            sex="f",
            lives_alone=True,
            agency="a-1",
        ),
        Client(id="c-2", name="李建国", area="wangji", home=Circle(lat=35.25, lon=115.49)),
        Client(id="c-3", name="赵六", area="other", home=Circle(lat=35.6, lon=115.9)),
    ),
    caregivers=(
        Caregiver(id="g-1", name="钱芳", agency="a-1"),
        Caregiver(id="g-2", name="孙丽", agency="a-2"),
    ),
    facilities=(Home(id="f-1", name="安康院", area="mudan", home=Circle(lat=35.3, lon=115.5)),),
    devices=(
        Device(id="phone-g1", kind="phone", holder="caregiver:g-1"),
        Device(id="phone-g2", kind="phone", holder="caregiver:g-2"),
        Device(id="btn-c1", kind="sos", holder="client:c-1"),
        Device(id="btn-c2", kind="sos", holder="client:c-2"),
        Device(id="door-c1", kind="door", holder="client:c-1"),
        Device(id="door-c3", kind="door", holder="client:c-3"),
        Device(id="term-f1", kind="terminal", holder="facility:f-1", maintenance=True),
    ),
)
RESIDENT = Resident(id="r-1", facility="f-1", name="周奶奶", face="P-1")
LADDER = Ladder(
    id="life",
    rungs=(Rung(after=0, page=("u-1",)), Rung(after=60, page=("u-2",))),
    repeat=60,
)


def directory() -> Directory:
    """The town's register, with its resident."""
    return Directory(TIMEZONE).changed(replace(REGISTER, residents=(RESIDENT,)))


def ago(**span: float) -> datetime:
    """A moment before NOW: `ago(minutes=5)`."""
    return NOW - timedelta(**span)


def alert(id: str = "al-1", **fields: object) -> Alert:
    """An open SOS of c-1, raised a minute ago, unless told otherwise."""
    usual: dict[str, object] = {
        "rule": "sos_pressed",
        "subject": "client:c-1",
        "key": "",
        "severity": Severity.LIFE,
        "state": "open",
        "reason": "pressed",
        "detail": "SOS pressed",
        "visit": None,
        "area": "wangji",
        "agency": None,
        "raised_at": ago(minutes=1),
        "observed_at": ago(minutes=1, seconds=2),
        "received_at": ago(minutes=1),
        "evidence": (),
        "rule_version": 1,
        "settings": {"join_minutes": 10},
        "ladder": LADDER,
        "story": (StoryLine(at=ago(minutes=1), what="raised"),),
    }
    return Alert(id=id, **{**usual, **fields})  # type: ignore[arg-type]


def visit(
    id: str = "v-1@2026-11-02",
    *,
    start: datetime = NOW - timedelta(hours=1),
    state: VisitStage = "planned",
    client: str = "c-1",
    caregiver: str | None = "g-1",
    **fields: object,
) -> VisitRecord:
    """A visit of c-1 by g-1 whose window opened an hour ago and lasts two."""
    return VisitRecord(
        id=id,
        plan=id.partition("@")[0],
        client=client,
        caregiver=caregiver,
        start=start,
        end=start + timedelta(hours=2),
        minutes=60,
        state=state,
        **fields,  # type: ignore[arg-type]
    )


def position(
    device: str = "phone-g1", at: datetime = NOW, lat: float = 35.241, lon: float = 115.481
) -> Position:
    """A fix near c-1's home."""
    return Position(
        device=device, id=f"{at:%H%M%S}", observed_at=at, received_at=at, lat=lat, lon=lon
    )


def door(device: str = "door-c1", at: datetime = NOW) -> DoorMoved:
    """A door that opens."""
    return DoorMoved(device=device, id=f"{at:%H%M%S}", observed_at=at, received_at=at, open=True)


def status(device: str, at: datetime = NOW, *, online: bool | None = None) -> DeviceStatus:
    """A heartbeat, or a last will (online=False)."""
    return DeviceStatus(
        device=device, id=f"{at:%H%M%S}", observed_at=at, received_at=at, online=online
    )


PEOPLE = (
    Staff(id="u-1", name="赵主任", role="manager"),
    Staff(
        id="u-2",
        name="孙组长",
        role="operator",
        contacts=(Contact(channel="voice+http://127.0.0.1:9/call?called=13900005678"),),
    ),
    Staff(id="u-see", name="周看", role="viewer"),
    Staff(id="u-far", name="吴远", role="operator", areas=("other",)),
    Staff(id="u-a2", name="郑二", role="operator", agency="a-2"),
    Staff(id="u-dev", name="厂家", role="vendor"),
)
SECRET = "a secret that is long enough"


def town(*residents: Resident) -> TownFile:
    """The small town as a town file would say it, with these residents.

    With none unless a test is about them: towards a month's end a rule reminds of those not seen,
    and whether a test meets that alert would hang on the day.
    """
    plans = PlanSet(
        people=PEOPLE,
        rotas=(Rota(id="night", people=("u-2", "u-1")),),
        ladders=(LADDER,),
        rules={"visit_missed": {"grace_minutes": 30}},
        rules_for=(RuleScope(care_level="full", rules={"visit_missed": {"grace_minutes": 15}}),),
    )
    return TownFile(timezone=TIMEZONE, register=replace(REGISTER, residents=residents), plans=plans)


def put(conn: psycopg.Connection, *concluded: Alert | VisitRecord) -> None:
    """Write what the engine would have concluded."""
    with conn.transaction():
        tables.put_alerts(conn, [one for one in concluded if isinstance(one, Alert)])
        visits = [one for one in concluded if isinstance(one, VisitRecord)]
        tables.put_visits(conn, visits, utc_now())
        conn.execute("SELECT pg_notify('changed', '')")


def store(conn: psycopg.Connection, *said: Reading | Rejection) -> None:
    """Store readings and rejections as ingest does."""
    messages = [
        AdmittedMessage(
            Envelope(topic="carewatch/v1/wangji/x/y", payload=b'{"a": 1}', received_at=_now()),
            Admitted(
                "contract",
                readings=() if isinstance(one, Rejection) else (one,),
                rejections=(one,) if isinstance(one, Rejection) else (),
            ),
        )
        for one in said
    ]
    save(conn, messages)


def press(device: str = "btn-c1") -> SosPressed:
    """A button pressed now."""
    now = _now()
    return SosPressed(device=device, id=f"press-{now:%H%M%S%f}", observed_at=now, received_at=now)


def _now() -> datetime:
    return utc_now()
