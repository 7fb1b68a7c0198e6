"""Datagrams reach the others, only ours are taken, and a dead interface is no catastrophe."""

from __future__ import annotations

import asyncio
import random
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from waiting import comes_true

from crmsh_py.engine.api import EVERYBODY, DatagramReceived, Event
from crmsh_py.errors import CrmError
from crmsh_py.node.keys import read_key
from crmsh_py.node.seal import Suite
from crmsh_py.node.sessions import Sessions
from crmsh_py.node.transport import Network, UdpLink

KEY = bytes(range(32))
PREFIX = f"127.{random.randrange(16, 250)}.{random.randrange(250)}"
ADDRESSES = tuple(f"{PREFIX}.{n}" for n in (1, 2, 3))
PORT = 15405


def sessions(address: str, *, key: bytes = KEY, cipher: str = "none") -> Sessions:
    return Sessions(key, Suite(cipher=cipher), address, random=random.randbytes)


class Peer:
    """One node's transport and what it heard."""

    def __init__(
        self, address: str, *, key: bytes = KEY, group: str = "", cipher: str = "none"
    ) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.log: list[str] = []
        network = Network(address=address, port=PORT, peers=ADDRESSES, group=group)
        self.transport = UdpLink(
            network,
            sessions(address, key=key, cipher=cipher),
            report=self._report,
            log=lambda *line: self.log.append(" ".join(line)),
        )
        self.transport.open()

    def _report(self, event: Event) -> None:
        assert isinstance(event, DatagramReceived)
        self.heard.append((event.source, event.data))


def with_peers(
    work: Callable[[list[Peer]], object],
    *,
    wanted: Callable[[list[Peer]], bool] = lambda _: True,
    **options: object,
) -> list[Peer]:
    """Three nodes after some work, when what is wanted has come to them."""

    async def run() -> list[Peer]:
        peers = [Peer(address, **options) for address in ADDRESSES]  # type: ignore[arg-type]
        try:
            work(peers)
            await comes_true(lambda: wanted(peers))
        finally:
            for peer in peers:
                peer.transport.close()
        return peers

    return asyncio.run(run())


def test_unicast_reaches_everybody_else_and_one() -> None:
    def work(peers: list[Peer]) -> None:
        peers[0].transport.send(EVERYBODY, b"join")
        peers[1].transport.send(ADDRESSES[2], b"token")

    first, second, third = with_peers(
        work, wanted=lambda peers: [len(peer.heard) for peer in peers[1:]] == [1, 2]
    )

    assert first.heard == []
    assert second.heard == [(ADDRESSES[0], b"join")]
    assert sorted(third.heard) == [(ADDRESSES[0], b"join"), (ADDRESSES[1], b"token")]


def test_unicast_reaches_a_node_that_was_added_later() -> None:
    """The others have it not in their settings; it has them, and so speaks first."""

    async def run() -> list[tuple[str, bytes]]:
        old, new = Peer(ADDRESSES[0]), Peer(f"{PREFIX}.4")
        try:
            new.transport.send(EVERYBODY, b"I am new")
            await comes_true(lambda: bool(old.heard))
            old.transport.send(EVERYBODY, b"welcome")
            await comes_true(lambda: bool(new.heard))
        finally:
            old.transport.close()
            new.transport.close()
        return new.heard

    assert asyncio.run(run()) == [(ADDRESSES[0], b"welcome")]


