"""Prometheus' rules, tried with Prometheus' own tool: what each fires for, and what not."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "prometheus" / "alerts.yml"
TRIED = Path(__file__).parent / "prometheus_rules.yml"
OWN = ROOT / ".venv" / "promtool" / "usr" / "bin" / "promtool"  # of deploy/scripts/system-parts
PROMTOOL = shutil.which("promtool") or (str(OWN) if OWN.exists() else None)


def promtool(*words: str, home: Path) -> str:
    if PROMTOOL is None:
        pytest.skip("not here: promtool; Prometheus' rules were not tried")
    done = subprocess.run(
        [PROMTOOL, *words], cwd=home, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_each_fires_for_its_fault_and_only_then(tmp_path: Path) -> None:
    for file in (RULES, TRIED):
        shutil.copy(file, tmp_path)
    assert "SUCCESS" in promtool("check", "rules", RULES.name, home=tmp_path)
    assert "SUCCESS" in promtool("test", "rules", TRIED.name, home=tmp_path)


def test_every_rule_is_tried_quiet_and_firing() -> None:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    names = {rule["alert"] for rule in group["rules"]}
    quiet, *faults = yaml.safe_load(TRIED.read_text())["tests"]
    assert {one["alertname"] for one in quiet["alert_rule_test"]} == names
    assert not any(one.get("exp_alerts") for one in quiet["alert_rule_test"])
    fired = [one for fault in faults for one in fault["alert_rule_test"] if one.get("exp_alerts")]
    assert {one["alertname"] for one in fired} == names


def test_every_metric_of_a_rule_is_one_of_ours() -> None:
    page = (ROOT / "docs/reference/metrics.md").read_text()
    asked = set(re.findall(r"\bcarewatch_\w+", RULES.read_text()))
    assert {name for name in asked if f"`{name}`" not in page} == set()
