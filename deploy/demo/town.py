"""The demo town file: 王集, its 60 clients, 12 caregivers, one nursing home and their devices.

The same seed gives the same town. Visits recur daily around the clock, a caregiver having one
every half hour, so that something happens within minutes whenever the demo is started; rule
settings are shortened to match and say so in the file.
"""

import math
import random
from typing import Any

import yaml

SEED = 20261122
ORIGIN = (35.20, 115.40)  # degrees lat, lon of the south-west corner; open country near Heze
CELL_KM = 3.0  # a village is about this wide and high
COLUMNS, ROWS = 4, 2
CLIENTS, CAREGIVERS, RESIDENTS = 60, 12, 20
SLOT_MINUTES = 30  # a caregiver's visits follow each other so closely
WINDOW_MINUTES = 20
VISIT_MINUTES = 8
FIRST_DAY = "2026-01-01"

VENDOR = "anbao"  # made the doors and buttons
VILLAGES = ("东李村", "西李村", "柳林", "石桥", "南堤", "槐树屯", "张庄", "渡口")
TOWNSHIPS = ("王集镇", "清河镇", "柳沟乡", "石桥镇")
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = (
    "秀英",
    "桂兰",
    "建国",
    "玉珍",
    "德福",
    "淑芬",
    "国强",
    "凤英",
    "长海",
    "素云",
    "志明",
    "春花",
)
CARER_GIVEN = ("敏", "静", "丽", "强", "磊", "洋", "艳", "勇", "娟", "涛", "霞", "平")

KM_PER_DEGREE_LAT = 111.32
KM_PER_DEGREE_LON = KM_PER_DEGREE_LAT * math.cos(math.radians(ORIGIN[0]))

Point = tuple[float, float]  # km east, km north of ORIGIN


def degrees(point: Point) -> tuple[float, float]:
    """Return kilometres from the corner as (lat, lon) in degrees."""
    east, north = point
    return (
        round(ORIGIN[0] + north / KM_PER_DEGREE_LAT, 6),
        round(ORIGIN[1] + east / KM_PER_DEGREE_LON, 6),
    )


class Borders:
    """Village borders: a jittered grid whose neighbours share their crooked edges."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._corners = {
            (c, r): (
                c * CELL_KM + rng.uniform(-0.45, 0.45),
                r * CELL_KM + rng.uniform(-0.45, 0.45),
            )
            for c in range(COLUMNS + 1)
            for r in range(ROWS + 1)
        }
        self._edges: dict[tuple[tuple[int, int], tuple[int, int]], list[Point]] = {}

    def ring(self, column: int, row: int) -> list[Point]:
        """Return the closed outline of one village, counter-clockwise."""
        nodes = [(column, row), (column + 1, row), (column + 1, row + 1), (column, row + 1)]
        ring: list[Point] = []
        for start, end in zip(nodes, [*nodes[1:], nodes[0]], strict=True):
            ring.extend(self._edge(start, end)[:-1])
        return [*ring, ring[0]]

    def _edge(self, start: tuple[int, int], end: tuple[int, int]) -> list[Point]:
        if (end, start) in self._edges:
            return self._edges[end, start][::-1]
        (x0, y0), (x1, y1) = self._corners[start], self._corners[end]
        inner = [
            (
                x0 + (x1 - x0) * i / 5 + self._rng.uniform(-0.14, 0.14),
                y0 + (y1 - y0) * i / 5 + self._rng.uniform(-0.14, 0.14),
            )
            for i in range(1, 5)
        ]
        self._edges[start, end] = [(x0, y0), *inner, (x1, y1)]
        return self._edges[start, end]


def demo_town(page_url: str, seed: int = SEED) -> dict[str, Any]:
    """Return the town as the mapping that its YAML file holds.

    `page_url` begins the demo phones' webhook, such as "webhook://127.0.0.1:8800/demo/phone".
    """
    rng = random.Random(seed)
    homes = [_spot(rng, i % (COLUMNS * ROWS)) for i in range(CLIENTS)]
    return {
        "timezone": "Asia/Shanghai",
        "areas": _areas(Borders(rng)),
        "agencies": [{"id": "a-1", "name": "康乐居家服务"}, {"id": "a-2", "name": "孝心护理"}],
        "clients": [_client(rng, i, home) for i, home in enumerate(homes)],
        "caregivers": [_caregiver(i, homes) for i in range(CAREGIVERS)],
        "facilities": [
            {"id": "f-1", "name": "王集敬老院", "area": "v1", "home": _circle((1.5, 1.2), 200)}
        ],
        "residents": [
            {"id": f"r-{i + 1}", "facility": "f-1", "name": _name(rng), "face": str(i + 1)}
            for i in range(RESIDENTS)
        ],
        "devices": _devices(),
        "zones": [
            {
                "id": "z-c7",
                "owner": "client:c-7",
                "rule": "keep_in",
                "circle": _circle(homes[6], 300),
            }
        ],
        "visits": _visits(),
        "people": _people(page_url),
        "rotas": [
            {
                "id": "duty",
                "people": ["u-zhao", "u-sun"],
                "rotation": "daily",
                "handover": "08:00",
                "start": FIRST_DAY,
            }
        ],
        "ladders": _ladders(),
        "rules": RULES,
    }


# Far shorter than anybody should run with: a demo has minutes, not hours.
RULES: dict[str, dict[str, object]] = {
    "visit_missed": {"grace_minutes": 1, "dwell_minutes": 2, "gap_minutes": 3},
    "visit_late": {"after_minutes": 10},
    "visit_unended": {"after_minutes": 15},
    "geofence_breached": {"confirm_fixes": 2, "confirm_seconds": 10},
    "door_left_open": {"minutes": 20},
}


def demo_town_yaml(page_url: str) -> str:
    """Return the town file's text."""
    head = (
        "# A made-up town for trying carewatch out. Its rule settings are shortened for the demo.\n"
    )
    return head + yaml.safe_dump(demo_town(page_url), allow_unicode=True, sort_keys=False)


