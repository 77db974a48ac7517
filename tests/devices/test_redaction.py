"""What must not be kept is cut out of a payload, whatever its form."""

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.redaction import BUDGET, CUT, count_private, cut_private


@pytest.mark.parametrize(
    ("body", "left"),
    [
        ({"pic": "data:image/jpeg;base64,AAAA"}, {"pic": CUT}),
        ({"SanpPic": "AAAA", "ScenePic": "BBBB"}, {"SanpPic": CUT, "ScenePic": CUT}),
        ({"info": {"idCard": "110101199003070000"}}, {"info": {"idCard": CUT}}),
        ({"telnum": "13800000000", "phone": 13800000000}, {"telnum": CUT, "phone": CUT}),
        ({"IdentityNo": "x", "Feature": "AAAA"}, {"IdentityNo": CUT, "Feature": CUT}),
        ({"note": "call 13800000000 now"}, {"note": f"call {CUT} now"}),
        ({"note": "id 11010119900307000X."}, {"note": f"id {CUT}."}),
        ({"list": ["a", "data:image/png;base64,iVBORw0KGgo="]}, {"list": ["a", CUT]}),
        ({"blob": "QUJD" * 200}, {"blob": CUT}),
    ],
)
def test_private_values_are_cut_out(body: Any, left: Any) -> None:
    cut, count = cut_private(json.dumps(body).encode())
    assert json.loads(cut) == left
    assert count == count_private(body) > 0


@pytest.mark.parametrize(
    "body",
    [
        {"personId": "110101199003070000"},  # a person code is how register and terminal agree
        {"device_id": "13800000000", "SN": "13800000000"},
        {"pic": "", "idCard": " ", "telnum": None, "images": []},
        {"at": 1793581200123, "serial": 8613800000000},
        {"RecordID": "1689962595", "imei": "868487004358800"},
        {"lat": 35.24, "note": "2026-11-02 09:00:00"},
        [],
        "text",
    ],
)
def test_what_is_needed_stays(body: Any) -> None:
    payload = json.dumps(body).encode()
    assert cut_private(payload) == (payload, 0)


def test_in_other_bytes_what_looks_private_is_cut_out() -> None:
    broken = b'{"idCard": "110101199003070000", "pic": "' + b"QUJD" * 200
    cut, count = cut_private(broken)
    assert count == 2
    assert b"110101" not in cut
    assert b"QUJD" not in cut
    assert cut_private(b"\xff\xd8 13800000000") == (b"\xff\xd8 [cut]", 1)


# What a camera sends: JPEG holds any byte, dashes and line ends too.
JPEG = b"\xff\xd8\xff\xe0JFIF" + bytes(range(256)) * 9 + b"-\n-x\r\n-" + b"\xff\xd9"
BASE64 = base64.b64encode(JPEG * 2)


def test_a_picture_beside_an_event_is_cut_out_and_the_event_stays() -> None:
    """An ISAPI terminal's multipart body, of which the event could not be read."""
    parts = [
        b"Content-Type: application/json\r\n\r\n" + b'{"eventType": "?"}',
        b"Content-Type: image/jpeg\r\n\r\n" + JPEG,
        b"Content-Type: image/png\r\n\r\n\x89PNG\r\n\x1a\n" + bytes(99),
        b"Content-Type: text/plain\r\n\r\nbehind",
    ]
    body = b"".join(b"--mark\r\n" + part + b"\r\n" for part in parts) + b"--mark--"
    cut, count = cut_private(body)
    assert count == 2
    assert b"JFIF" not in cut
    assert b"PNG" not in cut
    assert b'{"eventType": "?"}\r\n--mark' in cut
    assert cut.endswith(b"behind\r\n--mark--")


@pytest.mark.parametrize(
    "picture",
    [
        JPEG,
        JPEG[:700],
        quote(BASE64, safe="").encode(),
        BASE64.replace(b"/", b"\\/"),
        base64.encodebytes(JPEG).rstrip().replace(b"\n", b"\r\n"),
        base64.encodebytes(JPEG).rstrip().replace(b"\n", b"\\n"),
    ],
    ids=["bytes", "broken off", "form", "PHP", "lines", "lines in JSON"],
)
def test_a_picture_is_cut_out_however_it_is_written(picture: bytes) -> None:
    cut, count = cut_private(b'sn=7&type=1&photo="' + picture)
    assert count == 1
    assert cut == b'sn=7&type=1&photo="[cut]'


@pytest.mark.parametrize(
    "payload",
    [
        b'{"event": 1, "photo": "' + BASE64 * 99 + b'"}',
        b'{"event": 1, "other": "' + b"+86 " * 50_000 + b'"}',
        b'{"event": 1, "other": [' + b"{}," * 50_000 + b"{}]}",
        b'{"event": 1, "other": {"' + b"k" * BUDGET + b'": 1}}',
    ],
    ids=["picture", "text", "list", "key"],
)
def test_what_is_too_long_to_look_through_is_cut_out_whole(payload: bytes) -> None:
    cut, count = cut_private(payload)
    assert list(json.loads(cut).values()) == [1, CUT]
    assert count == 1


def test_of_long_bytes_that_are_no_json_the_beginning_is_kept() -> None:
    parts = b"--mark\r\n" + JPEG * 99 + b"\r\n--mark\r\nevent=7&p=" + BASE64 * 99 + b"&q=8 "
    cut, count = cut_private(parts + b"13800000000 " * 50_000)
    assert cut.startswith(b"--mark\r\n[cut]\n--mark\r\nevent=7&[cut]&q=8 [cut]")
    assert b"138" not in cut  # nor the beginning of one at the end
    assert len(cut) <= BUDGET
    assert count > 2


@given(st.binary(max_size=200))
def test_any_bytes(payload: bytes) -> None:
    cut, count = cut_private(payload)
    assert (cut == payload) or count > 0
