"""The control socket lets in who may, bounds what they can do, and tells when they go."""

from __future__ import annotations

import asyncio
import contextlib
import grp
import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from waiting import comes_true

from crmsh_py.engine.api import ClientGone, Event, RequestReceived
from crmsh_py.node import control as control_module
from crmsh_py.node import log as log_module
from crmsh_py.node.control import ControlServer
from crmsh_py.wire import control, framing, paths


class Bench:
    """A server whose events are written down."""

    def __init__(self, directory: Path, *, user: int | None = None) -> None:
        self.path = str(directory / "n1.sock")
        self.events: list[Event] = []
        self.log: list[str] = []
        self.clients: list[asyncio.StreamWriter] = []  # that are to stay until the end
        self.user = os.geteuid() if user is None else user
        self.server = ControlServer(
            self.path,
            report=self.events.append,
            log=lambda *line: self.log.append(" ".join(line)),
            read_user=lambda _: self.user,
        )

    def run(self, work: Callable[[], Awaitable[None]]) -> None:
        async def whole() -> None:
            await self.server.open()
            try:
                await asyncio.wait_for(work(), 20)
            finally:
                for client in self.clients:
                    client.close()
                await self.server.close()

        asyncio.run(whole())

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_unix_connection(self.path)

    async def ask(
        self, request: control.Request
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect and ask, before the server can take either."""
        channel = socket.socket(socket.AF_UNIX)
        channel.connect(self.path)
        channel.sendall(framing.encode_request(1, request))
        reader, writer = await asyncio.open_unix_connection(sock=channel)
        self.clients.append(writer)
        return reader, writer

    async def until(self, count: int) -> None:
        while len(self.events) < count:  # noqa: ASYNC110 - the list does not tell
            await asyncio.sleep(0.005)


async def replies(reader: asyncio.StreamReader, count: int) -> list[tuple[int, control.Reply]]:
    decoder = framing.ReplyDecoder()
    received: list[tuple[int, control.Reply]] = []
    while len(received) < count:
        data = await reader.read(65_536)
        assert data, "the server hung up"
        received += decoder.receive(data)
    return received


def test_the_socket_is_its_owners_alone(tmp_path: Path) -> None:
    bench = Bench(tmp_path)

    async def work() -> None:
        assert stat.S_IMODE(os.stat(bench.path).st_mode) == 0o600

    bench.run(work)

    assert os.listdir(tmp_path) == []


def test_a_stale_socket_of_a_killed_node_is_replaced(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(bench.path)

    async def work() -> None:
        _, writer = await bench.connect()
        writer.close()

    bench.run(work)


def test_another_user_is_turned_away_before_anything_is_read(tmp_path: Path) -> None:
    bench = Bench(tmp_path, user=12345)

    async def work() -> None:
        reader, writer = await bench.connect()
        writer.write(framing.encode_request(1, control.StopDaemon()))
        try:
            assert await reader.read() == b""
        except ConnectionResetError:
            pass
        writer.close()

    bench.run(work)

    assert bench.events == []
    assert "user id 12345" in bench.log[0]


def test_answers_find_their_way_by_ticket(tmp_path: Path) -> None:
    bench = Bench(tmp_path)

    async def work() -> None:
        reader, writer = await bench.connect()
        writer.write(framing.encode_request(1, control.Hello(client="crm_mon", user="liu")))
        writer.write(framing.encode_request(7, control.ReadCib()))
        writer.write(framing.encode_request(8, control.ReadMembership()))
        await bench.until(2)
        first, second = bench.events
        assert isinstance(first, RequestReceived)
        assert isinstance(second, RequestReceived)
        assert (first.user, first.client) == ("liu", "crm_mon")
        bench.server.reply(second.ticket, control.Done())
        bench.server.reply(first.ticket, control.CibReply(cib="<cib/>"))
        bench.server.reply(first.ticket, control.Done())  # twice: the second is nobody's
        assert await replies(reader, 3) == [
            (1, control.Done()),
            (8, control.Done()),
            (7, control.CibReply(cib="<cib/>")),
        ]
        writer.close()

    bench.run(work)


def test_a_client_that_hangs_up_is_told_for_every_open_request(tmp_path: Path) -> None:
    bench = Bench(tmp_path)

    async def work() -> None:
        _, writer = await bench.connect()
        writer.write(framing.encode_request(1, control.Watch()))
        await bench.until(1)
        writer.close()
        await bench.until(2)

    bench.run(work)

    request, gone = bench.events
    assert isinstance(request, RequestReceived)
    assert gone == ClientGone(ticket=request.ticket)


def test_too_many_requests_at_once_end_the_connection(tmp_path: Path) -> None:
    bench = Bench(tmp_path)

    async def work() -> None:
        reader, writer = await bench.connect()
        for ticket in range(control_module.MAX_IN_FLIGHT + 1):
            writer.write(framing.encode_request(ticket, control.WaitIdle()))
        assert await reader.read() == b""
        writer.close()

    bench.run(work)

    assert "at once" in bench.log[0]


def test_a_flood_of_requests_leaves_others_their_turn(tmp_path: Path) -> None:
    """The ring's datagrams come by the same loop: a client must not hold it."""
    bench = Bench(tmp_path)
    turns: list[int] = []

    def report(event: Event) -> None:
        bench.events.append(event)
        if isinstance(event, RequestReceived):
            bench.server.reply(event.ticket, control.Done())

    bench.server._report = report

    async def work() -> None:
        reader, writer = await bench.connect()
        writer.write(b"".join(framing.encode_request(n, control.ReadCib()) for n in range(500)))
        answers = asyncio.ensure_future(replies(reader, 500))
        while not answers.done():
            before = len(bench.events)
            await asyncio.sleep(0)
            turns.append(len(bench.events) - before)
        assert [ticket for ticket, _ in answers.result()] == list(range(500))
        writer.close()

    bench.run(work)

    assert max(turns) <= control_module.PER_TURN


def test_who_does_not_read_answers_gets_no_more_of_them(tmp_path: Path) -> None:
    """They would all be kept here. When he reads again, he goes on where he was."""
    bench = Bench(tmp_path)
    large = control.CibReply(cib="x" * 300_000)

    def report(event: Event) -> None:
        bench.events.append(event)
        if isinstance(event, RequestReceived):
            bench.server.reply(event.ticket, large)

    bench.server._report = report

    async def work() -> None:
        channel = socket.socket(socket.AF_UNIX)
        channel.setblocking(False)
        channel.connect(bench.path)
        channel.sendall(b"".join(framing.encode_request(n, control.ReadCib()) for n in range(60)))
        await bench.until(3)
        seen = -1
        while seen != len(bench.events):
            seen = len(bench.events)
            for _ in range(50):
                await asyncio.sleep(0)
        assert seen < 12
        reader, writer = await asyncio.open_unix_connection(sock=channel)
        assert len(await replies(reader, 60)) == 60
        writer.close()

    bench.run(work)


def test_a_watcher_that_does_not_read_is_cut_off(tmp_path: Path) -> None:
    bench = Bench(tmp_path)

    async def work() -> None:
        _, writer = await bench.connect()
        writer.write(framing.encode_request(1, control.Watch()))
        await bench.until(1)
        watch = bench.events[0]
        assert isinstance(watch, RequestReceived)
        changed = control.Changed(version=(0, 0, 0), quorate=True, dc="x" * 60_000, idle=True)
        for _ in range(1000):
            bench.server.reply(watch.ticket, changed)
            if len(bench.events) > 1:
                break
            await asyncio.sleep(0)
        await bench.until(2)
        writer.close()

    bench.run(work)

    assert isinstance(bench.events[1], ClientGone)


def test_too_many_connections_are_refused(tmp_path: Path) -> None:
    bench = Bench(tmp_path)

    async def work() -> None:
        writers = [(await bench.connect())[1] for _ in range(control_module.MAX_CONNECTIONS)]
        reader, writer = await bench.connect()
        try:
            assert await reader.read() == b""
        except ConnectionResetError:
            pass
        for each in (*writers, writer):
            each.close()

    bench.run(work)


def test_a_path_of_the_most_bytes_that_the_kernel_takes_is_listened_on(short: Path) -> None:
    """What ``check_socket_path`` lets pass must do."""
    directory = short / ("x" * (paths.SOCKET_PATH_LIMIT - len(f"{short}//n1.sock")))
    directory.mkdir()
    bench = Bench(directory)
    assert len(paths.check_socket_path(bench.path)) == paths.SOCKET_PATH_LIMIT

    async def work() -> None:
        assert os.listdir(directory) == ["n1.sock"]
        _, writer = await bench.connect()
        writer.close()

    bench.run(work)


@pytest.fixture
def short() -> Iterator[Path]:
    """A directory whose path is short."""
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        yield Path(directory)


async def is_refused(bench: Bench) -> bool:
    """Whether one more client is hung up on; one that is not stays, and is answered."""
    reader, writer = await bench.connect()
    bench.clients.append(writer)  # else its end would be the garbage collector's
    try:
        writer.write(framing.encode_request(1, control.Hello(client="crm")))
        return await reader.read(1) == b""
    except (ConnectionResetError, BrokenPipeError):
        return True


def test_a_limited_user_takes_no_connection_from_root_or_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_module, "MAX_CONNECTIONS", 2)
    monkeypatch.setattr(control_module, "MAX_LIMITED", 5)
    monkeypatch.setattr(control_module, "MAX_LIMITED_OF_USER", 3)
    monkeypatch.setattr(log_module, "SELDOM_S", 0.0)
    bench = Bench(tmp_path)
    bench.server._groups_of = lambda name: ("haclient",)

    async def work() -> None:
        for user, free in ((4001, 3), (4002, 2), (4003, 0), (0, 2)):
            bench.user = user
            refused = [await is_refused(bench) for _ in range(free + 1)]
            assert refused == [False] * free + [True], user

    bench.run(work)
    assert "of 4001: there are too many" in bench.log[0]
    assert "connection: there are too many" in bench.log[-1]


