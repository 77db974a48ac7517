"""What is wrong with a rejected message, field by field: where, what was expected, what was got.

A contract message is held against its wire type again, so each of its faults is told and not only
the first. Of other families there is the one sentence that their codec said; where it names a
field, the field is found again in the payload. Pure.
"""

import re
from collections.abc import Iterator
from typing import Any, Literal

import msgspec
from msgspec import inspect

from core.refusal import Wrong
from devices.codecs.body import json_body
from devices.codecs.contract import address_of, every_fault
from devices.codecs.mending import mended
from devices.contract.messages import MESSAGES
from devices.envelope import Envelope
from devices.readings import KINDS, Reason, Rejection
from devices.veil import HIDDEN, is_private

Part = Literal["payload", "topic", "sender"]
SHOWN = 60  # characters of a value
WHOLE_MESSAGE = ""  # the JSON pointer of the document itself

_NAMED = re.compile(
    r"^'?(?P<field>[A-Za-z_][\w.-]*)'?(?: or [\w.-]+)*(?: ['\"].*['\"])?"
    r" (?:is (?P<what>missing|unknown|no (?P<wanted>\w+))|of )"
)
_PLACE = re.compile(r"^lat (\S+) lon (\S+): ")
_SIZE = re.compile(r"^(?:holds )?(\d+) (?:bytes|separators)")
_LIMIT = re.compile(r"(?:at most|only the first) (\d+)")
_WANTED = {"number": "number", "time": "time", "percentage": "number", "object": "object"}


class Expected(msgspec.Struct, frozen=True):
    """What a rule asks for; the console says it in the reader's language."""

    what: str  # number whole text boolean time object json device topic plain size choice present
    low: float | None = None  # of a number's value, of a text's or message's length
    high: float | None = None
    words: tuple[str, ...] = ()  # of a choice


