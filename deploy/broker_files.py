"""The files in which a Mosquitto keeps accounts, written from the register."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from core.errors import CarewatchError
from core.files import replace_file
from devices.broker_access import acl_file, dynamic_security, password_file
from devices.credentials import Credential

Form = Literal["passwords", "acl", "dynsec"]


def exported(
    form: Form,
    known: Sequence[Credential],
    existing: bytes = b"",
    service_secret: str | None = None,
) -> str:
    """Return the text of one such file. Raises CarewatchError where `existing` can't be read.

    `service_secret` is what the services sign in with, as a password file has it.
    """
    match form:
        case "passwords":
            return password_file(known, existing.decode("utf-8", "replace"), service_secret)
        case "acl":
            return acl_file(known)
        case "dynsec":
            return dynamic_security(known, existing or b"{}").decode() + "\n"


def write_into(
    path: Path, form: Form, known: Sequence[Credential], service_secret: str | None = None
) -> None:
    """Replace the file as a whole; what in it is not ours is kept.

    Raises CarewatchError, and leaves the file alone, where it is missing or not of this form.
    """
    try:
        if not path.is_file():
            raise CarewatchError(f"{path}: there is no such file")
        if _is_our_output(path):
            raise CarewatchError(
                f"{path}: --into writes it by itself; the shell has emptied it for the output"
            )
        existing = path.read_bytes()
        if form == "dynsec" and not existing.strip():
            raise CarewatchError(f"{path}: not a dynamic-security file: it is empty")
        replace_file(path, exported(form, known, existing, service_secret).encode())
    except OSError as error:
        raise CarewatchError(f"{path}: {error.strerror}") from None


def _is_our_output(path: Path) -> bool:
    """Return True if the shell sends our output into this very file (`--into F > F`)."""
    try:
        return os.path.samestat(os.fstat(sys.__stdout__.fileno()), path.stat())  # type: ignore[union-attr]
    except (OSError, ValueError, AttributeError):
        return False
