"""How one datagram is closed: authenticated always, encrypted where corosync.conf asks for it.

``crypto_cipher`` chooses the cipher (AES-GCM with keys of 128, 192 or 256 bits; none: HMAC over
the readable payload), ``crypto_hash`` the digest of HMAC and of the keys' derivation (SHA-2). A
file without these words still means authenticated datagrams: the price is two microseconds, and
nothing on the network can then speak for a node. AES-GCM is the library ``cryptography``'s, loaded
only by a node that encrypts.

A ``Box`` is one key: one sender's, for one run of it. Its nonce is the datagram's number, which
never repeats within a run; a new run has a new key. Whether a number has come before is asked in
``sessions``.

Sources: RFC 2104 (HMAC), NIST SP 800-38D (GCM); corosync.conf(5) for the words.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Protocol

from crmsh_py.corosync_conf import TotemSettings
from crmsh_py.errors import CrmError
from crmsh_py.node.keys import derive

TAG_SIZE = 16  # bytes of a GCM tag
CODE_SIZE = 32  # bytes of a HMAC, whatever its digest
_CIPHER_KEYS = {"aes128": 16, "aes192": 24, "aes256": 32}  # bytes
_PURPOSE = b"crmsh-py datagram 2\0"


class Box(Protocol):
    """Closes and opens datagrams by one key."""

    def close(self, number: int, header: bytes, payload: bytes) -> bytes:
        """What follows the header, which is covered but stays readable."""

    def open(self, number: int, header: bytes, body: bytes) -> bytes | None:
        """The payload; None when it was not closed by this key, or has changed since."""


class MacBox:
    """HMAC: nobody can change or invent a datagram, everybody can read it."""

    def __init__(self, key: bytes, digest: str) -> None:
        self._key = key
        self._digest = digest

    def close(self, number: int, header: bytes, payload: bytes) -> bytes:
        """The payload and its code."""
        return payload + self._code(header, payload)

    def open(self, number: int, header: bytes, body: bytes) -> bytes | None:
        """The payload, if its code is right."""
        payload, code = body[:-CODE_SIZE], body[-CODE_SIZE:]
        return payload if hmac.compare_digest(code, self._code(header, payload)) else None

    def _code(self, header: bytes, payload: bytes) -> bytes:
        return hmac.digest(self._key, header + payload, self._digest)[:CODE_SIZE]


class GcmBox:
    """AES-GCM: nobody without the key can read it either."""

    def __init__(self, key: bytes) -> None:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._invalid = InvalidTag
        self._cipher = AESGCM(key)

    def close(self, number: int, header: bytes, payload: bytes) -> bytes:
        """The encrypted payload with its tag."""
        closed: bytes = self._cipher.encrypt(number.to_bytes(12, "big"), payload, header)
        return closed

    def open(self, number: int, header: bytes, body: bytes) -> bytes | None:
        """The payload, if its tag is right."""
        try:
            opened: bytes = self._cipher.decrypt(number.to_bytes(12, "big"), body, header)
        except (self._invalid, ValueError):  # ValueError: shorter than a tag
            return None
        return opened


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """The algorithms of a cluster; equal on all of its nodes, or they do not hear each other."""

    cipher: str = "none"
    digest: str = "sha256"

    def box(self, secret: bytes, session: bytes, sender: str) -> Box:
        """The box of one sender's one run. The sender's address and the suite are in the key."""
        purpose = _PURPOSE + f"{self.cipher} {self.digest} {sender}".encode()
        size = _CIPHER_KEYS.get(self.cipher, 32)
        key = derive(secret, salt=session, purpose=purpose, size=size, digest=self.digest)
        return MacBox(key, self.digest) if self.cipher == "none" else GcmBox(key)


def choose_suite(totem: TotemSettings) -> Suite:
    """The suite that a (checked) corosync.conf asks for.

    Raises:
        CrmError: it asks for encryption and the library for it is not installed.
    """
    digest = totem.crypto_hash if totem.crypto_hash in ("sha384", "sha512") else "sha256"
    if totem.crypto_cipher != "none":
        try:
            GcmBox(bytes(16))
        except ImportError:
            raise CrmError(
                f"crypto_cipher: {totem.crypto_cipher} needs the Python library 'cryptography'",
                hint="pip install cryptography",
            ) from None
    return Suite(cipher=totem.crypto_cipher, digest=digest)
