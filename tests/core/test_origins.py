"""What a browser says of the page it comes from, and under which names we are asked."""

import pytest

from core.origins import is_browser, is_foreign, is_served

OURS = "https://care.example"
HOST = {"host": "care.example"}


@pytest.mark.parametrize(
    ("host", "served"),
    [
        (None, True),
        ("localhost:8800", True),
        ("127.0.0.1:8800", True),
        ("[::1]:8800", True),
        ("care.example", True),
        ("CARE.example.:443", True),
        ("evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("care.example.evil", False),
        ("localhost.evil", False),
        ("care.example@evil", False),
        ("[::1", False),
        ("", False),
    ],
)
def test_a_name_that_is_not_ours_is_not_served(host: str | None, served: bool) -> None:
    assert is_served(host, {"care.example"}) == served


@pytest.mark.parametrize(
    ("headers", "foreign"),
    [
        ({}, False),
        ({"sec-fetch-site": "same-origin", "origin": OURS}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "cross-site"}, True),
        ({"sec-fetch-site": "same-site"}, True),
        ({"origin": OURS, "referer": f"{OURS}/desk"}, False),
        ({"origin": "http://care.example"}, False),  # behind a proxy that ends TLS
        ({"origin": "null"}, True),
        ({"origin": ""}, True),
        ({"origin": "https://evil.example"}, True),
        ({"origin": "https://care.example.evil"}, True),
        ({"origin": "http://[oops"}, True),
        ({"referer": "https://evil.example/care.example"}, True),
        ({"sec-fetch-site": "same-origin", "origin": "https://evil.example"}, True),
    ],
)
def test_another_site_is_told_by_any_of_its_headers(headers: dict[str, str], foreign: bool) -> None:
    assert is_foreign(HOST | headers, OURS) == foreign


@pytest.mark.parametrize(
    ("headers", "browser"),
    [
        ({"user-agent": "Mozilla/5.0 (Windows NT 6.1) Firefox/52.0"}, True),
        ({"user-agent": "Opera/9.80"}, True),
        ({"sec-fetch-mode": "navigate"}, True),
        ({"upgrade-insecure-requests": "1"}, True),
        ({"cookie": "a=b"}, True),
        ({}, False),
        ({"user-agent": "curl/8.5", "accept": "*/*"}, False),
        ({"user-agent": "okhttp/4.9"}, False),
    ],
)
def test_browsers_of_any_age_are_told(headers: dict[str, str], browser: bool) -> None:
    assert is_browser(headers) == browser
