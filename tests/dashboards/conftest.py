"""A small town in a real database, and the service that shows it."""

from collections.abc import Iterator

import httpx
import psycopg
import pytest
from site_of_tests import free_port, serving, settings_for, signed_in
from small_town import PEOPLE, SECRET, town

from dashboards.auth.passwords import hashed
from deploy.town.loading import load_town
from tests.waiting import PATIENCE

KEPT = hashed(SECRET)  # once: it is meant to be slow


@pytest.fixture
def town_url(database_url: str) -> str:
    """A database that holds the small town and a sign-in for each of its people."""
    with psycopg.connect(database_url) as conn:
        load_town(conn, town())
        for person in PEOPLE:
            conn.execute("INSERT INTO sign_in VALUES (%s, %s, %s)", (person.id, person.id, KEPT))
    return database_url


@pytest.fixture
def db(town_url: str) -> Iterator[psycopg.Connection]:
    """A connection to it, each statement committed."""
    with psycopg.connect(town_url, autocommit=True) as conn:
        yield conn


@pytest.fixture
def site(town_url: str) -> Iterator[str]:
    """The address of a running service."""
    with serving(settings_for(town_url, free_port())) as address:
        yield address


@pytest.fixture
def web(site: str) -> Iterator[httpx.Client]:
    """A visitor who has not signed in."""
    with httpx.Client(base_url=site, timeout=PATIENCE) as client:
        yield client


@pytest.fixture
def api(web: httpx.Client) -> httpx.Client:
    """A program signed in as the manager."""
    return signed_in(web, "u-1")
