"""Every fault of a rejected message: where it is, what was expected and got, by which rule."""

import pytest

from devices.codecs.contract import CODEC
from devices.envelope import Envelope
from devices.explanation import Expected, Fault, Got, explained
from devices.readings import KINDS, Reason, Rejection
from ingest.admission.admit import admit
from tests.dashboards.small_town import NOW, directory

TOPIC = "carewatch/v1/wangji/{}/btn-c1"


def told(kind: str, payload: bytes) -> dict[str, Fault]:
    """Every fault of a message that admission rejects, by its pointer."""
    envelope = Envelope(TOPIC.format(kind), payload, NOW)
    admitted = admit(envelope, directory())
    first = admitted.rejections[0]
    found = explained(envelope, admitted.family, first.reason, first.detail)
    return {fault.pointer: fault for fault in found}


def test_all_faults_of_a_contract_message_are_told_and_not_only_the_first() -> None:
    payload = b'{"id": "1", "at": "soon", "lat": "x", "lon": 200, "battery": 140, "datum": "mars"}'
    found = told("position", payload)
    assert {pointer: fault.rule for pointer, fault in found.items()} == {
        "/at": "contract.position.at.type",
        "/lat": "contract.position.lat.type",
        "/lon": "contract.position.lon.range",
        "/battery": "contract.position.battery.range",
        "/datum": "contract.position.datum.type",
    }
    assert found["/battery"].expected == Expected("number", 0, 100)
    assert found["/battery"].got == Got("number", "140")
    assert found["/battery"].reason == Reason.OUT_OF_RANGE
    assert found["/datum"].expected.words == ("bd09", "gcj02", "wgs84")
    assert found["/at"].expected.what == "time"


def test_a_place_is_not_repeated() -> None:
    found = told("position", b'{"id": "1", "at": 1793581200, "lat": "35.24x", "lon": 115}')
    assert found["/lat"].got == Got("text", "…")


def test_what_is_missing_is_pointed_at() -> None:
    (fault,) = told("door", b'{"id": "1", "at": 1793581200}').values()
    assert (fault.pointer, fault.got, fault.reason) == (
        "/open",
        Got("missing"),
        Reason.MISSING_FIELD,
    )
    assert fault.rule == "contract.door.open.missing"


def test_a_press_that_counts_has_its_faults_told() -> None:
    found = told("sos", b'{"id": 5, "at": null, "press": "hard"}')
    assert set(found) == {"/id", "/at", "/press"}
    assert found["/id"].got == Got("number", "5")
    assert found["/at"].got == Got("null")


def test_a_mended_outer_form_is_looked_through() -> None:
    found = told("door", b'\xef\xbb\xbf{"id": "1", "at": 1793581200, "open": "yes"}')
    assert found["/open"].expected == Expected("boolean")


@pytest.mark.parametrize(
    ("kind", "payload", "reason", "part", "expected", "got"),
    [
        ("door", b"{", "not_json", "payload", "json", "unreadable"),
        ("door", b"[1]", "not_an_object", "payload", "object", "list"),
        ("window", b"{}", "unknown_kind", "topic", "choice", "text"),
        ("door", b'{"a": "%s"}' % (b"x " * 40_000), "too_large", "payload", "size", "bytes"),
    ],
)
def test_a_whole_message(
    kind: str, payload: bytes, reason: str, part: str, expected: str, got: str
) -> None:
    (fault,) = told(kind, payload).values()
    assert (fault.reason, fault.part, fault.pointer) == (reason, part, "")
    assert (fault.expected.what, fault.got.what) == (expected, got)
    assert fault.rule == f"contract.{reason}"


def test_an_unknown_kind_names_those_there_are() -> None:
    (fault,) = told("window", b"{}").values()
    assert (fault.expected.words, fault.got.shown) == (KINDS, "window")


@pytest.mark.parametrize(
    ("payload", "detail", "pointer", "expected", "got"),
    [
        (b'{"a": {"lat": "x"}}', "lat 'x' is no number", "/a/lat", "number", "text"),
        (b'{"tst": "x"}', "tst 'x' is no time", "/tst", "time", "text"),
        (b"{}", "lat is missing from location", "/lat", "present", "missing"),
        (b"{}", "ids.device_id is missing", "/ids/device_id", "present", "missing"),
        (b'{"a/b": [{"~": 1}]}', "~ is no", "", "present", "unreadable"),
        (b"{}", "a codec failed on it", "", "present", "unreadable"),
    ],
)  # fmt: skip
def test_of_other_families_the_field_that_is_named_is_found(
    payload: bytes, detail: str, pointer: str, expected: str, got: str
) -> None:
    envelope = Envelope("owntracks/u/p", payload, NOW)
    (fault,) = explained(envelope, "owntracks", Reason.BAD_VALUE, detail)
    assert (fault.pointer, fault.expected.what, fault.got.what) == (pointer, expected, got)


def test_no_place_on_earth_is_said_of_both() -> None:
    envelope = Envelope("owntracks/u/p", b'{"lat": 95, "lon": 200}', NOW)
    detail = "lat 95 lon 200: no place on Earth"
    found = explained(envelope, "owntracks", Reason.OUT_OF_RANGE, detail)
    assert [fault.pointer for fault in found] == ["/lat", "/lon"]
    assert {fault.got for fault in found} == {Got("number", "…")}


def test_every_reason_is_explained_of_any_payload() -> None:
    for reason in Reason:
        for payload in (b"", b"{}", b"[[", b"\xff", b'{"id": 1}', b"null"):
            for topic in (TOPIC.format("sos"), "x", "carewatch/v1/a"):
                envelope = Envelope(topic, payload, NOW)
                assert explained(envelope, CODEC.family, reason, str(Rejection(reason, "x")))
