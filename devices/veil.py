"""What a page may show of a message that could not be read: its form, and nobody's name, place or
secret. Pure.

Pictures, id-card and phone numbers are cut out before a message is kept (`devices.redaction`).
What is left is shown to those who build devices, and whereabouts and people are nobody's
debugging: they are overwritten, byte for byte, so that every other byte stands where it stood.
"""

import re
from collections.abc import Iterable
from typing import Any

MASK = ord("*")
HIDDEN = "…"  # in a text or a tree
DEEPEST = 20  # levels of a tree
_THINGS = "device|event|model|channel|product|firmware|host|file|command|area|zone|field|topic|tag"
_PEOPLE = (
    rf"lat|latitude|lon|lng|longitude|person\w*|client\w*|(?!(?:{_THINGS})_?name)\w*name"
    r"|custom_?id|addr(?:ess)?|home|phone\w*|mobile\w*|tel\w*|id_?card\w*|姓名|住址|地址|电话|手机"
)
_SECRETS = r"\w*secret|\w*token|\w*passw(?:or)?d|pwd|\w*api_?key|auth\w*|sign(?:ature)?|密码|口令"
_KEY = rf"(?<![\w-])(?:{_PEOPLE}|{_SECRETS})"
_VALUE = r"""(?:"(?:[^"\\]|\\.)*"?|'[^'\r\n]*'?|\[[^\]]*\]?|[^\s,;&}\]<]+)"""
_SAID = re.compile(rf"({_KEY}[\"']?\s*[:=]\s*)({_VALUE})", re.IGNORECASE)
_ELEMENT = re.compile(rf"(<(?:\w+:)?(?:{_PEOPLE}|{_SECRETS})(?:\s[^<>]*)?>)([^<]+)", re.IGNORECASE)
_FORM_PART = re.compile(
    rf"(\bname=\"?(?:{_PEOPLE}|{_SECRETS})\"?[^\r\n]{{0,200}}\r?\n"
    r"(?:[^\r\n]{1,200}\r?\n){0,8}\r?\n)([^\r\n]+)",
    re.IGNORECASE,
)
_BEARER = re.compile(r"(\b(?:bearer|basic)\s+)([\w.~+/=-]{6,})", re.IGNORECASE)
_PATTERNS = (_BEARER, _FORM_PART, _ELEMENT, _SAID)
_PRIVATE_KEY = re.compile(rf"(?:{_PEOPLE}|{_SECRETS})", re.IGNORECASE)
ENCODINGS = ("utf-8", "gb18030", "utf-16-le", "utf-16-be")
SHORTEST = 2  # characters of a name that is looked for
_UNICODE = re.compile(rb"(?:\\u[0-9a-fA-F]{4}){2,}")


def is_private(key: str) -> bool:
    """Return True if what stands under a key is a person, a place or a secret."""
    return _PRIVATE_KEY.fullmatch(key) is not None


def masked(text: str) -> str:
    """Return a text without whereabouts, people, secrets and control characters."""
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\1{HIDDEN}", text)
    return printable(text)


def printable(text: str) -> str:
    """Return the text with what would drive a terminal, or turn its direction, written out."""
    return "".join(
        char if char.isprintable() or char in "\n\t" else f"\\x{ord(char):02x}" for char in text
    )


class Names:
    """Names of people, to be found wherever one stands in a text; quick also for a whole town."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = frozenset(name for name in names if len(name) >= SHORTEST)
        self._lengths = frozenset(map(len, self._names))
        self._latin = frozenset(len(name) for name in self._names if name.isascii())

    def within(self, text: str) -> set[str]:
        """Return those of the names that stand in a text."""
        return {
            part
            for length in (self._latin if text.isascii() else self._lengths)
            for at in range(len(text) - length + 1)
            if (part := text[at : at + length]) in self._names
        }


NOBODY = Names()


def masked_of(text: str, names: Names) -> str:
    """Return a text without private values, and with asterisks for these names."""
    hidden = masked(text)
    for name in names.within(hidden):
        hidden = hidden.replace(name, chr(MASK) * len(name))
    return hidden


def veiled(payload: bytes, names: Names = NOBODY) -> bytes:
    """Return a payload, as long as it was, with each private byte overwritten by an asterisk.

    `names`: of people that may stand in it anywhere, under any key and in any usual encoding.
    """
    veil = bytearray(payload)
    for start, end in _spans(payload):
        veil[start:end] = bytes([MASK]) * (end - start)
    out = bytes(veil)
    for encoding in ENCODINGS if not payload.isascii() or b"\0" in payload else ("utf-8",):
        for name in names.within(payload.decode(encoding, "ignore")):
            out = _overwritten(out, name.encode(encoding))
    return _UNICODE.sub(lambda run: _unescaped(run[0], names), out)


def veiled_tree(value: Any, names: Names = NOBODY, depth: int = DEEPEST) -> Any:
    """Return a parsed message without private values, to be printed as a tree."""
    if depth == 0:
        return HIDDEN
    match value:
        case dict():
            return {
                masked_of(key, names): HIDDEN
                if is_private(key) and item is not None
                else veiled_tree(item, names, depth - 1)
                for key, item in value.items()
            }
        case list():
            return [veiled_tree(item, names, depth - 1) for item in value]
        case str():
            return masked_of(value, names)
    return value


def _overwritten(payload: bytes, written: bytes) -> bytes:
    return payload.replace(written, bytes([MASK]) * len(written))


def _unescaped(run: bytes, names: Names) -> bytes:
    """Return a run of `\\u738b` with those that spell a name overwritten."""
    text = "".join(chr(int(code, 16)) for code in run.split(b"\\u")[1:])
    for name in names.within(text):
        at = text.find(name)
        while at >= 0:
            run = run[: at * 6] + bytes([MASK]) * (6 * len(name)) + run[(at + len(name)) * 6 :]
            at = text.find(name, at + 1)
    return run


def _spans(payload: bytes) -> list[tuple[int, int]]:
    """Return where private values stand, quotes and brackets left out."""
    text, width = _characters(payload)
    found = []
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            start, end = match.span(2)
            if text[start] in "\"'[":
                start += 1
                end -= text[end - 1] in "\"']" and end > start
            found.append((start, end))
    return [(width[start], width[end]) for start, end in found]


def _characters(payload: bytes) -> tuple[str, list[int]]:
    """Return the payload as text and the byte at which each character begins, and the end."""
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        text = payload.decode("latin-1")
        return text, list(range(len(payload) + 1))
    begins, at = [], 0
    for char in text:
        begins.append(at)
        at += len(char.encode())
    return text, [*begins, at]
