"""SIGTERM and SIGHUP as an exception, for commands that have something to take away again."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def by_exception() -> Iterator[None]:
    """While this holds, the first of these signals raises SystemExit with the exit code that the
    shell's caller would see anyway (128 + its number); later ones do not disturb the taking away.
    What is ignored (nohup) stays so.
    """
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    heard = [number for number in _SIGNALS if before[number] is not signal.SIG_IGN]

    def end(number: int, _: FrameType | None) -> None:
        for each in heard:
            signal.signal(each, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for number in heard:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, before[number])
