"""Who speaks, and whether it was said before: sessions of senders, proof against replay.

Every run of a sender is a *session*: a random id, and keys derived from it (see ``seal``). Its
datagrams are numbered. A receiver remembers, for every sender, one session and which of its last
1024 numbers have come; a number that has come, or is older, is a replay.

A recording of an earlier run has a session that was true once. So an unknown session must prove
that it lives: the receiver asks with a *challenge*, a random number in a sealed datagram of its
own, and believes when the same number comes back in that session. Until then what the session
says is kept aside (a little of it) and counts when the proof comes, so that a node that starts
loses one round trip and no datagram. No clock and no disk is needed for that, and neither a
restarted sender nor a restarted receiver opens a gap.

    datagram = version (1 byte) | session (16) | number (8) | sealed(kind (1) | content)

Pure but for the random numbers, which are given. Everything is bounded: senders, unproven
sessions, what is kept of them. Nothing is kept of a datagram that fails its seal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from crmsh_py.node.seal import TAG_SIZE, Box, Suite

VERSION = 2
WINDOW = 1024  # numbers that may come late
MAX_SENDERS = 256  # addresses; a cluster has 64 nodes at most
MAX_UNPROVEN = 4  # sessions of one address
MAX_KEPT = 64  # datagrams of one unproven session
CHALLENGE_EVERY_S = 0.05
CHALLENGE_LIFE_S = 5.0  # a proof that somebody held back longer proves nothing any more

_ID_SIZE = 16
_NUMBER_SIZE = 8
_HEADER_SIZE = 1 + _ID_SIZE + _NUMBER_SIZE
_DATA, _CHALLENGE, _PROOF = b"\0", b"\1", b"\2"


class Verdict(Enum):
    """What became of a datagram."""

    GOOD = "good"
    UNPROVEN = "unproven"  # of a session that has yet to show that it lives
    INVALID = "invalid"  # another key, damaged, or no datagram of ours at all
    REPLAYED = "replayed"


@dataclass(frozen=True, slots=True)
class Opened:
    """What a datagram gave: payloads for the node, and answers to its sender."""

    verdict: Verdict
    payloads: tuple[bytes, ...] = ()
    answers: tuple[bytes, ...] = ()


class Numbers:
    """Which numbers of a session have come: the highest, and those shortly below it."""

    __slots__ = ("_highest", "_seen")

    def __init__(self) -> None:
        self._highest = -1
        self._seen = 0  # bit n: highest - n has come

    def is_new(self, number: int) -> bool:
        """Whether it has neither come nor is too old to tell."""
        behind = self._highest - number
        return behind < 0 or (behind < WINDOW and not self._seen >> behind & 1)

    def add(self, number: int) -> None:
        """It has come."""
        ahead = number - self._highest
        if ahead > 0:
            kept = self._seen << ahead if ahead < WINDOW else 0
            self._seen = (kept | 1) & (1 << WINDOW) - 1
            self._highest = number
        else:
            self._seen |= 1 << -ahead


@dataclass(slots=True)
class _Session:
    """A sender's run as a receiver knows it."""

    box: Box
    numbers: Numbers = field(default_factory=Numbers)


@dataclass(slots=True)
class _Unproven(_Session):
    """One that has yet to answer."""

    challenge: bytes = b""
    made_at: float = 0.0
    asked_at: float = 0.0
    kept: list[bytes] = field(default_factory=list)


@dataclass(slots=True)
class _Sender:
    """All that is known of one address."""

    session: bytes = b""
    proven: _Session | None = None
    unproven: dict[bytes, _Unproven] = field(default_factory=dict)


