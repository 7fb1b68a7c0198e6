"""The control socket: programs on this machine ask, the node answers.

A Unix socket beside those of the other nodes. Every connection is checked by the user id that the
kernel vouches for (``SO_PEERCRED``, as seen in the node's own user namespace): the user whose node
this is, root and hacluster may do all; other members of the node's group haclient may what access
control lists give them (``engine.permissions``), nobody else anything. As the directory of the
first socket is its owner's alone, a second one inside the node (``public``) is for these.
Root and the owner may act for somebody (``Hello.acts_for``, CIB_user in the environment).
Connections, requests in flight and what waits to be sent are bounded, for the members of haclient
apart, so that none of them can keep root and agents out; a client that breaks the protocol or does
not read is cut off, which hurts nobody else. So is one that asks nothing for long and waits for no
answer: it would keep a place from another.

A request becomes ``RequestReceived`` with a ticket of ours; ``reply`` finds the way back.
"""

from __future__ import annotations

import asyncio
import contextlib
import grp
import os
import pwd
import socket
import struct
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from crmsh_py.engine.api import ClientGone, Connection, RequestReceived
from crmsh_py.errors import CrmError, LocalProtocolError, RemoteProtocolError
from crmsh_py.node.log import Seldom
from crmsh_py.node.ports import LogLine, Report
from crmsh_py.wire import control, framing

MAX_CONNECTIONS = 256  # of those who may do all
MAX_LIMITED = 128  # of those whom access control lists limit, together
MAX_LIMITED_OF_USER = 32
MAX_IN_FLIGHT = 64  # unanswered requests of one connection
PER_TURN = 4  # requests of one connection that are answered before others have their turn
UNREAD = 1024 * 1024  # bytes of answers: before they are read no more requests are taken
MAX_UNSENT = 2 * framing.MAX_FRAME  # bytes that may wait for one client to read
MAX_UNSENT_STREAM = 1024 * 1024  # the same for a watch, which can be asked for again
MAX_UNFINISHED = 4 * framing.MAX_FRAME  # bytes of unfinished frames of who may do all, together
MAX_UNFINISHED_LIMITED = 2 * framing.MAX_FRAME  # the same of all others
SILENT_S = 30.0  # how long one may be connected and ask nothing
IDLE_S = 600.0  # the same after it has been answered; a shell connects again when it needs to
BACKLOG = 1024  # clients that wait to be let in; more are told to try again, which agents do not
LAST_WORDS_S = 1.0  # what clients get to read their answers when the node stops

# Which of Corosync's services a client would talk to, by what it asks for.
_SERVICE_CPG = 2
_CLUSTER_USER, _CLUSTER_GROUP = "hacluster", "haclient"
_SERVICES = {control.ReadCmap: 0, control.ReadMembership: 3}
_SO_PEERGROUPS = 59  # of asm-generic/socket.h; not in Python's socket module
_MAX_GROUPS = 256  # as many as Python's getsockopt gives
_UCRED = struct.Struct("3i")  # pid, uid, gid of socket(7)


def peer_user(connection: socket.socket) -> int:
    """The user id of who is at the other end, as the kernel knows it."""
    return _peer(connection)[1]


def _peer(connection: socket.socket) -> tuple[int, int]:
    """The process id (0: in none of the namespaces that we see) and the user id of the peer."""
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    pid, uid, _ = _UCRED.unpack(data)
    return max(0, int(pid)), int(uid)


def _peer_groups(connection: socket.socket) -> tuple[str, ...]:
    """The names of the groups that the peer's process has, whatever /etc/group says of its user."""
    _, _, first = _UCRED.unpack(
        connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    )
    numbers = [first]
    with contextlib.suppress(OSError):  # a kernel before 4.13
        data = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, 4 * _MAX_GROUPS)
        numbers += struct.unpack(f"{len(data) // 4}I", data)
    return tuple(_group_names(numbers))


