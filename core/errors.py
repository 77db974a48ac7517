"""Errors that a person can mend."""


class CarewatchError(Exception):
    """Something a person can mend. The message says what, where and how; no traceback is shown."""
