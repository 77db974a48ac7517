"""`carewatch decode`: what the service understands of a payload. No server needed."""

import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
import typer

from core.errors import CarewatchError
from deploy.town.townfile import directory_of, read_town
from devices.codecs.times import read_time
from devices.directory import Directory
from devices.discovery.announced import NOTHING
from devices.envelope import Envelope
from devices.readings import Ignored
from devices.recording import http_request, read_recording
from ingest.admission.admit import Admitted, admit
from ingest.admission.plausibility import DEFAULT_ZONE

_encode = msgspec.json.Encoder().encode


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("decode")(decode)


def decode(
    file: Annotated[
        Path | None, typer.Argument(help="The payload; - reads standard input.")
    ] = None,
    topic: Annotated[str, typer.Option(help="The MQTT topic it came on.")] = "",
    town: Annotated[Path | None, typer.Option(help="Know only this town's devices.")] = None,
    received_at: Annotated[str, typer.Option(help="ISO time of receipt; now when missing.")] = "",
    http: Annotated[str, typer.Option(help='"GET /path?query" or "POST /path", not MQTT.')] = "",
    content_type: Annotated[str, typer.Option(help="The Content-Type of a POST.")] = "",
    recording: Annotated[Path | None, typer.Option(help="Read each line of a recording.")] = None,
) -> None:
    """Print what is understood: one JSON object a line, each a reading or a rejection.

    Ends with 0 when all was read, 1 when anything was rejected; with --recording always with 0.
    """
    directory = _directory(town)
    if recording is not None:
        _write(_recorded(recording, directory))
        return
    envelope = Envelope(
        topic=topic,
        payload=_payload(file, http),
        received_at=_received(received_at, directory),
        http=http_request(http, content_type) if http else None,
    )
    if not topic and not http:
        raise CarewatchError('say where the payload came: --topic TOPIC or --http "POST /path"')
    admitted = admit(envelope, directory)
    _write(map(_encode, _lines(admitted)))
    raise typer.Exit(1 if admitted.rejections else 0)


def _recorded(recording: Path, directory: Directory | None) -> Iterator[bytes]:
    """Yield a line for each message, read with what was announced in the lines before."""
    announced = NOTHING
    for number, envelope in read_recording(recording):
        admitted = admit(envelope, directory, announced)
        if admitted.announcement is not None:
            announced = announced.changed([admitted.announcement])
        yield _encode({"line": number, "out": _lines(admitted)})


def _directory(town: Path | None) -> Directory | None:
    if town is None:
        return None
    return directory_of(read_town(town))


def _payload(file: Path | None, http: str) -> bytes:
    if file is None:
        if http.upper().startswith("GET"):
            return b""
        raise CarewatchError("which payload? give a FILE, or - to read standard input")
    if str(file) == "-":
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        raise CarewatchError(f"{file}: can't be read ({error.strerror})") from None


def _received(written: str, directory: Directory | None) -> datetime:
    if not written:
        return datetime.now(UTC)
    moment = read_time(written)
    if moment is None:
        raise CarewatchError(
            f'--received-at "{written}" is no ISO time; write 2026-11-02T09:00:00Z'
        )
    if moment.tzinfo is None:  # as the town's people would mean it
        moment = moment.replace(tzinfo=ZoneInfo(directory.timezone if directory else DEFAULT_ZONE))
    return moment.astimezone(UTC)


def _lines(admitted: Admitted) -> list[msgspec.Struct]:
    """Return what is printed of a message: its readings in order, then what was refused."""
    lines: list[msgspec.Struct] = [*admitted.readings, *admitted.rejections]
    return lines or [admitted.ignored or Ignored("nothing in it")]


def _write(lines: Iterable[bytes]) -> None:
    for line in lines:
        sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()