class Sessions:
    """One node's own session, and those of the others, on one network."""

    def __init__(
        self, secret: bytes, suite: Suite, address: str, *, random: Callable[[int], bytes]
    ) -> None:
        self._secret = secret
        self._suite = suite
        self._random = random
        self._id = random(_ID_SIZE)
        self._box = suite.box(secret, self._id, address)
        self._number = 0
        self._senders: dict[str, _Sender] = {}

    @property
    def overhead(self) -> int:
        """Bytes that encryption adds to a datagram; 0 where there is none."""
        return 0 if self._suite.cipher == "none" else _HEADER_SIZE + 1 + TAG_SIZE

    def close(self, payload: bytes) -> bytes:
        """The datagram that carries a payload, to one or to all."""
        return self._close(_DATA, payload)

    def open(self, datagram: bytes, source: str, now: float) -> Opened:
        """What a datagram from an address means. ``now``: monotonic, in seconds."""
        if len(datagram) < _HEADER_SIZE or datagram[0] != VERSION:
            return Opened(Verdict.INVALID)
        header, body = datagram[:_HEADER_SIZE], datagram[_HEADER_SIZE:]
        name = header[1 : 1 + _ID_SIZE]
        number = int.from_bytes(header[1 + _ID_SIZE :], "big")
        sender = self._senders.get(source)
        session: _Session | None = None
        if sender is not None:
            session = sender.proven if name == sender.session else sender.unproven.get(name)
        if session is None:
            session = _Unproven(self._suite.box(self._secret, name, source))
        elif not session.numbers.is_new(number):
            return Opened(Verdict.REPLAYED)
        content = session.box.open(number, header, body)
        if not content:
            return Opened(Verdict.INVALID)
        session.numbers.add(number)
        if isinstance(session, _Unproven):
            return self._hear_unproven(source, name, session, content, now)
        return self._hear(content, name)

    # ---- inside ----------------------------------------------------------------------------

    def _close(self, kind: bytes, content: bytes) -> bytes:
        number, self._number = self._number, self._number + 1
        header = VERSION.to_bytes(1, "big") + self._id + number.to_bytes(_NUMBER_SIZE, "big")
        return header + self._box.close(number, header, kind + content)

    def _hear(self, content: bytes, name: bytes) -> Opened:
        kind = content[:1]
        if kind == _DATA:
            return Opened(Verdict.GOOD, payloads=(content[1:],))
        return Opened(Verdict.GOOD, answers=self._answer(content))

    def _answer(self, content: bytes) -> tuple[bytes, ...]:
        """The proof that a challenge asks for, if it is for this run and no earlier one."""
        kind, asked, challenge = content[:1], content[1 : 1 + _ID_SIZE], content[1 + _ID_SIZE :]
        if kind != _CHALLENGE or asked != self._id or len(challenge) != _ID_SIZE:
            return ()
        return (self._close(_PROOF, challenge),)

    def _hear_unproven(
        self, source: str, name: bytes, session: _Unproven, content: bytes, now: float
    ) -> Opened:
        sender = self._senders.get(source)
        if sender is None:
            if len(self._senders) >= MAX_SENDERS:
                return Opened(Verdict.INVALID)
            sender = self._senders[source] = _Sender()
        if name not in sender.unproven:
            if len(sender.unproven) >= MAX_UNPROVEN:
                del sender.unproven[next(iter(sender.unproven))]
            sender.unproven[name] = session
        if session.challenge and now - session.made_at > CHALLENGE_LIFE_S:
            session.challenge = b""
            session.kept.clear()
        if content[:1] == _PROOF and session.challenge and content[1:] == session.challenge:
            kept = tuple(session.kept)
            self._senders[source] = _Sender(name, _Session(session.box, session.numbers))
            return Opened(Verdict.GOOD, payloads=kept)
        answers = self._answer(content)
        if content[:1] == _DATA and len(session.kept) < MAX_KEPT:
            session.kept.append(content[1:])
        fresh = not session.challenge
        if fresh:
            session.challenge, session.made_at = self._random(_ID_SIZE), now
        if fresh or now - session.asked_at >= CHALLENGE_EVERY_S:
            session.asked_at = now
            answers += (self._close(_CHALLENGE, name + session.challenge),)
        return Opened(Verdict.UNPROVEN, answers=answers)
