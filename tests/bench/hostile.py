"""How much of the processor the worst inputs cost: `python -m tests.bench.hostile [inputs]`.

Damaged captures of every family, and payloads of 4 MB made to be slow. Prints the slowest of each;
nothing here is asserted, since a busy machine is no fault of an input.
"""

import json
import random
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from devices.envelope import Envelope
from devices.recording import http_request
from ingest.admission.admit import MAX_BYTES, admit

CAPTURES = Path(__file__).parents[1] / "devices" / "captures"
RECEIVED = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
NOISE = (b"\0", b"\xef\xbb\xbf", b"nan", b"\t", b"\\x", b"&", b"\xd6\xd0", b'"', b"{", b"]", b",")
TOPICS = (
    "carewatch/v1/w/sos/b",
    "owntracks/u/d",
    "zigbee2mqtt/d",
    "mqtt/face/1/Rec",
    "tele/b/SENSOR",
    "application/1/device/2/event/up",
    "x/y/z/zigbee2mqtt/d",
    "nobody/speaks/here",
)


def captured() -> list[Envelope]:
    rows = [
        json.loads(line)
        for path in sorted(CAPTURES.glob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]
    return [
        Envelope(
            row.get("topic", ""),
            row["payload"].encode(),
            RECEIVED,
            http_request(row["http"], row["content_type"]) if "http" in row else None,
        )
        for row in rows
    ]


def damaged(envelope: Envelope, rng: random.Random) -> Envelope:
    """The message with some bytes taken out, put in or changed."""
    body = bytearray(envelope.payload)
    for _ in range(rng.randint(1, 6)):
        at = rng.randint(0, len(body))
        match rng.randint(0, 3):
            case 0:
                body[at:at] = rng.choice(NOISE)
            case 1:
                del body[at : at + rng.randint(1, 8)]
            case 2:
                body[at : at + 1] = bytes([rng.randint(0, 255)])
            case _:
                body[at:at] = body[at : at + rng.randint(1, 40)]
    return Envelope(envelope.topic, bytes(body), RECEIVED, envelope.http)


def large() -> Iterator[tuple[str, bytes]]:
    """Payloads of 4 MB, each bad in a way of its own."""
    size = MAX_BYTES - 64
    fill = {
        "quotes": b'\\"',
        "open strings": b'"',
        "nan": b"nan,",
        "numbers": b"1,",
        "bad numbers": b"01,",
        "tabs in texts": b'"\t",',
        "escapes": b'"\\x",',
        "brackets": b"[",
        "objects": b'{"a":1},',
        "NULs": b"\0",
        "NUL and signs": b"a\0",
        "GBK": b"\xd6\xd0",
        "ampersands": b"&",
        "elements": b"<a>",
        "base64": b"QUJD",
        "percent": b"%00",
        "forms": b"a=1&",
        "frames": b"[3G*8800000015*0003*TKQ]",
        "events": b"Code=A;action=B;index=0;data={",
        "lines": b"1\t2026-11-05 09:00:03\t0\t15\n",
        "ids": b"11010119900307",
    }
    for name, piece in fill.items():
        body = piece * (size // len(piece))
        yield name, body
        yield f"{name} in an array", b"[" + body + b"1]"
        yield f"{name} in an object", b'{"a":[' + body + b"1]}"
        yield f"{name} in a text", b'{"id":"1","at":1,"x":"' + body + b'"}'


def spent(envelope: Envelope) -> float:
    """Milliseconds of the processor."""
    began = time.process_time()
    admit(envelope, None)
    return (time.process_time() - began) * 1e3


def main(inputs: int) -> None:
    rng = random.Random(20261102)
    known = captured()
    small = max((spent(damaged(rng.choice(known), rng)), number) for number in range(inputs))
    print(f"{inputs} damaged captures: the slowest took {small[0]:.2f} ms")
    paths = ("POST /", "POST /iclock/cdata?SN=1&table=ATTLOG", "POST /hik")
    for name, body in large():
        sent = [Envelope(topic, body, RECEIVED) for topic in TOPICS]
        sent += [Envelope("", body, RECEIVED, http_request(path)) for path in paths]
        took, where = max((spent(each), each.topic or each.http.path) for each in sent)  # type: ignore[union-attr]
        print(f"{took:8.1f} ms  4 MB of {name}, worst on {where}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
