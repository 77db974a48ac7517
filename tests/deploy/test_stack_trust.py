"""Whom `carewatch up` trusts without a secret: this machine, and only in a demo."""

import pytest

from deploy.settings import Settings
from deploy.stack.stack import trusted_networks


@pytest.mark.parametrize(
    ("given", "demo", "trusted"),
    [
        ({}, True, "127.0.0.0/8"),
        ({}, False, ""),
        ({"public_url": "https://care.example"}, True, ""),
        ({"mqtt_url": "mqtt://broker:1883"}, True, ""),
        ({"ingest_networks": "10.8.0.0/16"}, False, "10.8.0.0/16"),
        ({"ingest_networks": "10.8.0.0/16"}, True, "10.8.0.0/16"),
    ],
)
def test_loopback_is_trusted_in_a_demo_alone(
    given: dict[str, str], demo: bool, trusted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    assert trusted_networks(Settings(**given), demo) == trusted  # type: ignore[arg-type]
