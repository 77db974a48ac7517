"""What can be done to a running carewatch. `seconds`: how long what is broken stays so."""

import errno
import os
import random
import time
from collections.abc import Callable

from tests.bench.disk import exhaust
from tests.bench.scene import Scene
from tests.waiting import until

Mischief = Callable[[Scene, float], None]
SLOW_ANSWER = 0.4  # seconds that a receiver takes, so that a kill meets pages on their way


def kill(name: str) -> Mischief:
    """kill -9, twice, each at a random moment, and the start right behind it."""

    def mischief(scene: Scene, seconds: float) -> None:
        for _ in range(2):
            time.sleep(random.uniform(0.1, 0.9))
            scene[name].kill()
            scene[name].start()
            scene[name].await_ready()

    return mischief


def restart_ingest(scene: Scene, seconds: float) -> None:
    """SIGTERM and start, as an update does."""
    scene["ingest"].stop()
    scene["ingest"].start()
    scene["ingest"].await_ready()


def freeze_ingest(scene: Scene, seconds: float) -> None:
    """The process stands still."""
    scene["ingest"].freeze()
    time.sleep(seconds)
    scene["ingest"].thaw()


def kill_a_mate(scene: Scene, seconds: float) -> None:
    """One of two processes is killed and does not come back: its mate takes its sessions over."""
    time.sleep(random.uniform(0.1, 0.9))
    scene["ingest-1"].kill()


def kill_pager_while_sending(scene: Scene, seconds: float) -> None:
    """The receiver has a page and has not answered when its sender dies; twice."""
    scene.phones.delays["/page"] = SLOW_ANSWER
    for _ in range(2):
        came = len(scene.phones.came)
        until(lambda: len(scene.phones.came) > came)  # noqa: B023
        scene["alerts"].kill()
        scene["alerts"].start()
        scene["alerts"].await_ready()
    scene.phones.delays.clear()


def kill_dashboards(scene: Scene, seconds: float) -> None:
    """While a screen watches; they stay away for a moment. It gets the whole board again."""
    until(lambda: scene.screen.frames > 1)
    wholes = scene.screen.wholes
    scene["dashboards"].kill()
    time.sleep(1)
    scene["dashboards"].start()
    scene["dashboards"].await_healthy()
    until(lambda: scene.screen.wholes > wholes)


def restart_broker(scene: Scene, seconds: float) -> None:
    """SIGTERM, a pause, and start."""
    scene.broker.stop()
    time.sleep(seconds)
    scene.broker.start()


def kill_broker(scene: Scene, seconds: float) -> None:
    """kill -9 and start, so long after its last save: what came since is gone."""
    scene.broker.save()
    time.sleep(seconds)
    scene.broker.kill()
    scene.broker.start()


def kill_broker_with_a_backlog(scene: Scene, seconds: float) -> None:
    """The same while ingest is away, so that all that came waits in the broker's memory."""
    scene["ingest"].stop()
    kill_broker(scene, seconds)
    scene["ingest"].start()
    scene["ingest"].await_ready()


def stop_database(scene: Scene, seconds: float) -> None:
    """In good order, for a while."""
    scene.postgres.stop()
    time.sleep(seconds)
    scene.postgres.start()


def kill_database(scene: Scene, seconds: float) -> None:
    """kill -9 and start."""
    scene.postgres.kill()
    scene.postgres.start()


def freeze_database(scene: Scene, seconds: float) -> None:
    """It answers nothing and breaks no connection."""
    scene.postgres.freeze()
    time.sleep(seconds)
    scene.postgres.thaw()


def fill_the_disk(scene: Scene, seconds: float) -> None:
    """Not a byte is free, and the server ends by it; after a while there is room again."""
    scene.disk.fill()
    until(lambda: os.strerror(errno.ENOSPC) in scene.postgres.said())
    exhaust(scene.postgres.url)
    time.sleep(seconds)
    scene.disk.free()
    scene.postgres.start()
