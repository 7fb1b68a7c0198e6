"""What makes a datagram one of ours: an authentication code with the lab's key.

A sealed datagram is a code of 32 bytes (HMAC-SHA256, RFC 2104) and the payload. The code covers
the sender's address too, so that a recorded datagram cannot be sent again from another one. It
hides nothing: encryption is another ``Seal``, which ``choose_seal`` will pick by the same words
of ``corosync.conf``; until there is one it refuses them, rather than send in the clear what
somebody asked to be encrypted.
"""

from __future__ import annotations

import hmac
import os
from typing import Protocol

from crmsh_py.errors import CrmError

CODE_SIZE = 32
MIN_KEY = 16  # bytes
MAX_KEY = 4096
_PURPOSE = b"crmsh-py datagram 1\0"


class Seal(Protocol):
    """Closes what is sent and opens what came."""

    def close(self, payload: bytes, sender: str) -> bytes:
        """The datagram that carries ``payload`` from the address ``sender``."""

    def open(self, datagram: bytes, sender: str) -> bytes | None:
        """The payload; None when it does not come from one of us."""


class AuthenticationSeal:
    """HMAC-SHA256 with a key that all nodes of a lab have."""

    def __init__(self, key: bytes) -> None:
        assert len(key) >= MIN_KEY, "the key is too short"
        self._key = key

    def close(self, payload: bytes, sender: str) -> bytes:
        """The datagram that carries ``payload`` from the address ``sender``."""
        return self._code(payload, sender) + payload

    def open(self, datagram: bytes, sender: str) -> bytes | None:
        """The payload; None when it does not come from one of us."""
        code, payload = datagram[:CODE_SIZE], datagram[CODE_SIZE:]
        if not hmac.compare_digest(code, self._code(payload, sender)):
            return None
        return payload

    def _code(self, payload: bytes, sender: str) -> bytes:
        return hmac.digest(self._key, _PURPOSE + sender.encode() + b"\0" + payload, "sha256")


def choose_seal(key: bytes, *, cipher: str = "none") -> Seal:
    """The seal for a lab's key and ``crypto_cipher`` (``secauth: on`` means one, too).

    Raises:
        CrmError: encryption is asked for.
    """
    if cipher not in ("", "none"):
        raise CrmError(
            f"crypto_cipher: {cipher} (or secauth: on) asks for encrypted datagrams,"
            " which this version cannot do",
            hint="set secauth: off and crypto_cipher: none; datagrams are authenticated anyway",
        )
    return AuthenticationSeal(key)


def read_key(path: str) -> bytes:
    """Read a lab's key.

    Raises:
        CrmError: it cannot be read, others may read it, or it is too short or too long.
    """
    try:
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            key = file.read(MAX_KEY + 1)
    except OSError as error:
        raise CrmError(f"cannot read the key {path}: {error.strerror}") from None
    if mode & 0o077:
        raise CrmError(f"others may read the key {path}", hint=f"chmod 600 {path}")
    if not MIN_KEY <= len(key) <= MAX_KEY:
        raise CrmError(f"the key {path} has {len(key)} bytes; {MIN_KEY} to {MAX_KEY} are allowed")
    return key
