"""However a button misbehaves, it has been pressed as often as it was pressed."""

from datetime import UTC, datetime, timedelta

import pytest

from devices.envelope import Envelope
from devices.readings import SosPressed
from devices.simulator.misbehaviour import WAYS, Misbehaviour, Sending, Way
from devices.simulator.one_device import Speaker
from devices.simulator.speech import Publication
from ingest.admission.admit import admit

NOW = datetime(2026, 11, 27, 6, 0, tzinfo=UTC)
BUTTON = Speaker(device="btn-1", secret="its own", kind="sos")
EACH_AND_ALL = [*((way,) for way in WAYS), WAYS]


def sent(ways: tuple[Way, ...]) -> list[Sending]:
    """What goes out of forty messages, two of them presses, a second apart."""
    manner = Misbehaviour(ways, beat=8.0)
    found: list[Sending] = []
    for number in range(40):
        said = BUTTON.said(number, "boot", replayed=False, at=NOW + timedelta(seconds=number))
        found += manner.sendings(said, NOW + timedelta(seconds=number))
    return found


def presses(what: list[Publication]) -> set[tuple[str, str]]:
    found = set()
    for each in what:
        admitted = admit(Envelope(each.topic, each.payload, NOW), None)
        found |= {(p.id, p.press) for p in admitted.readings if isinstance(p, SosPressed)}
    return found


@pytest.mark.parametrize("ways", EACH_AND_ALL, ids=",".join)
def test_a_press_stays_one_press(ways: tuple[Way, ...]) -> None:
    assert presses([each.what for each in sent(ways)]) == {("boot-3", "test"), ("boot-5", "short")}


@pytest.mark.parametrize("ways", EACH_AND_ALL, ids=",".join)
def test_nothing_is_kept_back_for_good(ways: tuple[Way, ...]) -> None:
    found = sent(ways)
    assert len(found) >= 30
    assert max(each.after for each in found) <= 8.0


def test_a_good_device_sends_what_it_says_at_once() -> None:
    found = sent(())
    assert [each.after for each in found] == [0.0] * 40
    assert len({each.what.payload for each in found}) == 40
