"""A TCP connection that only holders of one key can speak on: bytes in, whole payloads out.

Sans-IO. Both sides first send a hello in the clear: a random number each, and which algorithms the
connecting side wants. Both hellos go into the keys of this connection (one for each direction), so
that nothing of another connection is ever valid on this one, and a hello that was changed on its
way makes keys that do not fit. The first payload that opens proves the other side.

    hello   = magic (4) | version (1) | cipher (1) | digest (1) | random (16)
    payload = length (4) | sealed(payload)

Length and number (of the payloads in its direction) are covered by the seal. Until something has
opened, no more than ``MAX_FIRST_FRAME`` bytes are taken in.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable

from crmsh_py.errors import RemoteProtocolError
from crmsh_py.node.seal import CODE_SIZE, TAG_SIZE, Box, Suite
from crmsh_py.wire.remote import MAX_FIRST_FRAME, MAX_FRAME

VERSION = 1
_MAGIC = b"CRMR"
_RANDOM_SIZE = 16
_HELLO_SIZE = len(_MAGIC) + 3 + _RANDOM_SIZE
_LENGTH = struct.Struct(">I")
_CIPHERS = ("none", "aes128", "aes192", "aes256")
_DIGESTS = ("sha256", "sha384", "sha512")


class SealedStream:
    """One side of one connection."""

    def __init__(
        self,
        secret: bytes,
        *,
        random: Callable[[int], bytes],
        suite: Suite | None = None,
    ) -> None:
        """``suite`` is given by the side that connects; the other one follows it."""
        self._secret = secret
        self._connects = suite is not None
        self._suite = suite
        self._random = random(_RANDOM_SIZE)
        self._buffer = bytearray()
        self._mine = b""
        self._inbound: Box | None = None
        self._overhead = 0  # bytes that a seal adds
        self._outbound: Box | None = None
        self._sent = self._received = 0
        self.proven = False  # whether the other side has the key

    @property
    def ready(self) -> bool:
        """Whether payloads can be sent: both hellos are known."""
        return self._outbound is not None

    def hello(self) -> bytes:
        """The first bytes of the side that connects; the other side's come out of ``receive``."""
        assert self._suite is not None
        self._mine = _hello(self._suite, self._random)
        return self._mine

    def receive(self, data: bytes) -> tuple[list[bytes], bytes]:
        """Take bytes as they came; return the payloads that they complete, and what to send now.

        Raises:
            RemoteProtocolError: the other side has another key, or speaks something else. Nothing
                more may be given.
        """
        self._buffer += data
        answer = b""
        if not self.ready:
            if len(self._buffer) < _HELLO_SIZE:
                self._check_magic()
                return [], b""
            answer = self._on_hello(bytes(self._buffer[:_HELLO_SIZE]))
            del self._buffer[:_HELLO_SIZE]
        payloads = []
        while (payload := self._next()) is not None:
            payloads.append(payload)
        return payloads, answer

    def seal(self, payload: bytes) -> bytes:
        """The bytes of one payload."""
        assert self._outbound is not None
        number, self._sent = self._sent, self._sent + 1
        length = _LENGTH.pack(len(payload))
        return length + self._outbound.close(number, _covered(length, number), payload)

    # ---- inside ----------------------------------------------------------------------------

    def _check_magic(self) -> None:
        if not _MAGIC.startswith(bytes(self._buffer[: len(_MAGIC)])):
            raise RemoteProtocolError("this is no connection between a cluster and a remote node")

    def _on_hello(self, hello: bytes) -> bytes:
        self._check_magic()
        version, cipher, digest = hello[4], hello[5], hello[6]
        if version != VERSION or cipher >= len(_CIPHERS) or digest >= len(_DIGESTS):
            raise RemoteProtocolError(f"version {version} of the connection is not known here")
        answer = b""
        suite = Suite(cipher=_CIPHERS[cipher], digest=_DIGESTS[digest])
        if self._connects:
            if suite != self._suite:
                raise RemoteProtocolError("the remote node has chosen other algorithms")
            first, second = self._mine, hello
        else:
            answer = self._mine = _hello(suite, self._random)
            first, second = hello, self._mine
        session = hashlib.sha256(first + second).digest()
        try:
            to_remote = suite.box(self._secret, session, "member")
            to_member = suite.box(self._secret, session, "remote")
        except ImportError:
            raise RemoteProtocolError(
                f"{suite.cipher} needs the Python library 'cryptography'"
            ) from None
        self._overhead = CODE_SIZE if suite.cipher == "none" else TAG_SIZE
        self._outbound, self._inbound = (
            (to_remote, to_member) if self._connects else (to_member, to_remote)
        )
        return answer

    def _next(self) -> bytes | None:
        if len(self._buffer) < _LENGTH.size:
            return None
        header = bytes(self._buffer[: _LENGTH.size])
        (length,) = _LENGTH.unpack(header)
        limit = MAX_FRAME if self.proven else MAX_FIRST_FRAME
        if length > limit:
            raise RemoteProtocolError(f"a frame of {length} bytes; {limit} are allowed")
        assert self._inbound is not None
        end = _LENGTH.size + length + self._overhead
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[_LENGTH.size : end])
        del self._buffer[:end]
        covered = _covered(header, self._received)
        payload = self._inbound.open(self._received, covered, body)
        if payload is None:
            raise RemoteProtocolError("the other side has another key, or what it sent was changed")
        self._received += 1
        self.proven = True
        return payload


def _covered(length: bytes, number: int) -> bytes:
    """What a seal covers besides the payload: so nothing can be repeated, dropped or reordered."""
    return length + number.to_bytes(8, "big")


def _hello(suite: Suite, random: bytes) -> bytes:
    cipher, digest = _CIPHERS.index(suite.cipher), _DIGESTS.index(suite.digest)
    return _MAGIC + bytes((VERSION, cipher, digest)) + random
