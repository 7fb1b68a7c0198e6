"""The messages of one ring, as one member has them: received, missing, safe, deliverable.

Role: bookkeeping without time and without a network. ``Ring`` knows nothing of states; the token
handling (``totem_token``) and the recovery (``totem_recovery``) use it.

Theory. Every message has a number in its ring. A member knows
    aru        it has every message up to this number (all received up to),
    high       the highest number that it knows of,
    safe       every member has every message up to this number,
    delivered  what the application has got.
An agreed message may be delivered when everything before it was; a safe one only when it is <=
``safe``. So delivered <= aru <= high and safe <= aru always hold. What is delivered and safe is
forgotten: nobody can ask for it any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from crmsh_py.engine.totem_values import MAX_AHEAD
from crmsh_py.wire.datagram import Multicast, Recovered, RingId

RingMessage = Multicast | Recovered


class Ring:
    """One ring's identity and messages."""

    __slots__ = (
        "_answered",
        "_forgotten",
        "aru",
        "delivered",
        "high",
        "id",
        "members",
        "messages",
        "safe",
    )

    def __init__(self, ring_id: RingId, members: Iterable[int]) -> None:
        self.id = ring_id
        self.members = tuple(sorted(members))
        self.messages: dict[int, RingMessage] = {}
        self.aru = 0
        self.high = 0
        self.safe = 0
        self.delivered = 0
        self._forgotten = 0
        self._answered: set[int] = set()

    @property
    def representative(self) -> int:
        """The member that makes the first token, holds the idle one and detects merges."""
        return self.members[0]

    def successor(self, node_id: int) -> int:
        """The next member on the ring; a lone node is its own."""
        position = self.members.index(node_id)
        return self.members[(position + 1) % len(self.members)]

    def receive(self, message: RingMessage) -> bool:
        """Keep a message; False where it is not new, or too far ahead to be true."""
        number = message.sequence
        if number <= self.aru or number in self.messages or number > self.aru + 2 * MAX_AHEAD:
            return False
        self.messages[number] = message
        self.high = max(self.high, number)
        while self.aru + 1 in self.messages:
            self.aru += 1
        return True

    def missing(self, up_to: int, limit: int) -> list[int]:
        """The lowest numbers <= up_to that were not received."""
        found: list[int] = []
        number = self.aru + 1
        while number <= up_to and len(found) < limit:
            if number not in self.messages:
                found.append(number)
            number += 1
        return found

    def asked(self, number: int) -> RingMessage | None:
        """A message that somebody misses; None where it is not here, or left to the next member.

        Who is asked for it again has been asked in vain: perhaps its way to who misses it is
        broken, for good, and another's is not. So each member answers every second time.
        """
        message = self.messages.get(number)
        if message is None:
            return None
        if number in self._answered:
            self._answered.remove(number)
            return None
        self._answered.add(number)
        return message

    def mark_safe(self, number: int) -> None:
        """Everybody has everything up to this number (so this member too)."""
        self.safe = max(self.safe, min(number, self.aru))

    def deliverable(self) -> Iterator[RingMessage]:
        """Take the messages whose turn has come, in order."""
        while (message := self.messages.get(self.delivered + 1)) is not None:
            if isinstance(message, Multicast) and message.safe and message.sequence > self.safe:
                return
            self.delivered += 1
            yield message

    def forget(self) -> None:
        """Drop what is delivered and safe."""
        limit = min(self.safe, self.delivered)
        for number in range(self._forgotten + 1, limit + 1):
            del self.messages[number]
            self._answered.discard(number)
        self._forgotten = max(self._forgotten, limit)

    def held_above(self, number: int) -> list[RingMessage]:
        """The messages with greater numbers, in order."""
        return [self.messages[each] for each in sorted(self.messages) if each > number]

    def check_invariants(self) -> None:
        """The theory above, as assertions."""
        assert self.delivered <= self.aru <= self.high, vars_of(self)
        assert self.safe <= self.aru, vars_of(self)
        assert self._forgotten <= min(self.safe, self.delivered), vars_of(self)


def vars_of(ring: Ring) -> str:
    """A ring in one line, for the message of a broken invariant."""
    return (
        f"ring {ring.id} members {ring.members} aru {ring.aru} high {ring.high} "
        f"safe {ring.safe} delivered {ring.delivered} held {len(ring.messages)}"
    )
