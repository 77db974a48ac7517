"""Who may send messages by HTTP, and for which devices.

A caller shows one of three things, for terminals differ in what they can be taught:

- a device's own secret (`carewatch device add`): HTTP Basic with the device as the user, or a
  Bearer secret on the contract's path, or `/ingest/as/DEVICE:SECRET/...` in front of the path
  for a terminal that knows nothing but an address. It speaks for that device alone.
- the network token (CAREWATCH_INGEST_TOKEN): as a Bearer or Basic password, or
  `/ingest/as/TOKEN/...`. For gateways, which speak for many devices.
- an address in a trusted network (CAREWATCH_INGEST_NETWORKS): for terminals that can't show
  anything. Behind a reverse proxy every caller has the proxy's address: leave it empty there.
"""

import binascii
import hmac
from base64 import b64decode
from ipaddress import ip_address, ip_network

import msgspec
import psycopg

from devices.credentials import credential_fits


class SenderProof(msgspec.Struct, frozen=True):
    """What a request shows of its sender."""

    address: str  # IP address of the connection
    device: str | None = None  # whom it claims to be
    secret: str | None = None


class Caller(msgspec.Struct, frozen=True):
    """Who is let in. `device` None: a gateway or a trusted network, which may speak for any."""

    device: str | None = None

    def may_speak_for(self, device: str) -> bool:
        """Return True if a reading of this device is believed from this caller."""
        return self.device is None or self.device == device


class Access(msgspec.Struct, frozen=True):
    """What a deployment trusts beside the devices' own secrets."""

    token: str | None = None  # CAREWATCH_INGEST_TOKEN
    networks: tuple[str, ...] = ()  # "10.8.0.0/16", ...

    def __repr__(self) -> str:
        return "Access(...)"


def proof_of(
    address: str, authorization: str | None, prefix: str | None, path_device: str | None
) -> SenderProof:
    """Put together what a request shows (pure).

    `prefix` is what stood behind `/ingest/as/`, `path_device` the device of a contract path: a
    bare secret is meant for it.
    """
    if prefix is not None:
        device, colon, secret = prefix.rpartition(":")
        return SenderProof(address, device if colon else path_device, secret)
    scheme, _, value = (authorization or "").partition(" ")
    if scheme.casefold() == "bearer":
        return SenderProof(address, path_device, value.strip())
    if scheme.casefold() == "basic":
        try:
            device, _, secret = b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return SenderProof(address)
        return SenderProof(address, device, secret)
    return SenderProof(address)


def let_in(conn: psycopg.Connection, seen: SenderProof, access: Access) -> Caller | None:
    """Return who this is; None for nobody we know. Raises psycopg.Error."""
    if seen.secret:
        if access.token and hmac.compare_digest(seen.secret.encode(), access.token.encode()):
            return Caller()
        if seen.device and credential_fits(conn, seen.device, seen.secret):
            return Caller(seen.device)
        return None  # a wrong secret is not mended by the right network
    return Caller() if _trusted(seen.address, access.networks) else None


def _trusted(address: str, networks: tuple[str, ...]) -> bool:
    try:
        here = ip_address(address)
    except ValueError:
        return False
    return any(here in ip_network(each, strict=False) for each in networks)
