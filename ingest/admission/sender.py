"""Who sent a message that could not be read: by its topic or path alone, for no more is sure. Pure.

Only a message with rejections is asked about, so that what is accepted pays nothing.
"""

from msgspec.structs import replace

from devices.codecs.codec import where_from
from devices.codecs.contract import HTTP_ROOT
from devices.directory import Directory
from devices.envelope import Envelope
from devices.topics import CONTRACT_ROOT, contract_topic, parents
from ingest.admission.admit import Admitted


def attributed(admitted: Admitted, envelope: Envelope, directory: Directory) -> Admitted:
    """Return what was admitted with its device, where it holds rejections."""
    if not admitted.rejections:
        return admitted
    if admitted.readings:
        return replace(admitted, device=admitted.readings[0].device)
    return replace(admitted, device=sender_of(envelope, directory))


def sender_of(envelope: Envelope, directory: Directory) -> str:
    """Return the device's id, registered or not; "" where nothing names one.

    On a contract topic the last level names it, registered or not; elsewhere only a registered
    device is named: the one on this topic or above, or the one that the last level calls by its id.
    """
    where = where_from(envelope)
    for level in (where, *parents(where)):
        device = directory.device_on(level)
        if device is not None:
            return device.id
    contract = contract_topic(where.replace(HTTP_ROOT, CONTRACT_ROOT, 1))
    if contract is not None:
        return contract.device
    last = where.rpartition("/")[2]
    return last if last in directory.devices else ""
