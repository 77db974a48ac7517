"""What became of a load: of each message, each alarm, each page; and what it took of memory."""

import time
from collections import Counter
from typing import Any

import msgspec
import psycopg

from dashboards.live.snapshot import SHOWN
from tests.bench.alarm_traffic import low_battery, presser
from tests.bench.load import Load
from tests.bench.rig import Service
from tests.bench.scene import Scene

PATIENCE = 180.0  # seconds for everything to arrive
OUTCOMES = ("stored", "duplicate", "rejected", "ignored")
FLAT = 120_000_000  # bytes of memory a service may gain while things are broken


RAISED = "rule IN ('sos_pressed', 'battery_low')"


class Alarms(msgspec.Struct, frozen=True):
    """Presses of distinct clients, and low batteries of their buttons: each is one alert, told
    once, and a press is one page."""

    presses: int  # stored
    low: int  # batteries that two stored messages call low: the other lane's alerts, unpaged
    lost: int  # presses and low batteries without an alert
    doubled: int  # alerts, findings and occurrences beyond the first of each
    unpaged: int  # alerts whose page did not reach the receiver, or is not written down as sent
    extra: int  # pages of other ids than the first of an alert
    repeated: int  # pages that came again under the same id: allowed after a fall
    unseen: int = 0  # open alerts that the screen neither shows nor counts

    @property
    def kept(self) -> bool:
        return not (self.lost or self.doubled or self.unpaged or self.extra or self.unseen)


class Verdict(msgspec.Struct, frozen=True):
    """What became of one load."""

    acknowledged: int  # to the publisher, by the broker
    rows: int
    lost: int  # acknowledged and no row
    doubled: int  # rows beyond the first of a message
    in_feed: int  # readings in the feed's log
    unbalanced: float  # received - stored - duplicate - rejected - ignored, of living processes
    memory: dict[str, tuple[int, int]]  # bytes by service: when it was broken, and at most
    alarms: Alarms | None = None  # None: no alerts process

    @property
    def flat(self) -> bool:
        """No service's memory grew by more than a burst needs."""
        return all(peak - before <= FLAT for before, peak in self.memory.values())

    @property
    def consistent(self) -> bool:
        """What is stored is stored, judged and paged once, whatever the broker lost."""
        fits = not (self.doubled or self.unbalanced) and self.in_feed == self.rows
        return fits and self.flat and (self.alarms is None or self.alarms.kept)

    @property
    def kept(self) -> bool:
        """The promise: that, and every acknowledged message is there."""
        return self.consistent and not self.lost


def verdict(scene: Scene, load: Load, *, idle: float) -> Verdict:
    """Wait for the end, and compare what was acknowledged with what is there.

    All messages of `load` have ids ending in their number. Nothing more is expected after `idle`
    seconds without a new row, alert or page.
    """
    with scene.connect() as conn:
        _settle(conn, scene, load, idle)
        time.sleep(0.3)  # let a duplicate come, if there is one
        there = Counter(
            int(id.rpartition("-")[2]) for (id,) in conn.execute("SELECT id FROM reading")
        )
        return Verdict(
            acknowledged=sum(load.acked),
            rows=there.total(),
            lost=sum(1 for n, acked in enumerate(load.acked) if acked and n not in there),
            doubled=there.total() - len(there),
            in_feed=_number(conn, "SELECT coalesce(sum(last - first + 1), 0) FROM arrival_log"),
            unbalanced=sum(map(_imbalance, scene.ingests)),
            memory={name: (each.before, each.peak) for name, each in scene.services.items()},
            alarms=_alarms(conn, scene, there) if "alerts" in scene.services else None,
        )


