"""Codecs from outside: the template package installed and decoding, and what broken ones do."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import EntryPoint
from pathlib import Path

import msgspec
import pytest

from devices.codec_testing import Example, assert_is_sound
from devices.codecs import CODECS
from devices.codecs.codec import Codec, Decoded, Part, nothing
from devices.codecs.outside import GROUP, held, read
from devices.envelope import Envelope
from devices.readings import Reason

pytestmark = pytest.mark.system
ROOT = Path(__file__).parent.parent.parent
TEMPLATE = ROOT / "docs" / "template-codec"
RECEIVED = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
FAMILIES = [codec.family for codec in CODECS]


def run(*words: str, path: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": f"{path}{os.pathsep}{ROOT}"}
    return subprocess.run(
        [sys.executable, *words],
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template package, installed into a directory of its own, without a network."""
    home = tmp_path_factory.mktemp("outside")
    source = shutil.copytree(TEMPLATE, home / "source")
    target = home / "target"
    words = ("-m", "pip", "install", "--no-deps", "--no-build-isolation", "--no-index", "--quiet")
    done = run(*words, "--target", str(target), str(source), path=home)
    assert done.returncode == 0, done.stderr
    return target


def test_the_template_decodes_once_it_is_installed(installed: Path) -> None:
    said = '{"t": 1762045200, "n": 7, "key": "sos", "bat": 87}'
    words = ("-m", "deploy", "decode", "--topic", "acme/a1/event", "-")
    done = run(*words, path=installed, stdin=said)
    assert done.returncode == 0, done.stderr
    reading = msgspec.json.decode(done.stdout)
    assert (reading["kind"], reading["device"], reading["battery"]) == ("sos", "a1", 87)
    assert reading["id"] == "n-7"
    assert run(*words, path=ROOT, stdin=said).returncode == 1  # nobody else reads it


def test_a_device_of_the_template_has_the_rights_that_its_codec_gives(installed: Path) -> None:
    asked = (
        "from devices.device_rights import rights_of as r; x = r('d', 'acme/a1/event');"
        "print('acme/a1/event' in x.speaks, 'acme/a1/command' in x.hears)"
    )
    assert run("-c", asked, path=installed).stdout == "True True\n"


def test_the_templates_own_tests_hold(installed: Path) -> None:
    tests = str(installed.parent / "source" / "tests")
    done = run(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", tests, tests, path=installed
    )
    assert done.returncode == 0, done.stdout


def package(target: Path, name: str, code: str) -> None:
    """What an installer leaves behind of a package with a codec."""
    (target / f"{name}.py").write_text(code)
    info = target / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {name}:CODEC\n")


def test_a_package_that_can_not_be_imported_is_one_line_and_stops_nothing(tmp_path: Path) -> None:
    package(tmp_path, "broken", "import nothing_of_that_name\n")
    package(tmp_path, "leaves", "raise SystemExit(3)\n")
    asked = "from devices.codecs import OUTSIDE; print(*OUTSIDE.faults, sep='\\n')"
    told = run("-c", asked, path=tmp_path)
    assert told.returncode == 0, told.stderr
    lines = told.stdout.splitlines()
    assert [line.partition(" is left out")[0] for line in lines] == [
        "codec 'broken' of broken",
        "codec 'leaves' of leaves",
    ]
    assert "ModuleNotFoundError at broken.py:1" in lines[0]
    ours = run(
        *("-m", "deploy", "decode", "--topic", "zigbee2mqtt/door", "-"),
        path=tmp_path,
        stdin='{"contact": false}',
    )
    assert ours.returncode == 0


def outcome(decode: Callable[[Envelope], Decoded]) -> Decoded:
    codec = Codec(family="x", decode=decode, topics=("x/#",))
    return held(codec, "codec 'x' of x").decode(Envelope("x/1", b"1", RECEIVED))


def raises(_: Envelope) -> Decoded:
    raise ZeroDivisionError("a name")


@pytest.mark.parametrize(
    "decode",
    [
        raises,
        lambda _: None,
        lambda _: Decoded(parts=("a door",)),  # type: ignore[arg-type]
        lambda _: Decoded(parts=(Part("a door"),)),  # type: ignore[arg-type]
    ],
)
def test_one_that_fails_on_a_message_refuses_it_and_names_itself(
    decode: Callable[[Envelope], Decoded],
) -> None:
    (rejected,) = outcome(decode).parts
    assert rejected.reason is Reason.BAD_VALUE  # type: ignore[union-attr]
    assert "codec 'x' of x failed" in rejected.detail  # type: ignore[union-attr]
    assert "a name" not in rejected.detail  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("CODEC = 7", "is no devices.codecs.codec.Codec"),
        ("CODEC = make('tasmota', 'x/#')", "taken"),
        ("CODEC = make('x', '#')", "its own word"),
        ("CODEC = make('x', '+/door')", "its own word"),
        ("CODEC = make('x', 'carewatch/v1/+/sos/+')", "its own word"),
    ],
)
def test_what_a_codec_may_not_claim(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, says: str
) -> None:
    name = f"outside_{abs(hash(code))}"
    head = (
        "from devices.codecs.codec import Codec, nothing\n"
        "def make(family, topic):\n"
        "    return Codec(family=family, decode=lambda e: nothing(''), topics=(topic,))\n"
    )
    (tmp_path / f"{name}.py").write_text(head + code)
    monkeypatch.syspath_prepend(str(tmp_path))
    found = read([EntryPoint("x", f"{name}:CODEC", GROUP)], FAMILIES)
    assert found.codecs == ()
    assert says in found.faults[0]


def test_the_test_kit_finds_what_would_fail() -> None:
    example = [Example("x/1", b'{"a": 1}')]
    sound = Codec(family="x", decode=lambda _: nothing("ever"), topics=("x/#",))
    assert_is_sound(sound, example)
    for codec in (
        Codec(family="x", decode=raises, topics=("x/#",)),
        Codec(family="x", decode=lambda _: nothing("ever"), topics=("y/#",)),
        Codec(family="x", decode=lambda _: Decoded(), topics=("x/#",)),
        Codec(family="x", decode=lambda e: nothing(str(e.payload[0])), topics=("x/#",)),
    ):
        with pytest.raises(AssertionError):
            assert_is_sound(codec, example)
