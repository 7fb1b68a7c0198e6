"""The last lines of a log file that may be large."""

from __future__ import annotations

import os

_MAX_READ = 8 * 1024 * 1024  # bytes from the end; a log is for people


def last_lines(path: str, count: int) -> list[str]:
    """The last ``count`` lines (0: all of the last 8 MiB); [] when there is no such file."""
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - _MAX_READ))
            lines = file.read(_MAX_READ).decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    return lines[-count:] if count else lines