def _settle(conn: psycopg.Connection, scene: Scene, load: Load, idle: float) -> None:
    """Return when all that was acknowledged has come to its end, or nothing moves any more."""
    ending = time.monotonic() + PATIENCE
    seen, moved_at = (-1, -1, -1), time.monotonic()
    while time.monotonic() < min(ending, moved_at + idle):
        progress = _progress(conn, scene)
        if progress != seen:
            seen, moved_at = progress, time.monotonic()
        if progress[0] >= sum(load.acked) and _is_judged(conn, scene):
            return
        time.sleep(0.1)


def _progress(conn: psycopg.Connection, scene: Scene) -> tuple[int, int, int]:
    return (
        _number(conn, "SELECT coalesce(sum(last - first + 1), 0) FROM arrival_log"),
        _number(conn, "SELECT count(*) FROM finding"),
        len(scene.phones.came),
    )


def _is_judged(conn: psycopg.Connection, scene: Scene) -> bool:
    """Have the rules read all, has every page gone out, and does the screen show it?"""
    if "alerts" not in scene.services:
        return True
    if scene["alerts"].figures().get("carewatch_feed_lag_seconds", 1) > 0:
        return False
    waiting = _number(conn, "SELECT count(*) FROM page WHERE state IN ('due', 'sending')")
    presses = _number(conn, "SELECT count(*) FROM reading_event WHERE kind = 'sos'")
    alerts = _number(conn, "SELECT count(*) FROM alert WHERE rule = 'sos_pressed'")
    return not waiting and alerts >= presses and not _unseen(conn, scene)


def _alarms(conn: psycopg.Connection, scene: Scene, there: Counter[int]) -> Alarms:
    pressed = {f"client:{who}" for n in there if (who := presser(n))}
    reports = Counter(f"device:{button}" for n in there if (button := low_battery(n)))
    low = {device for device, count in reports.items() if count > 1}
    alerts = _alerts(conn, "sos_pressed")
    raised = [*alerts, *_alerts(conn, "battery_low")]
    subjects = {each["subject"] for each in raised}
    told = _number(conn, f"SELECT count(*) FROM finding WHERE {RAISED}")
    came = Counter(page["page"] for page in scene.phones.rang())
    firsts = {f"{each['id']}-1.0-u-1-0" for each in alerts}
    delivered = {id for (id,) in conn.execute("SELECT id FROM page WHERE state = 'delivered'")}
    return Alarms(
        presses=len(pressed),
        low=len(low),
        lost=len((pressed | low) - subjects),
        doubled=len(raised)
        - len(subjects)
        + sum(each.get("occurrences", 1) - 1 for each in raised)
        + max(told - len(raised), 0),
        unpaged=len(firsts - (delivered & came.keys())),
        extra=len(came.keys() - firsts),
        repeated=came.total() - len(came),
        unseen=_unseen(conn, scene),
    )


def _alerts(conn: psycopg.Connection, rule: str) -> list[dict[str, Any]]:
    rows = conn.execute("SELECT body::text FROM alert WHERE rule = %s", (rule,))
    return [msgspec.json.decode(body) for (body,) in rows]


def _unseen(conn: psycopg.Connection, scene: Scene) -> int:
    """Open presses that the screen neither shows (it has rows for `SHOWN`) nor counts; 0 where
    nobody watches."""
    if "dashboards" not in scene.services:
        return 0
    rows = conn.execute("SELECT id FROM alert WHERE rule = 'sos_pressed' AND state = 'open'")
    pressed = {id for (id,) in rows}
    rowless = min(len(pressed), SHOWN) - len(pressed & scene.screen.shows())
    return max(rowless, abs(len(pressed) - scene.screen.counts()))


def _imbalance(ingest: Service) -> float:
    if ingest.process is None:
        return 0.0
    figures = ingest.figures()
    received = figures.get("carewatch_messages_received_total", 0)
    return received - sum(figures.get(f"carewatch_messages_{what}_total", 0) for what in OUTCOMES)


def _number(conn: psycopg.Connection, query: str) -> int:
    found = conn.execute(query).fetchone()
    assert found is not None
    return int(found[0])
