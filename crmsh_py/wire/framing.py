"""How messages travel on a control socket: a length, then a ticket and a message in msgpack.

Sans-IO: bytes go in, whole messages come out, and the other way round. A frame is a 4-byte
big-endian length and that many bytes of msgpack: ``[ticket, message]``. The client chooses the
ticket of a request; the node answers under the same one. A peer that breaks the rules gets a
``RemoteProtocolError``, after which nothing more is read from it: a stream that lost its frames
cannot be trusted to find them again.
"""

from __future__ import annotations

import struct
from typing import Generic, TypeVar

import msgspec

from crmsh_py.errors import LocalProtocolError, RemoteProtocolError
from crmsh_py.wire.control import Reply, Request

MAX_FRAME = 64 * 1024 * 1024  # bytes; the largest CIB that we carry, with room for its ticket

_LENGTH = struct.Struct(">I")
_MessageT = TypeVar("_MessageT")


class _RequestFrame(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    ticket: int
    message: Request


class _ReplyFrame(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    ticket: int
    message: Reply


def encode_request(ticket: int, request: Request) -> bytes:
    """The bytes of one request; raises LocalProtocolError when it is too large to send."""
    return _encode(_RequestFrame(ticket, request))


def encode_reply(ticket: int, reply: Reply) -> bytes:
    """The bytes of one reply; raises LocalProtocolError when it is too large to send."""
    return _encode(_ReplyFrame(ticket, reply))


def _encode(frame: _RequestFrame | _ReplyFrame) -> bytes:
    body = msgspec.msgpack.encode(frame)
    if len(body) > MAX_FRAME:
        name = type(frame.message).__name__
        raise LocalProtocolError(f"a {name} of {len(body)} bytes is larger than {MAX_FRAME}")
    return _LENGTH.pack(len(body)) + body


class _Decoder(Generic[_MessageT]):
    """Cuts a stream of bytes into messages; holds no more than one unfinished frame."""

    def __init__(self, frame_type: type[_RequestFrame] | type[_ReplyFrame], limit: int) -> None:
        self._decoder = msgspec.msgpack.Decoder(frame_type)
        self._limit = limit
        self._buffer = bytearray()
        self._failed = ""

    @property
    def pending(self) -> int:
        """Bytes of a frame whose end has not come yet."""
        return len(self._buffer)

    def receive(self, data: bytes) -> list[tuple[int, _MessageT]]:
        """Take bytes as they came; return the messages that they complete, in order.

        Raises:
            RemoteProtocolError: the peer sent what no frame may be, now or before.
        """
        if self._failed:
            raise RemoteProtocolError(self._failed)
        self._buffer += data
        messages: list[tuple[int, _MessageT]] = []
        while (body := self._next_body()) is not None:
            try:
                frame = self._decoder.decode(body)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                raise self._fail(f"a frame that is no message: {error}") from None
            messages.append((frame.ticket, frame.message))  # type: ignore[arg-type]
        return messages

    def _next_body(self) -> bytes | None:
        if len(self._buffer) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._buffer)
        if length > self._limit:
            raise self._fail(f"a frame of {length} bytes; {self._limit} are allowed")
        end = _LENGTH.size + length
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[_LENGTH.size : end])
        del self._buffer[:end]
        return body

    def _fail(self, reason: str) -> RemoteProtocolError:
        self._failed = reason
        self._buffer.clear()
        return RemoteProtocolError(reason)


class RequestDecoder(_Decoder[Request]):
    """The node's side of a connection."""

    def __init__(self, limit: int = MAX_FRAME) -> None:
        super().__init__(_RequestFrame, limit)


class ReplyDecoder(_Decoder[Reply]):
    """The client's side of a connection."""

    def __init__(self, limit: int = MAX_FRAME) -> None:
        super().__init__(_ReplyFrame, limit)
