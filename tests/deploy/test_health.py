"""The port for those who watch a service: its own, apart from others, and never a reason to end."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager

import httpx
import pytest

from deploy import logs
from deploy.stack import health
from deploy.stack.local import free_port


@pytest.fixture
def usual(monkeypatch: pytest.MonkeyPatch) -> int:
    """A free port in the place of the usual one of alerts."""
    port = free_port()
    monkeypatch.setitem(health.USUAL_PORTS, "alerts", port)
    return port


@contextmanager
def served(service: str, port: int | None) -> Iterator[str]:
    """The address that a service is watched at."""
    server = health.serve_health(service, list, port)
    assert server is not None
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody else listens."""
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield int(other.getsockname()[1])


def test_each_service_has_a_port_of_its_own() -> None:
    assert len(set(health.USUAL_PORTS.values())) == len(health.USUAL_PORTS)


def test_without_a_setting_it_is_the_usual_one(usual: int) -> None:
    with served("alerts", None) as url:
        assert url.endswith(f":{usual}")
        assert httpx.get(f"{url}/readyz").text == "ok\n"
        assert "# TYPE" in httpx.get(f"{url}/metrics").text


def test_a_port_that_is_taken_is_said_and_the_usual_one_used(
    usual: int, taken: int, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("warning")
    with served("alerts", taken) as url:
        assert url.endswith(f":{usual}")
    said = json.loads(capsys.readouterr().err)
    assert (said["level"], said["event"], said["port"]) == (
        "error",
        "no metrics on this port",
        taken,
    )
    assert "CAREWATCH_METRICS_PORT" in said["mend"]


def test_where_no_port_can_be_had_the_service_goes_on(
    taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(health.USUAL_PORTS, "alerts", taken)
    assert health.serve_health("alerts", list, taken) is None
    assert health.serve_health("alerts", list, None) is None


def test_none_is_wanted(usual: int) -> None:
    assert health.serve_health("alerts", list, 0) is None
