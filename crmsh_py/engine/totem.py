"""Totem: membership and totally ordered delivery, without I/O, clock or randomness.

``Totem`` has aioquic's surface. Use it so::

    totem = Totem(node_id, address, settings, ring_sequence=stored, boot=drawn)
    totem.start(now)
    loop: one of   totem.receive_datagram(data, source, now)
                   totem.handle_timer(now)            when next_timer() has come
                   totem.multicast(payload, safe=True, now=now)
                   totem.leave(now)
          then     while (event := totem.next_event()) is not None: …
          then     for destination, data in totem.datagrams_to_send(): …
          then     wait for a datagram or until totem.next_timer()

``now`` is any monotonic time in seconds. Destinations are addresses as ``source`` gives them, or
``EVERYBODY``. Events must be taken before datagrams: a ``RingSequenceChanged`` has to be on the
disk before anything that is sent after it: the numbers of a node's rings ascend over its lives.

Events, in order: ``ConfigurationChanged`` (TRANSITIONAL, then REGULAR, for every new ring, the
first included), ``Delivered``, ``RingSequenceChanged``, ``Reported``. What they promise, extended
virtual synchrony:
- All members of a configuration get the same payloads in the same order; those that go together
  to the next one get the same set. A member always gets its own.
- A payload with ``safe=True`` is delivered in a regular configuration only when every member of
  it has it in memory. (Not on its disk: durability is for the replica to arrange.)
- A payload is delivered once and whole, whatever its size, or not at all.

States and what they do with each kind of message are in the tables below; a message without an
entry is dropped and counted, a late one that is normal is in the tables as ``_ignore``. Handlers
are in ``totem_membership`` (GATHER, COMMIT), ``totem_recovery`` and ``totem_token``.

Source: Amir, Moser, Melliar-Smith, Agarwal, Ciarfella 1995 (see ``wire.datagram``); token hold,
merge detection and the counters' meaning follow Corosync's documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from crmsh_py.corosync_conf import TotemSettings
from crmsh_py.engine import totem_membership as membership
from crmsh_py.engine import totem_recovery as recovery
from crmsh_py.engine import totem_token as token_
from crmsh_py.engine.totem_machine import (
    Machine,
    Shift,
    Timer,
    ToCommit,
    ToGather,
    ToOperational,
    ToRecovery,
)
from crmsh_py.engine.totem_values import (
    MAX_JUMP,
    ConfigurationChanged,
    ConfigurationKind,
    Counters,
    Delivered,
    Limits,
    MemberRecord,
    Reported,
    RingSequenceChanged,
    State,
    TotemEvent,
)
from crmsh_py.errors import RemoteProtocolError
from crmsh_py.wire.datagram import (
    CommitToken,
    HoldCancel,
    Join,
    MergeDetect,
    Message,
    Multicast,
    Recovered,
    RingId,
    Token,
    decode,
)

__all__ = [
    "ConfigurationChanged",
    "ConfigurationKind",
    "Counters",
    "Delivered",
    "Limits",
    "MemberRecord",
    "Reported",
    "RingId",
    "RingSequenceChanged",
    "State",
    "Totem",
    "TotemEvent",
]

_M = TypeVar("_M", bound=Message)
_Handler = Callable[[Machine, _M, float], Shift | None]
_Table = Mapping[State, _Handler[_M]]

_MAX_SHIFTS = 8  # gather, commit, recovery, operational, and some room


def _ignore(machine: Machine, message: Message, now: float) -> Shift | None:
    """Late, but nothing wrong with it."""
    return None


TOKEN: _Table[Token] = {
    State.OPERATIONAL: token_.on_token,
    State.GATHER: _ignore,
    State.COMMIT: _ignore,
    State.RECOVERY: recovery.on_token,
}
MULTICAST: _Table[Multicast] = {
    State.OPERATIONAL: token_.on_multicast,
    State.GATHER: membership.on_foreign_gather,
    State.COMMIT: membership.on_multicast_commit,
    State.RECOVERY: recovery.on_multicast,
}
RECOVERED: _Table[Recovered] = {
    State.OPERATIONAL: token_.on_recovered,
    State.GATHER: membership.on_foreign_gather,
    State.COMMIT: _ignore,
    State.RECOVERY: recovery.on_recovered,
}
JOIN: _Table[Join] = {
    State.OPERATIONAL: membership.on_join_operational,
    State.GATHER: membership.on_join_gather,
    State.COMMIT: membership.on_join_commit,
    State.RECOVERY: membership.on_join_commit,
}
COMMIT_TOKEN: _Table[CommitToken] = {
    State.OPERATIONAL: _ignore,
    State.GATHER: membership.on_commit_token_gather,
    State.COMMIT: membership.on_commit_token_commit,
    State.RECOVERY: recovery.on_commit_token,
}
MERGE_DETECT: _Table[MergeDetect] = {
    State.OPERATIONAL: token_.on_merge_detect,
    State.GATHER: membership.on_foreign_gather,
    State.COMMIT: _ignore,
    State.RECOVERY: _ignore,
}
HOLD_CANCEL: _Table[HoldCancel] = {
    State.OPERATIONAL: token_.on_hold_cancel,
    State.GATHER: _ignore,
    State.COMMIT: _ignore,
    State.RECOVERY: _ignore,
}
TIMERS: Mapping[tuple[State, Timer], Callable[[Machine, float], Shift | None]] = {
    (State.OPERATIONAL, Timer.TOKEN_LOSS): token_.on_token_loss,
    (State.OPERATIONAL, Timer.TOKEN_RETRANSMIT): token_.on_retransmit_timer,
    (State.OPERATIONAL, Timer.HOLD): token_.on_hold_timer,
    (State.OPERATIONAL, Timer.MERGE_DETECT): token_.on_merge_timer,
    (State.GATHER, Timer.JOIN): membership.on_join_timer,
    (State.GATHER, Timer.CONSENSUS): membership.on_consensus_timer,
    (State.COMMIT, Timer.TOKEN_LOSS): membership.on_commit_loss,
    (State.COMMIT, Timer.TOKEN_RETRANSMIT): membership.on_commit_retransmit,
    (State.RECOVERY, Timer.TOKEN_LOSS): recovery.on_token_loss,
    (State.RECOVERY, Timer.TOKEN_RETRANSMIT): recovery.on_retransmit_timer,
}


class Totem:
    """One member of a ring. See the module's docstring for the surface and the promises."""

    def __init__(
        self,
        node_id: int,
        address: str,
        settings: TotemSettings,
        *,
        ring_sequence: int = 0,
        boot: int = 0,
        addresses: Mapping[int, str] | None = None,
        limits: Limits | None = None,
    ) -> None:
        """``ring_sequence``: the highest one stored by an earlier life of this node.

        ``boot``: a number that no other life of this node has, 32 bits; see ``RingId``.
        ``addresses``: id to address of the nodes that are known; a Join that claims such an id
        from elsewhere is dropped. Other nodes' addresses are learned from their Joins.
        """
        assert 0 < node_id <= 0xFFFFFFFF, node_id
        self._machine = Machine(
            node_id,
            address,
            settings,
            ring_sequence=ring_sequence,
            boot=boot,
            addresses=addresses or {},
            limits=limits or Limits(),
        )

    # -- in

    def start(self, now: float) -> None:
        """Begin: a lone node forms its own ring at once and tells the others that it is here."""
        self._carry_out(ToGather("start"), now)

    def receive_datagram(self, data: bytes, source: str, now: float) -> None:
        """A datagram from ``source``. Anything that makes no sense is counted and dropped."""
        machine = self._machine
        if machine.left:
            return
        try:
            message = decode(data)
        except RemoteProtocolError:
            machine.drop()
            return
        self._carry_out(self._dispatch(message, source, now), now)

    def handle_timer(self, now: float) -> None:
        """``next_timer()`` has come: run what is due, the earliest first."""
        machine = self._machine
        due = sorted((when, timer) for timer, when in machine.timers.items() if when <= now)
        for when, timer in due:
            if machine.timers.get(timer) != when:
                continue  # an earlier one of this call has stopped or restarted it
            del machine.timers[timer]
            self._carry_out(TIMERS[machine.state, timer](machine, now), now)

    def multicast(self, payload: bytes, *, safe: bool, now: float) -> bool:
        """Queue a payload for everybody, this node included; False where the queue is full.

        It is kept through changes of the ring until it is delivered here, in any state.
        """
        machine = self._machine
        if machine.left or not machine.queue.put(payload, safe=safe):
            return False
        machine.payloads_sent += 1
        token_.queued(machine, now)
        self._check()
        return True

    def reform(self, now: float) -> None:
        """Form a new ring, of the same members where all answer; nothing while one is formed."""
        if self._machine.state is State.OPERATIONAL and not self._machine.left:
            self._carry_out(ToGather("asked to"), now)

    def reconfigure(self, settings: TotemSettings) -> None:
        """Other times and limits from now on; a datagram's size stays what it was."""
        self._machine.settings = replace(settings, netmtu=self._machine.settings.netmtu)

    def leave(self, now: float) -> None:
        """Tell the others that this node goes; nothing is sent or handled after this."""
        machine = self._machine
        if machine.left:
            return
        machine.left = True
        machine.failed.add(machine.node_id)
        farewell = membership.own_join(machine)
        for _ in range(2):  # it is worth seconds to the others, and may be lost
            machine.multicast(farewell)
            machine.counters.memb_join_tx += 1
        machine.timers.clear()

    # -- out

    def next_event(self) -> TotemEvent | None:
        """The next event, oldest first; None where there is none."""
        return self._machine.events.popleft() if self._machine.events else None

    def datagrams_to_send(self) -> list[tuple[str, bytes]]:
        """(destination, data) of all that is to be sent now, in order. Take the events first."""
        machine = self._machine
        taken, machine.outbox = machine.outbox, []
        return taken

    def next_timer(self) -> float | None:
        """When to call ``handle_timer``, as a time like ``now``; None for never."""
        return min(self._machine.timers.values(), default=None)

    # -- to look at

    @property
    def node_id(self) -> int:
        """This member."""
        return self._machine.node_id

    @property
    def state(self) -> State:
        """The state of the protocol."""
        return self._machine.state

    @property
    def ring_id(self) -> RingId:
        """The last ring that was installed; representative 0 before the first one."""
        return (self._machine.old or self._machine.ring).id

    @property
    def members(self) -> tuple[int, ...]:
        """Members of that ring, by id."""
        return (self._machine.old or self._machine.ring).members

    @property
    def counters(self) -> Counters:
        """Live counters."""
        return self._machine.counters

    @property
    def member_records(self) -> tuple[MemberRecord, ...]:
        """Every node that was ever a member of a ring with this one, by id."""
        return tuple(record for _, record in sorted(self._machine.records.items()))

    @property
    def token_at(self) -> float | None:
        """When the last token of this ring came; None before the first."""
        return self._machine.rotation.arrived_at

    @property
    def queue_length(self) -> int:
        """Payloads that have not been sent yet."""
        return len(self._machine.queue)

    @property
    def payloads(self) -> tuple[int, int]:
        """Payloads that this node has queued, and that were delivered to it, ever."""
        return self._machine.payloads_sent, self._machine.payloads_delivered

    def address_of(self, node_id: int) -> str | None:
        """The address of a node, where it is known."""
        return self._machine.addresses.get(node_id)

    # -- inside

    def _dispatch(self, message: Message, source: str, now: float) -> Shift | None:
        machine = self._machine
        state = machine.state
        match message:
            case Token():
                return TOKEN[state](machine, message, now)
            case CommitToken():
                if not self._is_predecessor(message, source):
                    machine.drop()
                    return None
                return COMMIT_TOKEN[state](machine, message, now)
            case Join():
                if message.sender == machine.node_id:
                    return None  # an echo of our own
                machine.counters.memb_join_rx += 1
                unlikely = message.ring_sequence > machine.highest_sequence + MAX_JUMP
                if unlikely or not self._learn_address(message.sender, source):
                    machine.drop()
                    return None
                return JOIN[state](machine, message, now)
            case Multicast() if message.sender != machine.node_id:
                return MULTICAST[state](machine, message, now)
            case Recovered() if message.sender != machine.node_id:
                return RECOVERED[state](machine, message, now)
            case MergeDetect() if message.sender != machine.node_id:
                return MERGE_DETECT[state](machine, message, now)
            case HoldCancel() if message.sender != machine.node_id:
                return HOLD_CANCEL[state](machine, message, now)
        return None

    def _is_predecessor(self, token: CommitToken, source: str) -> bool:
        """Whether a commit token comes from the member before this one.

        Two nodes of one id both propose rings; the one at another address must not be followed.
        """
        machine = self._machine
        if machine.node_id not in token.members:
            return False
        before = token.members[token.members.index(machine.node_id) - 1]
        return machine.addresses.get(before) == source

    def _learn_address(self, node_id: int, source: str) -> bool:
        machine = self._machine
        known = machine.addresses.get(node_id)
        if known is None and len(machine.addresses) >= 4 * machine.limits.members:
            return False  # a flood of ids: more than any cluster has had
        if known is not None and known != source:
            moved = node_id not in machine.fixed_addresses and node_id not in self.members
            if not moved:
                return False
        machine.addresses[node_id] = source
        return True

    def _carry_out(self, shift: Shift | None, now: float) -> None:
        machine = self._machine
        for _ in range(_MAX_SHIFTS):
            match shift:
                case None:
                    self._check()
                    return
                case ToGather():
                    shift = membership.enter_gather(machine, shift, now)
                case ToCommit():
                    shift = membership.enter_commit(machine, shift, now)
                case ToRecovery():
                    shift = recovery.enter_recovery(machine, shift, now)
                case ToOperational():
                    shift = recovery.enter_operational(machine, shift, now)
        raise AssertionError(f"no end of state changes: {shift}")

    def _check(self) -> None:
        machine = self._machine
        machine.ring.check_invariants()
        assert machine.left or machine.node_id not in machine.failed, machine.failed
        assert (machine.old is not None) == (machine.state is State.RECOVERY), machine.state
        assert (machine.recovery is not None) == (machine.state is State.RECOVERY), machine.state
        assert machine.held is None or machine.state is State.OPERATIONAL, machine.state
