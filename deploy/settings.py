"""The settings of every service, read from the environment, `.env` or `carewatch.toml`.

Environment wins over `.env`, `.env` over `carewatch.toml`. In the TOML file the names stand
without their prefix, in lower case: `database_url = "postgresql://..."`.
"""

import os
import secrets
from ipaddress import ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from devices.errors import CarewatchError


class Settings(BaseSettings):
    """What a deployment may set. No URL given means the embedded part."""

    model_config = SettingsConfigDict(
        env_prefix="CAREWATCH_",
        env_file=".env",
        toml_file="carewatch.toml",
        extra="ignore",
        frozen=True,
    )

    database_url: SecretStr | None = None  # postgresql://user:password@host/database
    mqtt_url: SecretStr | None = None  # mqtt://user:pass@host:1883 or mqtts://
    http_host: str = "127.0.0.1"
    http_port: int = 8800
    public_url: str = ""  # what links begin with; http://host:port when empty
    data_dir: Path = Path(".carewatch")  # the embedded database and broker, the secret key
    secret_key: SecretStr | None = None  # signs links and sessions
    metrics_port: int = 0  # first port of /metrics, /healthz, /readyz of a service; 0 = none
    lang: Literal["zh", "en"] = "zh"
    ingest_token: SecretStr | None = None  # lets a gateway send by HTTP for any device
    ingest_networks: str = ""  # from where terminals may send by HTTP without a secret
    ingest_shared: bool = False  # several ingest processes share the load; else one works
    dead_man_url: SecretStr | None = None  # an outside watcher, called while all is well
    demo: bool = False  # set by `carewatch up --demo`: demo sign-ins and the demo phones
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("mqtt_url")
    @classmethod
    def _mqtt_scheme(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and urlsplit(url.get_secret_value()).scheme not in ("mqtt", "mqtts"):
            raise ValueError("must begin with mqtt:// or mqtts://")
        return url

    @field_validator("database_url")
    @classmethod
    def _database_scheme(cls, url: SecretStr | None) -> SecretStr | None:
        schemes = ("postgresql", "postgres")
        if url is not None and urlsplit(url.get_secret_value()).scheme not in schemes:
            raise ValueError("must begin with postgresql://")
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

    @field_validator("ingest_networks")
    @classmethod
    def _networks(cls, networks: str) -> str:
        for each in networks.split():
            ip_network(each, strict=False)
        return networks

    @property
    def base_url(self) -> str:
        """What links begin with, without a slash at the end."""
        return (self.public_url or f"http://{self.http_host}:{self.http_port}").rstrip("/")

    def database(self) -> str:
        """The database URL. Raises CarewatchError where none is set."""
        if self.database_url is None:
            raise CarewatchError(
                "no database: set CAREWATCH_DATABASE_URL (postgresql://user@host/name), "
                "or run `carewatch up`, which brings its own"
            )
        return self.database_url.get_secret_value()

    def broker(self) -> str:
        """The broker URL. Raises CarewatchError where none is set."""
        if self.mqtt_url is None:
            raise CarewatchError(
                "no broker: set CAREWATCH_MQTT_URL (mqtt://user:pass@host:1883), "
                "or run `carewatch up`, which brings its own"
            )
        return self.mqtt_url.get_secret_value()

    def secret(self) -> str:
        """The key that signs links and sessions: the one set, else one kept in the data dir.

        The kept one is made once, readable by its owner alone, so every service on this
        machine signs alike. Services on several machines must set CAREWATCH_SECRET_KEY.
        """
        if self.secret_key is not None:
            return self.secret_key.get_secret_value()
        self.data_dir.mkdir(parents=True, exist_ok=True)
        kept = self.data_dir / "secret_key"
        try:
            handle = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return kept.read_text().strip()
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(48))
        return kept.read_text().strip()


def load_settings() -> Settings:
    """The settings in force. Raises CarewatchError naming every wrong one (never its value)."""
    try:
        return Settings()
    except ValidationError as error:
        faults = "; ".join(
            f"CAREWATCH_{fault['loc'][0]}".upper()
            + f": {fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors(include_input=False)
        )
        raise CarewatchError(f"settings: {faults}") from None