def _group_names(numbers: Iterable[int]) -> Iterator[str]:
    for number in numbers:
        with contextlib.suppress(KeyError):
            yield grp.getgrgid(number).gr_name


def user_groups(name: str) -> tuple[str, ...]:
    """The names of a user's groups, as the node's own /etc/group has them."""
    try:
        first = pwd.getpwnam(name).pw_gid
    except KeyError:
        return ()
    return tuple(_group_names(os.getgrouplist(name, first)))


class ControlServer:
    """Implements ``ports.Clients`` on one Unix socket."""

    def __init__(
        self,
        path: str,
        *,
        report: Report,
        log: LogLine,
        public: str = "",
        read_user: Callable[[socket.socket], int] = peer_user,
        groups_of: Callable[[str], tuple[str, ...]] | None = None,
    ) -> None:
        self._path = path
        self._public = public
        self._groups_of = groups_of or user_groups
        self._servers: list[asyncio.Server] = []
        self._report = report
        self._log = log
        self._read_user = read_user
        self._connections: set[_Connection] = set()
        self._by_ticket: dict[int, _Connection] = {}
        self._last_ticket = 0
        self._admitted = 0
        self._closed = 0
        self._tell_of_strangers = Seldom(log, "MAIN")
        self._alone = asyncio.Event()  # no client is connected
        self._alone.set()

    async def open(self) -> None:
        """Listen; raises CrmError when the path cannot be had."""
        await self._listen(self._path, 0o600)
        if self._public:
            os.makedirs(os.path.dirname(self._public), mode=0o755, exist_ok=True)
            await self._listen(self._public, 0o666)

    async def _listen(self, path: str, mode: int) -> None:
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            loop = asyncio.get_running_loop()
            # Under a name of its own first: who sees the socket's name finds it listening.
            # It is no longer than the path, or the kernel might take that one and not this.
            early = f"{path.removesuffix('.sock')}.new"
            with contextlib.suppress(FileNotFoundError):
                os.unlink(early)
            server = await loop.create_unix_server(
                lambda: _Connection(self), early, backlog=BACKLOG
            )
            self._servers.append(server)
            os.chmod(early, mode)
            os.rename(early, path)
        except OSError as error:
            raise CrmError(f"cannot listen on {path}: {error.strerror or error}") from None

    def reply(self, ticket: int, reply: control.Reply) -> None:
        """Answer a request; a client that has gone is nobody's problem."""
        connection = self._by_ticket.get(ticket)
        if connection is None:
            return
        if not connection.answer(ticket, reply):
            del self._by_ticket[ticket]

    async def close(self) -> None:
        """Take the socket away, let clients have what was answered, and hang up on them."""
        for server in self._servers:
            server.close()
        for path in filter(None, (self._path, self._public)):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        for connection in list(self._connections):
            connection.finish()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_S):
                await self._alone.wait()
        for connection in list(self._connections):
            connection.hang_up()

    # ---- for its connections ---------------------------------------------------------------

    def admit(self, connection: _Connection, channel: socket.socket) -> bool:
        """Whether a new connection may talk to us."""
        user = self._read_user(channel)
        name = _user_name(user)
        trusted = user in (0, os.geteuid()) or name == _CLUSTER_USER
        groups = () if trusted else (*self._groups_of(name), *_peer_groups(channel))
        if not trusted and _CLUSTER_GROUP not in groups:
            self._tell_of_strangers(f"Refused a control connection of user id {user}")
            return False
        if not self._has_room(name, trusted=trusted):
            whom = "" if trusted else f" of {name}"
            self._tell_of_strangers(f"Refused a control connection{whom}: there are too many")
            return False
        self._admitted += 1
        connection.handle = self._admitted
        connection.pid = _peer(channel)[0]
        connection.user = name
        connection.trusted = trusted
        connection.acl_user, connection.groups = ("", ()) if trusted else (name, groups)
        self._connections.add(connection)
        self._alone.clear()
        return True

    def _has_room(self, user: str, *, trusted: bool) -> bool:
        others = [each for each in self._connections if each.trusted == trusted]
        if trusted:
            return len(others) < MAX_CONNECTIONS
        own = sum(each.user == user for each in others)
        return own < MAX_LIMITED_OF_USER and len(others) < MAX_LIMITED

    def act_for(self, connection: _Connection, name: str) -> None:
        """A trusted client takes somebody's access rights in the place of its own."""
        if name not in ("root", _CLUSTER_USER):
            connection.acl_user, connection.groups = name, self._groups_of(name)

    def receive(self, connection: _Connection, theirs: int, request: control.Request) -> None:
        """Pass a request on under a ticket of ours; ``theirs`` goes back with the answer."""
        self._last_ticket += 1
        ticket = self._last_ticket
        self._by_ticket[ticket] = connection
        connection.tickets[ticket] = theirs
        asks = isinstance(request, control.ReadCmap)
        self._report(
            RequestReceived(
                ticket=ticket,
                request=request,
                user=connection.user,
                client=connection.client,
                acl_user=connection.acl_user,
                groups=connection.groups,
                connections=self._seen() if asks else (),
                closed=self._closed if asks else 0,
            )
        )

    def _seen(self) -> tuple[Connection, ...]:
        """The clients of this moment, in the order in which they came."""
        return tuple(each.seen() for each in sorted(self._connections, key=lambda c: c.handle))

    def check_unfinished(self, *, trusted: bool) -> None:
        """Raise RemoteProtocolError when such clients together hold too much of our memory."""
        limit = MAX_UNFINISHED if trusted else MAX_UNFINISHED_LIMITED
        alike = (each for each in self._connections if each.trusted == trusted)
        if sum(each.unfinished for each in alike) > limit:
            raise RemoteProtocolError("too many large requests at once")

    def broken(self, connection: _Connection, error: RemoteProtocolError) -> None:
        """A client broke the protocol and is cut off."""
        who = connection.client or "unnamed"
        self._log("warning", "MAIN", f"Cut off a control client ({who}): {error.message}")

    def idle(self, connection: _Connection, seconds: float) -> None:
        """A client has asked nothing for long and is cut off."""
        who = f"{connection.client or 'unnamed'}, {connection.user}"
        self._log("info", "MAIN", f"A control client ({who}) has asked nothing for {seconds:g} s")

    def gone(self, connection: _Connection) -> None:
        """A connection has ended."""
        if connection in self._connections:
            self._closed += 1
        self._connections.discard(connection)
        if not self._connections:
            self._alone.set()
        # All at once: what one report leads to may answer, and so forget, another ticket.
        gone = [t for t in connection.tickets if self._by_ticket.pop(t, None) is not None]
        connection.tickets.clear()
        for ticket in gone:
            self._report(ClientGone(ticket=ticket))


