"""A connection that only holders of one key can speak on."""

from __future__ import annotations

import random

import pytest

from crmsh_py.errors import RemoteProtocolError
from crmsh_py.node.seal import Suite
from crmsh_py.node.sealed_stream import SealedStream
from crmsh_py.wire.remote import MAX_FIRST_FRAME

KEY = b"k" * 32


def pair(
    suite: Suite | None = None, other_key: bytes = KEY, seed: int = 1
) -> tuple[SealedStream, SealedStream]:
    chance = random.Random(seed)
    member = SealedStream(KEY, random=chance.randbytes, suite=suite or Suite())
    remote = SealedStream(other_key, random=chance.randbytes)
    _, answer = remote.receive(member.hello())
    member.receive(answer)
    return member, remote


@pytest.mark.parametrize("cipher", ["none", "aes256"])
def test_payloads_come_as_they_were_sent_however_they_are_cut(cipher: str) -> None:
    if cipher != "none":
        pytest.importorskip("cryptography")
    member, remote = pair(Suite(cipher=cipher))
    data = b"".join(member.seal(payload) for payload in (b"one", b"", b"x" * 1000))
    got = [payload for byte in data for payload in remote.receive(bytes((byte,)))[0]]
    assert got == [b"one", b"", b"x" * 1000]
    assert remote.proven
    assert not member.proven
    assert member.receive(remote.seal(b"back"))[0] == [b"back"]


def test_another_key_is_noticed_by_the_first_payload() -> None:
    member, remote = pair(other_key=b"q" * 32)
    with pytest.raises(RemoteProtocolError, match="another key"):
        remote.receive(member.seal(b"hello"))


def test_nothing_can_be_changed_repeated_or_sent_back() -> None:
    member, remote = pair()
    data = member.seal(b"one")
    for place in range(len(data)):
        changed = data[:place] + bytes((data[place] ^ 1,)) + data[place + 1 :]
        _, fresh = pair()
        try:
            assert fresh.receive(changed)[0] == []  # a longer length: the rest never comes
        except RemoteProtocolError:
            pass
    remote.receive(data)
    with pytest.raises(RemoteProtocolError):
        remote.receive(data)
    with pytest.raises(RemoteProtocolError):
        member.receive(data)


def test_what_was_recorded_on_one_connection_is_nothing_on_the_next() -> None:
    member, _ = pair()
    _, later = pair(seed=2)
    with pytest.raises(RemoteProtocolError):
        later.receive(member.seal(b"one"))


def test_a_changed_hello_makes_keys_that_do_not_fit() -> None:
    chance = random.Random(1)
    member = SealedStream(KEY, random=chance.randbytes, suite=Suite(digest="sha512"))
    remote = SealedStream(KEY, random=chance.randbytes)
    hello = bytearray(member.hello())
    hello[6] = 0  # sha256: somebody wants a weaker one
    _, answer = remote.receive(bytes(hello))
    with pytest.raises(RemoteProtocolError, match="other algorithms"):
        member.receive(answer)


def test_strangers_get_little_room() -> None:
    _, remote = pair()
    with pytest.raises(RemoteProtocolError, match="are allowed"):
        remote.receive((MAX_FIRST_FRAME + 1).to_bytes(4, "big"))
    with pytest.raises(RemoteProtocolError, match="no connection between"):
        SealedStream(KEY, random=random.Random(1).randbytes).receive(b"GET / HTTP/1.1\r\n")
