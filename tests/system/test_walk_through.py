"""The walk-through's commands, run as they stand in the page, in both languages."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest

from deploy.stack.local import free_port
from devices.conformance.kept import last_runs
from tests.system.running import carewatch_up

ROOT = Path(__file__).parents[2]
PAGES = ("walk-through.md", "walk-through.zh-CN.md")
NEEDED = ("curl", "openssl", "mosquitto_pub", "awk", "sed")
pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(
        any(shutil.which(name) is None for name in NEEDED), reason=f"needs {', '.join(NEEDED)}"
    ),
]


def blocks(name: str) -> list[str]:
    text = (ROOT / "docs" / "how-to" / name).read_text(encoding="utf-8")
    return re.findall(r"^```\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_both_languages_have_the_same_commands() -> None:
    english, chinese = map(blocks, PAGES)
    assert english == chinese
    assert len(english) == 6


def test_a_terminal_from_the_box_to_a_green_checklist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setenv("CAREWATCH_MQTT_PORT", str(port))
    with carewatch_up(tmp_path / "data") as running:
        script = "set -euo pipefail\n" + "\n".join(blocks(PAGES[0]))
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path,
            env={
                **os.environ,
                "PATH": f"{ROOT / '.venv/bin'}:{os.environ['PATH']}",
                "CAREWATCH_DATA_DIR": str(tmp_path / "data"),
                "CAREWATCH_URL": running.url,
                "MQTT_PORT": str(port),
                "DOOR": str(free_port()),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=400,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        with psycopg.connect(running.urls["database_url"]) as conn:
            runs = last_runs(conn, ["sn-1", "sn-2"])
            heard = conn.execute(
                "SELECT DISTINCT device FROM reading_track WHERE id = '1' ORDER BY device"
            ).fetchall()
    assert {run.device: run.state for run in runs.values()} == {
        "sn-1": "pass",
        "sn-2": "needs a person",
    }
    assert heard == [("sn-1",), ("sn-2",)]
    assert "revoked, and 2 devices" in done.stdout
