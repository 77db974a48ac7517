"""The test kit of a codec from outside: what its author runs before anybody installs it.

from devices.codec_testing import assert_is_sound, decoded

def test_it_is_sound() -> None:
    assert_is_sound(CODEC, EXAMPLES)

def test_a_press() -> None:
    (press,) = decoded(CODEC, Example("acme/btn-7/event", b'{"key": "sos"}'))
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from time import process_time

import msgspec

from devices.codecs import CODECS
from devices.codecs.codec import Codec, Decoded, Part
from devices.codecs.outside import fault_of, held
from devices.envelope import Envelope, HttpRequest
from devices.readings import Ignored, Reading, Rejection
from devices.topics import matches

SLOWEST = 0.05  # seconds of processor time for one message
RECEIVED = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
_FAILED = " failed on it ("


class Example(msgspec.Struct, frozen=True):
    """A message as a device of the family sends it."""

    topic: str  # "" for HTTP
    payload: bytes
    http: HttpRequest | None = None

    @property
    def envelope(self) -> Envelope:
        """Return it as it would come in, at a fixed moment."""
        return Envelope(self.topic, self.payload, RECEIVED, http=self.http)


def decoded(codec: Codec, example: Example) -> list[Reading | Rejection | Ignored]:
    """Return what a codec makes of a message, without any register: what it says, or why not.

    A press or an input that only the register could judge is there as the codec handed it on.
    """
    found = codec.decode(example.envelope)
    said = [part.said if isinstance(part, Part) else part for part in found.parts]
    return said or [found.ignored]  # type: ignore[return-value]


def assert_is_sound(codec: Codec, examples: Sequence[Example]) -> None:
    """Check all that the service relies on. Raises AssertionError that says what is wrong.

    What it claims is its own; each example is claimed or known by its form, and says something;
    nothing raises, whatever is cut out of an example or put into it; the same message gives the
    same answer; and no message takes longer than 50 ms.
    """
    wrong = fault_of(codec, (ours.family for ours in CODECS))
    assert not wrong, wrong
    assert examples, "give it some messages as the devices send them"
    sound = held(codec, "codec")
    for example in examples:
        assert _is_known(codec, example), f"nobody would ask it about {example.topic!r}"
        first = _run(sound, example)
        assert first.parts or first.ignored or first.measured, f"{example}: it says nothing at all"
        assert first == sound.decode(example.envelope), f"{example}: it answers otherwise each time"
        for noisy in _noisy(example):
            _run(sound, noisy)
        assert codec.siblings(example.envelope, "name") is not None


def _run(codec: Codec, example: Example) -> Decoded:
    began = process_time()
    found = codec.decode(example.envelope)
    took = process_time() - began
    failed = [p for p in found.parts if isinstance(p, Rejection) and _FAILED in p.detail]
    assert not failed, f"{example.payload[:80]!r}: {failed[0].detail}"
    assert took < SLOWEST, f"{example.payload[:80]!r} took {took * 1000:.0f} ms"
    for part in found.parts:
        observed = part.said.observed_at if isinstance(part, Part) else None
        assert observed is None or observed.year > 1, "a time that no clock shows"
    return found


def _is_known(codec: Codec, example: Example) -> bool:
    if example.http is not None:
        claimed = any(example.http.path.startswith(path) for path in codec.paths)
    else:
        claimed = any(matches(each, example.topic) for each in codec.topics)
    return claimed or codec.fits(example.envelope, _body(example.payload))


def _body(payload: bytes) -> object:
    try:
        return msgspec.json.decode(payload)
    except msgspec.DecodeError:
        return payload.decode("utf-8", "replace")


def _noisy(example: Example) -> Iterator[Example]:
    """The message cut short, emptied, of another encoding, with other values in its fields."""
    payload = example.payload
    for made in (*_cut(payload), b"", b"\0", b"null", b"[]", b"{}", b"1", b'"x"', b"[[]]", b"{"):
        yield Example(example.topic, made, example.http)
    body = _body(payload)
    if isinstance(body, dict):
        values: tuple[object, ...] = (None, [], {}, "", "x", -1, 1e308, True)
        for key in body:
            for value in values:
                yield Example(
                    example.topic, msgspec.json.encode({**body, key: value}), example.http
                )
    levels = example.topic.split("/")
    for depth in range(1, len(levels)):
        yield Example("/".join(levels[:depth]), payload, example.http)


def _cut(payload: bytes) -> Iterable[bytes]:
    step = max(1, len(payload) // 50)
    yield from (payload[:at] for at in range(0, len(payload), step))
    yield from (payload[:at] + b"\xd6\xd0" + payload[at:] for at in range(0, len(payload), step))