def test_what_a_limited_user_leaves_unfinished_cuts_off_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_module, "MAX_UNFINISHED", 1000)
    monkeypatch.setattr(control_module, "MAX_UNFINISHED_LIMITED", 1000)
    bench = Bench(tmp_path, user=4001)
    bench.server._groups_of = lambda name: ("haclient",)
    half = (5000).to_bytes(4, "big") + bytes(800)

    async def work() -> None:
        for user in (4001, 0):
            bench.user = user
            first, writer = await bench.connect()
            writer.write(framing.encode_request(1, control.Hello(client="crm")) + half)
            bench.clients.append(writer)
            assert await first.read(1)  # it is heard
        bench.user = 4001
        second, writer = await bench.connect()
        writer.write(framing.encode_request(1, control.Hello(client="crm")) + half)
        bench.clients.append(writer)
        with contextlib.suppress(ConnectionResetError):
            while await second.read(100):
                pass

    bench.run(work)
    (line,) = bench.log
    assert "too many large requests" in line


async def hung_up(reader: asyncio.StreamReader) -> bool:
    """Wait until the server hangs up; whether it had said nothing before."""
    with contextlib.suppress(ConnectionResetError):
        return await reader.read(1) == b""
    return True


@pytest.mark.parametrize("user", [0, 4001], ids=["root", "limited"])
def test_who_says_nothing_keeps_no_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: int
) -> None:
    """Who is answered, or waits for an answer, keeps it."""
    monkeypatch.setattr(control_module, "SILENT_S", 0.02)
    monkeypatch.setattr(control_module, "MAX_LIMITED_OF_USER", 2)
    monkeypatch.setattr(control_module, "MAX_CONNECTIONS", 2)
    bench = Bench(tmp_path, user=user)
    bench.server._groups_of = lambda name: ("haclient",)

    async def work() -> None:
        waiting, _ = await bench.ask(control.ReadCib())
        await bench.until(1)

        for greeting in (b"", framing.encode_request(1, control.Hello(client="crm"))[:-1]):
            silent, writer = await bench.connect()
            writer.write(greeting)
            assert await hung_up(silent), "and the place is free for the next"
            writer.close()

        request = bench.events[0]
        assert isinstance(request, RequestReceived)
        bench.server.reply(request.ticket, control.Done())
        assert await replies(waiting, 1) == [(1, control.Done())]

    bench.run(work)
    assert "has asked nothing for" in bench.log[0]


