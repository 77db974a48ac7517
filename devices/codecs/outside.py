"""Codecs from outside: packages that name a `Codec` under the entry point group `carewatch.codecs`.

They are asked after our own, and what goes wrong in them stays in them: one that can't be imported
is left out, with one line that says why; one that fails on a message makes a rejection of it that
names the package. What can't be held is one that never ends: it runs in the process that ingests.
"""

from collections.abc import Callable, Iterable
from importlib.metadata import EntryPoint, entry_points
from traceback import extract_tb
from typing import Any

import msgspec
from msgspec.structs import replace

from devices.codecs.codec import Codec, Decoded, Part, refused
from devices.envelope import Envelope
from devices.readings import Ignored, Reason, Rejection, Said
from devices.topics import CONTRACT_ROOT

GROUP = "carewatch.codecs"


class Outside(msgspec.Struct, frozen=True):
    """What was found."""

    codecs: tuple[Codec, ...] = ()
    faults: tuple[str, ...] = ()  # one line a codec that was left out


def found(families: Iterable[str]) -> Outside:
    """Return the codecs that installed packages name; `families` are taken by ours."""
    return read(entry_points(group=GROUP), families)


def read(points: Iterable[EntryPoint], families: Iterable[str]) -> Outside:
    """Return the codecs that these entry points name, each held in. Raises nothing."""
    taken = set(families)
    codecs: list[Codec] = []
    faults: list[str] = []
    for point in sorted(points, key=lambda each: (each.name, each.value)):
        package = point.dist.name if point.dist is not None else "a package"
        where = f"codec {point.name!r} of {package}"
        loaded = _loaded(point, taken)
        if isinstance(loaded, str):
            faults.append(f"{where} is left out: {loaded}")
            continue
        taken.add(loaded.family)
        codecs.append(held(loaded, where))
    return Outside(tuple(codecs), tuple(faults))


def _loaded(point: EntryPoint, taken: set[str]) -> Codec | str:
    try:
        codec = point.load()
    except (Exception, SystemExit) as fault:
        return f"{point.value} can't be imported ({_line(fault)})"
    if not isinstance(codec, Codec):
        return f"{point.value} is no devices.codecs.codec.Codec"
    return fault_of(codec, taken) or codec


def fault_of(codec: Codec, taken: Iterable[str]) -> str:
    """Return what is wrong with what a codec claims; "" where nothing is."""
    if not codec.family.isidentifier() or codec.family in taken:
        return f"its family {codec.family!r} is no word, or taken"
    for topic in codec.topics:
        first = topic.partition("/")[0]
        if first in ("", "+", "#") or topic.startswith(("$", CONTRACT_ROOT, "carewatch")):
            return f"it claims {topic!r}; the first level must be its own word"
    if any(not path.startswith("/") or path == "/" for path in codec.paths):
        return "it claims a path that does not begin with / and a word of its own"
    return ""


def held(codec: Codec, where: str) -> Codec:
    """Return a codec whose faults become rejections, and none of whose functions raises."""

    def decode(envelope: Envelope) -> Decoded:
        try:
            return _checked(codec.decode(envelope))
        except Exception as fault:
            return refused(Reason.BAD_VALUE, f"{where} failed on it ({_line(fault)})")

    return replace(
        codec,
        decode=decode,
        fits=_safe(codec.fits, False),
        siblings=_safe(codec.siblings, ()),
        rights=_safe(codec.rights, None) if codec.rights is not None else None,
    )


def _safe(function: Callable[..., Any], instead: Any) -> Callable[..., Any]:
    def safe(*given: Any) -> Any:
        try:
            return function(*given)
        except Exception:
            return instead

    return safe


def _checked(decoded: object) -> Decoded:
    """Return what a codec answered; raises TypeError for what is no `Decoded`."""
    if not isinstance(decoded, Decoded):
        raise TypeError(f"decode answers {type(decoded).__name__}, no Decoded")
    if not isinstance(decoded.ignored, Ignored | None):
        raise TypeError("ignored is neither Ignored nor None")
    for part in (*decoded.parts, *decoded.measured):
        if not isinstance(part, Part | Rejection):
            raise TypeError(f"a part is {type(part).__name__}, neither Part nor Rejection")
        if isinstance(part, Part):
            if not isinstance(part.said, Said):
                raise TypeError(f"a part says {type(part.said).__name__}, no reading")
            # a struct does not check its fields as it is made
            msgspec.convert(msgspec.to_builtins(part.said), type(part.said))
    return decoded


def _line(fault: BaseException) -> str:
    """Where and what kind, and not what it says: that may hold a place or a name."""
    frames = extract_tb(fault.__traceback__)
    at = f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    return f"{type(fault).__name__}{at}"
