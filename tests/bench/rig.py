"""Everything on one machine, to be loaded, broken and counted: broker, database and services."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from urllib.error import URLError
from urllib.request import urlopen

import psycopg

from deploy.migrate import migrate
from tests.bench.load import device_rows
from tests.bench.postgres import Postgres
from tests.bench.shutdown import VANISHING
from tests.broker_fixtures import Broker, free_port

MEMORY_PAGE = os.sysconf("SC_PAGE_SIZE")


class Service:
    """One `carewatch` service in a process of its own."""

    def __init__(self, name: str, environment: dict[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        self.port = free_port()
        self.before = 0  # bytes of memory when it was marked
        self.peak = 0  # the most that `remember` has seen since
        port = "CAREWATCH_HTTP_PORT" if name == "dashboards" else "CAREWATCH_METRICS_PORT"
        here = {"CAREWATCH_METRICS_PORT": "0", port: str(self.port)}
        self._environment = {**os.environ, **environment, **here}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*VANISHING, sys.executable, "-m", "deploy", self.name.partition("-")[0]],
                env=self._environment,
                stdout=log,
                stderr=log,
            )

    def run(self, *command: str) -> str:
        """What another `carewatch` command says, run with the same settings."""
        done = subprocess.run(
            [sys.executable, "-m", "deploy", *command],
            env=self._environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def await_ready(self) -> None:
        """Return when `/readyz` says so. Raises TimeoutError with what it says instead."""
        self._await("/readyz")

    def _await(self, path: str) -> None:
        until = time.monotonic() + 30
        while (said := self.get(path)) != "ok\n":
            if time.monotonic() > until:
                raise TimeoutError(f"{self.name}: {said}\n{self.log.read_text()[-2000:]}")
            time.sleep(0.05)

    def await_healthy(self) -> None:
        """Return when `/healthz` answers. Raises TimeoutError."""
        self._await("/healthz")

    def get(self, path: str) -> str:
        """What it answers; "" when it does not."""
        try:
            with urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return str(answer.read().decode())
        except URLError as error:
            return str(getattr(error, "reason", error))
        except OSError:
            return ""

    def figures(self) -> dict[str, float]:
        """Its metrics by name, summed over their labels."""
        found: dict[str, float] = {}
        for line in self.get("/metrics").splitlines():
            name, _, value = line.rpartition(" ")
            if line.startswith("carewatch_"):
                name = name.partition("{")[0]
                found[name] = found.get(name, 0) + float(value)
        return found

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def remember(self) -> int:
        """Bytes of memory now."""
        process = self.process
        if process is None or process.returncode is not None:
            return 0
        try:
            pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
        except (OSError, IndexError):  # it is ending
            return 0
        self.peak = max(self.peak, pages * MEMORY_PAGE)
        return pages * MEMORY_PAGE

    def mark(self) -> None:
        """From here on its memory is measured against what it is now."""
        self.before = self.peak = self.remember()

    def cpu(self) -> float:
        """Seconds of processor time used so far."""
        assert self.process is not None
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _end(self, how: signal.Signals) -> None:
        if self.process is None:
            return
        self.process.send_signal(how)
        self.process.wait(30)
        self.process = None


class Rig:
    """Use it as a context manager: everything it started has ended when the block is left."""

    secret = "bench"  # what signs the links and tokens of its services

    def __init__(
        self,
        directory: Path,
        services: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        durable: bool = True,
    ) -> None:
        self.broker = Broker(directory / "broker")
        self.postgres = Postgres(directory / "postgres", durable=durable)
        self._directory = directory
        self._environment = {
            **(environment or {}),
            "CAREWATCH_DATABASE_URL": self.postgres.url,
            "CAREWATCH_MQTT_URL": self.broker.url,
            "CAREWATCH_DATA_DIR": str(directory),
            "CAREWATCH_SECRET_KEY": self.secret,
        }
        self.services = {name: self.service(name) for name in services}

    def __getitem__(self, name: str) -> Service:
        return self.services[name]

    def service(self, name: str) -> Service:
        """One with this rig's settings, not started."""
        return Service(name, self._environment, self._directory / f"{name}.log")

    def add(self, *names: str) -> None:
        """Start these too, and return when they are ready."""
        for name in names:
            self.services[name] = self.service(name)
            self.services[name].start()
            self.services[name].await_ready()

    def __enter__(self) -> "Rig":
        try:
            self.broker.start()
            self.postgres.start()
            self.prepare()
            for service in self.services.values():
                service.start()
                service.await_ready()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all of it, whatever state it is in."""
        with ExitStack() as ending:
            ending.callback(self.postgres.end)
            ending.callback(self.broker.kill)
            for service in self.services.values():
                ending.callback(service.kill)

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(self.postgres.url, autocommit=True)

    def prepare(self) -> None:
        """Make the database ready for the services."""
        with self.connect() as conn:
            migrate(conn)
            conn.cursor().executemany(
                "INSERT INTO device (id, kind) VALUES (%s, %s)", device_rows()
            )

    @property
    def ingests(self) -> list[Service]:
        return [each for name, each in self.services.items() if name.startswith("ingest")]
