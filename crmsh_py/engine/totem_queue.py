"""Payloads to chunks and back: fragmentation, packing, reassembly.

A payload is cut into chunks that fit a datagram, and small payloads share one. Rules:
1. The chunks of a payload are sent in order, with nothing of another payload of the same sender
   in between. All chunks of a datagram are of one kind (safe or agreed).
2. A payload leaves the queue when its last chunk has been sent: from then on extended virtual
   synchrony promises that its sender delivers it too.
3. When a new ring begins, everybody forgets unfinished payloads, and a sender starts the one it
   was sending from its beginning. So a payload is delivered once and whole, in one configuration.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from crmsh_py.engine.totem_values import Limits
from crmsh_py.wire.datagram import Multicast

_CHUNK_BYTES = 5  # MessagePack's header of a chunk
_MAX_CHUNKS = 256


@dataclass(frozen=True, slots=True)
class Cut:
    """What one datagram shall carry."""

    chunks: tuple[bytes, ...]
    safe: bool
    continues: bool
    unfinished: bool


@dataclass(frozen=True, slots=True)
class _Payload:
    data: bytes
    safe: bool


class SendQueue:
    """Payloads that wait for the token."""

    __slots__ = ("_bytes", "_limits", "_offset", "_payloads", "_room")

    def __init__(self, room: int, limits: Limits) -> None:
        """``room``: bytes for chunks in one datagram."""
        assert room > 64, room
        self._room = room
        self._limits = limits
        self._payloads: deque[_Payload] = deque()
        self._offset = 0  # what of the first payload is sent
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._payloads)

    @property
    def backlog(self) -> int:
        """About how many datagrams the queue fills."""
        if not self._payloads:
            return 0
        return max(1, (self._bytes - self._offset + self._room - 1) // self._room)

    def put(self, data: bytes, *, safe: bool) -> bool:
        """Append a payload; False where a limit would be passed."""
        if (
            len(data) > self._limits.payload_bytes
            or self._bytes + len(data) > self._limits.queued_bytes
            or len(self._payloads) >= self._limits.queued_payloads
        ):
            return False
        self._payloads.append(_Payload(data, safe))
        self._bytes += len(data)
        return True

    def cut(self) -> Cut | None:
        """Take the content of the next datagram; None where nothing waits."""
        if not self._payloads:
            return None
        safe = self._payloads[0].safe
        continues = self._offset > 0
        chunks: list[bytes] = []
        room = self._room
        while self._payloads and len(chunks) < _MAX_CHUNKS:
            payload = self._payloads[0]
            if payload.safe is not safe or (chunks and room < min(64, len(payload.data)) + 5):
                break
            chunk = payload.data[self._offset : self._offset + room - _CHUNK_BYTES]
            chunks.append(chunk)
            room -= len(chunk) + _CHUNK_BYTES
            self._offset += len(chunk)
            if self._offset < len(payload.data):
                return Cut(tuple(chunks), safe, continues, unfinished=True)
            self._payloads.popleft()
            self._bytes -= len(payload.data)
            self._offset = 0
        return Cut(tuple(chunks), safe, continues, unfinished=False)

    def restart(self) -> None:
        """A new ring begins: send the first payload from its beginning."""
        self._offset = 0


class Assembler:
    """Puts the chunks of every sender together again."""

    __slots__ = ("_limits", "_parts", "_sizes")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._parts: dict[int, list[bytes]] = {}
        self._sizes: dict[int, int] = {}

    def take(self, message: Multicast) -> Iterator[bytes]:
        """The payloads that end in this message, in order."""
        sender = message.sender
        if not message.continues:
            self._drop(sender)
        last = len(message.chunks) - 1
        for position, chunk in enumerate(message.chunks):
            if position == 0 and message.continues and sender not in self._parts:
                if message.unfinished and last == 0:
                    return  # its beginning was not for us, or it was too large
                continue
            if position == last and message.unfinished:
                self._keep(sender, chunk)
                return
            parts = self._parts.pop(sender, None)
            self._sizes.pop(sender, None)
            yield b"".join((*parts, chunk)) if parts else chunk

    def reset(self) -> None:
        """A new ring begins: what is unfinished will come again from its beginning."""
        self._parts.clear()
        self._sizes.clear()

    def _keep(self, sender: int, chunk: bytes) -> None:
        size = self._sizes.get(sender, 0) + len(chunk)
        if size > self._limits.payload_bytes:
            self._drop(sender)
            return
        self._parts.setdefault(sender, []).append(chunk)
        self._sizes[sender] = size

    def _drop(self, sender: int) -> None:
        self._parts.pop(sender, None)
        self._sizes.pop(sender, None)
