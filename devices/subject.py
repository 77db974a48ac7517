"""Whom or what something is about: a kind of thing and its id, written "client:c-1"."""

from collections.abc import Collection
from typing import Literal, Self, get_args

import msgspec

from core.errors import CarewatchError

HolderKind = Literal["client", "caregiver", "resident", "facility"]
Kind = Literal[HolderKind, "device", "gateway", "area", "agency", "service"]

HOLDERS: tuple[HolderKind, ...] = get_args(HolderKind)  # who may hold a device
KINDS: tuple[Kind, ...] = get_args(Kind)
_BY_WORD: dict[str, Kind] = {kind: kind for kind in KINDS}


class Subject(msgspec.Struct, frozen=True, gc=False):
    """A kind and an id. Columns, messages and rule states hold its text, `str(subject)`.

    A gateway is the device of that id with all that speaks through it. A service is a part of
    carewatch itself.
    """

    kind: Kind
    id: str

    @classmethod
    def parse(cls, text: str, kinds: Collection[Kind] = KINDS) -> Self:
        """Return the subject that a text like "client:c-1" names.

        Raise CarewatchError for a text of another form, or of a kind that is not among `kinds`.
        """
        word, _, id = text.partition(":")
        kind = _BY_WORD.get(word)
        if kind is None or not id or (kinds is not KINDS and kind not in kinds):
            raise CarewatchError(
                f"{text!r}: write one of {', '.join(f'{each}:ID' for each in kinds)}"
            )
        return cls(kind, id)

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"
