"""What tests on paging share."""

from collections.abc import Iterator

import pytest

from tests.edges.paging import Phones


@pytest.fixture
def phones() -> Iterator[Phones]:
    """A web server whose every path is a phone."""
    phones = Phones()
    yield phones
    phones.close()
