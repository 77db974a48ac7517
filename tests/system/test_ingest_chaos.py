"""Nothing that the broker acknowledged is lost, and nothing is stored twice, whatever falls.

The same cases as `make bench-chaos`, shortened.
"""

import tempfile
from pathlib import Path

import pytest

from tests.bench.chaos import CASES, Case, run

pytestmark = [pytest.mark.chaos, pytest.mark.system]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "_"))
def test_what_the_broker_acknowledged_is_stored_once(case: Case) -> None:
    # Not in tmp_path, which other users can't enter: as root, PostgreSQL runs as another user.
    with tempfile.TemporaryDirectory(prefix="carewatch-chaos-") as directory:
        found = run(case, Path(directory), total=3_000, rate=1_000, seconds=3)
    assert found.acknowledged == 3_000
    assert found.kept, found
    assert found.peak < 400_000_000
