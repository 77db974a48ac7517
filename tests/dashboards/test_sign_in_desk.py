"""Who guesses secrets, or floods the door with them, keeps nobody else outside."""

import asyncio
import threading
from datetime import UTC, datetime

import anyio.to_thread

from dashboards.auth import known_browsers
from dashboards.auth.sign_in import A_PLACE, LONGEST_QUEUE, Refusal, SignedIn, SignInDesk

NOW = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)
KEY = "the signing key of these tests"
RIGHT = "correct horse"


def checked(name: str, secret: str, now: datetime) -> tuple[str, str] | None:
    return ("cookie", f"person of {name}") if secret == RIGHT else None


async def tried(
    desk: SignInDesk, name: str, secret: str, network: str = "1.1.1.1", known: str | None = None
) -> SignedIn | Refusal:
    return await desk.sign_in(name, secret, network=network, known=known, now=NOW)


def test_the_right_secret_from_a_known_browser_gets_in_beside_whoever_guesses() -> None:
    async def story() -> None:
        desk = SignInDesk(checked, KEY)
        before = await tried(desk, "zhao", RIGHT)
        assert isinstance(before, SignedIn)
        for _ in range(10):
            assert await tried(desk, "zhao", "guess") is Refusal.WRONG
        assert await tried(desk, "zhao", RIGHT) is Refusal.THROTTLED
        assert isinstance(await tried(desk, "zhao", RIGHT, known=before.known), SignedIn)

    asyncio.run(story())


def test_a_known_browser_may_guess_no_more_than_anybody() -> None:
    async def story() -> None:
        desk = SignInDesk(checked, KEY)
        known = known_browsers.written(KEY, None, "zhao")
        tries = [await tried(desk, "zhao", "guess", known=known) for _ in range(11)]
        assert tries == [Refusal.WRONG] * 10 + [Refusal.THROTTLED]
        # Another network does not help the thief of a cookie, another name is not known by it.
        assert await tried(desk, "zhao", RIGHT, "2.2.2.2", known) is Refusal.THROTTLED
        others = [await tried(desk, "li", "guess", "3.3.3.3", known) for _ in range(11)]
        assert others[-1] is Refusal.THROTTLED
        assert await tried(desk, "li", RIGHT, "3.3.3.3") is Refusal.THROTTLED

    asyncio.run(story())


def test_a_cookie_of_another_key_makes_no_browser_known() -> None:
    others = known_browsers.written("another key", None, "zhao")
    assert [known_browsers.read(KEY, cookie) for cookie in ("", "nonsense", others)] == [None] * 3


def test_a_duty_room_s_browser_knows_the_last_thirty_who_signed_in() -> None:
    browser = None
    for number in range(40):
        cookie = known_browsers.written(KEY, browser, f"u-{number}")
        browser = known_browsers.read(KEY, cookie)
    assert browser is not None
    assert [browser.knows(f"u-{number}") for number in (0, 9, 10, 39)] == [False, False, True, True]
    assert len(cookie) < 1000


def test_a_flood_is_refused_at_once_and_holds_nobody_of_another_place_or_no_thread_of_pages() -> (
    None
):
    let_go = threading.Event()

    def slow(name: str, secret: str, now: datetime) -> tuple[str, str] | None:
        assert let_go.wait(120)
        return checked(name, secret, now)

    async def story() -> None:
        desk = SignInDesk(slow, KEY)
        known = known_browsers.written(KEY, None, "zhao")
        async with asyncio.TaskGroup() as group:
            flood = [
                group.create_task(tried(desk, f"n-{number}", "guess", f"10.0.{number // 3}.1"))
                for number in range(3 * LONGEST_QUEUE)
            ]
            await asyncio.sleep(0)
            mine = group.create_task(tried(desk, "zhao", RIGHT, known=known))
            # A page's thread is free, whatever waits at the door.
            assert await anyio.to_thread.run_sync(lambda: "page") == "page"
            refused = [each for each in flood if each.done()]
            assert len(refused) == 2 * LONGEST_QUEUE
            assert {each.result() for each in refused} == {Refusal.BUSY}
            let_go.set()
        assert isinstance(mine.result(), SignedIn)
        assert sum(each.result() is Refusal.WRONG for each in flood) == LONGEST_QUEUE

    asyncio.run(story())


def test_one_place_has_two_tries_on_their_way() -> None:
    let_go = threading.Event()

    def slow(name: str, secret: str, now: datetime) -> tuple[str, str] | None:
        assert let_go.wait(120)
        return None

    async def story() -> None:
        desk = SignInDesk(slow, KEY)
        async with asyncio.TaskGroup() as group:
            tries = [group.create_task(tried(desk, f"n-{n}", "guess")) for n in range(9)]
            await asyncio.sleep(0)
            let_go.set()
        assert [each.result() for each in tries].count(Refusal.WRONG) == A_PLACE
        assert await tried(desk, "n-1", "guess") is Refusal.WRONG  # the place is free again

    asyncio.run(story())
