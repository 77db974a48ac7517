"""Waiting for what a running service does; how long it takes is nobody's business here."""

import time
from collections.abc import Callable
from typing import Any

PATIENCE = 120.0  # seconds; generous, for a machine that has much else to do


def until(holds: Callable[[], Any]) -> Any:
    """Wait until something holds, and return its value. Fails when patience has ended."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = holds()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"did not come true within {PATIENCE:.0f} s: {holds}")