class _Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, server: ControlServer) -> None:
        self._server = server
        self._decoder = framing.RequestDecoder()
        self._transport: asyncio.Transport | None = None
        self.user = ""
        self.trusted = False
        self.acl_user = ""
        self.groups: tuple[str, ...] = ()
        self.client = ""
        self.pid = 0
        self.handle = 0  # which of all connections it is
        self._service = _SERVICE_CPG
        self._requests = self._responses = self._dispatched = 0
        self.tickets: dict[int, int] = {}  # ours -> the client's, unanswered
        self._waiting: deque[tuple[int, control.Request | control.Refused]] = deque()
        self._at_work = False  # its next turn has been asked for
        self._full = False  # it does not read its answers as fast as it asks
        self._asked = False  # anything but who it is
        self._quiet_since = 0.0  # on the loop's clock: its last request, or the answer to it
        self._timer: asyncio.TimerHandle | None = None

    def seen(self) -> Connection:
        """It as ``corosync-cmapctl`` shows it."""
        return Connection(
            name=self.client or "unknown",
            pid=self.pid,
            handle=self.handle,
            service_id=self._service,
            requests=self._requests,
            responses=self._responses,
            dispatched=self._dispatched,
            queue_size=len(self.tickets),
        )

    @property
    def unfinished(self) -> int:
        """Bytes of a request whose end has not come yet."""
        return self._decoder.pending

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        channel = transport.get_extra_info("socket")
        if not self._server.admit(self, channel):
            transport.abort()
            return
        self._transport = transport
        transport.set_write_buffer_limits(high=UNREAD)
        self._quiet_since = asyncio.get_running_loop().time()
        self._look_after_silence()

    def _look_after_silence(self) -> None:
        """Cut it off if it has been silent for too long; else look again when that could be."""
        loop = asyncio.get_running_loop()
        limit = IDLE_S if self._asked else SILENT_S
        until = self._quiet_since + limit
        if self.tickets:
            until = loop.time() + limit  # it waits, perhaps for what is yet to happen
        if until <= loop.time():
            self._server.idle(self, limit)
            self.hang_up()
        else:
            self._timer = loop.call_at(until, self._look_after_silence)

    def data_received(self, data: bytes) -> None:
        if self._transport is None:
            return
        try:
            self._waiting.extend(self._decoder.receive(data))
            if self.unfinished:
                self._server.check_unfinished(trusted=self.trusted)
        except RemoteProtocolError as error:
            self._server.broken(self, error)
            self.hang_up()
        if not self._at_work:
            self._work()

    def _work(self) -> None:
        """Answer a few requests; ring and other clients have their turn before the next ones."""
        self._at_work = False
        try:
            for _ in range(PER_TURN):
                if self._is_over() or self._full or not self._waiting:
                    break
                self._take(*self._waiting.popleft())
        except RemoteProtocolError as error:
            self._server.broken(self, error)
            self.hang_up()
        if self._transport is None or self._is_over():
            self._waiting.clear()
        elif not self._waiting and not self._full:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()
            if not self._full:
                self._at_work = True
                asyncio.get_running_loop().call_soon(self._work)

    def _is_over(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        if not self._at_work:
            self._work()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
        self._server.gone(self)

    def _take(self, ticket: int, request: control.Request | control.Refused) -> None:
        if isinstance(request, control.Refused):
            self._send(ticket, request)
            return
        if len(self.tickets) >= MAX_IN_FLIGHT:
            raise RemoteProtocolError(f"more than {MAX_IN_FLIGHT} requests at once")
        self._requests += 1
        self._service = _SERVICES.get(type(request), self._service)
        if isinstance(request, control.Hello):
            self.client = request.client[:64]
            if self.trusted:
                # The author of revisions; inside a user namespace the kernel would say ``root``.
                self.user = request.acts_for[:64] or request.user[:64] or self.user
                if request.acts_for:
                    self._server.act_for(self, request.acts_for[:64])
            self._send(ticket, control.Done())
            return
        self._asked = True
        self._quiet_since = asyncio.get_running_loop().time()
        self._server.receive(self, ticket, request)

    def answer(self, ticket: int, reply: control.Reply) -> bool:
        """Send a reply; return whether more may follow under this ticket."""
        stream = isinstance(reply, control.Changed)
        self._responses += not stream
        self._dispatched += stream
        self._quiet_since = asyncio.get_running_loop().time()
        theirs = self.tickets[ticket] if stream else self.tickets.pop(ticket)
        self._send(theirs, reply, limit=MAX_UNSENT_STREAM if stream else MAX_UNSENT)
        return stream

    def _send(self, ticket: int, reply: control.Reply, limit: int = MAX_UNSENT) -> None:
        if self._transport is None:
            return
        try:
            data = framing.encode_reply(ticket, reply)
        except LocalProtocolError as error:
            data = framing.encode_reply(
                ticket, control.Refused(kind="CrmError", text=error.message)
            )
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > limit:
            self.hang_up()

    def finish(self) -> None:
        """End the connection when what was answered is sent."""
        if self._transport is not None:
            self._transport.close()

    def hang_up(self) -> None:
        """Cut the connection."""
        if self._transport is not None:
            self._transport.abort()


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
