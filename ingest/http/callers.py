"""Who may send messages by HTTP, and for which devices.

A caller shows one of three things, for terminals differ in what they can be taught:

- a device's own secret (`carewatch device add`): HTTP Basic with the device as the user, or a
  Bearer secret on the contract's path, or `/ingest/as/DEVICE:SECRET/...` in front of the path
  for a terminal that knows nothing but an address. It speaks for that device alone.
- the network token (CAREWATCH_INGEST_TOKEN): as a Bearer or Basic password, or
  `/ingest/as/TOKEN/...`. For gateways, which speak for many devices.
- an address in a trusted network (CAREWATCH_INGEST_NETWORKS): for terminals that can't show
  anything. Behind a reverse proxy it is the caller's address where the proxy is named
  (CAREWATCH_TRUSTED_PROXIES); one that is not named lends its own to nobody.

No browser is let in for its place in the network: it goes where any web page sends it. And what a
page of another site sends is refused whatever it shows, for browsers add kept passwords by
themselves.
"""

import binascii
import hmac
from base64 import b64decode
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec
import psycopg

from core.addresses import came_by_proxy, is_in
from core.origins import is_browser
from devices.credentials import credential_fits


class SenderProof(msgspec.Struct, frozen=True):
    """What a request shows of its sender."""

    address: str  # IP address it comes from
    device: str | None = None  # whom it claims to be
    secret: str | None = None
    bare: bool = True  # see `is_bare`: its address alone may let it in


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
    proxies: tuple[str, ...] = ()  # networks of the proxies whose X-Forwarded-For is believed
    public_url: str = ""  # pages of this origin are ours

    @property
    def origin(self) -> str:
        """The origin of our own pages, as a browser writes it."""
        public = urlsplit(self.public_url)
        return f"{public.scheme}://{public.netloc}"

    def __repr__(self) -> str:
        return "Access(...)"


def is_bare(headers: Mapping[str, str], peer: str, access: Access) -> bool:
    """Return True if the request is no browser's and came through no proxy that nobody named.

    Only of such a request does the address say who sent it. `peer`: address of the connection.
    """
    through_proxy = came_by_proxy(headers)
    return not is_browser(headers) and (not through_proxy or is_in(peer, access.proxies))


def proof_of(
    address: str,
    authorization: str | None,
    prefix: str | None,
    path_device: str | None,
    *,
    bare: bool = True,
) -> SenderProof:
    """Put together what a request shows (pure).

    `prefix` is what stood behind `/ingest/as/`, `path_device` the device of a contract path: a
    bare secret is meant for it.
    """
    if prefix is not None:
        device, colon, secret = prefix.rpartition(":")
        return SenderProof(address, device if colon else path_device, secret, bare)
    scheme, _, value = (authorization or "").partition(" ")
    if scheme.casefold() == "bearer":
        return SenderProof(address, path_device, value.strip(), bare)
    if scheme.casefold() == "basic":
        try:
            device, _, secret = b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return SenderProof(address, bare=bare)
        return SenderProof(address, device, secret, bare)
    return SenderProof(address, bare=bare)


def let_in(conn: psycopg.Connection, seen: SenderProof, access: Access) -> Caller | None:
    """Return who this is; None for nobody we know. Raises psycopg.Error."""
    if seen.secret:
        if access.token and hmac.compare_digest(seen.secret.encode(), access.token.encode()):
            return Caller()
        if seen.device and credential_fits(conn, seen.device, seen.secret):
            return Caller(seen.device)
        return None  # a wrong secret is not mended by the right network
    return Caller() if seen.bare and is_in(seen.address, access.networks) else None
