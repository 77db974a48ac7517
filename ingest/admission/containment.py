"""Admission, with a fault of ours held to the one message that shows it.

A codec promises not to raise. Should one break that promise, the batch around the message is
stored, the sender is answered, and the message waits as a dead letter for the mend.
"""

from traceback import extract_tb

import structlog

from devices.codecs import family_of
from devices.directory import Directory
from devices.discovery.announced import NOTHING, Announced
from devices.envelope import Envelope
from devices.readings import Reason, Rejection
from ingest.admission.admit import Admitted, admit
from ingest.admission.sender import attributed

log = structlog.get_logger()


def contained(envelope: Envelope, directory: Directory, announced: Announced = NOTHING) -> Admitted:
    """What admission makes of a message; a rejection where it fails. Raises nothing."""
    try:
        return attributed(admit(envelope, directory, announced), envelope, directory)
    except Exception as fault:
        at = extract_tb(fault.__traceback__)[-1]
        log.error(  # where, and not what it says: that may hold a place or a name
            "admission failed",
            topic=envelope.topic,
            bytes=len(envelope.payload),
            fault=type(fault).__name__,
            at=f"{at.filename}:{at.lineno}",
        )
        why = f"carewatch itself failed on it ({type(fault).__name__}): tell its makers"
        failed = Admitted(family_of(envelope), rejections=(Rejection(Reason.BAD_VALUE, why),))
        return attributed(failed, envelope, directory)
