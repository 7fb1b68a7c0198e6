"""The cluster's secret: where it is read from, and how keys for datagrams are made from it.

Every node has the same authkey, a file that ``corosync-keygen`` writes and that nobody but its
owner may read. It never encrypts anything itself: each sender's every run has keys of its own,
derived from it by HKDF (RFC 5869), so that no two runs ever share a key and a nonce.
"""

from __future__ import annotations

import hmac
import os
import stat

from crmsh_py.errors import CrmError

MIN_KEY = 16  # bytes
MAX_KEY = 4096


def read_key(path: str) -> bytes:
    """Read an authkey.

    Raises:
        CrmError: it cannot be read, others may read it or made it, or its size cannot be.
    """
    try:
        with open(path, "rb") as file:
            found = os.fstat(file.fileno())
            key = file.read(MAX_KEY + 1)
    except OSError as error:
        raise CrmError(
            f"cannot read the key {path}: {error.strerror}",
            hint="corosync-keygen makes one; every node needs the same",
        ) from None
    if not stat.S_ISREG(found.st_mode):
        raise CrmError(f"the key {path} is not a file")
    if found.st_uid not in (0, os.geteuid()):
        raise CrmError(f"the key {path} belongs to user id {found.st_uid}, who could change it")
    if found.st_mode & 0o077:
        raise CrmError(f"others may read the key {path}", hint=f"chmod 400 {path}")
    return checked_key(key, path)


def checked_key(key: bytes, origin: str) -> bytes:
    """The key, if its size can be one; raises CrmError that names ``origin``."""
    if not MIN_KEY <= len(key) <= MAX_KEY:
        raise CrmError(f"the key {origin} has {len(key)} bytes; {MIN_KEY} to {MAX_KEY} are allowed")
    return key


def derive(secret: bytes, *, salt: bytes, purpose: bytes, size: int, digest: str) -> bytes:
    """HKDF: ``size`` bytes (one block at most) that nobody can relate to other purposes or salts.

    One block is all that a datagram's key needs, so the expansion of RFC 5869 is its first step.
    """
    extracted = hmac.digest(salt, secret, digest)
    block = hmac.digest(extracted, purpose + b"\x01", digest)
    assert size <= len(block), (size, digest)
    return block[:size]
