"""Which readings are stored already: asked when a batch has met a repeat, and before the next
batches, since repeats come in company."""

from collections.abc import Sequence

import psycopg
from psycopg.rows import scalar_row

from ingest.store.rows import TABLES, Key, ReadingRow, Table, microseconds

LOOK_FIRST_FOR = 8  # batches without a repeat, until the next is tried unasked again


class RepeatGuard:
    """Whether to look for repeats before a batch is tried. One a lane; not for several threads."""

    def __init__(self) -> None:
        self._left = 0

    @property
    def looks_first(self) -> bool:
        """Return True if the next batch is compared first: a failed try costs thrice that."""
        return self._left > 0

    def note(self, *, met: bool) -> None:
        """Note whether a batch met a repeat."""
        self._left = LOOK_FIRST_FOR if met else max(self._left - 1, 0)


def unknown(conn: psycopg.Connection, rows: Sequence[ReadingRow]) -> list[ReadingRow]:
    """Return the rows whose key is not stored yet."""
    known: set[int] = set()
    for table in TABLES:
        asked = [(n, row.key) for n, row in enumerate(rows) if row.table == table]
        if asked:
            stored = _known(conn, table, [key for _, key in asked])
            known.update(asked[position][0] for position in stored)
    return [row for n, row in enumerate(rows) if n not in known]


# LATERAL ... LIMIT keeps this to one index search a row (a join might read whole partitions);
# the span of all times keeps it to the partitions that can matter.
_KNOWN = """
SELECT n - 1 FROM unnest(%b::text[], %b::bigint[], %b::text[], %b::text[])
    WITH ORDINALITY AS asked (device, microseconds, id, kind, n),
LATERAL (
    SELECT FROM {table} AS known
    WHERE known.device = asked.device AND known.id = asked.id AND known.kind = asked.kind
      AND known.at = '2000-01-01Z'::timestamptz + asked.microseconds * interval '1 microsecond'
      AND known.at BETWEEN %s AND %s
    LIMIT 1
) AS found"""


def _known(conn: psycopg.Connection, table: Table, keys: Sequence[Key]) -> list[int]:
    """Return the positions of the keys that are stored."""
    times = [at for _, at, *_ in keys]
    asked = (
        [device for device, *_ in keys],
        [microseconds(at) for at in times],
        [id for _, _, id, _ in keys],
        [kind for _, _, _, kind in keys],
    )
    with conn.transaction():
        found = conn.cursor(row_factory=scalar_row).execute(
            _KNOWN.format(table=table), (*asked, min(times), max(times))
        )
        return found.fetchall()
