"""Names and topics that no device may have, because services and administrators use them. Pure."""

import re

DEVICE_ID = re.compile(r"[^\s\x00-\x1f\x7f/+#]{1,128}")  # it is a level of an MQTT topic
RESERVED_PREFIX = "carewatch"  # accounts and client ids of our own services
RESERVED = frozenset({"admin"})  # the administrator that `mosquitto_ctrl dynsec init` makes
RESERVED_TOPICS = ("$", "carewatch/lanes/", "carewatch-simulator/")  # the broker's, and ours


def is_reserved(device: str) -> bool:
    """Return True if a device of this id could be taken for a service, in any letter case."""
    folded = device.casefold()
    return folded.startswith(RESERVED_PREFIX) or folded in RESERVED


def reserved_fault(device: str) -> str:
    """Return what is wrong with such an id, for people."""
    return (
        f"{device!r} can't be a device's id: {RESERVED_PREFIX}... and admin are kept for services"
    )


def is_reserved_topic(topic: str) -> bool:
    """Return True if only the broker or a service may speak on this topic."""
    return topic.startswith(RESERVED_TOPICS)
