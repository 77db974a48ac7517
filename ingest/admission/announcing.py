"""An announcement as it is taken in: read, by whose account, and whether there is room. Pure."""

from msgspec.structs import replace

from devices.codecs.mending import mended
from devices.directory import Directory
from devices.discovery.announced import Announced, Owned
from devices.discovery.announcement import read_announcement
from devices.discovery.ownership import owned
from devices.envelope import Envelope
from devices.readings import Reason, Rejection


def taken_in(
    envelope: Envelope, directory: Directory | None, announced: Announced
) -> Owned | Rejection | None:
    """Return an announcement to be kept, or why it is not; None for a message that is none."""
    read = read_announcement(envelope)
    if isinstance(read, Rejection):
        whole, repairs = mended(envelope) or (envelope, ())
        read = read_announcement(whole) if repairs else read
    if read is None or isinstance(read, Rejection):
        return read
    told = owned(read, directory)
    if isinstance(told, Rejection):
        return told
    if announced.get(envelope.topic) is None and not announced.has_room(told.owner):
        full = "more announcements than one account may make; this one is not kept"
        return Rejection(Reason.TOO_LARGE, full)
    return replace(told, payload=envelope.payload)
