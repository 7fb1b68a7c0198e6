"""The last lines of a log file that may be large, and that a node writes."""

from __future__ import annotations

import os
import stat

_MAX_READ = 8 * 1024 * 1024  # bytes from the end; a log is for people


def last_lines(disk: str, path: str, count: int) -> list[str]:
    """The last ``count`` lines (0: all of the last 8 MiB) of ``path`` on a node's ``disk``.

    [] when there is no such file, and when the node has put something else in its place: a link
    would be followed out of the disk, and a pipe would be waited for.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    whole = os.path.join(disk, path.lstrip("/"))
    try:
        if os.path.realpath(whole) != os.path.join(os.path.realpath(disk), path.lstrip("/")):
            return []
        with open(os.open(whole, flags), "rb") as file:
            state = os.fstat(file.fileno())
            if not stat.S_ISREG(state.st_mode):
                return []
            file.seek(max(0, state.st_size - _MAX_READ))
            lines = file.read(_MAX_READ).decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    return lines[-count:] if count else lines
