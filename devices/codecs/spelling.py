"""JSON and XML that are spelt wrongly in single signs, spelt right.

Numbers that are none (`nan`), signs that a text may not hold (a raw tab), escapes that JSON does
not know, one comma too many, a bare ampersand. Whoever wants more than that (a missing brace, a
comment) is not helped. Each pass is linear in the text, and has an end.
"""

import re
from collections.abc import Callable

from devices.codecs.body import json_body
from devices.readings import Rejection

LONGEST_STRUCTURE = 262_144  # characters of a text whose commas are looked at
LONGEST_STRING = 65_536  # characters of one text that is mended inside
MOST_TOKENS, MOST_FAULTS = 200_000, 1_000  # of one JSON text; a device sends far fewer

Text = tuple[str, list[str]]  # a text, and what has been mended in it

# ------------------------------------------------------------------ XML


def _xml(text: str) -> Text:
    """Without a declaration (it is UTF-8 now), bare ampersands, and signs that XML forbids."""
    repairs = []
    declared = _DECLARATION.match(text)
    if declared is not None:
        text = text[declared.end() :]
        named = declared.group(1)
        if named and named.casefold() not in ("utf-8", "utf8"):
            repairs.append("encoding:utf-8")
    text, bare = _BARE_AMPERSAND.subn("&amp;", text)
    text, control = _FORBIDDEN.subn(" ", text)
    repairs += ["ampersand"] * bool(bare) + ["control"] * bool(control)
    return text, repairs


_DECLARATION = re.compile(r"""<\?xml(?:[^>]*?encoding=["']([^"']*)["'])?[^>]*>\s*""")
_BARE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

# ------------------------------------------------------------------ JSON


def _json(text: str) -> Text:
    """Numbers that are none, signs and escapes that JSON does not know, commas too many."""
    if _reads(text):
        return text, []
    if text.count('"') + text.count(",") > MOST_TOKENS:
        return text, []
    found = _tokens(text)
    if found is None:
        return text, []
    spelt, repairs = found
    for form, sign, repair in _STRUCTURE:
        if _reads(spelt):
            break
        changed = form(spelt) if sign in spelt and len(spelt) <= LONGEST_STRUCTURE else spelt
        if changed != spelt:
            spelt, repairs = changed, [*repairs, repair]
    return (spelt, list(dict.fromkeys(repairs))) if _reads(spelt) else (text, [])


def _reads(text: str) -> bool:
    return not isinstance(json_body(text.encode("utf-8", "replace")), Rejection)


_GOOD = re.compile(
    r'(?:[ \t\r\n{}\[\]:,]++|"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})'
    r'[^"\\\x00-\x1f]*+)*+"|-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?(?![\w.+#-])'
    rf"|(?:true|false|null)(?!\w)){{0,{MOST_TOKENS}}}+"
)
_STRING = re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"', re.DOTALL)
_BARE = re.compile(r'[^\s"{}\[\]:,]{1,60}')
_SIGN = re.compile(r'\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})|\\|[\x00-\x1f]')
_NUMBER = re.compile(r"([+-]?)0*+([0-9]*+)(\.[0-9]*+)?([eE][+-]?[0-9]+)?")
_NONE = ("nan", "inf", "infinity", "1.#qnan", "1.#snan", "1.#ind", "1.#inf", "1.#j", "nan(ind)")
_LITERALS = {"true": "true", "false": "false", "none": "null", "null": "null", "undefined": "null"}


def _tokens(text: str) -> Text | None:
    """The text with each faulty token mended; None where one can't be, or there are too many."""
    out: list[str] = []
    repairs: list[str] = []
    at = 0
    while at < len(text):
        good = _GOOD.match(text, at)
        if good is not None and good.end() > at:
            out.append(good.group())
            at = good.end()
            continue
        fault = _STRING.match(text, at) or _BARE.match(text, at)
        token = _token(fault.group(), repairs) if fault else None
        if fault is None or token is None or len(out) > MOST_FAULTS:
            return None
        out.append(token)
        at = fault.end()
    return "".join(out), repairs


def _token(token: str, repairs: list[str]) -> str | None:
    if token[0] == '"':
        if len(token) > LONGEST_STRING:
            return None
        return _SIGN.sub(lambda found: _escaped(found.group(), repairs), token)
    word = token.casefold()
    if word.lstrip("+-") in _NONE:
        repairs.append("nan")
        return "null"
    if word in _LITERALS:
        repairs.append("literal")
        return _LITERALS[word]
    found = _NUMBER.fullmatch(token)
    sign, whole, part, power = found.groups() if found else ("", "", "", "")
    if not (whole or "0" in token.partition(".")[0] or (part and len(part) > 1)):
        return None
    repairs.append("number")
    fraction = part if part and len(part) > 1 else ""
    return f"{'-' if sign == '-' else ''}{whole or '0'}{fraction}{power or ''}"


def _escaped(sign: str, repairs: list[str]) -> str:
    if len(sign) > 1:
        return sign
    repairs.append("escape" if sign == "\\" else "control")
    return "\\\\" if sign == "\\" else f"\\u{ord(sign):04x}"


_STRINGS_OR = r'("[^"\\]*+(?:\\.[^"\\]*+)*+")|'
_COMMA = re.compile(_STRINGS_OR + r",(?=[ \t\r\n]*+[}\]])", re.DOTALL)
_HUGE = re.compile(_STRINGS_OR + r"-?[0-9][0-9.]*+[eE]\+?[0-9]{3,}", re.DOTALL)  # past any float
_EMPTY = re.compile(_STRINGS_OR + r"(:)(?=[ \t\r\n]*+[,}])", re.DOTALL)
_PAIR = r"\\u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}"
_SURROGATE = re.compile(_PAIR + r"|\\\\|\\u[dD][89a-fA-F][0-9A-Fa-f]{2}")


def _lone_surrogates(text: str) -> str:
    return _SURROGATE.sub(lambda m: "\\ufffd" if len(m.group()) == 6 else m.group(), text)


# what mends it, a sign without which there is nothing to mend, the kind of repair
_STRUCTURE: tuple[tuple[Callable[[str], str], str, str], ...] = (
    (lambda text: _COMMA.sub(lambda m: m[1] or "", text), ",", "comma"),
    (lambda text: _HUGE.sub(lambda m: m[1] or "null", text), "", "number"),
    (lambda text: _EMPTY.sub(lambda m: m[1] or ":null", text), ":", "value"),
    (_lone_surrogates, "\\u", "escape"),
)
FORMS: dict[str, Callable[[str], Text]] = {"{": _json, "[": _json, "<": _xml}
