"""IP addresses: who a request comes from behind named proxies, and which network that is in. Pure.

A proxy is believed only where it is named. Each proxy appends the address it was called from to
`X-Forwarded-For`, so the right-most entry that is not a named proxy's is the last that a proxy of
ours has seen itself; what stands left of it is whatever the caller wrote.
"""

from collections.abc import Iterable, Sequence
from ipaddress import IPv6Address, ip_address, ip_network

IPV6_NETWORK = 64  # bits: what one subscriber is given (RFC 6177), and may roam in at will


OF_PROXIES = ("x-forwarded", "forwarded", "x-real-ip", "via")  # beginnings of header names


def came_by_proxy(headers: Iterable[str]) -> bool:
    """Return True if the names of a request's headers tell of a proxy; one may hide that it is."""
    return any(name.casefold().startswith(OF_PROXIES) for name in headers)


def client_address(peer: str, forwarded: Sequence[str], proxies: Sequence[str]) -> str:
    """Return the address that a request comes from.

    `peer` is the address of the connection, `forwarded` the `X-Forwarded-For` headers in their
    order, `proxies` the networks of the proxies that are believed.
    """
    if not is_in(peer, proxies):
        return peer
    hops = [hop.strip() for line in forwarded for hop in line.split(",")]
    for hop in reversed(hops):
        if not is_in(hop, proxies):
            return hop if is_address(hop) else peer
    return peer


def network_of(address: str) -> str:
    """Return the network that counts as one place: an IPv4 address, the /64 of an IPv6 one."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ip_network((int(found), IPV6_NETWORK), strict=False))


def is_in(address: str, networks: Sequence[str]) -> bool:
    """Return True if the address lies in one of the networks ("10.8.0.0/16", "::1")."""
    try:
        here = ip_address(address)
    except ValueError:
        return False
    if isinstance(here, IPv6Address) and here.ipv4_mapped is not None:
        here = here.ipv4_mapped
    return any(here in ip_network(each, strict=False) for each in networks)


def is_address(text: str) -> bool:
    """Return True if the text is an IPv4 or IPv6 address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
