"""What agents said, kept in the user's cache directory.

Asking an agent takes up to a tenth of a second; the answer changes only when its file does. An
entry is found by path, time of change and size of the agent. A directory or file that somebody
else could have written is not used: what is read here decides what a user is told.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from crmsh_py.agents.metadata import MAX_BYTES

_FORMAT = "1"  # part of every key: raise it when an agent is asked in another way


class MetadataCache:
    """A directory of answers; without a usable directory it remembers nothing."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory

    @classmethod
    def of_user(cls, environ: Mapping[str, str]) -> MetadataCache:
        """The cache of the user whose environment this is."""
        base = environ.get("XDG_CACHE_HOME", "")
        if not base.startswith("/"):
            home = environ.get("HOME", "")
            if not home.startswith("/"):
                return cls(None)
            base = f"{home}/.cache"
        return cls(Path(base) / "crmsh-py" / "agents")

    def read(self, agent: Path) -> bytes | None:
        """The remembered answer of this agent as it is now."""
        entry = self._entry(agent)
        if entry is None or not _is_own_directory(entry.parent):
            return None
        try:
            handle = os.open(entry, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return None
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or not _is_own(status):
                return None
            return file.read(MAX_BYTES + 1)

    def write(self, agent: Path, answer: bytes) -> None:
        """Remember an answer; a cache that cannot be written is no failure."""
        entry = self._entry(agent)
        if entry is None:
            return
        temporary = entry.with_name(f"{entry.name}.{os.getpid()}")
        try:
            entry.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not _is_own_directory(entry.parent):
                return
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(temporary, flags, 0o600), "wb") as file:
                file.write(answer)
            temporary.replace(entry)
        except OSError:
            with suppress(OSError):
                temporary.unlink()

    def _entry(self, agent: Path) -> Path | None:
        if self._directory is None:
            return None
        try:
            status = agent.stat()
        except OSError:
            return None
        facts = (_FORMAT, str(agent), str(status.st_mtime_ns), str(status.st_size))
        return self._directory / sha256("\0".join(facts).encode()).hexdigest()


def _is_own_directory(path: Path) -> bool:
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and _is_own(status)


def _is_own(status: os.stat_result) -> bool:
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022