def send_as(address: str, *datagrams: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind((address, 0))
        for datagram in datagrams:
            stranger.sendto(datagram, (ADDRESSES[0], PORT))


def test_what_has_another_key_is_counted_dropped_and_told_once() -> None:
    def work(peers: list[Peer]) -> None:
        address = f"{PREFIX}.9"
        other = sessions(address, key=b"y" * 32)
        send_as(address, other.close(b"token"), b"", other.close(b"token"))

    first, *_ = with_peers(work, wanted=lambda peers: peers[0].transport.facts().invalid >= 3)

    assert first.heard == []
    assert first.transport.facts().invalid == 3
    (line,) = first.log
    assert line.startswith("warning TOTEM Rejected 1 datagram(s), the last one from")
    assert line.endswith("a wrong key, or damaged")


def test_a_recorded_datagram_is_no_good_from_another_address() -> None:
    def work(peers: list[Peer]) -> None:
        send_as(f"{PREFIX}.9", sessions(ADDRESSES[1]).close(b"token"))

    first, *_ = with_peers(work, wanted=lambda peers: peers[0].transport.facts().invalid >= 1)

    assert first.heard == []
    assert first.transport.facts().invalid == 1


def test_a_datagram_that_comes_twice_is_taken_once() -> None:
    """A recording is sent again from the right address: only the kernel's word differs."""

    def work(peers: list[Peer]) -> None:
        second = sessions(ADDRESSES[1])
        peers[1].transport.close()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
            channel.bind((ADDRESSES[1], PORT))
            channel.settimeout(5)
            receive = peers[0].transport._readable
            recorded = [second.close(b"join"), second.close(b"token")]
            for datagram in recorded:
                channel.sendto(datagram, (ADDRESSES[0], PORT))
            receive(peers[0].transport._own)  # type: ignore[arg-type]
            for answer in second.open(channel.recv(2000), ADDRESSES[0], 0.0).answers:
                channel.sendto(answer, (ADDRESSES[0], PORT))
            receive(peers[0].transport._own)  # type: ignore[arg-type]
            for datagram in recorded:
                channel.sendto(datagram, (ADDRESSES[0], PORT))

    first, *_ = with_peers(work, wanted=lambda peers: peers[0].transport.facts().replayed >= 2)

    assert [data for _, data in first.heard] == [b"join", b"token"]
    assert first.transport.facts().replayed == 2


def test_encrypted_datagrams_are_heard_and_cannot_be_read() -> None:
    pytest.importorskip("cryptography")

    def work(peers: list[Peer]) -> None:
        peers[0].transport.send(EVERYBODY, b"secret words")

    _, second, _ = with_peers(work, wanted=lambda peers: peers[1].heard != [], cipher="aes256")

    assert second.heard == [(ADDRESSES[0], b"secret words")]
    assert b"secret" not in sessions(ADDRESSES[0], cipher="aes256").close(b"secret words")


@pytest.mark.parametrize(("content", "size"), [(b"", "0"), (b"short", "5"), (b"x" * 5000, "4097")])
def test_a_key_of_a_wrong_size_is_refused(tmp_path: Path, content: bytes, size: str) -> None:
    path = tmp_path / "key"
    path.touch(mode=0o600)
    path.write_bytes(content)

    with pytest.raises(CrmError, match=f"has {size} bytes; 16 to 4096 are allowed"):
        read_key(str(path))


def test_an_address_that_somebody_else_uses_is_a_clear_error() -> None:
    def work(peers: list[Peer]) -> None:
        with pytest.raises(CrmError, match="cannot use"):
            Peer(ADDRESSES[0])

    with_peers(work)


SEPARATE_NETWORK = """
import asyncio, subprocess, sys
sys.path[:0] = {path!r}
from crmsh_py.engine.api import EVERYBODY
from crmsh_py.node.seal import Suite
from crmsh_py.node.sessions import Sessions
from crmsh_py.node.transport import Network, UdpLink

def ip(*words):
    subprocess.run(["ip", *words], check=True)

async def main():
    # Two ends of a wire in one network: what the first sends to the group, the second hears.
    ip("link", "add", "a0", "type", "veth", "peer", "name", "b0")
    ip("link", "set", "lo", "up")
    ip("address", "add", "10.7.0.1/24", "dev", "a0")
    ip("link", "set", "b0", "up")
    log = []
    network = Network(address="10.7.0.1", port=5405, peers=(), group="239.255.1.1")
    sessions = Sessions(b"k" * 32, Suite(), "10.7.0.1", random=bytes)
    sender = UdpLink(network, sessions, report=print,
                          log=lambda *line: log.append(line[2]))
    sender.open()                       # the interface is down: no error
    sender.send(EVERYBODY, b"lost")
    sender.send("10.7.0.2", b"lost")
    assert sender.counters.sent == 0, sender.counters
    assert len(log) == 1, log
    ip("link", "set", "a0", "up")
    deadline = asyncio.get_running_loop().time() + 10
    while sender.counters.sent == 0:
        assert asyncio.get_running_loop().time() < deadline
        sender.send(EVERYBODY, b"found")
        await asyncio.sleep(0.05)
    assert "is now up" in log[-1], log
    ip("link", "set", "a0", "down")
    sender.send("10.7.0.2", b"lost")
    assert "is down" in log[-1], log
    sender.close()
    print("well")

asyncio.run(main())
"""


def test_an_interface_that_goes_down_and_comes_back_is_survived() -> None:
    unshare = ["unshare", "--user", "--map-root-user", "--net"]
    if subprocess.run([*unshare, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine lets us make no network of our own")
    program = SEPARATE_NETWORK.format(path=sys.path)

    result = subprocess.run(
        [*unshare, sys.executable, "-c", program],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (result.stdout, result.stderr) == ("well\n", "")
