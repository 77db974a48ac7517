"""The town that the traffic of `load` comes from, with everything the rules look at."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from tests.bench.load import BUTTONS, DOORS, PHONES, SITE, TERMINALS
from tests.clock import utc_now

HOMES = 500  # clients with a door sensor; the first `BUTTONS` have a button too
HERE = ZoneInfo("Asia/Shanghai")
Item = dict[str, Any]
FENCED = 100  # phones that clients carry, inside a wide fence


def write_town(
    file: Path, *, presses: int, port: int, visits: Sequence[Item] | None = None
) -> None:
    """A town file with `presses` further clients who each press a button once.

    An SOS is paged to `webhook://127.0.0.1:{port}`; JSON is YAML, so JSON is what is written.
    `visits` stand in the place of a day's, and are missed without grace.
    """
    town = _town(presses, port)
    if visits is not None:
        town |= {"visits": visits, "rules": {"visit_missed": {"grace_minutes": 0}}}
    file.write_bytes(msgspec.json.encode(town))


def over_soon(begins: datetime, ends: datetime, count: int) -> list[Item]:
    """A visit of each of the first caregivers to a client of its own, in one window."""
    window = {"start": local(begins), "end": local(ends), "minutes": 60}
    return [
        {"id": f"over-{n}", "client": f"c-{n}", "caregiver": f"g-{n}", **window}
        for n in range(count)
    ]


def local(moment: datetime) -> str:
    """A moment as a town file writes it."""
    return f"{moment.astimezone(HERE):%Y-%m-%dT%H:%M:%S}"


def home(n: int) -> tuple[float, float]:
    """Where the n-th client lives."""
    return 35.2 + n % 100 / 1e3, 115.4 + n // 100 / 1e3


def _town(presses: int, port: int) -> dict[str, Any]:
    return {
        "timezone": "Asia/Shanghai",
        "areas": [{"id": SITE}],
        "agencies": [{"id": "a-1"}],
        "clients": [_client(f"c-{n}", n) for n in range(HOMES)]
        + [_client(f"presser-{n}", n) for n in range(presses)],
        "caregivers": [{"id": f"g-{n}", "agency": "a-1"} for n in range(PHONES - FENCED)],
        "facilities": [{"id": f"f-{n}", "area": SITE} for n in range(TERMINALS)],
        "residents": [
            {"id": f"r-{n}-{code}", "facility": f"f-{n}", "face": f"p-{code}"}
            for n in range(16, 19)
            for code in range(46, 49)  # the faces that `load.mixed` shows at these terminals
        ],
        "devices": _devices(presses),
        "zones": [_fence(n) for n in range(FENCED)],
        "visits": [_visit(n) for n in range(PHONES - FENCED)],
        "people": [
            {
                "id": "u-1",
                "role": "on_call",
                "areas": [SITE],
                "contacts": [{"channel": f"webhook://127.0.0.1:{port}/page"}],
            }
        ],
        "ladders": [
            {
                "id": "life",
                "for": {"rules": ["sos_pressed"]},
                "rungs": [{"after": 0, "page": ["u-1"]}],
                "repeat": 86_400,  # one page a press, however long a run takes
            }
        ],
    }


def _client(id: str, n: int) -> dict[str, Any]:
    lat, lon = home(n)
    place = {"lat": lat, "lon": lon, "radius": 150}
    return {"id": id, "area": SITE, "agency": "a-1", "care_level": "partial", "home": place}


def _devices(presses: int) -> list[dict[str, str]]:
    phones = [
        f"caregiver:g-{n}" if n < PHONES - FENCED else f"client:c-{n - PHONES + FENCED}"
        for n in range(PHONES)
    ]
    held = [
        *((f"phone-{n}", "phone", holder) for n, holder in enumerate(phones)),
        *((f"door-{n}", "door", f"client:c-{n}") for n in range(DOORS)),
        *((f"term-{n}", "terminal", f"facility:f-{n}") for n in range(TERMINALS)),
        *((f"btn-{n}", "sos", f"client:c-{n}") for n in range(BUTTONS)),
        *((f"press-{n}", "sos", f"client:presser-{n}") for n in range(presses)),
    ]
    return [{"id": id, "kind": kind, "holder": holder} for id, kind, holder in held]


def _fence(n: int) -> dict[str, Any]:
    circle = {"lat": 35.25, "lon": 115.45, "radius": 20_000}
    return {"id": f"z-{n}", "owner": f"client:c-{n}", "rule": "keep_in", "circle": circle}


def _visit(n: int) -> dict[str, Any]:
    """One a caregiver, today, beginning at hours that differ."""
    today = utc_now().astimezone(HERE).date()
    hour = 7 + n % 12
    return {
        "id": f"v-{n}",
        "client": f"c-{n % HOMES}",
        "caregiver": f"g-{n}",
        "start": f"{today}T{hour:02}:00",
        "end": f"{today}T{hour + 2:02}:00",
        "minutes": 60,
    }
