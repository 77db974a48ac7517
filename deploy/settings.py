"""The settings of every service, read from the environment, `.env` or `carewatch.toml`.

Environment wins over `.env`, `.env` over `carewatch.toml`. In the TOML file the names stand
without their prefix, in lower case: `database_url = "postgresql://..."`.
"""

import os
import secrets
import tempfile
import tomllib
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from core.errors import CarewatchError
from devices.broker_address import fault_of
from devices.broker_tls import with_tls_files

SHORTEST_TOKEN = 16  # characters: nothing slows who guesses it but its length
DEMO_TOWN = "demo-town.yaml"  # in the data directory, written by `carewatch up --demo`


class Settings(BaseSettings):
    """What a deployment may set. No URL given means the embedded part."""

    model_config = SettingsConfigDict(
        env_prefix="CAREWATCH_",
        env_file=".env",
        env_ignore_empty=True,
        toml_file="carewatch.toml",
        extra="ignore",
        frozen=True,
    )

    database_url: SecretStr | None = None  # postgresql://user:password@host/database
    mqtt_url: SecretStr | None = None  # mqtt://user:pass@host:1883 or mqtts://
    mqtt_control_url: SecretStr | None = None  # an account that manages the devices' accounts
    device_mqtt_url: str = ""  # where devices reach the broker, told to those that claim
    mqtt_ca: Path | None = None  # whom mqtts:// trusts; the machine's own authorities when None
    mqtt_cert: Path | None = None  # what we show to a broker that asks for a certificate
    mqtt_key: Path | None = None
    mqtt_host: str = "127.0.0.1"  # where the embedded broker listens to devices
    # Its port; 1883 or, where that is taken, a free one, when it is not set
    mqtt_port: int | None = Field(default=None, ge=1, le=65535)
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8800, ge=1, le=65535)
    public_url: str = ""  # what links begin with; http://host:port when empty
    http_hosts: str = ""  # further names that the pages and ingestion are asked under
    trusted_proxies: str = ""  # networks of the proxies whose X-Forwarded-For is believed
    data_dir: Path = Path(".carewatch")  # the embedded database and broker, the secret key
    secret_key: SecretStr | None = None  # signs links and sessions
    old_secret_keys: SecretStr | None = None  # what they signed still serves; separated by spaces
    # Of /metrics, /healthz, /readyz; None: each service its own (stack/health.py); 0: none
    metrics_port: int | None = Field(default=None, ge=0, le=65535)
    lang: Literal["zh", "en"] = "zh"
    seats: int = Field(default=1, ge=1)  # operators who share the alarms
    ingest_token: SecretStr | None = None  # lets a gateway send by HTTP for any device
    broker_token: SecretStr | None = None  # lets EMQX ask who may connect, and do what
    ingest_networks: str = ""  # from where terminals may send by HTTP without a secret
    ingest_shared: bool = False  # several ingest processes share the load; else one works
    dead_man_url: SecretStr | None = None  # an outside watcher, called while all is well
    demo: bool = False  # set by `carewatch up --demo`: demo sign-ins and the demo phones
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("mqtt_url", "mqtt_control_url")
    @classmethod
    def _broker_url(cls, url: SecretStr | None) -> SecretStr | None:
        fault = None if url is None else fault_of(url.get_secret_value())
        if fault is not None:
            raise ValueError(fault)
        return url

    @field_validator("device_mqtt_url")
    @classmethod
    def _devices_url(cls, url: str) -> str:
        fault = fault_of(url) if url else None
        if fault is not None:
            raise ValueError(fault)
        if "@" in urlsplit(url).netloc:
            raise ValueError("no user and no password: every device is told this address")
        return url

    @field_validator("database_url")
    @classmethod
    def _postgresql_url(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None:
            return None
        written = url.get_secret_value()
        if urlsplit(written).scheme not in ("postgresql", "postgres"):
            raise ValueError("must begin with postgresql://")
        try:
            conninfo_to_dict(written)
        except ProgrammingError:  # its words may hold the password
            raise ValueError("can't be read; special signs in it must be %-encoded") from None
        return url

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        toml = TomlConfigSettingsSource(settings_cls)
        return init_settings, env_settings, dotenv_settings, toml

    @field_validator("ingest_networks", "trusted_proxies")
    @classmethod
    def _networks(cls, networks: str) -> str:
        for each in networks.split():
            ip_network(each, strict=False)
        return networks

    @field_validator("ingest_token")
    @classmethod
    def _long_token(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None and len(token.get_secret_value()) < SHORTEST_TOKEN:
            raise ValueError(f"needs {SHORTEST_TOKEN} characters or more: openssl rand -hex 24")
        return token

    @property
    def base_url(self) -> str:
        """Return what links begin with, without a slash at the end."""
        return (self.public_url or f"http://{self.http_host}:{self.http_port}").rstrip("/")

    def database(self) -> str:
        """Return the database URL. Raises CarewatchError where none is set."""
        if self.database_url is None:
            raise CarewatchError(
                "no database: set CAREWATCH_DATABASE_URL (postgresql://user@host/name), "
                "or run `carewatch up`, which brings its own"
            )
        return self.database_url.get_secret_value()

    def broker(self) -> str:
        """Return the broker URL. Raises CarewatchError where none is set."""
        if self.mqtt_url is None:
            raise CarewatchError(
                "no broker: set CAREWATCH_MQTT_URL (mqtt://user:pass@host:1883), "
                "or run `carewatch up`, which brings its own"
            )
        return self.broker_url() or ""

    def broker_url(self) -> str | None:
        """The broker URL, with the files for TLS in it; None where none is set."""
        return self._with_files(self.mqtt_url)

    def broker_control(self) -> str | None:
        """The URL of the account that manages devices' accounts at the broker; None: none is."""
        return self._with_files(self.mqtt_control_url)

    def _with_files(self, url: SecretStr | None) -> str | None:
        if url is None:
            return None
        return with_tls_files(url.get_secret_value(), self.mqtt_ca, self.mqtt_cert, self.mqtt_key)

    def secret(self, *, make: bool = True) -> str:
        """Return the keys that sign links and sessions, one a line: what is set, else what is kept.

        The kept one is made once (by a service; no command makes one, which nobody else would
        have), readable by its owner alone, so every service on this machine signs alike. Services
        on several machines must set CAREWATCH_SECRET_KEY. Raises CarewatchError where there is
        none, or it can't be read.
        """
        older = self.old_secret_keys.get_secret_value().split() if self.old_secret_keys else []
        key = self.secret_key.get_secret_value() if self.secret_key else self._kept_key(make)
        return "\n".join((key, *older))

    def _kept_key(self, make: bool) -> str:
        kept = self.data_dir / "secret_key"
        try:
            if make and not kept.exists():
                _make_key(self.own_dir() / "secret_key")
            return kept.read_text().strip()
        except FileNotFoundError:
            why = f"no secret key: {kept.resolve()} is not there"
        except OSError as error:
            why = f"the secret key {kept.resolve()} can't be read ({error.strerror})"
        raise CarewatchError(
            f"{why}; run this as the services' user with their settings (CAREWATCH_DATA_DIR), or "
            "set CAREWATCH_SECRET_KEY"
        )

    def own_dir(self) -> Path:
        """Return the data directory, made where it is missing.

        Raises CarewatchError where it can't be.
        """
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CarewatchError(
                f"CAREWATCH_DATA_DIR: {self.data_dir} can't be made ({error.strerror})"
            ) from None
        return self.data_dir


def _make_key(kept: Path) -> None:
    with tempfile.NamedTemporaryFile("w", dir=kept.parent) as made:  # owner alone
        made.write(secrets.token_urlsafe(48))
        made.flush()
        with suppress(FileExistsError):  # another service was first: its key counts
            os.link(made.name, kept)


def load_settings() -> Settings:
    """Return the settings in force.

    Raises CarewatchError naming every wrong one (never its value).
    """
    try:
        return Settings()
    except tomllib.TOMLDecodeError as error:
        raise CarewatchError(f"settings: carewatch.toml can't be read: {error}") from None
    except (UnicodeDecodeError, OSError):
        raise CarewatchError("settings: .env or carewatch.toml can't be read as UTF-8") from None
    except ValidationError as error:
        faults = "; ".join(
            f"CAREWATCH_{fault['loc'][0]}".upper() + f": {_said(fault)}"
            for fault in error.errors(include_input=False)
        )
        raise CarewatchError(f"settings: {faults}") from None


def _said(fault: ErrorDetails) -> str:
    """Return what is wrong with a setting; pydantic's own words only for what is not foreseen."""
    known = fault.get("ctx", {})
    match fault["type"]:
        case "value_error":
            return str(known["error"])  # of a validator above
        case "greater_than_equal":
            return f"must be {known['ge']} or more"
        case "less_than_equal":
            return f"must be {known['le']} or less"
        case "literal_error":
            return f"is none of {known['expected']}"
        case "int_parsing":
            return "expected a whole number"
        case "bool_parsing":
            return "expected true or false"
    return fault["msg"]
