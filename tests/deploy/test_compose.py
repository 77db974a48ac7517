"""What the deployment files name must exist: commands, settings, files."""

import re
from pathlib import Path

import pytest
import yaml

from deploy.cli import COMMANDS
from deploy.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if service.get("image") == "carewatch:local"]
OUTSIDE = {"CAREWATCH_DB_PASSWORD", "CAREWATCH_MQTT_PASSWORD"}  # of compose itself, not of ours


def setting_names(text: str) -> set[str]:
    known = {f"CAREWATCH_{name.upper()}" for name in Settings.model_fields}
    return set(re.findall(r"CAREWATCH_[A-Z_]+", text)) - known - OUTSIDE


@pytest.mark.parametrize("name", OURS)
def test_each_service_runs_a_real_command(name: str) -> None:
    assert SERVICES[name]["command"].split()[0] in COMMANDS


def test_all_services_of_production_are_there() -> None:
    assert {"broker", "database", "ingest", "alerts", "dashboards", "prometheus"} <= set(SERVICES)


@pytest.mark.parametrize(
    "path",
    [
        "compose.yaml",
        "docs/reference/settings.md",
        "docs/how-to/operate.md",
        *sorted(str(unit.relative_to(ROOT)) for unit in (ROOT / "deploy/systemd").iterdir()),
    ],
)
def test_only_real_settings_are_named(path: str) -> None:
    assert setting_names((ROOT / path).read_text()) == set()


def test_every_setting_is_documented() -> None:
    page = (ROOT / "docs/reference/settings.md").read_text()
    missing = [n for n in Settings.model_fields if f"CAREWATCH_{n.upper()}" not in page]
    assert missing == []


def test_devices_have_the_client_id_of_their_account() -> None:
    lines = (ROOT / "deploy/mosquitto/mosquitto.conf").read_text().splitlines()
    listeners = "\n".join(lines).split("\nlistener ")[1:]
    bound = {each.split()[0] for each in listeners if "\nuse_username_as_clientid true" in each}
    assert bound == {"8883"}
    assert "allow_anonymous false" in lines


def test_mounted_files_exist() -> None:
    mounts = [
        volume.split(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if volume.startswith("./")
    ]
    made_by_hand = {"./deploy/mosquitto/certs"}  # docs/how-to/operate.md says how
    assert [m for m in mounts if m not in made_by_hand and not (ROOT / m).exists()] == []


@pytest.mark.parametrize("unit", sorted((ROOT / "deploy/systemd").iterdir()), ids=lambda p: p.name)
def test_each_unit_starts_a_real_command(unit: Path) -> None:
    match = re.search(r"ExecStart=\S+/carewatch (\w+)", unit.read_text())
    assert match is not None
    assert match[1] in COMMANDS
