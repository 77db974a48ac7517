"""Why a message that one of the wire types refuses is refused."""

from typing import Any

from core.refusal import Cause, refusal
from devices.codecs.body import JsonObject
from devices.readings import Reason, Rejection

_REASONS: dict[Cause, Reason] = {
    "missing": Reason.MISSING_FIELD,
    "range": Reason.OUT_OF_RANGE,
    "type": Reason.BAD_VALUE,
    "unknown": Reason.BAD_VALUE,
}


def first_fault(body: JsonObject, wire: type[Any]) -> tuple[str, Rejection]:
    """Return the field at fault, and the rejection that names it without its value.

    The faults stand in the order of the message; what is not there at all comes last. The field
    is empty where no single one is at fault.
    """
    wrong = refusal(body, wire, hidden=None)[0]
    field = wrong.key or (str(wrong.path[0]) if wrong.path else "")
    return field, Rejection(_REASONS[wrong.cause], str(wrong))
