"""Waiting for what becomes true without telling: by looking again and again, up to a deadline.

A test that sleeps a fixed time is slow on a quick machine and wrong on a busy one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

_STEP_S = 0.02
_ASYNC_STEP_S = 0.005


def until(condition: Callable[[], bool], timeout_s: float = 30.0) -> bool:
    """Whether something becomes true in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_STEP_S)
    return True


def eventually(condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
    """Wait for something; fails when it does not become true in time."""
    assert until(condition, timeout_s), "this did not become true in time"


async def comes_true(condition: Callable[[], bool], timeout_s: float = 30.0) -> None:
    """``eventually`` inside an event loop, which goes on meanwhile."""
    try:
        async with asyncio.timeout(timeout_s):
            while not condition():  # noqa: ASYNC110 - what is asked does not tell
                await asyncio.sleep(_ASYNC_STEP_S)
    except TimeoutError:
        raise AssertionError("this did not become true in time") from None
