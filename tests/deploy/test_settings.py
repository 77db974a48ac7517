"""Settings: what is wrong is named without its value; the kept key is made once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.errors import CarewatchError
from deploy.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"CAREWATCH_{name.upper()}", raising=False)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("DATABASE_URL", "mysql://u:geheim@h/x", "must begin with postgresql://"),
        ("DATABASE_URL", "postgresql://u:geheim%@h/x", "special signs in it must be %-encoded"),
        ("DATABASE_URL", "postgresql://u:geheim@h/x?bogus=1", "can't be read"),
        ("MQTT_URL", "http://u:geheim@h", "must begin with mqtt:// or mqtts://"),
        ("MQTT_URL", "mqtt://u:geheim@h:port", "its port is no number from 1 to 65535"),
        ("MQTT_URL", "mqtt://u:geheim@h:65536", "its port is no number from 1 to 65535"),
        ("HTTP_PORT", "70000", "must be 65535 or less"),
        ("METRICS_PORT", "-1", "must be 0 or more"),
        ("LANG", "fr", "is none of 'zh' or 'en'"),
        ("HTTP_PORT", "geheim", "expected a whole number"),
        ("DEMO", "geheim", "expected true or false"),
    ],
)
def test_a_wrong_setting_is_named(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"CAREWATCH_{name}", value)
    with pytest.raises(CarewatchError) as caught:
        load_settings()
    assert str(caught.value).startswith(f"settings: CAREWATCH_{name}: ")
    assert said in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_nothing_after_the_equals_sign_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "SECRET_KEY", "HTTP_PORT"):
        monkeypatch.setenv(f"CAREWATCH_{name}", "")
    settings = load_settings()
    assert (settings.database_url, settings.secret_key, settings.http_port) == (None, None, 8800)


@pytest.mark.parametrize(
    ("file", "text"),
    [("carewatch.toml", b"x = ["), ("carewatch.toml", b"\xff"), (".env", b"\xff\xfe=1")],
)
def test_a_settings_file_that_cannot_be_read(file: str, text: bytes) -> None:
    Path(file).write_bytes(text)
    with pytest.raises(CarewatchError, match="can't be read"):
        load_settings()


def test_services_that_start_together_sign_with_one_key(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    with ThreadPoolExecutor(8) as services:
        keys = set(services.map(lambda _: settings.secret(), range(8)))
    assert len(keys) == 1
    assert len(keys.pop()) > 40
    assert (tmp_path / "data" / "secret_key").stat().st_mode & 0o777 == 0o600


def test_a_key_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "secret_key").mkdir()
    with pytest.raises(CarewatchError, match=r"can't be read \(.+\); run this as the services'"):
        Settings(data_dir=tmp_path).secret()


def test_older_keys_stand_behind_the_one_that_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAREWATCH_SECRET_KEY", "new " * 10)
    monkeypatch.setenv("CAREWATCH_OLD_SECRET_KEYS", "older oldest")
    secret = load_settings().secret()
    assert secret == "new " * 10 + "\nolder\noldest"
    monkeypatch.setenv("CAREWATCH_SECRET_KEY", secret)  # as `carewatch up` gives it to its services
    monkeypatch.delenv("CAREWATCH_OLD_SECRET_KEYS")
    assert load_settings().secret() == secret


def test_a_data_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CarewatchError, match=r"CAREWATCH_DATA_DIR: .* can't be made"):
        Settings(data_dir=tmp_path / "file").own_dir()
