"""`carewatch backtest`: the rules over a recording or over what is stored. Wakes nobody."""

import sys
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
import yaml

from alerts.plans.overrides import RuleSettings, nested
from alerts.trials.report import json_line, summed_up, text_line, text_of
from alerts.trials.report_page import page
from core.errors import CarewatchError
from deploy.town.townfile import TownFile, read_town
from deploy.trials import TrialSource, from_database, from_recording


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("backtest")(backtest)


def backtest(
    town: Annotated[
        Path | None, typer.Option(help="TownFile file; without one, what was loaded by then.")
    ] = None,
    recording: Annotated[
        Path | None, typer.Option(help="JSON lines, a message each; without one, the database.")
    ] = None,
    since: Annotated[str, typer.Option(help="ISO time; from the database.")] = "",
    until: Annotated[str, typer.Option(help="ISO time that timers run on to.")] = "",
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="rule.parameter=value, town-wide.")
    ] = None,
    seats: Annotated[int, typer.Option(min=1, help="Operator seats that share the alarms.")] = 1,
    json: Annotated[bool, typer.Option("--json", help="JSON lines, the summary last.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a report with plots to here.")] = None,
) -> None:
    """Try the rules on what was recorded: what would be raised, and how heavy that weighs.

    `--set` changes the town-wide settings; where `rules_for` is narrower, it stays so. Ends with 0
    whatever was found or rejected.
    """
    changes = nested(map(assignment, set_ or ()))
    known = read_town(town) if town is not None else None
    with opened(known, recording, since, until, changes) as source:
        for finding in source.trial.findings():
            line = json_line(finding) if json else f"{text_line(finding)}\n".encode()
            sys.stdout.buffer.write(line)
        summary = summed_up(
            source.trial,
            settings=changes,
            messages=source.counts(),
            live=source.live,
            seats=seats,
        )
    text = "".join(f"{line}\n" for line in text_of(summary)).encode()
    sys.stdout.buffer.write(json_line(summary) if json else text)
    sys.stdout.buffer.flush()
    if html is not None:
        save(html, page(summary, [one for one in source.trial.alarms if one.event == "raised"]))


def opened(
    town: TownFile | None, recording: Path | None, since: str, until: str, changes: RuleSettings
) -> AbstractContextManager[TrialSource]:
    """Return the recording, or the stretch of the database, that was asked for."""
    zone = ZoneInfo(town.timezone) if town is not None else None
    begin, end = moment(since, zone), moment(until, zone)
    if recording is None:
        if begin is None or end is None or begin >= end:
            raise CarewatchError("give --recording FILE, or --since and --until for the database")
        return from_database(town, begin, end, changes)
    if town is None:
        raise CarewatchError("a recording needs its town: add --town TOWN.yaml")
    if begin is not None:
        raise CarewatchError("--since is for the database; a recording is read from its beginning")
    return nullcontext(from_recording(town, recording, end, changes))


def save(path: Path, text: str) -> None:
    """Write the report. Raises CarewatchError where that can't be done."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as wrong:
        raise CarewatchError(f"{path}: can't be written ({wrong.strerror})") from None


def moment(text: str, zone: ZoneInfo | None) -> datetime | None:
    """Return an ISO time; without an offset it is the town's. Raises CarewatchError for another."""
    if not text:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise CarewatchError(f"{text!r} is no ISO time; write 2026-11-02T09:00+08:00") from None
    if read.tzinfo is None and zone is None:
        raise CarewatchError(f"{text!r} has no offset; write it like 2026-11-02T09:00+08:00")
    return (read if read.tzinfo is not None else read.replace(tzinfo=zone)).astimezone(UTC)


def assignment(text: str) -> tuple[str, object]:
    """Return the name and the value of "rule.parameter=value", the value read as YAML."""
    name, equals, value = text.partition("=")
    if not equals:
        raise CarewatchError(f"--set {text!r}: write it as rule.parameter=value")
    try:
        return name.strip(), yaml.safe_load(value)
    except yaml.YAMLError:
        raise CarewatchError(f"--set {text!r}: the value can't be read") from None
