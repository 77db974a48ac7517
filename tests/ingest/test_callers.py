from base64 import b64encode

import pytest

from ingest.http.callers import Caller, SenderProof, proof_of

HERE = "10.8.1.2"


def basic(text: str) -> str:
    return f"Basic {b64encode(text.encode()).decode()}"


@pytest.mark.parametrize(
    ("authorization", "prefix", "path_device", "seen"),
    [
        (None, None, None, SenderProof(HERE)),
        (basic("term-1:s"), None, None, SenderProof(HERE, "term-1", "s")),
        (basic("term-1:s:t"), None, None, SenderProof(HERE, "term-1", "s:t")),
        ("basic !!!", None, None, SenderProof(HERE)),
        ("Basic " + b64encode(b"\xff:\xff").decode(), None, None, SenderProof(HERE)),
        ("Bearer s", None, "term-1", SenderProof(HERE, "term-1", "s")),
        ("bearer  s ", None, None, SenderProof(HERE, None, "s")),
        (None, "term-1:s", None, SenderProof(HERE, "term-1", "s")),
        (None, "site:term-1:s", None, SenderProof(HERE, "site:term-1", "s")),
        (None, "s", "term-1", SenderProof(HERE, "term-1", "s")),
        ("Digest username=x", None, None, SenderProof(HERE)),
    ],
)
def test_what_a_request_shows(
    authorization: str | None, prefix: str | None, path_device: str | None, seen: SenderProof
) -> None:
    assert proof_of(HERE, authorization, prefix, path_device) == seen


def test_a_device_speaks_for_itself_and_a_gateway_for_all() -> None:
    assert Caller("d").may_speak_for("d")
    assert not Caller("d").may_speak_for("e")
    assert Caller().may_speak_for("e")
