"""Three real daemons on loopback: membership, commits, SIGKILL of one, of all, wiped disks."""

from __future__ import annotations

import itertools
import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from waiting import eventually

from crmsh_py.cib.diff import diff
from crmsh_py.cib.document import Cib
from crmsh_py.clusters import operations
from crmsh_py.clusters.local import LocalCluster
from crmsh_py.errors import CrmError, NoQuorum
from crmsh_py.wire import settings as node_settings
from crmsh_py.wire.control import MembershipReply
from crmsh_py.wire.settings import NodeSettings

pytestmark = pytest.mark.e2e

NAMES = ("pacemaker01", "pacemaker02", "pacemaker03")
CONF = """
totem {{
        version: 2
        token: {token_ms}
        join: 50
        consensus: {consensus_ms}
        clear_node_high_bit: yes
        interface {{
                ringnumber: 0
                bindnetaddr: 127.0.0.0
                mcastport: 5405
        }}
}}
quorum {{
        provider: corosync_votequorum
        expected_votes: 3
}}
logging {{
        to_stderr: no
}}
"""
_numbers = itertools.count()


class Trio:
    """The files and processes of three nodes."""

    def __init__(self, directory: Path, token_ms: int = 500) -> None:
        self.directory = directory
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        conf = CONF.format(token_ms=token_ms, consensus_ms=token_ms * 6 // 5)
        (directory / "corosync.conf").write_text(conf)
        key = directory / "key"
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(32))
        (directory / "run" / "lab").mkdir(parents=True)
        # Addresses of this run alone: other tests may use the same port beside us.
        network = f"127.{random.randrange(16, 250)}.{random.randrange(250)}"
        self.addresses = {name: f"{network}.{10 + n}" for n, name in enumerate(NAMES)}

    def socket(self, name: str) -> str:
        return str(self.directory / "run" / "lab" / f"{name}.sock")

    def disk(self, name: str) -> Path:
        return self.directory / name

    def log(self, name: str) -> str:
        return (self.disk(name) / "log").read_text()

    def start(self, *names: str) -> None:
        for name in names:
            disk = self.disk(name)
            disk.mkdir(exist_ok=True)
            settings = NodeSettings(
                lab="lab",
                node=name,
                address=self.addresses[name],
                corosync_conf=str(self.directory / "corosync.conf"),
                control_socket=self.socket(name),
                store=str(disk / "store.sqlite"),
                log=str(disk / "log"),
                key=str(self.directory / "key"),
                peers={address: other for other, address in self.addresses.items()},
                run_directory=str(disk / "run"),
                multicast=False,
                isolated=False,
            )
            path = disk / "settings.json"
            path.write_bytes(node_settings.dump(settings))
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", "crmsh_py.node", str(path)], cwd="/"
            )

    def signal(self, number: signal.Signals, *names: str) -> None:
        for name in names:
            self.processes[name].send_signal(number)

    def kill(self, *names: str) -> None:
        self.signal(signal.SIGKILL, *names)
        for name in names:
            self.processes.pop(name).wait(10)

    def node(self, name: str) -> LocalCluster:
        return LocalCluster("lab", {name: self.socket(name)}, node=name, client="test")

    def any_node(self) -> LocalCluster:
        return LocalCluster("lab", {name: self.socket(name) for name in NAMES}, client="test")

    def membership(self, name: str) -> MembershipReply | None:
        cluster = self.node(name)
        try:
            return cluster.membership()
        except CrmError:
            return None
        finally:
            cluster.close()

    def cib(self, name: str) -> Cib:
        cluster = self.node(name)
        try:
            return cluster.read_cib()
        finally:
            cluster.close()

    def agree(self, *names: str) -> bool:
        """Whether these nodes, and no others, are one membership with one DC."""
        seen = [self.membership(name) for name in names]
        return all(
            reply is not None
            and sorted(m.name for m in reply.members if m.joined) == sorted(names)
            and reply.dc in names
            and seen[0] is not None
            and reply.dc == seen[0].dc
            for reply in seen
        )

    def equal(self, *names: str) -> bool:
        return len({self.cib(name).digest for name in names}) == 1

    def close(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait(10)


def set_property(cluster: LocalCluster, name: str, value: str) -> None:
    """Commit a permanent attribute of the first node: a change that starts no resource."""
    cib = cluster.read_cib()
    new = operations.set_node_attribute(cib, NAMES[0], name, value)
    cluster.commit(diff(cib, new), client="test")


def has(cib: Cib, name: str) -> bool:
    return any(pair.get("name") == name for pair in cib.section("nodes").iter("nvpair"))


@pytest.fixture
def trio(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Trio]:
    """Three nodes that are a cluster; a test may ask for a token of other milliseconds."""
    trio = Trio(tmp_path, getattr(request, "param", 500))
    try:
        trio.start(*NAMES)
        eventually(lambda: trio.agree(*NAMES))
        # The first commit, which writes the nodes down, comes a moment after the membership.
        eventually(lambda: len(trio.cib(NAMES[0]).section("nodes").findall("node")) == 3)
        eventually(lambda: trio.equal(*NAMES))
        yield trio
    finally:
        trio.close()


def test_three_nodes_find_each_other_and_hold_equal_configurations(trio: Trio) -> None:
    membership = trio.membership(NAMES[2])

    assert membership is not None
    assert membership.quorate
    assert membership.total_votes == 3
    eventually(lambda: trio.equal(*NAMES))
    log = trio.log(NAMES[0])
    assert "[TOTEM ] A new membership" in log
    assert "[QUORUM] Members[3]:" in log


def test_a_commit_on_any_node_is_on_all(trio: Trio) -> None:
    for number, name in enumerate(NAMES):
        set_property(trio.node(name), f"p{number}", "1")

    eventually(lambda: trio.equal(*NAMES))
    assert all(has(trio.cib(NAMES[0]), f"p{number}") for number in range(3))


# Ten megabytes are read, compared and written by one thread: half a second, on a busy machine.
@pytest.mark.parametrize("trio", [3000], indirect=True, ids=["token=3000"])
def test_a_configuration_of_ten_megabytes_is_on_all(trio: Trio) -> None:
    """Thousands of datagrams through real sockets, and ten megabytes of XML on three disks."""
    cluster = trio.node(NAMES[0])
    cib = cluster.read_cib()
    pairs = "".join(
        f'<nvpair id="large-{n}" name="large-{n}" value="{str(n) * 30_000}"/>'
        for n in range(100, 220)
    )
    defaults = f'<rsc_defaults><meta_attributes id="large">{pairs}</meta_attributes></rsc_defaults>'
    new = Cib.parse(
        cib.to_xml()
        .replace("<rsc_defaults/>", "")
        .replace("</configuration>", f"{defaults}</configuration>")
    )

    cluster.commit(diff(cib, new), client="test")

    eventually(lambda: trio.equal(*NAMES))
    assert len(trio.cib(NAMES[2]).to_xml()) > 10_000_000

    trio.kill(NAMES[2])
    eventually(lambda: trio.agree(*NAMES[:2]))
    set_property(cluster, "meanwhile", "1")
    trio.start(NAMES[2])
    eventually(lambda: trio.agree(*NAMES))
    eventually(lambda: trio.equal(*NAMES))
    assert has(trio.cib(NAMES[2]), "meanwhile")
    assert "Took configuration" not in trio.log(NAMES[2]), "the change alone, not all of it"


def test_a_killed_node_is_missed_and_comes_back_with_the_configuration(trio: Trio) -> None:
    trio.kill(NAMES[0])
    eventually(lambda: trio.agree(*NAMES[1:]))
    set_property(trio.any_node(), "meanwhile", "1")

    trio.start(NAMES[0])
    eventually(lambda: trio.agree(*NAMES))

    eventually(lambda: trio.equal(*NAMES))
    assert has(trio.cib(NAMES[0]), "meanwhile")


def test_a_side_without_quorum_refuses_and_the_store_has_nothing_of_it(trio: Trio) -> None:
    trio.kill(*NAMES[1:])
    eventually(lambda: trio.agree(NAMES[0]))
    before = trio.cib(NAMES[0]).digest

    with pytest.raises(NoQuorum):
        set_property(trio.node(NAMES[0]), "lonely", "1")

    assert trio.cib(NAMES[0]).digest == before


def test_a_wiped_disk_gets_the_configuration_back(trio: Trio) -> None:
    set_property(trio.any_node(), "kept", "1")
    trio.kill(NAMES[1])
    shutil.rmtree(trio.disk(NAMES[1]))

    trio.start(NAMES[1])
    eventually(lambda: trio.agree(*NAMES))

    eventually(lambda: trio.equal(*NAMES))
    assert has(trio.cib(NAMES[1]), "kept")


def test_a_damaged_disk_is_told_and_gets_the_configuration_back(trio: Trio) -> None:
    set_property(trio.any_node(), "kept", "1")
    trio.kill(NAMES[1])
    for file in trio.disk(NAMES[1]).glob("store.sqlite*"):
        file.write_bytes(os.urandom(8192))

    trio.start(NAMES[1])
    eventually(lambda: trio.agree(*NAMES))

    eventually(lambda: trio.equal(*NAMES))
    assert has(trio.cib(NAMES[1]), "kept")
    assert "it was moved to" in trio.log(NAMES[1])


def test_an_orderly_stop_ends_with_zero_and_is_announced(trio: Trio) -> None:
    trio.signal(signal.SIGTERM, NAMES[2])

    assert trio.processes.pop(NAMES[2]).wait(20) == 0
    eventually(lambda: trio.agree(*NAMES[:2]))
    assert "has stopped" in trio.log(NAMES[2])


def test_everything_is_there_after_an_orderly_stop_of_all(trio: Trio) -> None:
    set_property(trio.any_node(), "kept", "1")
    trio.signal(signal.SIGTERM, *NAMES)
    for name in NAMES:
        assert trio.processes.pop(name).wait(30) == 0

    trio.start(*NAMES)
    eventually(lambda: trio.agree(*NAMES))

    eventually(lambda: trio.equal(*NAMES))
    assert has(trio.cib(NAMES[0]), "kept")


def test_a_frozen_node_is_missed_and_rejoins(trio: Trio) -> None:
    trio.signal(signal.SIGSTOP, NAMES[2])
    eventually(lambda: trio.agree(*NAMES[:2]))
    set_property(trio.any_node(), "meanwhile", "1")

    trio.signal(signal.SIGCONT, NAMES[2])
    eventually(lambda: trio.agree(*NAMES))

    eventually(lambda: trio.equal(*NAMES))
    assert has(trio.cib(NAMES[2]), "meanwhile")


def test_no_acknowledged_commit_is_lost_when_all_are_killed_in_the_middle(trio: Trio) -> None:
    """SIGKILL of every process while two clients commit; three times over."""
    acknowledged: list[str] = []

    for _ in range(3):
        stop = threading.Event()

        def work(name: str, stop: threading.Event = stop) -> None:
            cluster = trio.node(name)
            while not stop.is_set():
                key = f"c{next(_numbers)}"
                try:
                    set_property(cluster, key, "1")
                except CrmError:
                    continue
                acknowledged.append(key)

        before = len(acknowledged)
        threads = [threading.Thread(target=work, args=(name,)) for name in NAMES[:2]]
        for thread in threads:
            thread.start()
        eventually(lambda before=before: len(acknowledged) > before + 20)  # type: ignore[misc]
        trio.kill(*NAMES)
        stop.set()
        for thread in threads:
            thread.join(60)
        trio.start(*NAMES)
        eventually(lambda: trio.agree(*NAMES))
        eventually(lambda: trio.equal(*NAMES))

        cib = trio.cib(NAMES[2])
        assert [key for key in acknowledged if not has(cib, key)] == []


@pytest.mark.alone
def test_an_idle_node_hardly_uses_the_processor(trio: Trio) -> None:
    def used() -> float:
        ticks = 0.0
        for process in trio.processes.values():
            fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    before, began = used(), time.monotonic()
    eventually(lambda: time.monotonic() - began > 3)

    share = (used() - before) / (time.monotonic() - began) / len(NAMES)
    assert share < 0.03
