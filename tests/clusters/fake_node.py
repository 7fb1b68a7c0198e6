"""A control socket that answers as a test says."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path

from crmsh_py.wire import control, framing

Answer = Callable[[control.Request], control.Reply | None]


class FakeNode:
    """A node that answers as the test says: None is silence, "hang up" an exception."""

    def __init__(self, path: Path, answer: Answer) -> None:
        self.answer = answer
        self.requests: list[control.Request] = []
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen()
        self._connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        decoder = framing.RequestDecoder()
        with connection:
            while data := self._receive(connection):
                for ticket, request in decoder.receive(data):
                    try:
                        reply = self._reply_to(request)
                        if reply is not None:
                            connection.sendall(framing.encode_reply(ticket, reply))
                    except OSError:
                        return  # told to, or the client has gone

    def _reply_to(self, request: control.Request) -> control.Reply | None:
        if isinstance(request, control.Hello):
            return control.Done()
        self.requests.append(request)
        return self.answer(request)

    @staticmethod
    def _receive(connection: socket.socket) -> bytes:
        try:
            return connection.recv(65_536)
        except OSError:
            return b""

    def close(self) -> None:
        for channel in (self._server, *self._connections):
            try:
                channel.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            channel.close()
        self._thread.join(5)
