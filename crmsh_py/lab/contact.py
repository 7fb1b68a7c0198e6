"""Talking to a lab's supervisor and to its nodes over their Unix sockets: blocking, bounded."""

from __future__ import annotations

import os
import socket
import struct
import time

from crmsh_py.errors import ClusterUnreachable, CrmError, NotPermitted, RemoteProtocolError
from crmsh_py.lab.place import Place
from crmsh_py.lab.processes import Process, identify
from crmsh_py.wire import control, framing
from crmsh_py.wire import lab as wire

_TIMEOUT_S = 20.0  # a supervisor that is starting nodes answers when they are up
_POLL_S = 0.02
_CLIENT_NAME = "crm lab"
_OFF = (FileNotFoundError, ConnectionRefusedError)  # nobody listens; any other error says nothing


def find_supervisor(place: Place) -> Process | None:
    """The process that listens on the lab's socket; None when nobody does.

    Raises:
        ClusterUnreachable: somebody listens, but is too busy to be talked to.
        NotPermitted: somebody else listens there.
        CrmError: it is the supervisor of another lab.
    """
    try:
        with _connect(place.socket, _TIMEOUT_S) as connection:
            _check_lab(place)
            pid, _ = _peer(connection)
    except _OFF:
        return None
    except OSError as error:
        raise _no_answer(place, error) from None
    return identify(pid)


def ask(place: Place, request: wire.LabRequest, *, timeout_s: float = _TIMEOUT_S) -> wire.LabReply:
    """Ask the supervisor.

    Raises:
        ClusterUnreachable: the lab is off, or its supervisor does not answer in time.
        NotPermitted: somebody else listens there.
        CrmError: it refused, or is the supervisor of another lab.
    """
    try:
        with _connect(place.socket, timeout_s) as connection:
            _check_lab(place)
            connection.sendall(wire.encode(request))
            reply = wire.decode_reply(read_line(connection, time.monotonic() + timeout_s))
    except _OFF:
        raise ClusterUnreachable(
            f"lab '{place.lab}' is off", hint="switch it on: crm lab start"
        ) from None
    except (OSError, RemoteProtocolError) as error:
        raise _no_answer(place, error) from None
    if isinstance(reply, wire.LabRefused):
        raise CrmError(reply.text, hint=reply.hint or None)
    return reply


def ask_node(
    place: Place, node: str, request: control.Request, *, timeout_s: float = 2.0
) -> socket.socket:
    """Send a request to a node's daemon.

    ``ReadSubsystems`` and ``InjectFaults`` are waited for; anything else returns once it is sent.
    Returns the open connection. Raises ClusterUnreachable when the daemon does not answer,
    NotPermitted when it is somebody else who listens there.
    """
    try:
        connection = _connect(place.node_socket(node), timeout_s)
    except OSError as error:
        raise ClusterUnreachable(f"{node} does not answer: {error.strerror or error}") from None
    try:
        connection.sendall(framing.encode_request(1, control.Hello(client=_CLIENT_NAME)))
        connection.sendall(framing.encode_request(2, request))
        decoder = framing.ReplyDecoder()
        waits = isinstance(request, control.ReadSubsystems | control.InjectFaults)
        wanted = 2 if waits else 1
        deadline = time.monotonic() + timeout_s
        while True:
            connection.settimeout(max(0.001, deadline - time.monotonic()))
            data = connection.recv(65536)
            if not data:
                raise ConnectionResetError("it has hung up")
            if any(ticket >= wanted for ticket, _ in decoder.receive(data)):
                return connection
    except (OSError, RemoteProtocolError) as error:
        connection.close()
        raise ClusterUnreachable(f"{node} does not answer: {error}") from None


def _check_lab(place: Place) -> None:
    """Raise CrmError if the lab that runs has its files elsewhere.

    A user's labs of one name have the same sockets, also those of another HOME (sudo, su).
    """
    try:
        runs = os.stat(place.runs_from)
    except OSError:
        return  # its files have been taken away: then it is about to end
    try:
        if os.path.samestat(runs, os.stat(place.state)):
            return
    except FileNotFoundError:
        pass
    raise CrmError(
        f"another lab '{place.lab}' of yours is running: its files are in"
        f" {os.readlink(place.runs_from)}",
        hint="another name: CRM_LAB=NAME; or sockets of its own: CRM_RUNTIME_DIR=DIRECTORY",
    )


def read_line(connection: socket.socket, deadline: float) -> bytes:
    """Read up to the first newline. Raises OSError (TimeoutError at the deadline)."""
    data = bytearray()
    while not data.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no answer in time")
        connection.settimeout(left)
        chunk = connection.recv(65536)
        if not chunk:
            raise ConnectionResetError("the connection was closed in the middle of a line")
        data += chunk
        if len(data) > wire.MAX_LINE:
            raise OSError("a line that is too long")
    return bytes(data)


def _connect(path: str, timeout_s: float) -> socket.socket:
    """Connect; raises OSError, and NotPermitted when it is not us or root who listens there."""
    deadline = time.monotonic() + timeout_s
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        while not _connected(connection, path, deadline):
            time.sleep(_POLL_S)
        connection.settimeout(timeout_s)
        _, user = _peer(connection)
        # The directory may be below /tmp: who else could make it could stand in for our nodes.
        if user not in (0, os.geteuid()):
            raise NotPermitted(
                f"the socket {path} is not yours: user id {user} listens there",
                hint="set CRM_RUNTIME_DIR to a directory of your own",
            )
    except (OSError, CrmError):
        connection.close()
        raise
    return connection


def _connected(connection: socket.socket, path: str, deadline: float) -> bool:
    """Try once: the kernel never lets us wait for room in a full queue."""
    connection.settimeout(max(0.001, deadline - time.monotonic()))
    try:
        connection.connect(path)
    except BlockingIOError:
        if time.monotonic() > deadline:
            raise TimeoutError("too many wait for its answer") from None
        return False
    return True


def _peer(connection: socket.socket) -> tuple[int, int]:
    """The process and user id of who listens at the other end, as the kernel knows them."""
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    pid, user, _ = struct.unpack("3i", data)
    return pid, user


def _no_answer(place: Place, error: Exception) -> ClusterUnreachable:
    return ClusterUnreachable(f"the supervisor of lab '{place.lab}' does not answer: {error}")
