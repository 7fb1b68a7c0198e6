"""The connections between members and remote nodes, on asyncio: TCP, sealed by their shared key.

``RemoteClient`` is a member's side: it opens connections by the core's numbers. ``RemoteServer``
is a remote node's: it listens, and numbers whoever comes. What comes in is typed and bounded
(``wire.remote``) before the core sees it; who breaks the rules, or does not prove his key in time,
is cut off. Nothing here decides who may use the executor: that is the core's.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Callable

from crmsh_py.engine.api import (
    CloseRemote,
    OpenRemote,
    RemoteClosed,
    RemoteOpened,
    RemoteReceived,
    SendRemote,
)
from crmsh_py.errors import CrmError, LocalProtocolError, RemoteProtocolError
from crmsh_py.node.keys import read_key
from crmsh_py.node.log import Seldom
from crmsh_py.node.ports import LogLine, Report
from crmsh_py.node.seal import Suite
from crmsh_py.node.sealed_stream import SealedStream
from crmsh_py.wire import remote as wire

CONNECT_TIMEOUT_S = 5.0  # for the connection and both hellos; the core tries again
MAX_STRANGERS = 16  # connections to a remote node that have not proven their key
MAX_UNSENT = 2 * wire.MAX_FRAME
_USER_TIMEOUT_MS = 30_000  # unacknowledged data after which the kernel gives a connection up


class _Connection(asyncio.Protocol):
    """One connection; ``closed`` is called once, with why, unless this side closes it."""

    def __init__(
        self,
        stream: SealedStream,
        *,
        opened: Callable[[], None],
        received: Callable[[bytes], None],
        closed: Callable[[str], None],
        connects: bool,
    ) -> None:
        self._stream = stream
        self._opened = opened
        self._received = received
        self._closed: Callable[[str], None] | None = closed
        self._connects = connects
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def proven(self) -> bool:
        """Whether the other side has shown that it has the key."""
        return self._stream.proven

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        if self._closed is None:  # it had to make room, or was given up, before it began
            transport.abort()
            return
        self._transport = transport
        channel = transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _USER_TIMEOUT_MS)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(CONNECT_TIMEOUT_S, self._too_late)
        if self._connects:
            transport.write(self._stream.hello())

    def data_received(self, data: bytes) -> None:
        if self._transport is None:
            return
        was_ready = self._stream.ready
        try:
            payloads, answer = self._stream.receive(data)
            if answer:
                self._transport.write(answer)
            if self._stream.ready and not was_ready:
                self._opened()
            for payload in payloads:
                self._received(payload)
        except RemoteProtocolError as error:
            self.fail(error.message)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(str(exc) if exc else "")

    def send(self, payload: bytes) -> None:
        """Send; a peer that does not read is cut off."""
        if self._transport is None or not self._stream.ready:
            return
        self._transport.write(self._stream.seal(payload))
        if self._transport.get_write_buffer_size() > MAX_UNSENT:
            self.fail("the other side does not read")

    def close(self) -> None:
        """End it when what was sent is out; nothing is told any more."""
        self._closed = None
        transport, self._transport = self._transport, None
        if self._timer is not None:
            self._timer.cancel()
        if transport is not None:
            transport.close()

    def fail(self, reason: str) -> None:
        """Cut it, and tell why."""
        transport = self._transport
        self._end(reason)
        if transport is not None:
            transport.abort()

    def _too_late(self) -> None:
        if not self._stream.proven and not (self._connects and self._stream.ready):
            self.fail("the other side has not proven its key in time")

    def _end(self, reason: str) -> None:
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
        closed, self._closed = self._closed, None
        if closed is not None:
            closed(reason)


class RemoteClient:
    """Implements ``ports.RemoteLinks`` for a member."""

    def __init__(
        self,
        *,
        key: str,
        suite: Suite,
        report: Report,
        address_of: Callable[[str], str] = lambda server: server,
    ) -> None:
        """``key`` is the path of the key; ``address_of`` may know a server by another name."""
        self._key = key
        self._suite = suite
        self._report = report
        self._address_of = address_of
        self._connections: dict[int, _Connection] = {}
        self._opening: dict[int, asyncio.Task[None]] = {}

    def open(self, instruction: OpenRemote) -> None:
        """Begin to connect."""
        number = instruction.connection
        task = asyncio.get_running_loop().create_task(self._open(instruction))
        self._opening[number] = task
        task.add_done_callback(lambda _: self._opening.pop(number, None))

    def send(self, instruction: SendRemote) -> None:
        """Send, if the connection is still there."""
        connection = self._connections.get(instruction.connection)
        if connection is not None:
            _send(connection, instruction)

    def close(self, instruction: CloseRemote) -> None:
        """End a connection, or the attempt to make it."""
        task = self._opening.pop(instruction.connection, None)
        if task is not None:
            task.cancel()
        connection = self._connections.pop(instruction.connection, None)
        if connection is not None:
            connection.close()

    def close_all(self) -> None:
        """The node ends."""
        for number in (*self._opening, *self._connections):
            self.close(CloseRemote(connection=number))

    async def _open(self, instruction: OpenRemote) -> None:
        number = instruction.connection
        try:
            secret = read_key(self._key)
            connection = _Connection(
                SealedStream(secret, random=secrets.token_bytes, suite=self._suite),
                opened=lambda: self._report(RemoteOpened(connection=number)),
                received=lambda payload: self._report(
                    RemoteReceived(connection=number, message=wire.decode_from_remote(payload))
                ),
                closed=lambda reason: self._closed(number, reason),
                connects=True,
            )
            self._connections[number] = connection
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await asyncio.get_running_loop().create_connection(
                    lambda: connection, self._address_of(instruction.server), instruction.port
                )
        except (OSError, TimeoutError, CrmError, UnicodeError) as error:
            where = f"{instruction.server}:{instruction.port}"
            self._closed(number, f"{where}: {_reason_of(error)}")

    def _closed(self, number: int, reason: str) -> None:
        if self._connections.pop(number, None) is not None or reason:
            self._report(RemoteClosed(connection=number, reason=reason))


class RemoteServer:
    """Implements ``ports.RemoteLinks`` for a remote node."""

    def __init__(self, *, key: str, address: str, port: int, report: Report, log: LogLine) -> None:
        self._key = key
        self._address = address
        self._port = port
        self._report = report
        self._tell_of_strangers = Seldom(log, "LRMD")
        self._server: asyncio.Server | None = None
        self._connections: dict[int, _Connection] = {}
        self._last = 0

    async def listen(self) -> None:
        """Open the port; raises CrmError where it cannot be had, or the key is none."""
        secret = read_key(self._key)
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                lambda: self._admit(secret), self._address, self._port, reuse_address=True
            )
        except OSError as error:
            raise CrmError(
                f"cannot listen on {self._address}:{self._port}: {error.strerror or error}"
            ) from None

    def open(self, instruction: OpenRemote) -> None:
        """A remote node connects to nobody."""

    def send(self, instruction: SendRemote) -> None:
        """Send, if the connection is still there."""
        connection = self._connections.get(instruction.connection)
        if connection is not None:
            _send(connection, instruction)

    def close(self, instruction: CloseRemote) -> None:
        """End a connection."""
        connection = self._connections.pop(instruction.connection, None)
        if connection is not None:
            connection.close()

    def close_all(self) -> None:
        """The node ends."""
        if self._server is not None:
            self._server.close()
        for number in list(self._connections):
            self.close(CloseRemote(connection=number))

    def _admit(self, secret: bytes) -> _Connection:
        self._last += 1
        number = self._last
        connection = _Connection(
            SealedStream(secret, random=secrets.token_bytes),
            opened=lambda: self._report(RemoteOpened(connection=number)),
            received=lambda payload: self._report(
                RemoteReceived(connection=number, message=wire.decode_to_remote(payload))
            ),
            closed=lambda reason: self._closed(number, reason),
            connects=False,
        )
        strangers = [n for n, each in self._connections.items() if not each.proven]
        if len(strangers) >= MAX_STRANGERS:
            self._connections[strangers[0]].fail("too many have not proven their key")
        self._connections[number] = connection
        return connection

    def _closed(self, number: int, reason: str) -> None:
        connection = self._connections.pop(number, None)
        if connection is None:
            return
        if not connection.proven:
            text = f"A connection without proof of the key has ended: {reason or 'hung up'}"
            self._tell_of_strangers(text)
        self._report(RemoteClosed(connection=number, reason=reason))


def _send(connection: _Connection, instruction: SendRemote) -> None:
    try:
        payload = wire.encode(instruction.message)
    except LocalProtocolError as error:
        connection.fail(error.message)
    else:
        connection.send(payload)


def _reason_of(error: Exception) -> str:
    if isinstance(error, CrmError):
        return error.message
    if isinstance(error, TimeoutError):
        return "no answer"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
