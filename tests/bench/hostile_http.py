"""How long others' SOS takes by HTTP while six stolen devices send the worst that we can make.

    python -m tests.bench.hostile_http

A real `carewatch dashboards` on a PostgreSQL of its own. Each line: the hostile message, how many
presses were sent beside it, and the median and the longest time from sending to "committed".
"""

import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import httpx
import psycopg

from deploy.migrate import migrate
from devices.credentials import issue
from ingest.admission.admit import MAX_BYTES
from tests.bench.postgres import Postgres
from tests.bench.rig import Service

AIM = 0.3  # seconds that another's SOS may take beside any of these
SECONDS = 6.0  # of each hostile message
STOLEN = 6
JSON, FORM, XML = "application/json", "application/x-www-form-urlencoded", "application/xml"
LINE = b"1\t2026-11-02 09:00:00\t0\t1\n"
FIX = b'{"_type":"location","lat":1,"lon":2,"tst":1793581200},'
OWN, TRACKS, CLOCKS = "/ingest/v1/w/phone/bad-{n}", "/pub?u=x&d=bad-{n}", "/iclock/cdata?SN=bad-{n}"

MESSAGES = {  # name: path, type, bytes
    "nothing hostile": ("", "", b""),
    "numbers in a list": (TRACKS, JSON, b"[" + b"1," * 2_000_000 + b"1]"),
    "as many as pass": (TRACKS, JSON, b"[" + b"1," * 39_000 + b"1]"),
    "objects in a list": (TRACKS, JSON, b"[" + b"{}," * 1_300_000 + b"{}]"),
    "positions": (TRACKS, JSON, b"[" + FIX * 80_000 + b"{}]"),
    "positions that pass": (TRACKS, JSON, b"[" + FIX * 5_500 + b"{}]"),
    "attendance lines": (
        CLOCKS + "&table=ATTLOG",
        FORM,
        LINE * 140_000,
    ),
    "almost a phone number": (OWN, JSON, b"+86 " * 1_000_000),
    "almost base64": (OWN, JSON, (b"A" * 399 + b" ") * 10_000),
    "escapes": (OWN, FORM, b"A%" * 2_000_000),
    "a long text": (OWN, JSON, b'{"x":"' + b"\\n+86 " * 600_000 + b'"}'),
    "tags": ("/ingest/push/x", XML, b"<a>" * 1_300_000),
    "nested": (OWN, JSON, b"[" * 4_000_000),
    "zeros": (OWN, JSON, bytes(MAX_BYTES)),
}


class Town:
    """A running service, and what its devices show."""

    def __init__(self, url: str, secrets: dict[str, str]) -> None:
        self.url, self.secrets = url, secrets
        self._number = 0

    def press(self, client: httpx.Client) -> float:
        """Send a press; the seconds until it was committed."""
        self._number += 1
        began = time.perf_counter()
        said = {"id": f"s-{self._number}", "at": "2026-11-02T09:00:00+08:00"}
        shown = {"authorization": f"Bearer {self.secrets['good']}"}
        client.post("/ingest/v1/w/sos/good", json=said, headers=shown).raise_for_status()
        return time.perf_counter() - began

    def attack(self, n: int, path: str, kind: str, body: bytes, over: threading.Event) -> None:
        """Send a hostile message again and again, until it is over."""
        secret = self.secrets[f"bad-{n}"]
        where = f"/ingest/as/bad-{n}:{secret}{path.format(n=n)}"
        with httpx.Client(base_url=self.url, timeout=60) as client:
            while not over.is_set():
                client.post(where, content=body, headers={"content-type": kind})


@contextmanager
def running() -> Iterator[Town]:
    """A town on a machine of its own; gone with the block."""
    with tempfile.TemporaryDirectory(prefix="carewatch-hostile-") as directory:
        postgres = Postgres(Path(directory) / "pg")
        postgres.start()
        with psycopg.connect(postgres.url, autocommit=True) as conn:
            migrate(conn)
            names = ["good", *(f"bad-{n}" for n in range(STOLEN))]
            for name in names:
                kind = "sos" if name == "good" else "phone"
                conn.execute("INSERT INTO device (id, kind) VALUES (%s, %s)", (name, kind))
            secrets = {name: issue(conn, name) for name in names}
        environment = {"CAREWATCH_DATABASE_URL": postgres.url, "CAREWATCH_DATA_DIR": directory}
        service = Service("dashboards", environment, Path(directory) / "log")
        service.start()
        url = f"http://127.0.0.1:{service.port}"
        try:
            _wait(url)
            yield Town(url, secrets)
        finally:
            if service.process is not None:
                service.process.terminate()
                service.process.wait(timeout=30)
            postgres.kill()


def _wait(url: str) -> None:
    for _ in range(300):
        try:
            if httpx.get(f"{url}/healthz").is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise SystemExit("the service did not come up")


def beside(town: Town, path: str, kind: str, body: bytes) -> list[float]:
    """How long each press took while the stolen devices sent this message."""
    over = threading.Event()
    threads = [
        threading.Thread(target=town.attack, args=(n, path, kind, body[:MAX_BYTES], over))
        for n in range(STOLEN if path else 0)
    ]
    for thread in threads:
        thread.start()
    took, ends = [], time.monotonic() + SECONDS
    with httpx.Client(base_url=town.url, timeout=60) as client:
        while time.monotonic() < ends:
            took.append(town.press(client))
            time.sleep(0.1)
    over.set()
    for thread in threads:
        thread.join()
    return took


def main() -> int:
    """Print the table; 1 where any press took longer than it may."""
    slowest = 0.0
    with running() as town:
        for name, message in MESSAGES.items():
            took = beside(town, *message)
            slowest = max(slowest, *took)
            print(f"{name:24} {len(took):4} {median(took):7.3f} {max(took):7.3f}", flush=True)
    return int(slowest > AIM)


if __name__ == "__main__":
    sys.exit(main())
