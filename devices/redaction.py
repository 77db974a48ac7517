"""Cutting out what must not be kept: pictures, face templates, id-card and phone numbers.

A key says it (`pic`, `idCard`, `telnum`, ...) or the value itself does: a picture (its bytes, or
base64 however it is escaped or broken into lines), an 18-digit id-card number, a mobile number.
Person codes and device ids stay: they are how a
terminal and the register understand each other.

What is looked through is bounded (`BUDGET`), so that no message holds the others up for more than
some 50 ms: a longer text is cut out whole (a picture, or nothing that anybody would keep), and what
stands behind the budget as well.
"""

import re
from typing import Any

import msgspec

CUT = "[cut]"
_PRIVATE_KEYS = re.compile(
    r"(?:[a-z]*pic(?:ture)?(?:s|data|info|base64)?|scene|[a-z]*(?:image|photo)(?:s|data|base64)?"
    r"|base64|template\d*|featurelist|feature\d*|facedata|thumbnail"
    r"|id_?card(?:_?(?:no|num|number))?|identity(?:_?(?:no|num|number|card))?"
    r"|id_?(?:number|no)|certificate(?:_?(?:no|num|number))"
    r"|tel(?:_?(?:num|no|number|phone))?|phone(?:_?(?:num|no|number))?|mobile(?:_?phone)?)",
    re.IGNORECASE,
)
_CODE_KEYS = re.compile(
    r"(?:person|personid|customid|device.*|deviceid|facesluiceid|id|.*uuid|sn|devsn)", re.IGNORECASE
)
_ID_CARD = r"(?<![0-9A-Za-z])[1-9]\d{5}(?:19|20)\d{9}[0-9Xx](?![0-9A-Za-z])"
_MOBILE = r"(?<![0-9A-Za-z])(?:\+?86[- ]?)?1[3-9]\d{9}(?![0-9A-Za-z])"
_PICTURE = "|".join(
    (
        r"data:image/[a-z+.-]+;base64,[A-Za-z0-9+/=_-]*",
        r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{400,}={0,2}",
        # as a form (`%2B`), as JSON by PHP (`\/`), as mail and curl (lines of 64 or 76 signs)
        r"(?<![A-Za-z0-9+/_-])(?:[A-Za-z0-9+/_-]|%2[BbFf]|\\/){400,}+(?:=|%3[Dd]){0,2}",
        r"(?<![A-Za-z0-9+/_-])(?:[A-Za-z0-9+/]{60,}(?:\r?\n|\\r\\n|\\n)){4,}[A-Za-z0-9+/]*={0,2}",
    )
)
_PRIVATE = re.compile(f"{_PICTURE}|{_ID_CARD}|{_MOBILE}")
# JPEG and PNG, up to the next part of a multipart body or to the end.
_PICTURE_BYTES = rb"(?:\xff\xd8\xff|\x89PNG)(?:[^-]++|(?<!\n)-|-(?!-))*+"
_PRIVATE_BYTES = re.compile(_PICTURE_BYTES + b"|" + _PRIVATE.pattern.encode())
BUDGET = 64 * 1024  # bytes of a message that are looked through; so many are kept of a refused one
ITEM = 32  # bytes that a key or a list's item costs of the budget: about as long to look at
# Far longer than any word: base64 as it comes, as a form, in JSON by PHP, or in lines.
_RUN = re.compile(rb"(?<![A-Za-z0-9+/=_%\\\r\n-])[A-Za-z0-9+/=_%\\\r\n-]{4096,}+")
_LAST_WORD = re.compile(rb"[0-9A-Za-z+-]{1,24}\Z")  # may be the beginning of a private number
_EMPTY: tuple[Any, ...] = (None, [], {}, 0, False)

_decode = msgspec.json.Decoder().decode


def count_private(body: Any) -> int:
    """Return how many private values a parsed message holds. Empty ones do not count."""
    return _without(body, _Budget())[1]


def cut_private(payload: bytes) -> tuple[bytes, int]:
    """Return the payload without what must not be kept, and how many values were cut out.

    JSON stays JSON, with "[cut]" in the place of each value; in other bytes the runs that look
    like a picture, an id-card or a mobile number are replaced.
    """
    try:
        body, count = _without(_decode(payload), _Budget())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _cut_bytes(payload)
    return (msgspec.json.encode(body), count) if count else (payload, 0)


class _Budget:
    """What may still be looked through of one message, in bytes."""

    def __init__(self) -> None:
        self.left = BUDGET

    def bears(self, cost: int) -> bool:
        """Return True and take the cost away if so much is left."""
        if cost > self.left:
            return False
        self.left -= cost
        return True


def _cut_bytes(payload: bytes) -> tuple[bytes, int]:
    """Return bytes that are no JSON without what looks private; their first `BUDGET` at most."""
    runs = 0
    if len(payload) > BUDGET:
        payload, pictures = _without_pictures(payload)
        payload, texts = _RUN.subn(CUT.encode(), payload)
        runs = pictures + texts
    if len(payload) > BUDGET:
        payload = _LAST_WORD.sub(b"", payload[:BUDGET])
    cut, count = _PRIVATE_BYTES.subn(CUT.encode(), payload)
    return cut, count + runs


def _without_pictures(payload: bytes) -> tuple[bytes, int]:
    """Return the payload without JPEGs, each up to the next part of a multipart body."""
    kept, at, count = [], 0, 0
    while (begins := payload.find(b"\xff\xd8\xff", at)) >= 0:
        ends = payload.find(b"\n--", begins)
        kept += [payload[at:begins], CUT.encode()]
        at, count = (len(payload) if ends < 0 else ends), count + 1
    return b"".join((*kept, payload[at:])), count


def _without(value: Any, budget: _Budget) -> tuple[Any, int]:
    if isinstance(value, dict):
        if not budget.bears(ITEM * len(value) + sum(map(len, value))):
            return CUT, 1
        kept = {key: _field_without(key, item, budget) for key, item in value.items()}
        return {key: item for key, (item, _) in kept.items()}, sum(n for _, n in kept.values())
    if isinstance(value, list):
        if not budget.bears(ITEM * len(value)):
            return CUT, 1
        items = [_without(item, budget) for item in value]
        return [item for item, _ in items], sum(n for _, n in items)
    if isinstance(value, str):
        return _PRIVATE.subn(CUT, value) if budget.bears(len(value)) else (CUT, 1)
    return value, 0


def _field_without(key: str, value: Any, budget: _Budget) -> tuple[Any, int]:
    if isinstance(value, dict) or (
        isinstance(value, list) and value and isinstance(value[0], dict)
    ):
        return _without(value, budget)
    if _PRIVATE_KEYS.fullmatch(key):
        empty = not value.strip() if isinstance(value, str) else value in _EMPTY
        return (value, 0) if empty else (CUT, 1)
    return (value, 0) if _CODE_KEYS.fullmatch(key) else _without(value, budget)