class Got(msgspec.Struct, frozen=True):
    """What was there instead."""

    what: str  # missing null number text boolean list object bytes unreadable
    shown: str = ""  # the value as JSON, or what a reader said of it; HIDDEN for a private one


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong with a message."""

    part: Part
    pointer: str  # RFC 6901, into the payload; "" = all of it
    expected: Expected
    got: Got
    rule: str  # "contract.position.lat.range": stable, for a maker's own tests
    reason: str  # devices.readings.Reason: where the mend is explained


def explained(envelope: Envelope, family: str, reason: str, detail: str) -> tuple[Fault, ...]:
    """Return what is wrong with a message that was rejected so; at least one fault.

    The payload may be the kept one, with private values cut out of it.
    """
    rule = f"{family}.{reason}"
    match reason:
        case Reason.NOT_JSON:
            return (_payload("json", Got("unreadable", detail), rule, reason),)
        case Reason.NOT_AN_OBJECT:
            return (_payload("object", _got(parsed(envelope)), rule, reason),)
        case Reason.ENCRYPTED:
            return (_payload("plain", Got("unreadable"), rule, reason),)
        case Reason.TOO_LARGE:
            return (_too_large(envelope, detail, rule),)
        case Reason.UNKNOWN_TOPIC:
            got = Got("text", _place(envelope))
            return (Fault("topic", "", Expected("topic"), got, rule, reason),)
        case Reason.UNKNOWN_KIND:
            return (_unknown_kind(envelope, detail, rule),)
        case Reason.UNKNOWN_DEVICE:
            name = detail.partition('"')[2].rpartition('"')[0]
            got = Got("text", name) if name else Got("missing")
            return (Fault("sender", "", Expected("device"), got, rule, reason),)
    of_contract = tuple(_of_contract(envelope)) if family == "contract" else ()
    return of_contract or tuple(_of_sentence(envelope, rule, reason, detail))


# ------------------------------------------------------------------ the contract's own fields


def _of_contract(envelope: Envelope) -> Iterator[Fault]:
    address = address_of(envelope)
    if address is None or address.kind not in MESSAGES:
        return
    body = parsed(envelope)
    if not isinstance(body, dict):
        return
    fields = _fields(address.kind)
    for wrong in every_fault(body, address.kind):
        name = wrong.key or (str(wrong.path[-1]) if wrong.path else "")
        yield Fault(
            part="payload",
            pointer=_pointer(name) if name else WHOLE_MESSAGE,
            expected=_expected(fields[name]) if name in fields else Expected("object"),
            got=_field(body, name),
            rule=".".join(filter(None, ("contract", address.kind, name, wrong.cause))),
            reason=_reason(wrong),
        )


def _fields(kind: str) -> dict[str, inspect.Type]:
    shape = inspect.type_info(MESSAGES[kind])
    assert isinstance(shape, inspect.StructType)
    return {field.encode_name: field.type for field in shape.fields}


def _expected(kind: inspect.Type) -> Expected:
    match kind:
        case inspect.Metadata(type=inner):
            return _expected(inner)
        case inspect.UnionType(types=types):
            return _expected_of_many([one for one in types if not _is_none(one)])
        case inspect.LiteralType(values=values):
            return Expected("choice", words=tuple(map(str, values)))
        case inspect.IntType(ge=low, le=high):
            return Expected("whole", low, high)
        case inspect.FloatType(ge=low, le=high):
            return Expected("number", low, high)
        case inspect.StrType(min_length=low, max_length=high):
            return Expected("text", low, high)
        case inspect.BoolType():
            return Expected("boolean")
        case inspect.DateTimeType():
            return Expected("time")
    return Expected("present")


def _expected_of_many(kinds: list[inspect.Type]) -> Expected:
    each = [_expected(kind) for kind in kinds]
    return next((one for one in each if one.what == "time"), each[0])


def _is_none(kind: inspect.Type) -> bool:
    return isinstance(kind, inspect.NoneType)


def _reason(wrong: Wrong) -> str:
    causes = {"missing": Reason.MISSING_FIELD, "range": Reason.OUT_OF_RANGE}
    return causes.get(wrong.cause, Reason.BAD_VALUE)


# ------------------------------------------------------------------ other families' sentences


def _of_sentence(envelope: Envelope, rule: str, reason: str, detail: str) -> Iterator[Fault]:
    body = parsed(envelope)
    place = _PLACE.match(detail)
    if place is not None:
        for name, bound in (("lat", 90), ("lon", 180)):
            pointer = _found(body, name) or _pointer(name)
            asked = Expected("number", -bound, bound)
            yield Fault("payload", pointer, asked, Got("number", HIDDEN), f"{rule}.{name}", reason)
        return
    named = _NAMED.match(detail)
    if named is None:
        yield _payload("present", Got("unreadable", detail), rule, reason)
        return
    field = named["field"]
    pointer = _found(body, field) or _pointer(*field.split("."))
    wanted = Expected(_WANTED.get(named["wanted"] or "", "present"))
    got = Got("missing") if named["what"] == "missing" else _at(body, pointer)
    yield Fault("payload", pointer, wanted, got, f"{rule}.{field}", reason)


def _found(body: Any, name: str) -> str | None:
    """Return the pointer to the first field of this name, whose path may end in `a.b`."""
    wanted = name.split(".")
    for path in _paths(body):
        if [str(step) for step in path[-len(wanted) :]] == wanted:
            return _pointer(*path)
    return None


def _paths(value: Any, path: tuple[str | int, ...] = (), depth: int = 8) -> Iterator[Any]:
    items: Iterator[tuple[str | int, Any]] = iter(())
    if isinstance(value, dict):
        items = iter(value.items())
    elif isinstance(value, list):
        items = iter(enumerate(value[:100]))
    for key, item in items:
        yield (*path, key)
        if depth:
            yield from _paths(item, (*path, key), depth - 1)


def _at(body: Any, pointer: str) -> Got:
    """Return what stands at a pointer that `_pointer` wrote."""
    value, name = body, ""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        elif isinstance(value, dict) and name in value:
            value = value[name]
        else:
            return Got("missing")
    return _hidden(value) if is_private(name) else _got(value)


# ------------------------------------------------------------------ the whole message


def _payload(what: str, got: Got, rule: str, reason: str) -> Fault:
    return Fault("payload", WHOLE_MESSAGE, Expected(what), got, rule, reason)


def _too_large(envelope: Envelope, detail: str, rule: str) -> Fault:
    size, limit = _SIZE.match(detail), _LIMIT.search(detail)
    got = Got("bytes", size[1] if size else str(len(envelope.payload)))
    most = Expected("size", high=int(limit[1]) if limit else None)
    return Fault("payload", WHOLE_MESSAGE, most, got, rule, Reason.TOO_LARGE)


def _unknown_kind(envelope: Envelope, detail: str, rule: str) -> Fault:
    address = address_of(envelope)
    got = Got("text", address.kind[:SHOWN]) if address else Got("unreadable", detail)
    asked = Expected("choice", words=KINDS if address else ())
    return Fault("topic", "", asked, got, rule, Reason.UNKNOWN_KIND)


def _place(envelope: Envelope) -> str:
    return (envelope.http.path.partition("?")[0] if envelope.http else envelope.topic)[:200]


def parsed(envelope: Envelope) -> Any | Rejection:
    """Return the JSON value of a message, its form mended; a Rejection where there is none."""
    whole = (mended(envelope) or (envelope, ()))[0]
    return json_body(whole.payload)


def _field(body: dict[str, Any], name: str) -> Got:
    if name not in body:
        return Got("missing")
    return _hidden(body[name]) if is_private(name) else _got(body[name])


def _hidden(value: object) -> Got:
    return Got(_got(value).what, "" if value is None else HIDDEN)


def _got(value: object) -> Got:
    match value:
        case None:
            return Got("null")
        case bool():
            return Got("boolean", _json(value))
        case int() | float():
            return Got("number", _json(value))
        case str():
            return Got("text", _json(value))
        case list():
            return Got("list", str(len(value)))
        case dict():
            return Got("object")
    return Got("unreadable")


def _json(value: object) -> str:
    text = msgspec.json.encode(value).decode("utf-8", "replace")
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def _pointer(*steps: str | int) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)