def _spot(rng: random.Random, village: int) -> Point:
    column, row = village % COLUMNS, village // COLUMNS
    return (
        (column + rng.uniform(0.22, 0.78)) * CELL_KM,
        (row + rng.uniform(0.22, 0.78)) * CELL_KM,
    )


def _circle(point: Point, radius: float) -> dict[str, float]:
    lat, lon = degrees(point)
    return {"lat": lat, "lon": lon, "radius": radius}


def _name(rng: random.Random) -> str:
    return rng.choice(SURNAMES) + rng.choice(GIVEN)


def _areas(borders: Borders) -> list[dict[str, Any]]:
    areas: list[dict[str, Any]] = [{"id": "county", "name": "河阳县"}]
    areas += [
        {"id": f"d{i + 1}", "name": name, "parent": "county"}
        for i, name in enumerate(("西片区", "东片区"))
    ]
    areas += [
        {"id": f"t{i + 1}", "name": name, "parent": f"d{i // 2 + 1}"}
        for i, name in enumerate(TOWNSHIPS)
    ]
    for i, name in enumerate(VILLAGES):
        column, row = i % COLUMNS, i // COLUMNS
        ring = [[lon, lat] for lat, lon in map(degrees, borders.ring(column, row))]
        areas.append(
            {
                "id": f"v{i + 1}",
                "name": name,
                "parent": f"t{column + 1}",
                "boundary": {"type": "Polygon", "coordinates": [ring]},
            }
        )
    return areas


def _client(rng: random.Random, i: int, home: Point) -> dict[str, Any]:
    village = i % (COLUMNS * ROWS)
    return {
        "id": f"c-{i + 1}",
        "name": _name(rng),
        "area": f"v{village + 1}",
        "agency": _agency_of(i % CAREGIVERS),
        "care_level": rng.choice(("independent", "partial", "full")),
        "home": _circle(home, 100),
        "address": f"{VILLAGES[village]}{i // 8 + 1}组{rng.randint(1, 40)}号",
        "phone": f"0530-555{i + 1:04d}",
        "born": rng.randint(1934, 1956),
        "sex": rng.choice("fm"),
        "lives_alone": rng.random() < 0.7,
    }


def _agency_of(caregiver: int) -> str:
    return "a-1" if caregiver < CAREGIVERS // 2 else "a-2"


def clients_of(caregiver: int) -> list[int]:
    """Return the indices of the five clients a caregiver goes round."""
    return [i for i in range(CLIENTS) if i % CAREGIVERS == caregiver]


