"""What an open descriptor holds, when the path that it was opened by may lead elsewhere by now."""

from __future__ import annotations

import os


def is_at(descriptor: int, path: str) -> bool:
    """Whether the path leads to the very file or directory that the descriptor holds."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except OSError:
        return False
