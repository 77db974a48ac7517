"""Tells devices what became of what they said, on a thread and a broker connection of its own.

A saving lane only leaves answers here, after its commit; a broker that takes none delays nothing.
What waits is bounded, for all devices and for each one. An answer that is lost is given again:
the device sends its message again, and a repeat is answered like the first. What alerts has to
say comes from the database and waits there until the broker has it.
"""

import asyncio
import secrets
import threading
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic

import psycopg
import structlog

from core.backoff import Backoff
from core.database import connect, first_line
from core.errors import CarewatchError, origin
from devices.codecs.answers import Answer, PressAnswer, answers, encoded
from devices.connection import Connection
from ingest import metrics
from ingest.answers import DueAnswer, due, forget_old, note_sent, note_topic
from ingest.store.save import AdmittedMessage

MOST = 10_000  # answers that may wait
MOST_OF_ONE = 200  # of them to one topic: a device that repeats itself crowds out nobody
LOOK = 0.5  # seconds between two looks for what alerts has asked
FORGET = 3600.0  # seconds between two times that what is old is forgotten
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds between attempts to connect
PATIENCE = 10.0  # seconds for the broker to take an answer
REMEMBERED = 50_000  # devices whose topic is known to be written down

log = structlog.get_logger()


class Answerer:
    """Answers devices. `start` it, `tell` it of what is committed, `stop` it."""

    def __init__(self, mqtt_url: str, database_url: str) -> None:
        self._mqtt_url = mqtt_url
        self._database_url = database_url
        self._client_id = f"carewatch-answers-{secrets.token_hex(16)}"
        self._waiting: deque[Answer] = deque()
        self._of_topic: Counter[str] = Counter()
        self._lock = threading.Lock()  # over the two above
        self._noted: dict[str, str] = {}  # the topics that are written down
        self._conn: psycopg.Connection | None = None
        self._active = False
        self._forgot_at = -FORGET  # by the monotonic clock
        self._woken: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="answers", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """End; what waits is lost, and given when the devices send again."""
        self._stopping.set()
        self._wake()
        if self._thread.is_alive():
            self._thread.join()

    def tend(self, *, active: bool) -> None:
        """Send what alerts asks for, or leave that to another process."""
        self._active = active

    def tell(self, messages: Sequence[AdmittedMessage]) -> None:
        """Answer these, which are committed. Never waits; any thread may call it."""
        found = [
            answer
            for each in messages
            for answer in answers(
                each.admitted.family,
                each.envelope,
                each.admitted.readings,
                each.admitted.rejections,
            )
        ]
        if found:
            self._leave(found)
            self._wake()

    def _leave(self, found: Sequence[Answer]) -> None:
        with self._lock:
            for each in found:
                if len(self._waiting) >= MOST or self._of_topic[each.topic] >= MOST_OF_ONE:
                    metrics.ANSWERS.labels("dropped").inc()
                    continue
                self._waiting.append(each)
                self._of_topic[each.topic] += 1

    def _next(self) -> Answer | None:
        with self._lock:
            if not self._waiting:
                return None
            answer = self._waiting.popleft()
            self._of_topic[answer.topic] -= 1
            if not self._of_topic[answer.topic]:
                del self._of_topic[answer.topic]
            return answer

    def _wake(self) -> None:
        loop, woken = self._loop, self._woken
        if loop is not None and woken is not None:
            with suppress(RuntimeError):  # the loop has just ended
                loop.call_soon_threadsafe(woken.set)

    def _run(self) -> None:
        backoff = Backoff(FIRST_PAUSE, LONGEST_PAUSE)
        while not self._stopping.is_set():
            try:
                asyncio.run(self._serve())
            except (CarewatchError, psycopg.Error) as error:
                self._failed(first_line(error), backoff.pause())
            except Exception as error:  # an answer that can't be given must not end the lanes
                self._failed(type(error).__name__, backoff.pause(), where=origin(error))
            finally:
                self._disconnect()

    def _failed(self, why: str, pause: float, **more: object) -> None:
        log.warning("devices are not answered", why=why, again_in=pause, **more)
        self._stopping.wait(pause)

    async def _serve(self) -> None:
        """Answer until asked to stop. Raises CarewatchError, psycopg.Error."""
        self._woken, self._loop = asyncio.Event(), asyncio.get_running_loop()
        async with Connection(self._mqtt_url, client_id=self._client_id) as broker:
            mending = asyncio.create_task(broker.keep())
            try:
                while not self._stopping.is_set():
                    self._woken.clear()
                    await self._answer(broker)
                    await self._answer_for_alerts(broker)
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._woken.wait(), LOOK)
            finally:
                mending.cancel()
                self._loop = None

    async def _answer(self, broker: Connection) -> None:
        """Publish what waits. Raises CarewatchError."""
        topics: dict[str, str] = {}
        while (answer := self._next()) is not None:
            await broker.publish(answer.topic, answer.payload, timeout=PATIENCE)
            metrics.ANSWERS.labels("sent").inc()
            if answer.device:
                topics[answer.device] = answer.topic
        await broker.settle()
        new = {d: topic for d, topic in topics.items() if self._noted.get(d) != topic}
        if new:
            await asyncio.to_thread(self._note, new)

    async def _answer_for_alerts(self, broker: Connection) -> None:
        """Publish what alerts has asked for. Raises CarewatchError, psycopg.Error."""
        if not self._active:
            return
        found = await asyncio.to_thread(self._due)
        for each in found:
            said = PressAnswer("coming", each.press, each.at)
            await broker.publish(each.topic, encoded(said), timeout=PATIENCE)
            metrics.ANSWERS.labels("sent").inc()
        await broker.settle()
        if found:
            await asyncio.to_thread(lambda: note_sent(self._connected(), found))

    def _due(self) -> list[DueAnswer]:
        conn = self._connected()
        if monotonic() - self._forgot_at > FORGET:
            forget_old(conn)
            self._forgot_at = monotonic()
        return due(conn)

    def _note(self, topics: dict[str, str]) -> None:
        conn = self._connected()
        for device, topic in topics.items():
            note_topic(conn, device, topic)
        if len(self._noted) > REMEMBERED:
            self._noted.clear()
        self._noted.update(topics)

    def _connected(self) -> psycopg.Connection:
        if self._conn is None:
            self._conn = connect(self._database_url, "carewatch ingest answers")
        return self._conn

    def _disconnect(self) -> None:
        if self._conn is not None:
            self._conn.close()
            self._conn = None
