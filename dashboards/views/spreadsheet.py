"""CSV that Excel opens as it is meant: UTF-8 with BOM, and no cell that it would calculate."""

import csv
import io
from collections.abc import Iterable, Sequence

# A spreadsheet takes a cell that begins so for a formula; a Chinese one the wide signs too.
RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
BOM = "\ufeff"  # without it Excel reads Chinese as gibberish


def spreadsheet(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return the whole file as text."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(heads)
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return BOM + text.getvalue()


def harmless(cell: str) -> str:
    """Return the cell behind an apostrophe where a spreadsheet would calculate it."""
    return f"'{cell}" if cell.startswith(RISKY) else cell
