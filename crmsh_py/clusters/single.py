"""One question to a node of a lab, by a process that lives no longer than that.

What agents ask, some times in every operation, would otherwise mostly be spent on loading: here no
class of a message, no parser of XML and no pattern is loaded. Messages are plain maps, as
``wire.messages`` makes them; a test holds them to the declarations.

Only where the environment names a lab, and one of its nodes answers at once: ``contact`` says None
for everything else, and the caller goes the usual way (``choose``), which knows all the cases
and says what is wrong.
"""

from __future__ import annotations

import _socket  # of which the module socket makes classes and enumerations
import os

from crmsh_py import errors
from crmsh_py.clusters.sockets import find_sockets, refuse_stranger, user_name
from crmsh_py.errors import ClusterUnreachable, CrmError, RemoteProtocolError, TimedOut
from crmsh_py.wire import packing, paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    Map = Mapping[str, packing.Plain]

CONNECT_S = 1.0
CALL_S = 30.0  # a membership change may come between
_ELSEWHERE = ("CIB_file", "CIB_shadow", "CRM_HOST")  # what means another cluster, or another user
_LENGTH = 4  # bytes of a frame's head
_MAX_FRAME = 64 * 1024 * 1024


class Single:
    """A connection to one node that has said hello."""

    def __init__(self, node: str, connection: _socket.socket) -> None:
        self.node = node
        self._socket = connection
        self._ticket = 0

    def ask(self, message: Map) -> Map:
        """The node's answer.

        Raises:
            CrmError: what the node refuses with, as its own kind.
            ClusterUnreachable, TimedOut: no answer came; what was to be changed may have been.
        """
        self._ticket += 1
        body = packing.pack([self._ticket, message])
        try:
            self._socket.settimeout(CALL_S)
            self._socket.sendall(len(body).to_bytes(_LENGTH, "big") + body)
            while True:
                ticket, reply = self._frame()
                if ticket == self._ticket:
                    return _checked(reply)
        except TimeoutError:
            raise TimedOut(
                f"node {self.node} does not answer in time; what was asked for may still happen"
            ) from None
        except OSError:
            raise ClusterUnreachable(
                f"node {self.node} has hung up; the change may have been made all the same"
            ) from None

    def greet(self, message: Map) -> None:
        """Send what is answered by nothing that matters."""
        body = packing.pack([0, message])
        self._socket.sendall(len(body).to_bytes(_LENGTH, "big") + body)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def __del__(self) -> None:
        self._socket.close()  # commands end without saying goodbye

    def _frame(self) -> tuple[int, Map]:
        length = int.from_bytes(self._read(_LENGTH), "big")
        if length > _MAX_FRAME:
            raise RemoteProtocolError("a frame that is too long")
        frame = packing.unpack(self._read(length))
        if isinstance(frame, list) and len(frame) == 2:
            ticket, reply = frame
            if isinstance(ticket, int) and isinstance(reply, dict):
                return ticket, reply
        raise RemoteProtocolError("a frame that is no message")

    def _read(self, length: int) -> bytes:
        data = b""
        while len(data) < length:
            more = self._socket.recv(length - len(data))
            if not more:
                raise ConnectionResetError
            data += more
        return data


def contact(environ: Mapping[str, str], client: str, *, asks: bool = True) -> Single | None:
    """The node that a call goes to: the named one, or the first of the lab if it is quorate.

    Without ``asks`` it is not asked for that: what is sent to it is refused if it is not.
    """
    if any(environ.get(name) for name in _ELSEWHERE):
        return None
    node, lab = environ.get("CRM_NODE", ""), environ.get("CRM_LAB", "")
    if not node and not lab:
        return None
    try:
        uid = os.getuid()
        lab = paths.lab_name(environ)
        if node:
            path = paths.node_socket(environ, uid, lab, node)
        else:
            node, path = min(find_sockets(environ, uid, lab).items(), default=("", ""))
        if not path:
            return None
        single = _connected(node, path)
        hello: Map = {
            "type": "Hello",
            "client": client,
            "user": user_name(uid),
            "acts_for": environ.get("CIB_user", ""),
        }
        single.greet(hello)
        if environ.get("CRM_NODE") or not asks:
            return single
        membership = single.ask({"type": "ReadMembership"})
        # A remote node has it from a member, who is nearer.
        if membership.get("quorate") is True and membership.get("node") == node:
            return single
    except (OSError, CrmError):
        pass  # the usual way finds out what it is, and whether another node will do
    return None


def _connected(node: str, path: str) -> Single:
    kind = _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC
    connection = _socket.socket(_socket.AF_UNIX, kind)
    single = Single(node, connection)
    connection.settimeout(CONNECT_S)
    connection.connect(path)
    refuse_stranger(node, connection)
    return single


def _checked(reply: Map) -> Map:
    if reply.get("type") != "Refused":
        return reply
    kind = getattr(errors, str(reply.get("kind")), CrmError)
    if not isinstance(kind, type) or not issubclass(kind, CrmError):
        kind = CrmError
    raise kind(str(reply.get("text")), hint=str(reply.get("hint") or "") or None)
