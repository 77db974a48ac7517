"""Asynchronous work that SIGINT and SIGTERM end in an orderly way."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any


def run_until_stopped(work: Coroutine[Any, Any, None]) -> bool:
    """Run `work` until it returns, or until SIGINT or SIGTERM cancels it: True if one did."""
    return asyncio.run(_ended_by_signal(work))


async def _ended_by_signal(work: Coroutine[Any, Any, None]) -> bool:
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        return True
    return False
