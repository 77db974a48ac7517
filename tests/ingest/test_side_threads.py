"""What serves beside the lanes begins again after any fault: it must not end the SOS road."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import psycopg
import pytest

from ingest import service
from ingest.lanes import accounts, answerer
from ingest.service import Service
from ingest.settings import IngestSettings
from tests.waiting import until

NOWHERE = "mqtt://127.0.0.1:1"


class Faulty:
    """Work that falls with each of these in turn, and holds from then on."""

    def __init__(self, *faults: Exception) -> None:
        self._faults = list(faults)
        self.done = threading.Event()

    def __call__(self, *_: object) -> Any:
        if self._faults:
            raise self._faults.pop(0)
        self.done.set()


@pytest.fixture
def falls() -> Iterator[list[str]]:
    """The names of threads that have fallen."""
    fallen: list[str] = []
    usual, threading.excepthook = threading.excepthook, lambda fall: fallen.append(str(fall.thread))
    yield fallen
    threading.excepthook = usual


@contextmanager
def running(start: Callable[[], None], stop: Callable[[], None]) -> Iterator[None]:
    start()
    try:
        yield
    finally:
        stop()


def test_accounts_are_kept_after_an_error_without_words(
    monkeypatch: pytest.MonkeyPatch, falls: list[str]
) -> None:
    work = Faulty(psycopg.OperationalError(), KeyError("x"))
    monkeypatch.setattr(accounts, "ROUND", 0.01)
    monkeypatch.setattr(accounts.Keeper, "_keep", work)
    keeper = accounts.Keeper(NOWHERE, "postgresql://nowhere")
    keeper.tend(active=True, changed=False)
    with running(keeper.start, keeper.stop):
        until(lambda: work.done.is_set() or falls)
    assert falls == []


def test_devices_are_answered_again_after_any_fault(
    monkeypatch: pytest.MonkeyPatch, falls: list[str]
) -> None:
    work = Faulty(KeyError("x"))

    async def serve(_: object) -> None:
        work()

    monkeypatch.setattr(answerer, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(answerer.Answerer, "_serve", serve)
    answering = answerer.Answerer(NOWHERE, "postgresql://nowhere")
    with running(answering.start, answering.stop):
        until(lambda: work.done.is_set() or falls)
    assert falls == []


def test_the_house_is_kept_again_after_any_fault(
    monkeypatch: pytest.MonkeyPatch, falls: list[str]
) -> None:
    work = Faulty(KeyError("x"))

    def run(_: object) -> Any:
        work()
        raise psycopg.OperationalError

    monkeypatch.setattr(service, "UPKEEP", 0.01)
    monkeypatch.setattr(service, "connect", lambda *_: nullcontext())
    monkeypatch.setattr(service.upkeep, "run", run)
    ingest = Service(IngestSettings(mqtt_url=NOWHERE, database_url="postgresql://nowhere"))
    keeping = threading.Thread(target=ingest._keep_house)
    with running(keeping.start, lambda: (ingest.stop(), keeping.join())[1]):
        until(lambda: work.done.is_set() or falls)
    assert falls == []
