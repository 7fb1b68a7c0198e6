"""What the parts of a node want done, gathered during one event.

Every part of the core gets the one outbox and appends to it; ``core`` empties it at the end of the
event into the list of instructions. Writes of one event go into one durable transaction
(``Persist``), at the end of the list, so that nothing else waits for the disk; what must come after
them is a callback that runs when the matching ``Persisted`` comes back.

Only the ring waits for the disk: from a ``SaveRing`` on, its datagrams are kept here until that is
written. Answers, logs and operations go on meanwhile: an operation that was decided in one
membership must not begin in a later one because a disk was slow.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from crmsh_py.engine.api import (
    Instruction,
    Log,
    Persist,
    ReplyTo,
    SaveRing,
    StopNode,
    StoreWrite,
)
from crmsh_py.errors import CrmError
from crmsh_py.wire.control import Refused, Reply
from crmsh_py.wire.stream import Message

Continuation = Callable[[], None]
_MAX_GATED = 10_000  # datagrams; the oldest are lost first, as any may be
_ROUNDS = 10_000  # far above what one event can cause; a larger number is a loop


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message for the ordered stream; ``safe``: deliver when all members have received it."""

    message: Message
    safe: bool


class Outbox:
    """Instructions, messages and writes on their way out, and the time of the event."""

    def __init__(self, wall_offset: float) -> None:
        self.now = 0.0
        self.wall_offset = wall_offset
        self._instructions: list[Instruction] = []
        self._messages: list[Outgoing] = []
        self._gate: int | None = None  # the token that the ring waits for
        self._gated: deque[Instruction] = deque(maxlen=_MAX_GATED)
        self._closes_gate = False
        self._writes: list[StoreWrite] = []
        self._after: list[Continuation] = []
        self._waiting: dict[int, list[Continuation]] = {}
        self._token = 0
        self.relay: Callable[[int, Reply], None] | None = None  # see ``reply``

    @property
    def wall(self) -> float:
        """The wall-clock time of the event, in Unix seconds."""
        return self.now + self.wall_offset

    # ---- filling -------------------------------------------------------------------------------

    def do(self, instruction: Instruction) -> None:
        """Have an instruction carried out as it is."""
        self._instructions.append(instruction)

    def log(self, level: str, subsystem: str, text: str) -> None:
        """A line for the node's log."""
        self.do(Log(level=level, subsystem=subsystem, text=text))

    def reply(self, ticket: int, reply: Reply) -> None:
        """Answer a client; ticket 0 is the node itself, which waits for no answer.

        Tickets below 0 are those of clients on remote nodes: ``relay`` knows the way.
        """
        if ticket < 0 and self.relay is not None:
            self.relay(ticket, reply)
        elif ticket > 0:
            self.do(ReplyTo(ticket=ticket, reply=reply))

    def refuse(self, ticket: int, error: CrmError) -> None:
        """Answer a client with an error."""
        refused = Refused(kind=type(error).__name__, text=error.message, hint=error.hint or "")
        self.reply(ticket, refused)

    def stop(self, reason: str, exit_code: int = 0) -> None:
        """End the daemon after this event."""
        self.do(StopNode(reason=reason, exit_code=exit_code))

    def multicast(self, message: Message, *, safe: bool = False) -> None:
        """Send to all members, this node included, in the order of the stream."""
        assert len(self._messages) < _ROUNDS
        self._messages.append(Outgoing(message, safe))

    def persist(self, *writes: StoreWrite, then: Continuation | None = None) -> None:
        """Write durably; ``then`` runs when it is on the disk."""
        self._writes += writes
        # The ring's number must be on the disk before anything of that ring is sent.
        self._closes_gate |= any(isinstance(write, SaveRing) for write in writes)
        if then is not None:
            self._after.append(then)

    def drop_gated(self) -> None:
        """The disk failed: what waited for the number of its ring will never be sent."""
        self._gated.clear()

    # ---- emptying ------------------------------------------------------------------------------

    def take_messages(self) -> list[Outgoing]:
        """The messages since the last call."""
        messages, self._messages = self._messages, []
        return messages

    def take_persisted(self, token: int) -> list[Continuation]:
        """What was waiting for this token's writes."""
        if token == self._gate:
            self._gate = None
        return self._waiting.pop(token, [])

    def finish(self, datagrams: Sequence[Instruction]) -> list[Instruction]:
        """The instructions of the event, in the order in which they must be carried out."""
        assert not self._messages
        done, self._instructions = self._instructions, []
        stops = [each for each in done if isinstance(each, StopNode)]
        out: list[Instruction] = list(done)
        if stops:
            out = [each for each in done if not isinstance(each, StopNode)]
        persist = self._take_persist()
        if self._closes_gate and persist is not None:
            self._gate = persist.token
            self._closes_gate = False
        self._gated.extend(datagrams)
        if self._gate is None or stops:  # a farewell is the last that is heard of this node
            out += self._gated
            self._gated.clear()
        if persist is not None:
            out.append(persist)
        out += stops
        return out

    def _take_persist(self) -> Persist | None:
        if not self._writes and not self._after:
            return None
        self._token += 1
        if self._after:
            self._waiting[self._token] = self._after
        writes, self._writes, self._after = tuple(self._writes), [], []
        return Persist(token=self._token, writes=writes)
