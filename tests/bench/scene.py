"""A rig with people around it: a town, who is on call, a screen, and an eye on the memory."""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.town.loading import load_town
from deploy.town.townfile import read_town
from tests.bench.disk import Disk
from tests.bench.rig import Rig
from tests.bench.screen import Screen
from tests.bench.town import write_town
from tests.edges.paging import Phones

LOOK = 0.1  # seconds between two looks at the memory


class Scene(Rig):
    """A rig whose town has `presses` clients with a button each.

    With `dashboards` among the services a screen watches. With `disk` the database has only so
    many megabytes.
    """

    def __init__(
        self,
        directory: Path,
        services: Sequence[str],
        *,
        presses: int,
        environment: Mapping[str, str] | None = None,
        disk: int | None = None,
    ) -> None:
        self._town = directory / "town.yaml"
        self._presses = presses
        self._left = threading.Event()
        self._eye = threading.Thread(target=self._watch_memory, name="memory", daemon=True)
        self._disk = Disk(directory / "postgres", disk) if disk else None
        self.phones = Phones()
        super().__init__(directory, services, environment=environment, durable=False)
        self._screen = (
            Screen(f"http://127.0.0.1:{self['dashboards'].port}", self.secret)
            if "dashboards" in services
            else None
        )

    @property
    def disk(self) -> Disk:
        assert self._disk is not None, "this scene has the machine's own disk"
        return self._disk

    @property
    def screen(self) -> Screen:
        assert self._screen is not None, "nobody watches in this scene"
        return self._screen

    def __enter__(self) -> "Scene":
        super().__enter__()
        self._eye.start()
        if self._screen is not None:
            self._screen.start()
        return self

    def close(self) -> None:
        self._left.set()
        if self._screen is not None:
            self._screen.leave()
        super().close()
        self.phones.close()
        if self._disk is not None:
            self._disk.close()

    def mark(self) -> None:
        """From here on memory is measured against what it is now."""
        for each in self.services.values():
            each.mark()

    def prepare(self) -> None:
        """The devices of the load, and with alerts running the town that they belong to."""
        super().prepare()
        if "alerts" not in self.services:
            return
        port = int(self.phones.host.rpartition(":")[2])
        write_town(self._town, presses=self._presses, port=port)
        with self.connect() as conn:
            load_town(conn, read_town(self._town), remove_many=True)

    def _watch_memory(self) -> None:
        while not self._left.wait(LOOK):
            for each in self.services.values():
                each.remember()