def _caregiver(i: int, homes: list[Point]) -> dict[str, Any]:
    mine = [homes[c] for c in clients_of(i)]
    middle = (sum(x for x, _ in mine) / len(mine), sum(y for _, y in mine) / len(mine))
    return {
        "id": f"g-{i + 1}",
        "name": SURNAMES[(i * 3) % len(SURNAMES)] + CARER_GIVEN[i],
        "agency": _agency_of(i),
        "base": _circle(middle, 5000),
    }


def _devices() -> list[dict[str, Any]]:
    """Return a device that speaks the contract (half the town) or what shops sell."""
    devices: list[dict[str, Any]] = []
    for i in range(1, CAREGIVERS + 1):
        device: dict[str, Any] = {
            "id": f"phone-g{i}",
            "kind": "phone",
            "holder": f"caregiver:g-{i}",
        }
        if i % 2 == 0:
            device["topic"] = f"owntracks/g-{i}/phone"
        devices.append(device)
    for i in range(1, CLIENTS + 1):
        held = {"holder": f"client:c-{i}", "vendor": VENDOR}
        door: dict[str, Any] = {"id": f"door-c{i}", "kind": "door", "model": "DS-20", **held}
        button: dict[str, Any] = {"id": f"btn-c{i}", "kind": "sos", "model": "SOS-3", **held}
        if i % 2 == 0:
            door["topic"] = f"zigbee2mqtt/door_c{i}"
            button["topic"] = f"zigbee2mqtt/btn_c{i}"
        devices += [door, button]
    devices.append({"id": "watch-c7", "kind": "phone", "holder": "client:c-7"})
    devices.append(
        {
            "id": "term-f1",
            "kind": "terminal",
            "holder": "facility:f-1",
            "topic": "mqtt/face/1305433/Rec",
        }
    )
    return devices


def _visits() -> list[dict[str, Any]]:
    visits = []
    for caregiver in range(CAREGIVERS):
        mine = clients_of(caregiver)
        for slot in range(24 * 60 // SLOT_MINUTES):
            begin = slot * SLOT_MINUTES + caregiver * SLOT_MINUTES // CAREGIVERS
            end = begin + WINDOW_MINUTES
            visits.append(
                {
                    "id": f"v-g{caregiver + 1}-{slot:02d}",
                    "client": f"c-{mine[slot % len(mine)] + 1}",
                    "caregiver": f"g-{caregiver + 1}",
                    "rrule": "FREQ=DAILY",
                    "start": _local(begin),
                    "end": _local(end),
                    "minutes": VISIT_MINUTES,
                }
            )
    return visits


def _local(minute_of_day: int) -> str:
    day, minute = divmod(minute_of_day, 24 * 60)
    return f"2026-01-{1 + day:02d}T{minute // 60:02d}:{minute % 60:02d}"


def _people(page_url: str) -> list[dict[str, Any]]:
    def person(key: str, name: str, role: str, **more: object) -> dict[str, Any]:
        contacts = [{"channel": f"{page_url}/{key}"}]
        return {
            "id": key,
            "name": name,
            "role": role,
            "areas": ["county"],
            **more,
            "contacts": contacts,
        }

    return [
        person("u-zhao", "赵值班", "on_call"),
        person("u-sun", "孙值班", "on_call"),
        person("u-zhou", "周主任", "manager"),
        person("u-he", "何坐席", "operator"),
        person("u-admin", "管理员", "admin"),
        person("u-kangle", "康乐值班", "on_call", agency="a-1"),
        person("u-xiaoxin", "孝心值班", "on_call", agency="a-2"),
        person("u-anbao", "安宝电子", "vendor", vendor=VENDOR),
    ]


def _ladders() -> list[dict[str, Any]]:
    return [
        {
            "id": "life",
            "for": {"severities": ["life"]},
            "rungs": [
                {"after": 0, "page": ["rota:duty"]},
                {"after": 60, "page": ["u-zhou"]},
                {"after": 180, "page": ["role:manager", "role:operator"]},
            ],
            "repeat": 60,
        },
        {
            "id": "visits",
            "for": {"rules": ["visit_missed", "visit_late", "visit_short"]},
            "rungs": [{"after": 0, "page": ["agency"]}, {"after": 900, "page": ["rota:duty"]}],
        },
        {"id": "rest", "rungs": [{"after": 0, "page": ["rota:duty"]}]},
    ]
