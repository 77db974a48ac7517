"""Where a broker listens and as whom one speaks to it, read from its URL. Pure."""

from urllib.parse import SplitResult, unquote, urlsplit

import msgspec

from core.errors import CarewatchError

PORTS = {"mqtt": 1883, "mqtts": 8883}  # registered at IANA


class Address(msgspec.Struct, frozen=True):
    """Where a broker listens, and as whom we speak to it."""

    host: str
    port: int
    tls: bool = False
    user: str | None = None
    password: str | None = None  # never logged
    files: str = ""  # those for TLS, as the URL's query names them

    @classmethod
    def of(cls, url: str) -> "Address":
        """Read `mqtt://user:pass@host:1883` or `mqtts://...`. Raise CarewatchError, which never
        holds what stood in the URL."""
        parts = _split(url)
        return cls(
            host=parts.hostname or "",
            port=parts.port or PORTS[parts.scheme],
            tls=parts.scheme == "mqtts",
            user=unquote(parts.username) if parts.username is not None else None,
            password=unquote(parts.password) if parts.password is not None else None,
            files=parts.query,
        )

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def __repr__(self) -> str:
        return f"Address({self})"


def fault_of(url: str) -> str | None:
    """Return what is wrong with a broker's URL, without repeating it; None where nothing is."""
    try:
        parts = urlsplit(url)
    except ValueError:  # a bracket that does not close
        return "names no host and port that can be read"
    if parts.scheme not in PORTS:
        return "must begin with mqtt:// or mqtts://"
    if not _has_port_or_none(parts):
        return "its port is no number from 1 to 65535"
    return None if parts.hostname else "names no host"


def _has_port_or_none(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:
        return False


def _split(url: str) -> SplitResult:
    fault = fault_of(url)
    if fault is not None:
        raise CarewatchError(f"the broker's URL (CAREWATCH_MQTT_URL): {fault}")
    return urlsplit(url)
