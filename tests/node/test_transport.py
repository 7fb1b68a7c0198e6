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
from hypothesis import given, settings
from hypothesis import strategies as st

from crmsh_py.engine.api import EVERYBODY, DatagramReceived, Event
from crmsh_py.errors import CrmError
from crmsh_py.node.seal import AuthenticationSeal, choose_seal, read_key
from crmsh_py.node.transport import Network, UdpTransport

KEY = bytes(range(32))
PREFIX = f"127.{random.randrange(16, 250)}.{random.randrange(250)}"
ADDRESSES = tuple(f"{PREFIX}.{n}" for n in (1, 2, 3))
PORT = 15405


class Peer:
    """One node's transport and what it heard."""

    def __init__(self, address: str, *, key: bytes = KEY, group: str = "") -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.log: list[str] = []
        network = Network(address=address, port=PORT, peers=ADDRESSES, group=group)
        self.transport = UdpTransport(
            network,
            AuthenticationSeal(key),
            report=self._report,
            log=lambda *line: self.log.append(" ".join(line)),
        )
        self.transport.open()

    def _report(self, event: Event) -> None:
        assert isinstance(event, DatagramReceived)
        self.heard.append((event.source, event.data))


def with_peers(work: Callable[[list[Peer]], object], **options: object) -> list[Peer]:
    async def run() -> list[Peer]:
        peers = [Peer(address, **options) for address in ADDRESSES]  # type: ignore[arg-type]
        try:
            work(peers)
            await asyncio.sleep(0.05)
        finally:
            for peer in peers:
                peer.transport.close()
        return peers

    return asyncio.run(run())


def test_unicast_reaches_everybody_else_and_one() -> None:
    def work(peers: list[Peer]) -> None:
        peers[0].transport.send(EVERYBODY, b"join")
        peers[1].transport.send(ADDRESSES[2], b"token")

    first, second, third = with_peers(work)

    assert first.heard == []
    assert second.heard == [(ADDRESSES[0], b"join")]
    assert sorted(third.heard) == [(ADDRESSES[0], b"join"), (ADDRESSES[1], b"token")]


def test_what_has_another_key_is_counted_and_dropped() -> None:
    def work(peers: list[Peer]) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind((f"{PREFIX}.9", 0))
            seal = AuthenticationSeal(b"y" * 32)
            stranger.sendto(seal.close(b"token", f"{PREFIX}.9"), (ADDRESSES[0], PORT))
            stranger.sendto(b"", (ADDRESSES[0], PORT))

    first, *_ = with_peers(work)

    assert first.heard == []
    assert first.transport.counters.rejected == 2


def test_a_recorded_datagram_is_no_good_from_another_address() -> None:
    def work(peers: list[Peer]) -> None:
        recorded = AuthenticationSeal(KEY).close(b"token", ADDRESSES[1])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind((f"{PREFIX}.9", 0))
            stranger.sendto(recorded, (ADDRESSES[0], PORT))

    first, *_ = with_peers(work)

    assert first.heard == []


@given(data=st.binary(max_size=100))
@settings(max_examples=100, deadline=None)
def test_noise_opens_no_seal(data: bytes) -> None:
    assert AuthenticationSeal(KEY).open(data, ADDRESSES[0]) is None


@given(payload=st.binary(max_size=3000), place=st.integers(0, 10_000), bit=st.integers(0, 7))
@settings(max_examples=100, deadline=None)
def test_any_changed_bit_breaks_the_seal(payload: bytes, place: int, bit: int) -> None:
    seal = AuthenticationSeal(KEY)
    datagram = bytearray(seal.close(payload, ADDRESSES[0]))
    assert seal.open(bytes(datagram), ADDRESSES[0]) == payload

    datagram[place % len(datagram)] ^= 1 << bit

    assert seal.open(bytes(datagram), ADDRESSES[0]) is None


def test_asking_for_encryption_is_refused_rather_than_ignored() -> None:
    with pytest.raises(CrmError) as caught:
        choose_seal(KEY, cipher="aes256")

    assert "secauth: off" in caught.value.format_message()


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 5000])
def test_a_key_of_a_wrong_size_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.touch(mode=0o600)
    path.write_bytes(content)

    with pytest.raises(CrmError):
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
from crmsh_py.node.seal import AuthenticationSeal
from crmsh_py.node.transport import Network, UdpTransport

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
    sender = UdpTransport(network, AuthenticationSeal(b"k" * 32), report=print,
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
