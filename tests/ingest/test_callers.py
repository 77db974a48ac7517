from base64 import b64encode

import pytest

from ingest.http.callers import Caller, Shown, shown

HERE = "10.8.1.2"


def basic(text: str) -> str:
    return f"Basic {b64encode(text.encode()).decode()}"


@pytest.mark.parametrize(
    ("authorization", "prefix", "path_device", "seen"),
    [
        (None, None, None, Shown(HERE)),
        (basic("term-1:s"), None, None, Shown(HERE, "term-1", "s")),
        (basic("term-1:s:t"), None, None, Shown(HERE, "term-1", "s:t")),
        ("basic !!!", None, None, Shown(HERE)),
        ("Basic " + b64encode(b"\xff:\xff").decode(), None, None, Shown(HERE)),
        ("Bearer s", None, "term-1", Shown(HERE, "term-1", "s")),
        ("bearer  s ", None, None, Shown(HERE, None, "s")),
        (None, "term-1:s", None, Shown(HERE, "term-1", "s")),
        (None, "site:term-1:s", None, Shown(HERE, "site:term-1", "s")),
        (None, "s", "term-1", Shown(HERE, "term-1", "s")),
        ("Digest username=x", None, None, Shown(HERE)),
    ],
)
def test_what_a_request_shows(
    authorization: str | None, prefix: str | None, path_device: str | None, seen: Shown
) -> None:
    assert shown(HERE, authorization, prefix, path_device) == seen


def test_a_device_speaks_for_itself_and_a_gateway_for_all() -> None:
    assert Caller("d").may_speak_for("d")
    assert not Caller("d").may_speak_for("e")
    assert Caller().may_speak_for("e")
