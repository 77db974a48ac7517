"""`Subject`: a text is read once, by its kind and id, and is written back as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import CarewatchError
from devices.subject import HOLDERS, KINDS, Kind, Subject

IDS = st.text(min_size=1, max_size=20)


@given(kind=st.sampled_from(KINDS), id=IDS)
def test_a_subject_is_read_back_from_its_text(kind: Kind, id: str) -> None:
    subject = Subject(kind, id)
    assert Subject.parse(str(subject)) == subject
    assert f"{subject}" == f"{kind}:{id}"


def test_an_id_may_hold_a_colon() -> None:
    assert Subject.parse("device:00:11:22") == Subject("device", "00:11:22")


@pytest.mark.parametrize("text", ["", "client", "client:", ":c-1", "Client:c-1", "town:c-1", "c-1"])
def test_any_other_text_is_one_clear_error(text: str) -> None:
    with pytest.raises(CarewatchError, match="client:ID, caregiver:ID") as raised:
        Subject.parse(text)
    assert repr(text) in str(raised.value)


def test_only_the_kinds_asked_for_are_taken() -> None:
    assert Subject.parse("client:c-1", HOLDERS).kind == "client"
    with pytest.raises(CarewatchError, match=r"client:ID, caregiver:ID, resident:ID, facility:ID$"):
        Subject.parse("device:d-1", HOLDERS)
