"""A real browser that visits our pages and writes down everything it complains about."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
expect.set_options(timeout=60_000)  # ms; a busy machine is slow, not wrong
ARGUMENTS = (
    "--no-sandbox",  # tests run as root in containers
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--no-first-run",
)


def browser_of_tests() -> Iterator[Browser]:
    """Chromium, headless; ended by the fixture that yields from here."""
    if not CHROMIUM.exists():
        pytest.skip(f"no {CHROMIUM}: browser tests need it (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


class Visit:
    """One visitor: their page, and what went wrong on it."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("console", self._console)
        page.on("request", lambda request: self._request(request.url, address))

    @classmethod
    @contextmanager
    def to(
        cls,
        browser: Browser,
        address: str,
        *,
        width: int = 1280,
        height: int = 720,
        javascript: bool = True,
    ) -> Iterator[Self]:
        """A visitor with a window of this size; leaves at the end of the block."""
        context = browser.new_context(
            base_url=address,
            viewport={"width": width, "height": height},
            java_script_enabled=javascript,
            locale="zh-CN",
        )
        try:
            yield cls(context.new_page(), address)
        finally:
            context.close()

    def _console(self, message: object) -> None:
        kind, text = getattr(message, "type", ""), getattr(message, "text", "")
        if kind == "error":
            self.complaints.append(f"console: {text}")

    def _request(self, url: str, address: str) -> None:
        if not url.startswith((address, "data:", "blob:")):
            self.complaints.append(f"asked outside: {url}")
