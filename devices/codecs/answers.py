"""What a device is told about what it said, by the topics that its family listens on. Pure.

A facesluice terminal in "resume from breakpoint" sends a record again, ten seconds after it, until
a `PushAck` on its own topic names it (the vendor's "MQTT V1.25" manual, sections 8.2 to 8.5). A
record that we refuse is acknowledged as well, for it is kept with its reason and sending it again
would mend nothing. A button of contract v1 hears what became of its press. An answer goes to the
topic of whoever sent the message, never to a name that stands inside it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal

import msgspec

from devices.codecs.facesluice import ROOT, SHARED, STRANGER
from devices.codecs.rights import RECORD_BRANCHES
from devices.envelope import Envelope
from devices.readings import Reading, Reason, Rejection, SosPressed
from devices.topics import ANSWER, CONTRACT_ROOT, contract_topic

Word = Literal["received", "coming", "refused"]
SNAPSHOT, RECORD, GENERIC = 1, 2, 3  # PushAckType
OF_SNAPSHOT = "snap-"  # begins the id of a stranger's snapshot
OF_PRESSES = "/sos/"  # in the topic of each press of contract v1
SEARCHED = 65_536  # bytes of a refused record in which its number is looked for, at either end
_OPERATOR = re.compile(rb'"operator"\s*:\s*"(\w{1,40})"')
_NUMBER = re.compile(rb'"(?:RecordID|SnapID|SnapOrRecordID|nRecordIndex)"\s*:\s*"?(\d{1,18})\b')
_OPENINGS = (b'{"operator":"PushAck"', b'{"answer":"')
_encode = msgspec.json.encode


class Answer(msgspec.Struct, frozen=True):
    """One message to a device."""

    topic: str
    payload: bytes
    device: str = ""  # who pressed, where this says that a press was received


class PressAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a button hears on `carewatch/v1/{site}/answer/{device}`, and by HTTP."""

    answer: Word
    id: str | None = None  # the press's; None where none could be read
    at: datetime | None = None  # UTC: when it was received, or somebody said that they are going
    reason: Reason | None = None  # of a refusal
    detail: str = ""


def answers(
    family: str, envelope: Envelope, readings: Sequence[Reading], rejections: Sequence[Rejection]
) -> tuple[Answer, ...]:
    """Return what is answered to a message by MQTT whose transaction is committed."""
    answered = _ANSWERED.get(family)
    if answered is None or envelope.retain or not envelope.topic:
        return ()
    if answered is _press_answers and OF_PRESSES not in envelope.topic:
        return ()  # most of what comes: spared all that follows
    if rejections and any(each.reason is Reason.UNKNOWN_DEVICE for each in rejections):
        return ()  # it keeps what it has until it is registered
    return answered(envelope, readings, rejections)


def is_answer(topic: str, payload: bytes) -> bool:
    """Return True for what we have answered ourselves, which `#` brings back to us."""
    if not payload.startswith(_OPENINGS):
        return False
    address = contract_topic(topic)
    return address.kind == ANSWER if address is not None else not topic.startswith(CONTRACT_ROOT)


def encoded(said: PressAnswer) -> bytes:
    """Return an answer as a button hears it: JSON, its time in UTC with a Z."""
    at = said.at.astimezone(UTC) if said.at is not None else None
    return _encode(msgspec.structs.replace(said, at=at))


def answer_topic(site: str, device: str) -> str:
    """Return the topic on which a device of contract v1 is answered."""
    return f"{CONTRACT_ROOT}{site}/{ANSWER}/{device}"


def _press_answers(
    envelope: Envelope, readings: Sequence[Reading], rejections: Sequence[Rejection]
) -> tuple[Answer, ...]:
    address = contract_topic(envelope.topic)
    if address is None or address.kind != "sos":
        return ()
    at = envelope.received_at
    presses = [each for each in readings if isinstance(each, SosPressed)]
    if not presses and rejections:
        first = rejections[0]
        said = PressAnswer("refused", at=at, reason=first.reason, detail=first.detail)
        return (Answer(answer_topic(address.site, address.device), encoded(said)),)
    return tuple(
        Answer(
            answer_topic(address.site, each.device),
            encoded(PressAnswer("received", each.id, at)),
            each.device,
        )
        for each in presses
    )


def _push_acks(
    envelope: Envelope, readings: Sequence[Reading], rejections: Sequence[Rejection]
) -> tuple[Answer, ...]:
    terminal = _terminal_topic(envelope.topic)
    record = _record_of(envelope, readings) if terminal else None
    if terminal is None or record is None:
        return ()
    kind, number = record
    info = {
        "facesluiceId": terminal.rpartition("/")[2],
        "PushAckType": kind,
        "SnapOrRecordID": number,
    }
    said = {"operator": "PushAck", "messageId": f"ack-{kind}-{number}", "info": info}
    return (Answer(terminal, _encode(said)),)


def _terminal_topic(topic: str) -> str | None:
    """Return the topic on which a terminal listens: the one above its records' branch."""
    above, _, last = topic.rpartition("/")
    if last.casefold() in RECORD_BRANCHES:
        return above or None
    is_own = topic.startswith(ROOT) and topic.count("/") == ROOT.count("/") and last not in SHARED
    return topic if is_own else None


def _record_of(envelope: Envelope, readings: Sequence[Reading]) -> tuple[int, int] | None:
    """Return the type and number of a record: as it was read, else as it stands in the text."""
    for each in readings:
        written = each.id.removeprefix(OF_SNAPSHOT)
        if written.isdecimal() and len(written) < 19:
            return (SNAPSHOT if written != each.id else RECORD), int(written)
    payload = envelope.payload
    ends = payload if len(payload) <= 2 * SEARCHED else payload[:SEARCHED] + payload[-SEARCHED:]
    operator, number = _OPERATOR.search(ends), _NUMBER.search(ends)
    said = operator.group(1).decode() if operator else ""
    if number is None or not said.endswith("Push"):
        return None
    known = SNAPSHOT if said in STRANGER else RECORD if said in ("RecPush", "VerifyPush") else 0
    return known or GENERIC, int(number.group(1))


_Answered = Callable[[Envelope, Sequence[Reading], Sequence[Rejection]], tuple[Answer, ...]]
_ANSWERED: Mapping[str, _Answered] = {"contract": _press_answers, "facesluice": _push_acks}
