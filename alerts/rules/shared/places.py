"""Where a device is counted when devices are lost: behind its gateway, in its area. Pure.

A *place* is where single devices are: "area:wangji", or "gateway:hub-1 area:wangji" for those of
the area that speak through hub-1. A *node* is what can be out as a whole, and then the subject of
the incident: "gateway:hub-1", "area:wangji", "area:mudan". A broker session is a gateway too: the
device whose last will it leaves.
"""

from devices.directory import Device, Directory


def place_of(device: Device, directory: Directory) -> str | None:
    """Where a device is counted; None: neither gateway nor area is known of it.

    A gateway is counted among the devices behind it, in the smallest area that holds them.
    """
    is_gateway = bool(directory.behind(device.id))
    gateway = device.id if is_gateway else device.gateway
    area = directory.area_of(f"gateway:{device.id}" if is_gateway else device.holder)
    nodes = (gateway and f"gateway:{gateway}", area and f"area:{area}")
    return " ".join(node for node in nodes if node) or None


def around(place: str, directory: Directory) -> tuple[str, ...]:
    """The nodes that a place lies in, the smallest first."""
    nodes: list[str] = []
    for node in place.split(" "):
        nodes += (node, *above(node, directory)) if is_area(node) else hubs(node, directory)
    return tuple(nodes)


def above(node: str, directory: Directory) -> tuple[str, ...]:
    """The nodes that hold all of this one, the smallest first."""
    areas = directory.area_path(directory.area_of(node))
    if is_area(node):
        return tuple(f"area:{area}" for area in areas[1:])
    return (*hubs(node, directory)[1:], *(f"area:{area}" for area in areas))


def hubs(node: str, directory: Directory) -> tuple[str, ...]:
    """A gateway's node, and those of the gateways that it speaks through itself."""
    key = name_of(node)
    return (node, *(f"gateway:{further}" for further in directory.gateways_of(key)))


def is_area(node: str) -> bool:
    """Is this node an area, and no gateway?"""
    return node.startswith("area:")


def name_of(node: str) -> str:
    """The id of an area or of a gateway."""
    return node.partition(":")[2]
