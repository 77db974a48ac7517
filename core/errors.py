"""Errors that a person can mend, and where one comes from that only we can."""

import os
import traceback


class CarewatchError(Exception):
    """Something a person can mend. The message says what, where and how; no traceback is shown."""


def origin(error: BaseException) -> list[str]:
    """Return the last three calls that led to an error, as "file:line function".

    This is for a log of what should not happen: the error's own words may hold what a device said.
    """
    steps = traceback.extract_tb(error.__traceback__)[-3:]
    return [f"{os.path.relpath(each.filename)}:{each.lineno} {each.name}" for each in steps]
