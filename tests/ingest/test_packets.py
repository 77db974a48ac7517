import random

import pytest

from ingest.mqtt import packets
from ingest.mqtt.packets import BrokenStream, Connack, Pingresp, Publish, Reader, Suback, Will

STREAM = (
    b"\x20\x02\x01\x00"  # CONNACK, session present
    + packets.publish("a/b", b"x" * 10, 7)
    + b"\x30\x07\x00\x03a/bhi"  # QoS 0
    + b"\x90\x05\x00\x09\x01\x80\x00"  # SUBACK
    + b"\x3b\x07\x00\x01t\x00\x05hi"  # DUP, QoS 1, retained
    + packets.publish("large", b"y" * 300_000, 65_535)
    + b"\xb0\x02\x00\x01"  # UNSUBACK
    + b"\xd0\x00"  # PINGRESP
)
READ = [
    Connack(True, 0),
    Publish("a/b", b"x" * 10, 7, False, False),
    Publish("a/b", b"hi", 0, False, False),
    Suback(9, b"\x01\x80\x00"),
    Publish("t", b"hi", 5, True, True),
    Publish("large", b"y" * 300_000, 65_535, False, False),
    Pingresp(),
]


def test_a_stream_is_cut_into_its_packets() -> None:
    assert Reader().feed(STREAM) == READ


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000, 262_144])
def test_it_does_not_matter_where_the_network_cuts(size: int) -> None:
    reader = Reader()
    stream = STREAM if size > 3 else STREAM[:60]
    read = [
        packet
        for start in range(0, len(stream), size)
        for packet in reader.feed(stream[start : start + size])
    ]
    assert read == READ[: len(read)]
    assert len(read) == (len(READ) if size > 3 else 5)


def test_noise_breaks_the_stream_and_nothing_else() -> None:
    noise = random.Random(5)
    for _ in range(2_000):
        reader = Reader()
        try:
            reader.feed(noise.randbytes(noise.randrange(200)))
        except BrokenStream:
            continue


@pytest.mark.parametrize(
    "wrong",
    [
        b"\x30\xff\xff\xff\xff\x01",  # a length of five bytes
        b"\x30\x01\x00",  # PUBLISH without a topic
        b"\x32\x04\x00\x09ab",  # a topic longer than its packet
        b"\x50\x02\x00\x01",  # PUBREC
        b"\x90\x01\x00",
    ],
)
def test_what_is_not_mqtt_is_refused(wrong: bytes) -> None:
    with pytest.raises(BrokenStream):
        Reader().feed(wrong)


def test_what_we_send_is_what_the_standard_shows() -> None:
    assert packets.connect("me", clean=False, keep_alive=20) == (
        b"\x10\x0e\x00\x04MQTT\x04\x00\x00\x14\x00\x02me"
    )
    named = packets.connect(
        "me", clean=True, keep_alive=1, user="u", password="p", will=Will("w", b"gone")
    )
    assert named == (
        b"\x10\x1d\x00\x04MQTT\x04\xee\x00\x01\x00\x02me\x00\x01w\x00\x04gone\x00\x01u\x00\x01p"
    )
    assert packets.subscribe(1, ["a/#"]) == b"\x82\x08\x00\x01\x00\x03a/#\x01"
    assert packets.unsubscribe(2, ["a"]) == b"\xa2\x05\x00\x02\x00\x01a"
    assert packets.pubacks([1, 258]) == b"\x40\x02\x00\x01\x40\x02\x01\x02"
