"""How much of a store was acknowledged, beside the store: a store that lost its end is found.

SQLite's log ends where its checksums end. That is right after a power cut: what was torn was never
acknowledged. But a log in which a byte has gone bad since, or that is gone, ends too early in the
same way, and the store is whole, only older. A node that takes it for its own has lost what it
said that it has.

So every transaction counts itself in the store, and when it is on the disk its number is written
here: a few bytes in place, without a sync. A number here that the store does not reach says that
something is missing; a power cut cannot make that of a good store, as the transaction is synced
first. It may leave an older number here, and then the last moments before it are not guarded.
"""

from __future__ import annotations

import os
from hashlib import blake2b

SUFFIX = "-acknowledged"
_NUMBER_BYTES = 8
_CHECK_BYTES = 8


class Tally:
    """The file of one store. Every method raises OSError where the disk does not let us."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor = -1

    def open(self) -> int:
        """Open or make it; the last transaction that was acknowledged, 0 where nobody knows."""
        self.close()
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._descriptor = os.open(self._path, flags, 0o600)
        data = os.pread(self._descriptor, _NUMBER_BYTES + _CHECK_BYTES, 0)
        number, check = data[:_NUMBER_BYTES], data[_NUMBER_BYTES:]
        if len(data) < _NUMBER_BYTES + _CHECK_BYTES:
            self.put(0)  # now, while there is room
        return int.from_bytes(number, "big") if check == _check(number) else 0

    def put(self, number: int) -> None:
        """This transaction, and all before it, are on the disk."""
        data = number.to_bytes(_NUMBER_BYTES, "big")
        os.pwrite(self._descriptor, data + _check(data), 0)

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _check(number: bytes) -> bytes:
    return blake2b(number, digest_size=_CHECK_BYTES).digest()
