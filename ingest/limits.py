"""What one device, and one message, may cost (decision 0029): for those who tell it to vendors."""

import msgspec

from devices.contract.messages import MAX_BYTES as CONTRACT_BYTES
from ingest.admission.admit import MAX_BYTES, MOST_PARTS

A_SECOND = 5.0  # messages by HTTP: a phone sends one each second on the move, a terminal a face
BURST = 600  # messages that may come at once: ten minutes of one a second, buffered


class Limits(msgspec.Struct, frozen=True):
    """The limits as they are in force."""

    a_second: float = A_SECOND  # messages of one device by HTTP; a press is never refused for it
    burst: int = BURST  # messages
    message_bytes: int = MAX_BYTES
    message_parts: int = MOST_PARTS  # commas, brackets, tags, lines
    contract_bytes: int = CONTRACT_BYTES


LIMITS = Limits()
