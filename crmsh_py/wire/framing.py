"""How messages travel on a control socket: a length, then a ticket and a message in msgpack.

Sans-IO: bytes go in, whole messages come out, and the other way round. A frame is a 4-byte
big-endian length and that many bytes of msgpack: ``[ticket, message]``. The client chooses the
ticket of a request; the node answers under the same one. A peer that breaks the rules gets a
``RemoteProtocolError``, after which nothing more is read from it: a stream that lost its frames
cannot be trusted to find them again.
"""

from __future__ import annotations

from crmsh_py.errors import LocalProtocolError, RemoteProtocolError
from crmsh_py.wire import control, messages, packing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_PARTS = 10_000  # entries of all lists and maps of a request: each takes far more than its byte
MAX_FRAME = 64 * 1024 * 1024  # bytes; the largest CIB that we carry, with room for its ticket

_LENGTH = 4  # bytes
_REQUESTS: dict[str, type[control.Message]] = {k.__name__: k for k in control.Request.__args__}
_REPLIES: dict[str, type[control.Message]] = {k.__name__: k for k in control.Reply.__args__}


def encode_request(ticket: int, request: control.Request) -> bytes:
    """The bytes of one request; raises LocalProtocolError when it is too large to send."""
    return _encode(ticket, request)


def encode_reply(ticket: int, reply: control.Reply) -> bytes:
    """The bytes of one reply; raises LocalProtocolError when it is too large to send."""
    return _encode(ticket, reply)


def _encode(ticket: int, message: control.Message) -> bytes:
    body = packing.pack([ticket, messages.plain(message)])
    if len(body) > MAX_FRAME:
        name = type(message).__name__
        raise LocalProtocolError(f"a {name} of {len(body)} bytes is larger than {MAX_FRAME}")
    return len(body).to_bytes(_LENGTH, "big") + body


class _Decoder:
    """Cuts a stream of bytes into messages; holds no more than one unfinished frame."""

    def __init__(self, kinds: Mapping[str, type[control.Message]], limit: int, parts: int) -> None:
        self._kinds = kinds
        self._limit = limit
        self._parts = parts
        self._buffer = bytearray()
        self._failed = ""

    @property
    def pending(self) -> int:
        """Bytes of a frame whose end has not come yet."""
        return len(self._buffer)

    def _messages(self, data: bytes) -> list[tuple[int, control.Message]]:
        if self._failed:
            raise RemoteProtocolError(self._failed)
        self._buffer += data
        found: list[tuple[int, control.Message]] = []
        while (body := self._next_body()) is not None:
            try:
                found.append(self._message(body))
            except RemoteProtocolError as error:
                raise self._fail(f"a frame that is no message: {error.message}") from None
        return found

    def _message(self, body: bytes) -> tuple[int, control.Message]:
        match packing.unpack(body, self._parts):
            case [int(ticket), message] if ticket is not True and ticket is not False:
                return ticket, self._typed(message)
        raise RemoteProtocolError("it has no ticket")

    def _typed(self, message: object) -> control.Message:
        return messages.typed(self._kinds, message)

    def _next_body(self) -> bytes | None:
        if len(self._buffer) < _LENGTH:
            return None
        length = int.from_bytes(self._buffer[:_LENGTH], "big")
        if length > self._limit:
            raise self._fail(f"a frame of {length} bytes; {self._limit} are allowed")
        end = _LENGTH + length
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[_LENGTH:end])
        del self._buffer[:end]
        return body

    def _fail(self, reason: str) -> RemoteProtocolError:
        self._failed = reason
        self._buffer.clear()
        return RemoteProtocolError(reason)


class RequestDecoder(_Decoder):
    """The node's side of a connection."""

    def __init__(self, limit: int = MAX_FRAME) -> None:
        super().__init__(_REQUESTS, limit, MAX_PARTS)

    def receive(self, data: bytes) -> list[tuple[int, control.Request | control.Refused]]:
        """Take bytes as they came; return the requests that they complete, in order.

        In place of a request with a field that is too long, or has what cannot stand there, is the
        answer to it.

        Raises:
            RemoteProtocolError: the peer sent what no frame may be, now or before.
        """
        return self._messages(data)  # type: ignore[return-value]  # of these kinds

    def _typed(self, message: object) -> control.Message:
        try:
            return super()._typed(message)
        except messages.FieldError as error:
            return control.Refused(kind="ConfigError", text=error.message)


class ReplyDecoder(_Decoder):
    """The client's side of a connection."""

    def __init__(self, limit: int = MAX_FRAME) -> None:
        super().__init__(_REPLIES, limit, packing.MAX_PARTS)

    def receive(self, data: bytes) -> list[tuple[int, control.Reply]]:
        """Take bytes as they came; return the replies that they complete, in order.

        Raises:
            RemoteProtocolError: the peer sent what no frame may be, now or before.
        """
        return self._messages(data)  # type: ignore[return-value]  # of these kinds
