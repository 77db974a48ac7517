"""Where the parts are that a command line wants to speak to: settings, else a running `up`."""

import tomllib
from pathlib import Path

import msgspec

from core.errors import CarewatchError
from core.files import OWNER_ALONE, replace_file
from deploy.settings import DEMO_TOWN, load_settings
from deploy.town.townfile import TownFile, read_town

RUN_FILE = "running.toml"  # in the data directory, kept by `carewatch up`


class Running(msgspec.Struct, frozen=True):
    """Where a running carewatch is, and its town. Never logged: URLs hold passwords."""

    mqtt_url: str
    database_url: str
    town: TownFile


def where(mqtt_url: str | None = None, town: Path | None = None) -> Running:
    """Return the broker, database and town to use.

    Raises CarewatchError where none can be found.
    """
    broker, database = parts(mqtt_url)
    path = town or load_settings().data_dir / DEMO_TOWN
    if not path.exists():
        raise CarewatchError(f"no town file at {path}: give one with --town")
    return Running(broker, database, read_town(path))


def parts(mqtt_url: str | None = None) -> tuple[str, str]:
    """Return the URLs of broker and database, "" where no database is known.

    Raises CarewatchError.
    """
    settings = load_settings()
    kept = _kept(settings.data_dir / RUN_FILE)
    broker = mqtt_url or settings.broker_url() or kept.get("mqtt_url")
    if not broker:
        raise CarewatchError(
            f"no broker: none is set and no `carewatch up` runs on {settings.data_dir.resolve()}; "
            "start one, or give --mqtt-url"
        )
    return broker, _plain(settings.database_url) or kept.get("database_url", "")


def database() -> str:
    """Return the database's URL, set or of a running `up`; "" where none is known."""
    settings = load_settings()
    kept = _kept(settings.data_dir / RUN_FILE)
    return _plain(settings.database_url) or kept.get("database_url", "")


def control_url() -> str | None:
    """The broker's account that manages others, set or of a running `up`; None where none is."""
    settings = load_settings()
    kept = _kept(settings.data_dir / RUN_FILE)
    return settings.broker_control() or kept.get("mqtt_control_url")


def keep(data_dir: Path, mqtt_url: str, database_url: str, control_url: str | None = None) -> None:
    """Write where the running parts are, readable by their owner alone."""
    lines = [f'mqtt_url = "{mqtt_url}"', f'database_url = "{database_url}"']
    if control_url is not None:
        lines.append(f'mqtt_control_url = "{control_url}"')
    replace_file(data_dir / RUN_FILE, "".join(f"{line}\n" for line in lines).encode(), OWNER_ALONE)


def forget(data_dir: Path) -> None:
    """Forget the parts, which no longer run."""
    (data_dir / RUN_FILE).unlink(missing_ok=True)


def _kept(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    return {key: str(value) for key, value in tomllib.loads(path.read_text()).items()}


def _plain(secret: object) -> str | None:
    reveal = getattr(secret, "get_secret_value", None)
    return str(reveal()) if reveal else None
