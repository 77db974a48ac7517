"""A mapping in snapshots: the next one shares its bulk with the one it came from."""

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

V = TypeVar("V")


class Shelf(Generic[V]):
    """An immutable mapping that shares its bulk with the snapshot it came from.

    `changed` costs what has changed since the last merge, not the whole size; a lookup tries
    the small patch first. The patch is merged when it outgrows a sixteenth of the base.
    """

    __slots__ = ("_base", "_patch")

    def __init__(self, base: Mapping[str, V] | None = None) -> None:
        self._base: Mapping[str, V] = base if base is not None else {}
        self._patch: dict[str, V | None] = {}

    def get(self, key: str | None) -> V | None:
        """Return the value, or None where there is none."""
        if key is None:
            return None
        if self._patch and key in self._patch:
            return self._patch[key]
        return self._base.get(key)

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None

    def __len__(self) -> int:
        return len(self._base) + sum(
            (now is not None) - (key in self._base) for key, now in self._patch.items()
        )

    def __iter__(self) -> Iterator[V]:
        """Yield the values, in the order they were first put in."""
        for key, item in self._base.items():
            kept = self._patch.get(key, item) if self._patch else item
            if kept is not None:
                yield kept
        for key, added in self._patch.items():
            if added is not None and key not in self._base:
                yield added

    def changed(self, changes: Mapping[str, V | None]) -> "Shelf[V]":
        """Return the next snapshot: values put in by key, None takes a key out."""
        if not changes:
            return self
        patch = {**self._patch, **changes}
        nxt: Shelf[V] = Shelf(self._base)
        if len(patch) * 16 <= len(self._base):
            nxt._patch = patch
            return nxt
        merged: dict[str, V] = dict(self._base)
        for key, value in patch.items():
            if value is None:
                merged.pop(key, None)
            else:
                merged[key] = value
        nxt._base = merged
        return nxt
