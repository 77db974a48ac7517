"""ZKTeco terminals by the push protocol: `/iclock/cdata`, `/iclock/getrequest`, ...

`table=ATTLOG` holds one line a record: PIN, local time, status (0 in, 1 out), verify mode, and more
or fewer columns behind; a USB export (six columns, its PINs aligned to the right) has the device's
number before the status. A record may also be a form. A device repeats lines until it is answered,
so a record's id is its person and time. Written after ZKTeco's push protocol and captured messages.
"""

import re
from typing import Literal
from urllib.parse import unquote_plus

from devices.codecs.codec import Codec, Decoded, Part, bounded, nothing, refused, shared
from devices.codecs.fields import moment
from devices.codecs.forms import parameters, path_of, query
from devices.envelope import Envelope
from devices.readings import DeviceStatus, FaceMethod, FaceSeen, Ignored, Reason, Rejection

ROOT = "/iclock/"
USB_COLUMNS, MOST_COLUMNS = 6, 40
VERIFY_KEYS = ("verifymode", "verifytype", "verify")
NOBODY = "0"  # the PIN of a door's own event
DIRECTIONS: dict[str, Literal["in", "out"]] = {
    "0": "in",
    "1": "out",
    "2": "out",
    "3": "in",
    "4": "in",
    "5": "out",
}
METHODS: dict[str, FaceMethod] = {
    **dict.fromkeys(("0", "3"), "pin"),
    **dict.fromkeys(("1", "5", "6", "8", "9", "10", "12", "13", "14", "21", "22", "23"), "finger"),
    **dict.fromkeys(("2", "4", "7", "11"), "card"),
    **dict.fromkeys(("15", "16", "17", "18", "19", "20", "27", "29"), "face"),  # and what else
    **dict.fromkeys(("25", "26", "28"), "palm"),
}
RECORDS = ("attlog", "rtlog")  # attendance, and events at an access controller's doors
PRIVATE_TABLES = ("biophoto", "userpic", "fingertmp", "biodata", "facev7", "attphoto", "idcard")


def decode(envelope: Envelope) -> Decoded:
    """Attendance records in their order; polls are heartbeats; other tables are ignored."""
    asked = {key.casefold(): value for key, value in query(envelope).items()}
    if "sn" not in asked:
        asked = {key.casefold(): value for key, value in parameters(envelope).items()} | asked
    device, action = asked.get("sn"), path_of(envelope).removeprefix(ROOT).strip("/").casefold()
    if not device:
        return refused(Reason.MISSING_FIELD, "SN is missing")
    table = asked.get("table", "").casefold()
    if table in RECORDS:
        return _records(device, envelope)
    if table in PRIVATE_TABLES:
        lines = sum(1 for line in envelope.payload.splitlines() if line.strip())
        return Decoded(ignored=Ignored(f"table {table}"), redacted=lines)
    if action == "devicecmd" or table:
        return nothing(f"terminal {table or action}")
    return Decoded((Part(DeviceStatus(online=True, **shared(envelope, device))),))


def _records(device: str, envelope: Envelope) -> Decoded:
    try:
        lines = lines_of(envelope.payload.decode())
    except UnicodeDecodeError:
        return refused(Reason.BAD_VALUE, "the records are not UTF-8")
    exported = any(line[0] == " " for line in lines)
    read, more = bounded(lines)
    said = (_record(line, device, envelope, exported=exported) for line in read)
    found = (*(one for one in said if one is not None), *more)
    return Decoded(found) if found else nothing("no record in it")


def lines_of(text: str) -> list[str]:
    """Return one record a line, its columns apart by tabs, in whatever form they were sent."""
    if "\t" not in text and _ESCAPED_TAB.search(text):
        text = _FORM_FIELD.sub("", unquote_plus(text))
    elif "\t" not in text and "&" in text and "=" in text:
        text = "\n".join(unquote_plus(line.replace("&", "\t")) for line in text.splitlines())
    return [line for line in text.splitlines() if line.strip()]


_ESCAPED_TAB = re.compile(r"%09", re.IGNORECASE)
_FORM_FIELD = re.compile(r"^\w+=(?=[^\t=]*\t)", re.MULTILINE)  # one form field holds all records


def _record(
    line: str, device: str, envelope: Envelope, *, exported: bool
) -> Part | Rejection | None:
    person, written, status, verify = _columns(line, exported=exported)
    if person == NOBODY:
        return None
    at = moment(written, "time")
    if not person or at is None:
        return Rejection(Reason.MISSING_FIELD, f"no PIN and time in {line.strip()[:40]!r}")
    if isinstance(at, Rejection):
        return at
    digits = re.sub(r"\D", "", written)
    reading = FaceSeen(
        person=person,
        method=METHODS.get(verify, "pin"),
        direction=DIRECTIONS.get(status),
        **shared(envelope, device, at, id=f"{person}-{digits}"),
    )
    return Part(reading)


def _columns(line: str, *, exported: bool) -> tuple[str, str, str, str]:
    """Person, time, status, verify mode of a line, in whichever of the three forms."""
    columns = [column.strip() for column in line.strip().split("\t", MOST_COLUMNS)]
    if "=" in columns[0]:
        named = {key.casefold(): value for key, _, value in (c.partition("=") for c in columns)}
        verify = next((named[key] for key in VERIFY_KEYS if key in named), "")
        status = named.get("status", named.get("inoutstatus", ""))
        return named.get("pin", ""), named.get("time", ""), status, verify
    if exported and len(columns) == USB_COLUMNS:
        columns.pop(2)
    person, time, status, verify = (*columns, "", "", "", "")[:4]
    return person, time, status, verify


CODEC = Codec(family="zkteco", decode=decode, paths=(ROOT,))
