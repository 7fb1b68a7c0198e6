"""A blocking connection to a control socket: whole messages, each with a deadline.

Deadlines are on ``time.monotonic()``; None waits without end (for a watch).
"""

from __future__ import annotations

import _socket  # of which the module socket makes classes and enumerations
import errno
import time
from collections import deque

from crmsh_py import errors
from crmsh_py.clusters.sockets import refuse_stranger
from crmsh_py.errors import ClusterUnreachable, CrmError, NotPermitted, TimedOut
from crmsh_py.wire import control, framing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    ReplyT = TypeVar("ReplyT", bound=control.Message)


_READ_SIZE = 1024 * 1024
_LONGEST_S = 2_000_000.0  # of a wait for a socket: the system counts its milliseconds in 31 bits

# What a node may refuse with. Anything else is shown as a plain error.
_KINDS: dict[str, type[CrmError]] = {
    kind.__name__: kind
    for kind in (
        CrmError,
        errors.UsageError,
        errors.ConfigError,
        errors.NotFound,
        errors.Conflict,
        errors.NoQuorum,
        NotPermitted,
        ClusterUnreachable,
        TimedOut,
    )
}


class Channel:
    """One connection to one node."""

    def __init__(self, node: str, path: str, deadline: float) -> None:
        """Connect.

        Raises:
            ClusterUnreachable: nobody listens there.
            NotPermitted: the socket is somebody else's.
            TimedOut: the node does not take the connection in time.
        """
        self.node = node
        self._decoder = framing.ReplyDecoder()
        self._replies: deque[tuple[int, control.Reply]] = deque()
        self._ticket = 0
        self._socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
        try:
            self._limit(deadline)
            self._socket.connect(path)
            refuse_stranger(node, self._socket)
        except OSError as error:
            self._socket.close()
            raise self._trouble(error) from None
        except CrmError:
            self._socket.close()
            raise

    def send(self, request: control.Request, deadline: float) -> None:
        """Send one request; the next ``receive`` gives its answer."""
        self._ticket += 1
        data = framing.encode_request(self._ticket, request)
        self._limit(deadline)
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise self._trouble(error) from None

    def receive(self, deadline: float | None) -> control.Reply:
        """The next answer to the latest request.

        Raises:
            ClusterUnreachable: the node has hung up.
            TimedOut: the deadline has passed.
            RemoteProtocolError: what came is no answer.
        """
        while (reply := self._latest()) is None:
            self._limit(deadline)
            self._read()
        return reply

    def poll(self) -> control.Reply | None:
        """Read once (``select`` says that there is something); the answer, if that was all of it.

        Raises as ``receive`` does.
        """
        self._read()
        return self._latest()

    def _latest(self) -> control.Reply | None:
        while self._replies:
            ticket, reply = self._replies.popleft()
            # Late answers to requests that were given up are nobody's any more.
            if ticket == self._ticket:
                return reply
        return None

    def _read(self) -> None:
        try:
            data = self._socket.recv(_READ_SIZE)
        except OSError as error:
            raise self._trouble(error) from None
        if not data:
            raise ClusterUnreachable(f"node {self.node} has hung up")
        self._replies.extend(self._decoder.receive(data))

    def fileno(self) -> int:
        """For ``select``."""
        return self._socket.fileno()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def __del__(self) -> None:
        # Commands end without saying goodbye; that is no reason for a warning.
        if hasattr(self, "_socket"):
            self._socket.close()

    def _limit(self, deadline: float | None) -> None:
        if deadline is None:
            self._socket.settimeout(None)
            return
        left = deadline - time.monotonic()
        if left <= 0:
            raise self._silence()
        self._socket.settimeout(min(left, _LONGEST_S))

    def _silence(self) -> TimedOut:
        return TimedOut(
            f"node {self.node} does not answer in time",
            hint=f"if crm lab status calls it frozen: crm lab thaw {self.node}",
        )

    def _trouble(self, error: OSError) -> CrmError:
        if isinstance(error, TimeoutError) or error.errno == errno.EAGAIN:
            return self._silence()
        if isinstance(error, (FileNotFoundError, ConnectionRefusedError)):
            return ClusterUnreachable(
                f"node {self.node} is not running",
                hint=f"if crm lab status lists it: crm lab start {self.node}",
            )
        if isinstance(error, PermissionError):
            return NotPermitted(f"node {self.node} belongs to another user")
        if isinstance(error, ConnectionError):
            return ClusterUnreachable(f"node {self.node} has hung up")
        return ClusterUnreachable(f"node {self.node} cannot be reached: {error.strerror or error}")


def expect(reply: control.Reply, expected: type[ReplyT]) -> ReplyT:
    """The reply, if it is of the expected type; what a node refuses is raised as its own kind."""
    if isinstance(reply, expected):
        return reply
    if isinstance(reply, control.Refused):
        kind = _KINDS.get(reply.kind, CrmError)
        raise kind(reply.text, hint=reply.hint or None)
    raise errors.RemoteProtocolError(f"an answer of the wrong kind: {type(reply).__name__}")
