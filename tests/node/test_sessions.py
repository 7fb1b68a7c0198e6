"""Sessions: what a sender says comes once, from it, in this run of it; nothing else does."""

from __future__ import annotations

import hmac
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmsh_py.corosync_conf import parse
from crmsh_py.errors import CrmError
from crmsh_py.node import seal
from crmsh_py.node.keys import derive, read_key
from crmsh_py.node.seal import Suite, choose_suite
from crmsh_py.node.sessions import (
    CHALLENGE_LIFE_S,
    MAX_KEPT,
    MAX_SENDERS,
    MAX_UNPROVEN,
    WINDOW,
    Numbers,
    Sessions,
    Verdict,
)

SECRET = bytes(range(64))
A, B = "10.0.0.1", "10.0.0.2"
CIPHERS = ("none", "aes128", "aes192", "aes256")


def suite(cipher: str) -> Suite:
    if cipher != "none":
        pytest.importorskip("cryptography")
    return Suite(cipher=cipher)


def sessions(address: str, *, cipher: str = "none", seed: int = 0, key: bytes = SECRET) -> Sessions:
    return Sessions(key, suite(cipher), address, random=random.Random(f"{address}{seed}").randbytes)


def deliver(target: Sessions, *datagrams: bytes, sender: Sessions, source: str) -> list[bytes]:
    """Bring datagrams over, and all that is answered to and fro; the payloads that came out."""
    back = B if source == A else A
    heard: list[bytes] = []
    under_way = [(target, datagram) for datagram in datagrams]
    for _ in range(1000):
        if not under_way:
            return heard
        to, datagram = under_way.pop(0)
        opened = to.open(datagram, source if to is target else back, 0.0)
        heard += opened.payloads if to is target else ()
        other = sender if to is target else target
        under_way += [(other, answer) for answer in opened.answers]
    raise AssertionError("they never stop answering each other")


@pytest.mark.parametrize("cipher", CIPHERS)
def test_the_first_words_of_a_new_run_are_not_lost(cipher: str) -> None:
    here, there = sessions(A, cipher=cipher), sessions(B, cipher=cipher)

    first = deliver(there, here.close(b"join"), sender=here, source=A)
    second = deliver(there, here.close(b"token"), sender=here, source=A)

    assert (first, second) == ([b"join"], [b"token"])


def test_a_recording_of_an_earlier_run_is_never_heard() -> None:
    old, new, there = sessions(A), sessions(A, seed=1), sessions(B)
    recorded = [old.close(b"commit"), old.close(b"again")]
    assert deliver(there, new.close(b"join"), sender=new, source=A) == [b"join"]

    assert deliver(there, *recorded, sender=new, source=A) == []
    assert there.open(recorded[0], A, 0.0).verdict is Verdict.REPLAYED
    assert deliver(there, new.close(b"token"), sender=new, source=A) == [b"token"]


def test_a_recording_of_an_earlier_run_is_not_heard_by_a_node_that_has_just_started() -> None:
    """It has no memory of what was said; only the living can answer its challenge."""
    old, new = sessions(A), sessions(A, seed=1)
    there = sessions(B, seed=7)

    assert deliver(there, old.close(b"commit"), sender=new, source=A) == []
    assert deliver(there, new.close(b"join"), sender=new, source=A) == [b"join"]


def test_a_recorded_proof_does_not_open_another_nodes_door() -> None:
    here, there = sessions(A), sessions(B)
    (challenge,) = there.open(here.close(b"join"), A, 0.0).answers
    proof, _ = here.open(challenge, B, 0.0).answers
    again = sessions(B, seed=1)  # B has restarted, and A is gone

    again.open(here.close(b"join"), A, 0.0)
    assert again.open(proof, A, 0.0).payloads == ()


def test_a_proof_that_comes_too_late_proves_nothing() -> None:
    here, there = sessions(A), sessions(B)
    (challenge,) = there.open(here.close(b"join"), A, 0.0).answers
    proof, _ = here.open(challenge, B, 0.0).answers

    assert there.open(proof, A, CHALLENGE_LIFE_S + 1).verdict is Verdict.UNPROVEN


@pytest.mark.parametrize("cipher", CIPHERS)
def test_another_key_address_or_cipher_is_invalid(cipher: str) -> None:
    there = sessions(B, cipher=cipher)
    stranger = sessions(A, cipher=cipher, key=bytes(64))

    assert there.open(stranger.close(b"x"), A, 0.0).verdict is Verdict.INVALID
    assert there.open(sessions(A, cipher=cipher).close(b"x"), B, 0.0).verdict is Verdict.INVALID
    other = "aes256" if cipher != "aes256" else "aes128"
    if cipher != "none":
        assert there.open(sessions(A, cipher=other).close(b"x"), A, 0.0).verdict is Verdict.INVALID


