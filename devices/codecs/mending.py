"""The outer form of a message that could not be read, mended where it can be.

Only what a first reading has refused, or what holds a NUL, comes here: bytes around the text (NUL,
byte order mark), text in another encoding than UTF-8 (declared, undeclared or declared wrongly),
and the single signs by which JSON and XML are spoilt. What is in doubt stays as it is, and so
refused. Pure; nothing here raises. Each pass is linear in the payload.
"""

import re

from msgspec.structs import replace

from devices.codecs.body import json_body
from devices.codecs.multipart import boundary_of, with_texts
from devices.codecs.spelling import FORMS, Text
from devices.envelope import Envelope
from devices.readings import Rejection

BOM, NUL = "\ufeff", "\0"
AROUND = " \t\r\n" + BOM + NUL
LOOKED_AT = 65_536  # characters by which two encodings are told apart

# What a message may declare, and by what it is read: GB18030 holds GB 2312 and GBK.
ENCODINGS = {
    **dict.fromkeys(("gb2312", "gbk", "gb18030", "cp936", "euc-cn", "x-gbk"), "gb18030"),
    **dict.fromkeys(("big5", "big5-hkscs", "cp950"), "big5hkscs"),
    **dict.fromkeys(("iso-8859-1", "latin1", "latin-1", "windows-1252", "cp1252"), "cp1252"),
    **{name: name for name in ("shift_jis", "euc-jp", "euc-kr", "windows-1251", "koi8-r")},
    **{name: name for name in ("iso-8859-2", "iso-8859-15", "windows-1250", "windows-1254")},
}
_BINARY = re.compile(rb"[\x01-\x08\x0e-\x1f]")
_MARKS = (b"\xff\xfe", b"\xfe\xff")
_WIDE = ((b"\xff\xfe\0\0", "utf-32"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def mended(envelope: Envelope) -> tuple[Envelope, tuple[str, ...]] | None:
    """The message in a form that may be read, and the kinds of repair; None: nothing to mend."""
    repairs: list[str] = []

    def mend(body: bytes, content_type: str) -> bytes:
        found = _mended(body, content_type)
        repairs.extend(found[1])
        return found[0].encode("utf-8", "replace")

    payload = envelope.payload
    if _BINARY.search(payload[:32]) and not payload.startswith(_MARKS):
        return None  # protobuf and the like are no text at all
    if boundary_of(envelope):
        payload = with_texts(envelope, mend)
    elif payload:
        payload = mend(payload, envelope.http.content_type if envelope.http else "")
    http = envelope.http
    if http is not None and "%00" in http.path:
        repairs.append("nul")
        http = replace(http, path=http.path.replace("%00", ""))
    if not repairs:
        return None
    return replace(envelope, payload=payload, http=http), tuple(dict.fromkeys(repairs))


def _mended(body: bytes, content_type: str) -> Text:
    text, repairs = _decoded(body, content_type)
    text, more = _stripped(text)
    known = bool(repairs)  # the encoding it was in, whatever it says of itself
    repairs += more
    form = FORMS.get(text[:1])
    if form is not None:
        text, more = form(text)
    else:
        text, more = _plain(text)
    return text, repairs + [one for one in more if not (known and one.startswith("encoding"))]


# ------------------------------------------------------------------ bytes to text


def _decoded(body: bytes, content_type: str) -> Text:
    """The text of bytes in UTF-8 or in whatever encoding they turn out to be."""
    wide = next((name for mark, name in _WIDE if body.startswith(mark)), _wide(body))
    if wide:
        return body.decode(wide, "replace"), [f"encoding:{wide[:6]}"]
    try:
        return body.decode(), []
    except UnicodeDecodeError:
        pass
    rest = body.decode("utf-8", "replace")
    seen = rest[:LOOKED_AT]
    broken = seen.count("\ufffd")
    if broken <= 2 and len(_NOT_ASCII.findall(seen)) > broken:  # a name cut within a character
        return rest, ["encoding:utf-8"]
    for name in dict.fromkeys((_declared(body, content_type), "gb18030")):
        try:
            return body.decode(name), [f"encoding:{name}"]
        except UnicodeDecodeError:
            continue
    return rest, ["encoding:utf-8"]


_NOT_ASCII = re.compile(r"[^\x00-\x7f\ufffd]")


def _wide(body: bytes) -> str:
    """UTF-16 without a mark: every second byte of the beginning is NUL."""
    head = body[:16]
    if len(head) < 4 or len(head) % 2:
        return ""
    if not any(head[1::2]) and all(head[::2]):
        return "utf-16-le"
    return "utf-16-be" if not any(head[::2]) and all(head[1::2]) else ""


def _declared(body: bytes, content_type: str) -> str:
    """The encoding that the XML declaration, or else the Content-Type, names, if we know it."""
    found = _XML_ENCODING.search(body[:200])
    named = found.group(1).decode("ascii") if found else ""
    if not named:
        charset = _CHARSET.search(content_type)
        named = charset.group(1) if charset else ""
    return ENCODINGS.get(named.casefold(), "gb18030")


_XML_ENCODING = re.compile(rb"""<\?xml[^>]*?encoding=["']([A-Za-z0-9._-]{1,20})""")
_CHARSET = re.compile(r"""charset="?([A-Za-z0-9._-]{1,20})""", re.IGNORECASE)

# ------------------------------------------------------------------ what stands around the text


def _stripped(text: str) -> Text:
    """The text without marks and NULs around it, and without what stands behind its end."""
    repairs = ["bom"] if text[:4].strip(" \t\r\n" + NUL)[:1] == BOM else []
    whole = text.strip(AROUND)
    if NUL not in text:
        return whole, repairs
    head = whole.partition(NUL)[0].strip(AROUND)
    return (head if _complete(head) else whole.replace(NUL, "")), [*repairs, "nul"]


def _complete(head: str) -> bool:
    """Whether this is a whole message, and what follows the NUL the rest of an older one."""
    if head[:1] in ("{", "["):
        return not isinstance(json_body(head.encode("utf-8", "replace")), Rejection)
    return _WORD.fullmatch(head) is not None


_WORD = re.compile(r"[A-Za-z0-9_.+-]{1,60}")


def _plain(text: str) -> Text:
    """A word, lines or a form; `%00` is the NUL of a form."""
    return (text.replace("%00", ""), ["nul"]) if "%00" in text else (text, [])