@pytest.mark.parametrize("user", [0, 4001], ids=["root", "limited"])
def test_who_has_asked_long_ago_keeps_no_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: int
) -> None:
    """A shell connects again when its user types the next command."""
    monkeypatch.setattr(control_module, "SILENT_S", 0.02)
    monkeypatch.setattr(control_module, "IDLE_S", 0.02)
    bench = Bench(tmp_path, user=user)
    bench.server._groups_of = lambda name: ("haclient",)

    async def work() -> None:
        reader, _ = await bench.ask(control.ReadCib())
        await bench.until(1)
        request = bench.events[0]
        assert isinstance(request, RequestReceived)
        bench.server.reply(request.ticket, control.Done())
        assert await replies(reader, 1) == [(1, control.Done())]
        assert await hung_up(reader)

    bench.run(work)


def test_who_is_turned_away_again_and_again_fills_no_log(tmp_path: Path) -> None:
    bench = Bench(tmp_path, user=12345)

    async def work() -> None:
        for _ in range(20):
            reader, writer = await bench.connect()
            assert await hung_up(reader)
            writer.close()

    bench.run(work)
    assert len(bench.log) == 1


def test_many_who_come_at_once_are_let_in_when_the_node_has_time(tmp_path: Path) -> None:
    """While it is busy, none of them is told to come again: an agent's command would fail."""
    bench = Bench(tmp_path)

    async def work() -> None:
        channels = [socket.socket(socket.AF_UNIX) for _ in range(200)]
        for channel in channels:
            channel.settimeout(1.0)
            channel.connect(bench.path)  # nobody is let in before we give the loop its turn
            channel.close()
        await comes_true(lambda: bench.server._closed == len(channels))

    bench.run(work)


