"""Links in messages: looking changes nothing, and each link that does not serve says what to do."""

from datetime import timedelta

import httpx
import psycopg
import pytest
from site_of_tests import KEY
from small_town import SECRET, alert, put

from alerts import desk
from dashboards.texts import Words
from tests.clock import utc_now

pytestmark = pytest.mark.edge
AHEAD = timedelta(hours=1)
PAGE = {"accept": "text/html"}
LOOKS = ("GET", "HEAD", "OPTIONS")
ADDRESSES = ("", "/opened", "/reveal", "/keypad", *(f"/{verb}" for verb in desk.LINK_VERBS))
STATUS = {
    "invalid": 403,
    "expired": 410,
    "other_person": 403,
    "unknown_alert": 404,
    "resolved": 410,
}


def link(id: str = "al-1", *, person: str = "u-1", ends: timedelta = AHEAD) -> str:
    return f"/a/{desk.sign(KEY, alert=id, person=person, ends_at=utc_now() + ends)}"


def whole(db: psycopg.Connection) -> list[list[tuple[object, ...]]]:
    """Everything that a link could change."""
    tables = ("inbox", "alert", "page", "access_log", "session")
    return [db.execute(f"SELECT * FROM {table}".encode()).fetchall() for table in tables]


def test_a_preview_of_a_link_changes_nothing(web: httpx.Client, db: psycopg.Connection) -> None:
    put(db, alert())
    before = whole(db)
    for method in LOOKS:
        for address in ADDRESSES:
            answer = web.request(method, link() + address, headers=PAGE)
            assert answer.status_code in (200, 405), (method, address)
    assert web.head(link(), headers=PAGE).status_code == 200
    assert web.head(link()).content == b""
    assert whole(db) == before


def refused_links(web: httpx.Client, db: psycopg.Connection) -> dict[str, str]:
    """One link of each kind that does not serve; the visitor is u-2."""
    put(db, alert(), alert("al-over", state="resolved", key="over"))
    web.post("/sign-in", data={"name": "u-2", "secret": SECRET})
    mine = link(person="u-2")
    return {
        "invalid": mine[:-4] + ("AAAA" if mine[-4:] != "AAAA" else "BBBB"),
        "expired": link(person="u-2", ends=-AHEAD),
        "other_person": link(person="u-1"),
        "unknown_alert": link("al-none", person="u-2"),
        "resolved": link("al-over", person="u-2"),
    }


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_each_link_that_does_not_serve_says_why_and_what_to_do(
    web: httpx.Client, db: psycopg.Connection, lang: str
) -> None:
    links = refused_links(web, db)
    before, words = whole(db), Words(lang)  # type: ignore[arg-type]
    for why, address in links.items():
        for method in ("GET", "POST"):
            answer = web.request(method, f"{address}?lang={lang}", headers=PAGE)
            assert answer.status_code == STATUS[why], (method, why)
            assert f"<h1>{words('refused.' + why)}</h1>" in answer.text.replace("&#39;", "'")
            assert words(f"refused.{why}.do").split("。")[0] in answer.text
        assert web.post(address).json() == {"refused": why}
        assert web.post(f"{address}/resolve", data={"outcome": "helped"}).json() == {"refused": why}
    assert whole(db) == before


def test_a_refusal_says_nothing_of_the_alert(web: httpx.Client, db: psycopg.Connection) -> None:
    for why, address in refused_links(web, db).items():
        text = web.get(address, headers=PAGE).text
        assert "王" not in text, why
        assert "c-1" not in text, why


def test_a_keypad_that_does_not_serve_is_refused_too(
    web: httpx.Client, db: psycopg.Connection
) -> None:
    put(db, alert("al-over", state="resolved"))
    for address, why in ((link("al-over"), "resolved"), (link(ends=-AHEAD), "expired")):
        answer = web.post(f"{address}/keypad", data={"digits": "1"})
        assert (answer.status_code, answer.json()["refused"]) == (403, why)
