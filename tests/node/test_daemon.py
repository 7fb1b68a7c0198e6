"""A whole daemon around a small core: store, sockets, agents and clients for real."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from waiting import comes_true

from crmsh_py import corosync_conf
from crmsh_py.cib.diff import diff
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.clusters.local import LocalCluster
from crmsh_py.engine.api import (
    DatagramReceived,
    Event,
    Instruction,
    Log,
    OperationFinished,
    Persist,
    Persisted,
    ReadHistory,
    ReplyTo,
    RequestReceived,
    RunOperation,
    SaveRevision,
    SaveTerm,
    SendDatagram,
    Started,
    StopNode,
    StoreFailed,
)
from crmsh_py.errors import ClusterUnreachable, CrmError, NoQuorum
from crmsh_py.node import daemon
from crmsh_py.node.daemon import Beginning
from crmsh_py.wire import control
from crmsh_py.wire.settings import NodeSettings

T = TypeVar("T")
EMPTY = Cib.new(cluster_infrastructure="corosync", dc_version="0.1")


class SmallCore:
    """Keeps a configuration alone: enough to see the daemon work, and nothing of the engine."""

    def __init__(self, beginning: Beginning) -> None:
        self.beginning = beginning
        self.cib = Cib.parse(beginning.stored.cib) if beginning.stored.cib else EMPTY
        self.events: list[Event] = []
        self._waiting: dict[int, list[Instruction]] = {}
        self._token = 0

    def next_deadline(self) -> float | None:
        return None

    def handle(self, event: Event, now: float) -> list[Instruction]:
        self.events.append(event)
        match event:
            case Started():
                return self._started()
            case RequestReceived(
                ticket=ticket, request=control.ReadRevisions() | control.ReadRevision() as request
            ):
                return [ReadHistory(ticket=ticket, request=request)]
            case RequestReceived(ticket=ticket, request=request):
                return self._request(ticket, request, event)
            case Persisted(token=token):
                return self._waiting.pop(token, [])
            case StoreFailed(message=message):
                return [StopNode(reason=message, exit_code=1)]
            case OperationFinished():
                return [Log(level="notice", subsystem="CRMD", text=f"rc={event.rc}")]
            case DatagramReceived(data=data):
                return [Log(level="notice", subsystem="TOTEM", text=f"heard {data!r}")]
        return []

    def _persist(self, *writes: SaveRevision | SaveTerm, then: list[Instruction]) -> Persist:
        self._token += 1
        self._waiting[self._token] = then
        return Persist(token=self._token, writes=writes)

    def _revision(self, cib: Cib, user: str, patch: str = "") -> SaveRevision:
        whole = "" if patch else cib.to_xml()
        return SaveRevision(
            version=cib.version.tuple,
            term=1,
            digest=cib.digest,
            author=user,
            client="test",
            origin=self.beginning.settings.node,
            time=0,
            patch=patch,
            cib=whole,
        )

    def _started(self) -> list[Instruction]:
        if self.beginning.stored.cib:
            return []
        return [self._persist(self._revision(self.cib, "root"), then=[])]

    def _request(
        self, ticket: int, request: control.Request, event: RequestReceived
    ) -> list[Instruction]:
        match request:
            case control.ReadCib():
                return [ReplyTo(ticket=ticket, reply=control.CibReply(cib=self.cib.to_xml()))]
            case control.ReadMembership():
                return [ReplyTo(ticket=ticket, reply=membership(self.beginning.settings.node))]
            case control.Commit(force_no_quorum=True):
                refused = control.Refused(kind="NoQuorum", text="no quorum", hint="wait")
                return [ReplyTo(ticket=ticket, reply=refused)]
            case control.Commit():
                new = EMPTY.with_version(self.cib.version.next_epoch())
                patch = diff(self.cib, new).to_xml()
                self.cib = new
                done = control.Committed(version=new.version.tuple)
                revision = self._revision(new, event.user, patch)
                return [self._persist(revision, then=[ReplyTo(ticket=ticket, reply=done)])]
            case control.Watch():
                changed = [
                    control.Changed(version=(0, n, 0), quorate=True, dc="n1", idle=False)
                    for n in range(3)
                ]
                return [ReplyTo(ticket=ticket, reply=change) for change in changed]
            case control.CleanResource():
                run = RunOperation(
                    call_id=len(self.events),
                    resource=request.resource,
                    standard="ocf",
                    provider="test",
                    type="agent",
                    action="start",
                    timeout_ms=5000,
                )
                return [run, ReplyTo(ticket=ticket, reply=control.Done())]
            case control.StartManager():
                raise AssertionError("two primaries at once")
            case control.StopDaemon():
                return [
                    ReplyTo(ticket=ticket, reply=control.Done()),
                    StopNode(reason="asked for"),
                ]
        return [SendDatagram(destination="127.0.0.1", data=b"x")]


def membership(node: str) -> control.MembershipReply:
    return control.MembershipReply(
        node=node,
        node_id=1,
        ring_representative=1,
        ring_sequence=4,
        state="operational",
        members=[control.Member(node_id=1, name=node, address="127.0.0.1")],
        quorate=True,
        expected_votes=1,
        highest_expected=1,
        total_votes=1,
        quorum=1,
    )


class Node:
    """A daemon in this process, driven from threads as programs would."""

    def __init__(self, directory: Path, **changes: object) -> None:
        self.directory = directory
        conf = directory / "corosync.conf"
        port = free_port()
        conf.write_text(
            "totem {\n version: 2\n interface {\n  ringnumber: 0\n  bindnetaddr: 127.0.0.0\n"
            f"  mcastport: {port}\n }}\n}}\nlogging {{\n to_stderr: no\n}}\n"
        )
        key = directory / "key"
        if not key.exists():
            key.touch(mode=0o600)
            key.write_bytes(secrets.token_bytes(32))
        runtime = directory / "run" / "lab"
        runtime.mkdir(parents=True, exist_ok=True)
        values: dict[str, object] = {
            "lab": "lab",
            "node": "n1",
            "address": "127.0.0.1",
            "corosync_conf": str(conf),
            "control_socket": str(runtime / "n1.sock"),
            "store": str(directory / "var" / "store.sqlite"),
            "log": str(directory / "log" / "node.log"),
            "key": str(key),
            "peers": {"127.0.0.1": "n1"},
            "run_directory": str(directory / "run"),
            "multicast": False,
        }
        self.settings = NodeSettings(**{**values, **changes})  # type: ignore[arg-type]
        self.core: SmallCore | None = None

    def make_core(self, beginning: Beginning) -> SmallCore:
        self.core = SmallCore(beginning)
        return self.core

    @property
    def log(self) -> str:
        return Path(self.settings.log).read_text()

    def cluster(self) -> LocalCluster:
        return LocalCluster("lab", {"n1": self.settings.control_socket}, user="liu", client="test")

    def run(self, work: Callable[[LocalCluster], T]) -> tuple[int, T]:
        """Run the daemon while ``work`` goes on; then stop it. Return exit code and result."""

        async def both() -> tuple[int, T]:
            running = asyncio.create_task(daemon.run(self.settings, make_core=self.make_core))
            await comes_true(lambda: running.done() or Path(self.settings.control_socket).exists())
            if running.done():
                running.result()
            cluster = self.cluster()
            try:
                result = await asyncio.to_thread(work, cluster)
                if not running.done():
                    await asyncio.to_thread(cluster.stop_daemon)
            finally:
                cluster.close()
                code = await asyncio.wait_for(running, 10)
            return code, result

        return asyncio.run(both())


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def change() -> Cib:
    options = Element("crm_config", {}, (Element("cluster_property_set", {"id": "x"}),))
    return EMPTY.with_section("crm_config", options)


def commit(cluster: LocalCluster) -> tuple[int, int, int]:
    return cluster.commit(diff(EMPTY, change()), client="test").tuple


def test_a_client_reads_commits_and_stops_the_node(node: Node) -> None:
    def work(cluster: LocalCluster) -> tuple[str, tuple[int, int, int], Cib]:
        return cluster.label, commit(cluster), cluster.read_cib()

    code, (label, version, cib) = node.run(work)

    assert code == 0
    assert label == "live/n1"
    assert version == cib.version.tuple
    assert "Stopping: asked for" in node.log
    assert not Path(node.settings.control_socket).exists()


def test_what_was_committed_is_there_after_a_restart(node: Node) -> None:
    def work(cluster: LocalCluster) -> str:
        for _ in range(5):
            commit(cluster)
        return cluster.read_cib().digest

    _, before = node.run(work)
    _, after = node.run(lambda cluster: cluster.read_cib().digest)

    assert before == after


def test_the_history_comes_from_the_store_with_its_author(node: Node) -> None:
    def work(cluster: LocalCluster) -> list[control.Revision]:
        commit(cluster)
        return cluster.revisions(10)

    _, revisions = node.run(work)

    assert [revision.author for revision in revisions] == ["liu", "root"]
    assert "<diff" in revisions[0].patch


def test_what_a_node_refuses_is_raised_as_its_own_kind(node: Node) -> None:
    def work(cluster: LocalCluster) -> NoQuorum:
        with pytest.raises(NoQuorum) as caught:
            cluster.commit(diff(EMPTY, change()), client="test", force_no_quorum=True)
        return caught.value

    _, refused = node.run(work)

    assert refused.format_message() == "no quorum\n  wait"


def test_a_watch_is_a_stream(node: Node) -> None:
    def work(cluster: LocalCluster) -> list[tuple[int, int, int]]:
        watch = cluster.watch()
        return [next(watch).version for _ in range(3)]

    _, versions = node.run(work)

    assert versions == [(0, 0, 0), (0, 1, 0), (0, 2, 0)]


def test_a_broken_invariant_stops_the_node_and_tells_the_story(node: Node) -> None:
    def work(cluster: LocalCluster) -> CrmError:
        with pytest.raises(ClusterUnreachable) as caught:
            cluster.start_manager()
        return caught.value

    code, _ = node.run(work)

    assert code == 1
    assert "two primaries at once" in node.log


def test_the_log_has_corosyncs_layout(node: Node) -> None:
    node.run(lambda cluster: None)

    stamp, _, rest = node.log.splitlines()[0].partition(" notice  ")
    assert len(stamp) == len("Jul 28 19:53:46")
    assert rest.startswith("[MAIN  ] ")


def test_the_stores_directory_is_the_nodes_alone(node: Node) -> None:
    """The configuration is in it, and access control lists hide some of that from users."""
    directory = Path(node.settings.store).parent
    directory.mkdir(mode=0o755)
    node.run(lambda cluster: None)
    assert directory.stat().st_mode & 0o777 == 0o700
    assert Path(node.settings.log).parent.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("isolated", [True, False])
def test_a_plain_process_does_not_write_to_the_machines_log(
    tmp_path: Path, *, isolated: bool
) -> None:
    machines = str(tmp_path / "corosync.log")
    node = Node(tmp_path, isolated=isolated)
    text = f"totem {{\n version: 2\n}}\nlogging {{\n to_logfile: yes\n logfile: {machines}\n}}\n"
    found = daemon.log_settings(node.settings, corosync_conf.parse(text, "corosync.conf"))
    assert found.files == (node.settings.log, machines)[: 2 if isolated else 1]


def test_without_a_readable_key_the_node_does_not_start(node: Node) -> None:
    os.chmod(node.settings.key, 0o644)

    with pytest.raises(CrmError, match="others may read"):
        node.run(lambda cluster: None)

    assert "others may read" in node.log


def test_a_second_node_at_the_same_address_says_so(node: Node, tmp_path: Path) -> None:
    def work(_: LocalCluster) -> str:
        other = Node(tmp_path / "other")
        other.settings = replace_settings(other.settings, corosync_conf=node.settings.corosync_conf)
        with pytest.raises(CrmError) as caught:
            asyncio.run(daemon.run(other.settings, make_core=other.make_core))
        return caught.value.message

    (tmp_path / "other").mkdir()
    _, message = node.run(work)

    assert "cannot use 127.0.0.1" in message


def replace_settings(settings: NodeSettings, **changes: object) -> NodeSettings:
    import msgspec

    return msgspec.structs.replace(settings, **changes)


def test_garbage_on_the_control_socket_hurts_nobody_else(node: Node) -> None:
    def work(cluster: LocalCluster) -> str:
        with socket.socket(socket.AF_UNIX) as hostile:
            hostile.connect(node.settings.control_socket)
            hostile.sendall(b"\x00\x00\x00\x05hello")
            assert hostile.recv(100) == b""
        with socket.socket(socket.AF_UNIX) as hostile:
            hostile.connect(node.settings.control_socket)
            hostile.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert hostile.recv(100) == b""
        return cluster.node

    code, name = node.run(work)

    assert (code, name) == (0, "n1")
    assert "Cut off a control client" in node.log


def test_garbage_datagrams_are_dropped(node: Node) -> None:
    def work(cluster: LocalCluster) -> int:
        conf = Path(node.settings.corosync_conf).read_text()
        port = int(conf.split("mcastport:")[1].split()[0])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hostile:
            hostile.bind(("127.0.0.9", 0))
            for data in (b"", b"x", b"y" * 2000):
                hostile.sendto(data, ("127.0.0.1", port))
        cluster.read_cib()
        assert node.core is not None
        return sum(isinstance(event, DatagramReceived) for event in node.core.events)

    _, heard = node.run(work)

    assert heard == 0


def test_more_agents_may_run_than_a_login_has_open_files(tmp_path: Path) -> None:
    """A stop that cannot be started has failed, and its node would be fenced for it."""
    program = """if True:
        import os, resource, sys
        from crmsh_py.node import daemon
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
        daemon.main([sys.argv[1]])
        opened = [os.open("/dev/null", os.O_RDONLY) for _ in range(200)]
        """
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "no-settings")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
