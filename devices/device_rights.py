"""What a device may publish and hear: contract v1 under its own id, what its family speaks on and
is answered on, and the discovery messages by which it announces itself. Pure."""

from devices.codecs import ALL_CODECS
from devices.codecs.rights import (
    FAMILY_RIGHTS,
    announcing_rights,
    contract_rights,
    unclaimed_rights,
)
from devices.topics import Rights, TopicTable

_CODEC_OF = TopicTable((topic, codec) for codec in ALL_CODECS for topic in codec.topics)


def rights_of(device: str, topic: str | None) -> Rights:
    """Return what a device may do that is registered with this topic, or with none."""
    rights = contract_rights(device) + announcing_rights(device, topic)
    if not topic:
        return rights
    codec = _CODEC_OF.owner(topic)
    if codec is not None and codec.rights is not None:  # from outside
        more = codec.rights(topic)
        return rights + Rights((topic,)) + (more or Rights())
    family = FAMILY_RIGHTS.get(codec.family, unclaimed_rights) if codec else unclaimed_rights
    return rights + Rights((topic,)) + family(topic)
