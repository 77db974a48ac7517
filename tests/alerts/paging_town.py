"""The town that the nights are spent in: rotas with gaps, an empty one, people nobody can reach."""

from datetime import UTC, datetime

from alerts.types import Contact, Ladder, LadderFor, Rota, Rung, Severity, Staff
from devices.directory import Area, Client, RegisterChange

BEGIN = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)  # 20:00 in Shanghai, a Monday
NIGHTS = 7
CLIENTS = 400
AREAS = ("wangji", "liji")
REGISTER = RegisterChange(
    areas=(
        Area(id="heze"),
        Area(id="mudan", parent="heze"),
        *(Area(id=area, parent="mudan") for area in AREAS),
    ),
    clients=tuple(Client(id=f"c-{n}", name=f"c-{n}", area=AREAS[n % 2]) for n in range(CLIENTS)),
)


def contacts(id: str) -> tuple[Contact, ...]:
    return (
        Contact(channel=f"webhook://{id}/day", hours="08:00-22:30"),
        Contact(channel=f"webhook://{id}/one"),
        Contact(channel=f"webhook://{id}/two"),
    )


PEOPLE = (
    *(Staff(id=f"u-{n}", role="on_call", contacts=contacts(f"u-{n}")) for n in range(7)),
    Staff(id="u-7", role="on_call"),  # without a contact
    Staff(id="m-1", role="manager", areas=("mudan",), contacts=contacts("m-1")),
    Staff(id="m-2", role="manager", areas=("heze",), contacts=contacts("m-2")),
    Staff(id="day", role="viewer", contacts=contacts("day")[:1]),  # reached by day alone
)
ROTAS = (
    Rota(id="night", people=("u-0", "u-1", "u-2"), handover="23:30", start="2026-11-01"),
    Rota(id="second", people=("u-3", "u-7", "u-4"), handover="02:00", start="2026-11-01"),
    Rota(id="week", people=("u-5", "u-6"), rotation="weekly", start="2026-11-01"),
    Rota(id="later", people=("u-5", "u-6"), handover="00:00", start="2026-11-05"),  # a gap before
    Rota(id="empty"),
)


def ladder(id: str, severity: Severity, repeat: int | None, *rungs: tuple[int, str]) -> Ladder:
    return Ladder(
        id=id,
        for_=LadderFor(severities=(severity,)),
        rungs=tuple(Rung(after=after, page=tuple(page.split())) for after, page in rungs),
        repeat=repeat,
    )


LADDERS = (
    ladder("life", Severity.LIFE, 60, (0, "rota:night"), (60, "rota:second"), (180, "rota:later")),
    ladder("high", Severity.HIGH, 600, (0, "rota:empty"), (300, "rota:week rota:night"),
           (900, "role:manager@parent")),
    ladder("medium", Severity.MEDIUM, 1800, (30, "day"), (600, "rota:later")),
    ladder("low", Severity.LOW, None, (0, "rota:night"), (3600, "role:manager")),
)  # fmt: skip
KINDS = (
    ("sos_pressed", Severity.LIFE, 2),
    ("geofence_breached", Severity.HIGH, 3),
    ("door_left_open", Severity.MEDIUM, 3),
    ("battery_low", Severity.LOW, 2),
)
