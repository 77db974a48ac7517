"""Cutting out what must not be kept: pictures, face templates, id-card and phone numbers.

A key says it (`pic`, `idCard`, `telnum`, ...) or the value itself does: a picture (its bytes, or
base64 however it is escaped or broken into lines), an 18-digit id-card number, a mobile number.
Person codes and device ids stay: they are how a
terminal and the register understand each other.
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
_EMPTY: tuple[Any, ...] = (None, [], {}, 0, False)

_decode = msgspec.json.Decoder().decode


def count_private(body: Any) -> int:
    """Return how many private values a parsed message holds. Empty ones do not count."""
    return _without(body)[1]


def cut_private(payload: bytes) -> tuple[bytes, int]:
    """Return the payload without what must not be kept, and how many values were cut out.

    JSON stays JSON, with "[cut]" in the place of each value; in other bytes the runs that look
    like a picture, an id-card or a mobile number are replaced.
    """
    try:
        body, count = _without(_decode(payload))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _PRIVATE_BYTES.subn(CUT.encode(), payload)
    return (msgspec.json.encode(body), count) if count else (payload, 0)


def _without(value: Any) -> tuple[Any, int]:
    if isinstance(value, dict):
        kept = {key: _field_without(key, item) for key, item in value.items()}
        return {key: item for key, (item, _) in kept.items()}, sum(n for _, n in kept.values())
    if isinstance(value, list):
        items = [_without(item) for item in value]
        return [item for item, _ in items], sum(n for _, n in items)
    if isinstance(value, str):
        return _PRIVATE.subn(CUT, value)
    return value, 0


def _field_without(key: str, value: Any) -> tuple[Any, int]:
    if isinstance(value, dict) or (
        isinstance(value, list) and value and isinstance(value[0], dict)
    ):
        return _without(value)
    if _PRIVATE_KEYS.fullmatch(key):
        empty = not value.strip() if isinstance(value, str) else value in _EMPTY
        return (value, 0) if empty else (CUT, 1)
    return (value, 0) if _CODE_KEYS.fullmatch(key) else _without(value)
