"""The parameters of a query string and of a form body. Nothing here raises."""

from urllib.parse import parse_qsl

from devices.envelope import Envelope

MOST = 200  # parameters read; no device sends more


def parameters(envelope: Envelope) -> dict[str, str]:
    """The parameters of the request's query and of the form in its body; the body's win."""
    body = envelope.payload.decode("utf-8", "replace").strip()
    form = _read(body) if "=" in body[:200] and body[:1] not in ("{", "[", "<") else {}
    return query(envelope) | form


def query(envelope: Envelope) -> dict[str, str]:
    """The parameters of the request's query; empty for MQTT."""
    return _read(envelope.http.path.partition("?")[2]) if envelope.http else {}


def path_of(envelope: Envelope) -> str:
    """The request's path without its query; empty for MQTT."""
    return envelope.http.path.partition("?")[0] if envelope.http else ""


def _read(text: str) -> dict[str, str]:
    return dict(parse_qsl("&".join(text.split("&", MOST)[:MOST]), keep_blank_values=True))
