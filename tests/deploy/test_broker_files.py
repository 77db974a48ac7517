"""Exports into the broker's own files: what is not ours stays, and nothing is half written."""

from pathlib import Path

import msgspec
import pytest

from core.errors import CarewatchError
from deploy.broker_files import exported, write_into
from devices.credentials import Credential, fits, hashed


def device(id: str, topic: str | None = None) -> Credential:
    return Credential(id, "sos", None, topic, False, hashed("s"), None)


def test_a_dynamic_security_file_is_written_where_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "dynamic-security.json"
    file.write_bytes(msgspec.json.encode({"clients": [{"username": "admin", "roles": []}]}))
    write_into(file, "dynsec", [device("btn-1")])
    clients = msgspec.json.decode(file.read_bytes())["clients"]
    assert [(c["username"], c.get("clientid")) for c in clients] == [
        ("admin", None),
        ("btn-1", "btn-1"),
    ]


@pytest.mark.parametrize("content", [b"", b"no json"])
def test_a_file_of_another_form_is_left_alone(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "f"
    file.write_bytes(content)
    with pytest.raises(CarewatchError, match="not a dynamic-security file"):
        write_into(file, "dynsec", [device("btn-1")])
    assert file.read_bytes() == content


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CarewatchError, match="no such file"):
        write_into(tmp_path / "f", "dynsec", [])


def test_the_services_account_is_in_a_password_file_and_renewed_only_when_it_has_changed(
    tmp_path: Path,
) -> None:
    file = tmp_path / "passwords"
    file.write_text("carewatch:$6$c2FsdA==$b2xk\nadmin:$7$101$c2FsdA==$b2xk\n")
    write_into(file, "passwords", [device("btn-1")], "the services' own")
    first = file.read_text()
    assert [line.partition(":")[0] for line in first.splitlines()] == [
        "carewatch",
        "admin",
        "btn-1",
    ]
    assert fits("the services' own", first.splitlines()[0].partition(":")[2])
    write_into(file, "passwords", [device("btn-1")], "the services' own")
    assert file.read_text().splitlines()[:2] == first.splitlines()[:2]
    write_into(file, "passwords", [], "another")
    assert fits("another", file.read_text().splitlines()[0].partition(":")[2])
    write_into(file, "passwords", [])
    assert "carewatch:" in file.read_text()


def test_the_service_keeps_its_line_in_a_password_file(tmp_path: Path) -> None:
    file = tmp_path / "passwords"
    file.write_text("carewatch:$7$101$a$b\ngone:$7$101$a$b\n")
    write_into(file, "passwords", [device("btn-1")])
    names = [line.partition(":")[0] for line in file.read_text().splitlines()]
    assert names == ["carewatch", "btn-1"]


def test_a_device_named_like_a_service_gets_no_account() -> None:
    for form in ("passwords", "acl", "dynsec"):
        assert "carewatch-life" not in exported(form, [device("carewatch-life")])  # type: ignore[arg-type]
