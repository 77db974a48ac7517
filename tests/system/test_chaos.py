"""Nothing that the broker acknowledged is lost, and nothing is stored twice, whatever falls; no
alert is lost or doubled, and no page is lost.

The same cases as `make bench-chaos`, shortened.
"""

import tempfile
from pathlib import Path

import pytest

from tests.bench.chaos import CASES, Case, Length, run
from tests.bench.disk import may_mount

pytestmark = [pytest.mark.chaos, pytest.mark.system]

SHORT = Length(total=2_000, rate=1_000, longest=2)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "_"))
def test_what_the_broker_acknowledged_is_stored_judged_and_paged_once(case: Case) -> None:
    if case.disk and not may_mount():
        pytest.skip("not here: the right to mount a small disk (root); nothing was filled up")
    # Not in tmp_path, which other users can't enter: as root, PostgreSQL runs as another user.
    with tempfile.TemporaryDirectory(prefix="carewatch-chaos-") as directory:
        found = run(case, Path(directory), SHORT)
    assert found.acknowledged == SHORT.messages(case)
    assert found.alarms is not None
    assert found.alarms.presses > 0
    assert found.consistent, found
    assert found.kept or case.may_lose, found
