"""Where a device is counted when devices are lost: behind its gateway, in its area. Pure.

A *place* is where single devices are: "area:wangji", or "gateway:hub-1 area:wangji" for those of
the area that speak through hub-1. A *node* is what can be out as a whole, and then the subject of
the incident: "gateway:hub-1", "area:wangji", "area:mudan". A broker session is a gateway too: the
device whose last will it leaves.
"""

from devices.directory import Device, Directory
from devices.subject import Subject


def place_of(device: Device, directory: Directory) -> str | None:
    """Return where a device is counted; None where it has neither gateway nor area.

    A gateway is counted among the devices behind it, in the smallest area that holds them.
    """
    is_gateway = bool(directory.behind(device.id))
    gateway = device.id if is_gateway else device.gateway
    area = directory.area_of(Subject("gateway", device.id) if is_gateway else device.subject)
    nodes = (gateway and str(Subject("gateway", gateway)), area and str(Subject("area", area)))
    return " ".join(node for node in nodes if node) or None


def around(place: str, directory: Directory) -> tuple[str, ...]:
    """Return the nodes that a place lies in, the smallest first."""
    nodes: list[str] = []
    for node in place.split(" "):
        nodes += (node, *above(node, directory)) if is_area(node) else hubs(node, directory)
    return tuple(nodes)


def above(node: str, directory: Directory) -> tuple[str, ...]:
    """Return the nodes that hold all of this one, the smallest first."""
    areas = directory.area_path(directory.area_of(Subject.parse(node)))
    if is_area(node):
        return tuple(str(Subject("area", area)) for area in areas[1:])
    return (*hubs(node, directory)[1:], *(str(Subject("area", area)) for area in areas))


def hubs(node: str, directory: Directory) -> tuple[str, ...]:
    """Return a gateway's node, and those of the gateways that it speaks through itself."""
    key = name_of(node)
    return (node, *(str(Subject("gateway", further)) for further in directory.gateways_of(key)))


def is_area(node: str) -> bool:
    """Return True if this node is an area, and no gateway."""
    return Subject.parse(node).kind == "area"


def name_of(node: str) -> str:
    """Return the id of an area or of a gateway."""
    return Subject.parse(node).id
