"""A rejected message as one line for a shell that sends it again: by `mosquitto_pub`, by `curl`.

What a device said is never a word of the shell's: each argument is quoted, and what a terminal
would act upon travels as base64. The line holds no secret; it names the variables that do. Its
payload is the veiled one, as the page shows it. Pure.
"""

import shlex
from base64 import b64encode
from urllib.parse import quote

from devices.codecs.contract import HTTP_ROOT, address_of
from devices.envelope import Envelope
from devices.topics import CONTRACT_ROOT
from devices.veil import masked

BROKER = '-h "$MQTT_HOST" -p "$MQTT_PORT"'
SECRET = '"$DEVICE_SECRET"'
BEARER = '-H "Authorization: Bearer $DEVICE_SECRET"'
URL = '"$CAREWATCH_URL"'
VARIABLES = ("MQTT_HOST", "MQTT_PORT", "DEVICE_SECRET", "CAREWATCH_URL")
_PATH = "/:@!$&'()*+,;=-._~"  # of a path stay as they are


def by_mqtt(envelope: Envelope, device: str) -> str:
    """Return the line that publishes the payload on the message's topic; "" where it has none.

    `device`: the user name of the account that may speak there.
    """
    topic = _topic(envelope)
    if not topic:
        return ""
    user = word(device) if device else '"$MQTT_USER"'
    line = f"mosquitto_pub {BROKER} -u {user} -P {SECRET} -q 1 -t {word(topic)}"
    if not envelope.payload:
        return f"{line} -n"
    text = _text(envelope.payload)
    if text is not None:
        return f"{line} -m {shlex.quote(text)}"
    return f"{_bytes(envelope.payload)} | {line} -s"


def by_http(envelope: Envelope, device: str) -> str:
    """Return the line that sends it as an HTTP request; "" where no path reads its form.

    `device`: whose secret it is, where the path does not say it.
    """
    request = _request(envelope)
    if request is None:
        return ""
    method, path, content_type = request
    named = device if address_of(envelope) is None else ""
    shown = (
        f"-u {word(f'{named}:')}{SECRET}" if named else '-H "Authorization: Bearer $DEVICE_SECRET"'
    )
    line = f"curl -sS -g --path-as-is -X {word(method)} {shown}"
    line += f" -H {word(f'Content-Type: {content_type}'.strip())}"  # bare: curl then sends none
    where = f"{URL}{word(path)}"
    if not envelope.payload:
        return f"{line} {where}"
    text = _text(envelope.payload)
    if text is not None:
        return f"{line} --data-raw {shlex.quote(text)} {where}"
    return f"{_bytes(envelope.payload)} | {line} --data-binary @- {where}"


def word(text: str) -> str:
    """Return a text as one word of a POSIX shell."""
    return shlex.quote(text) if text.isprintable() else f'"$({_bytes(text.encode())})"'


def _topic(envelope: Envelope) -> str:
    if envelope.http is None:
        return envelope.topic
    address = address_of(envelope)
    if address is None:
        return ""
    return f"{CONTRACT_ROOT}{address.site}/{address.kind}/{address.device}"


def _request(envelope: Envelope) -> tuple[str, str, str] | None:
    """Return method, path with its query, and content type."""
    if envelope.http is not None:
        path, mark, query = envelope.http.path.partition("?")
        asked = quote(path, safe=_PATH) + mark + quote(masked(query), safe=f"{_PATH}?%")
        return envelope.http.method, asked, envelope.http.content_type
    address = address_of(envelope)
    if address is None:
        return None
    parts = (quote(part, safe="") for part in (address.site, address.kind, address.device))
    return "POST", HTTP_ROOT + "/".join(parts), "application/json"


def _text(payload: bytes) -> str | None:
    """Return a payload that a shell may hold as it is, or None."""
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        return None
    return text if text.replace("\n", "").isprintable() else None


def _bytes(payload: bytes) -> str:
    return f"printf %s {shlex.quote(b64encode(payload).decode())} | base64 -d"