def test_an_answer_too_large_to_send_becomes_a_refusal(tmp_path: Path) -> None:
    bench = Bench(tmp_path)

    async def work() -> None:
        reader, writer = await bench.connect()
        writer.write(framing.encode_request(1, control.ReadCib()))
        await bench.until(1)
        request = bench.events[0]
        assert isinstance(request, RequestReceived)
        bench.server.reply(request.ticket, control.CibReply(cib="x" * (framing.MAX_FRAME + 1)))
        ((_, reply),) = await replies(reader, 1)
        assert isinstance(reply, control.Refused)
        writer.close()

    bench.run(work)


def test_what_was_answered_is_delivered_before_the_server_closes(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    received: list[tuple[int, control.Reply]] = []

    async def work() -> None:
        reader, writer = await bench.connect()
        writer.write(framing.encode_request(1, control.StopDaemon()))
        await bench.until(1)
        request = bench.events[0]
        assert isinstance(request, RequestReceived)
        bench.server.reply(request.ticket, control.Done())
        await bench.server.close()
        received.extend(await replies(reader, 1))
        writer.close()

    bench.run(work)

    assert received == [(1, control.Done())]


def test_who_asks_for_the_keys_is_among_the_clients_that_they_show(tmp_path: Path) -> None:
    bench = Bench(tmp_path)

    async def work() -> None:
        _, other = await bench.connect()
        other.write(framing.encode_request(1, control.Hello(client="crm_mon")))
        other.write(framing.encode_request(2, control.Watch()))
        await bench.until(1)
        _, gone = await bench.connect()
        gone.write(framing.encode_request(1, control.ReadCib()))
        await bench.until(2)
        gone.close()
        await bench.until(3)
        _, writer = await bench.connect()
        writer.write(framing.encode_request(1, control.Hello(client="corosync-cmapctl")))
        writer.write(framing.encode_request(2, control.ReadCmap()))
        await bench.until(4)
        writer.close()
        other.close()

    bench.run(work)

    asked = bench.events[3]
    assert isinstance(asked, RequestReceived)
    assert [each.name for each in asked.connections] == ["crm_mon", "corosync-cmapctl"]
    assert {each.pid for each in asked.connections} == {os.getpid()}
    assert len({each.handle for each in asked.connections}) == 2
    assert asked.connections[1].service_id == 0
    assert asked.closed == 1


# ---- other users than the owner ---------------------------------------------------------------


def requests_of(
    tmp_path: Path, user: int, groups: tuple[str, ...], hello: control.Hello
) -> tuple[list[RequestReceived], list[str]]:
    """What a client of that user is taken for, after it has said who it is."""
    bench = Bench(tmp_path, user=user)
    bench.server._groups_of = lambda name: groups

    async def work() -> None:
        reader, writer = await bench.connect()
        writer.write(framing.encode_request(1, hello))
        writer.write(framing.encode_request(2, control.ReadCib()))
        try:
            await reader.readexactly(1)
        except (ConnectionResetError, asyncio.IncompleteReadError):
            return
        await bench.until(1)
        writer.close()

    bench.run(work)
    return [event for event in bench.events if isinstance(event, RequestReceived)], bench.log


def test_a_member_of_haclient_is_taken_for_who_the_kernel_says_he_is(tmp_path: Path) -> None:
    hello = control.Hello(client="crm", user="root", acts_for="root")

    (request,), _ = requests_of(tmp_path, 4001, ("haclient", "users"), hello)

    assert (request.user, request.acl_user) == ("4001", "4001")
    assert request.groups[:2] == ("haclient", "users")


def test_the_groups_of_a_process_count_whatever_its_user_is_a_member_of(tmp_path: Path) -> None:
    """As with Pacemaker's own sockets, whose file mode asks the same."""
    if os.getuid() != 0:
        pytest.skip("only root can take another group")
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        assert grp.getgrgid(os.getgid()).gr_name in control_module._peer_groups(ours)
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        own = (0, os.getgid())
        number = next(each.gr_gid for each in grp.getgrall() if each.gr_gid not in own)
        program = (
            f"import socket; s = socket.socket(socket.AF_UNIX); s.connect({path!r}); s.recv(1)"
        )
        with subprocess.Popen(
            [sys.executable, "-c", program], extra_groups=[number], start_new_session=True
        ) as client:
            peer, _ = listening.accept()
            found = control_module._peer_groups(peer)
            peer.close()
            client.wait(10)
    assert grp.getgrgid(number).gr_name in found


def test_others_are_let_in_nowhere(tmp_path: Path) -> None:
    requests, log = requests_of(tmp_path, 4001, ("users",), control.Hello(client="crm"))

    assert requests == []
    assert "user id 4001" in log[0]


def test_root_may_act_for_somebody_else(tmp_path: Path) -> None:
    hello = control.Hello(client="crm", user="alice", acts_for="bob")

    (request,), _ = requests_of(tmp_path, 0, ("haclient",), hello)
    assert (request.user, request.acl_user, request.groups) == ("bob", "bob", ("haclient",))

    (request,), _ = requests_of(tmp_path, 0, (), control.Hello(client="crm", user="alice"))
    assert (request.user, request.acl_user) == ("alice", "")