@given(data=st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_noise_is_invalid(data: bytes) -> None:
    assert sessions(B).open(b"\2" + data, A, 0.0).verdict is Verdict.INVALID


@pytest.mark.parametrize("cipher", ["none", "aes128"])
@given(payload=st.binary(max_size=300), place=st.integers(0, 10_000), bit=st.integers(0, 7))
@settings(max_examples=100, deadline=None)
def test_any_changed_bit_is_noticed(cipher: str, payload: bytes, place: int, bit: int) -> None:
    datagram = bytearray(sessions(A, cipher=cipher).close(payload))
    datagram[place % len(datagram)] ^= 1 << bit

    assert sessions(B, cipher=cipher).open(bytes(datagram), A, 0.0).verdict is Verdict.INVALID


@given(st.lists(st.integers(0, 3 * WINDOW), max_size=200))
@settings(max_examples=200, deadline=None)
def test_a_number_is_new_once_and_only_while_it_can_be_told(order: list[int]) -> None:
    numbers = Numbers()
    seen: set[int] = set()
    for number in order:
        too_old = bool(seen) and number <= max(seen) - WINDOW
        assert numbers.is_new(number) == (number not in seen and not too_old)
        if numbers.is_new(number):
            numbers.add(number)
            seen.add(number)


@given(st.permutations(range(40)), st.lists(st.integers(0, 39), max_size=40))
@settings(max_examples=50, deadline=None)
def test_every_order_and_repetition_is_heard_once_each(order: list[int], more: list[int]) -> None:
    here, there = sessions(A), sessions(B)
    datagrams = [here.close(bytes([number])) for number in range(40)]

    heard = deliver(there, *(datagrams[n] for n in [*order, *more]), sender=here, source=A)

    assert sorted(heard) == [bytes([number]) for number in range(40)]


def test_what_is_kept_of_the_unproven_is_bounded() -> None:
    there = sessions(B)
    for seed in range(MAX_UNPROVEN + 3):
        liar = sessions(A, seed=seed)
        for _ in range(MAX_KEPT + 5):
            there.open(liar.close(b"x"), A, 0.0)
    for number in range(MAX_SENDERS + 9):
        address = f"10.1.{number // 256}.{number % 256}"
        there.open(sessions(address).close(b"x"), address, 0.0)

    assert len(there._senders) == MAX_SENDERS
    assert len(there._senders[A].unproven) == MAX_UNPROVEN
    assert all(len(each.kept) <= MAX_KEPT for each in there._senders[A].unproven.values())


def test_challenges_do_not_multiply() -> None:
    here, there = sessions(A), sessions(B)

    answers = [len(there.open(here.close(b"x"), A, 0.01).answers) for _ in range(30)]

    assert sum(answers) == 1


# ---- keys ------------------------------------------------------------------------------------


def test_keys_are_derived_as_rfc_5869_says() -> None:
    """Its test cases 1 and 3, as far as they go in one block."""
    secret = bytes.fromhex("0b" * 22)
    made = derive(
        secret,
        salt=bytes(range(13)),
        purpose=bytes.fromhex("f0f1f2f3f4f5f6f7f8f9"),
        size=32,
        digest="sha256",
    )
    assert made.hex() == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
    empty = derive(secret, salt=b"", purpose=b"", size=32, digest="sha256")
    assert empty.hex() == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"


def test_keys_are_the_librarys_keys() -> None:
    hkdf = pytest.importorskip("cryptography.hazmat.primitives.kdf.hkdf")
    hashes = pytest.importorskip("cryptography.hazmat.primitives.hashes")
    theirs = hkdf.HKDF(algorithm=hashes.SHA512(), length=32, salt=b"salt", info=b"info")

    ours = derive(SECRET, salt=b"salt", purpose=b"info", size=32, digest="sha512")

    assert hmac.compare_digest(ours, theirs.derive(SECRET))


@pytest.mark.parametrize("mode", [0o644, 0o440, 0o404])
def test_a_key_that_others_may_read_is_refused(tmp_path, mode: int) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "authkey"
    path.write_bytes(SECRET)
    path.chmod(mode)

    with pytest.raises(CrmError, match="others may read"):
        read_key(str(path))


def test_what_the_file_says_chooses_the_suite() -> None:
    def chosen(*lines: str) -> Suite:
        return choose_suite(parse("totem {\n" + "\n".join(lines) + "\n}\n").totem)

    assert chosen() == Suite()
    assert chosen("crypto_hash: sha512") == Suite(digest="sha512")
    pytest.importorskip("cryptography")
    assert chosen("secauth: on") == Suite(cipher="aes256")
    assert chosen("secauth: on", "crypto_cipher: aes128") == Suite(cipher="aes128")
    assert chosen("secauth: on", "crypto_cipher: none") == Suite()
    assert chosen("crypto_cipher: aes192", "crypto_hash: sha384") == Suite(
        cipher="aes192", digest="sha384"
    )


def test_without_the_library_encryption_is_refused_and_never_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(key: bytes) -> None:
        raise ImportError("cryptography")

    monkeypatch.setattr(seal, "GcmBox", missing)
    with pytest.raises(CrmError, match="needs the Python library"):
        choose_suite(parse("totem {\nsecauth: on\n}\n").totem)
