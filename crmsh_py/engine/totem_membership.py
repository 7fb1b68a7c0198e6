"""Forming a membership: the states GATHER and COMMIT.

GATHER (paper, section 4.1). Every node multicasts a Join with the nodes that it knows
(``processors``) and those of them that it takes for failed. Both sets only grow while nodes
gather. A node has agreed when it has announced the same two sets. When all that are not failed
have agreed, the one with the lowest id proposes the ring. Who has not agreed when the consensus
time is over, is failed. A node that is alone agrees with itself at once.

COMMIT (section 4.2). The proposal, a commit token, goes round twice: first every member writes
down what it brings from its old ring, then everybody reads what all have written.

Beyond the paper:
- A Join is taken as agreement also when it *makes* this node's sets equal to its own.
- A node that leaves stands in its own ``failed`` set; the others fail it without waiting.
- A Join that calls this node failed makes it fail nobody: in the paper both sides drop each other
  at once, and then rings of few nodes chase each other at the speed of the network. Here only
  time, and leaving, makes a ring smaller.
- A member that commits gives up at once when another member's Join shows that it has learned of
  more nodes meanwhile and so will not take the commit token. (Else all would wait for the loss
  of the token: seconds.)
"""

from __future__ import annotations

from crmsh_py.engine.totem_estranged import left_alone
from crmsh_py.engine.totem_machine import (
    Machine,
    Shift,
    Timer,
    ToCommit,
    ToGather,
    ToRecovery,
)
from crmsh_py.engine.totem_values import (
    MAX_JUMP,
    RING_STEP,
    Reported,
    RingSequenceChanged,
    State,
)
from crmsh_py.wire.datagram import (
    CommitEntry,
    CommitToken,
    Join,
    MergeDetect,
    Multicast,
    Recovered,
    RingId,
)

_GATHERS_BEFORE_WARNING = 3  # Corosync's MAX_NO_CONT_GATHER
_MOST_PATIENCE = 3  # token times that a proposal may need beyond the first


# ---- GATHER -------------------------------------------------------------------------------------


def enter_gather(machine: Machine, shift: ToGather, now: float) -> Shift | None:
    """Begin to gather, or begin anew because the sets have grown."""
    if machine.old is not None:  # the new ring did not come about: go on from the old one
        machine.ring, machine.old = machine.old, None
    machine.recovery = None
    machine.held = None
    machine.last_token = None
    if machine.state is not State.GATHER:
        machine.counters.continuous_gather += 1
        machine.emit(Reported(level="debug", text=f"entering GATHER state: {shift.cause}."))
    machine.counters.gather_entered += 1
    blocked = machine.counters.continuous_gather > _GATHERS_BEFORE_WARNING
    machine.counters.firewall_enabled_or_nic_failure = int(blocked)
    machine.state = State.GATHER
    machine.agreed = {machine.node_id}
    machine.join_sequences = {machine.node_id: machine.highest_sequence}
    machine.timers.clear()
    machine.arm(Timer.CONSENSUS, now, machine.settings.consensus_ms)
    send_join(machine, now)
    if shift.join is not None and _says_the_same(machine, shift.join):
        return _agree(machine, shift.join)
    return propose(machine)


def _says_the_same(machine: Machine, join: Join) -> bool:
    return machine.processors == set(join.processors) and machine.failed == set(join.failed)


def send_join(machine: Machine, now: float) -> None:
    """Say whom we know, now and again until a ring is formed."""
    machine.multicast(own_join(machine))
    machine.counters.memb_join_tx += 1
    machine.arm(Timer.JOIN, now, machine.settings.join_ms)


def own_join(machine: Machine) -> Join:
    """This node's Join."""
    return Join(
        sender=machine.node_id,
        processors=tuple(sorted(machine.processors)),
        failed=tuple(sorted(machine.failed)),
        ring_sequence=machine.highest_sequence,
    )


def propose(machine: Machine) -> Shift | None:
    """The lowest node proposes the ring as soon as everybody has agreed."""
    members = machine.agreed_members()
    if members[0] != machine.node_id or not machine.agreed.issuperset(members):
        return None
    known = max(machine.join_sequences[member] for member in members)
    # Sequences are multiples of the step, whatever a disk or a peer says.
    sequence = (max(known, machine.highest_sequence) // RING_STEP + 1) * RING_STEP
    ring = RingId(sequence, machine.node_id, machine.boot)
    return ToCommit(CommitToken(ring=ring, rotation=0, members=members, entries=()))


def on_join_gather(machine: Machine, join: Join, now: float) -> Shift | None:
    """A Join in GATHER: agreement, news, or nothing."""
    sender = join.sender
    if sender in join.failed:
        return _on_leave(machine, join)
    machine.heard[sender] = True
    if _says_the_same(machine, join):
        return _agree(machine, join)
    if machine.processors.issuperset(join.processors) and machine.failed.issuperset(join.failed):
        return None  # said before it heard of the others
    if sender in machine.failed or machine.node_id in join.failed:
        return None
    if _stranger_fails_a_mate(machine, join) or not merge(machine, join):
        return None
    return ToGather("join", join)


def _stranger_fails_a_mate(machine: Machine, join: Join) -> bool:
    """Whether two that do not hear each other have to be chosen between, and the choice is made.

    The larger part, if it was one ring, keeps whom it had and hears, and not who has just come.
    """
    mates = machine.ring.members
    return (
        join.sender not in mates
        and 2 * len(mates) > len(machine.processors)
        and any(machine.heard.get(node) for node in set(join.failed).intersection(mates))
    )


def _agree(machine: Machine, join: Join) -> Shift | None:
    machine.agreed.add(join.sender)
    machine.join_sequences[join.sender] = join.ring_sequence
    return propose(machine)


def merge(machine: Machine, join: Join) -> bool:
    """Take over what a Join knows; False where it would be too much."""
    processors = machine.processors.union(join.processors, (join.sender,))
    if len(processors) > machine.limits.members:
        machine.drop()
        return False
    machine.processors = processors
    if machine.node_id not in join.failed:
        machine.failed.update(set(join.failed) & processors)
    return True


def _on_leave(machine: Machine, join: Join) -> Shift | None:
    """The sender leaves: fail it now, without waiting for its silence."""
    sender = join.sender
    if sender not in machine.processors or sender in machine.failed:
        return None
    machine.announced_leave.add(sender)
    machine.failed.add(sender)
    return ToGather("leave")


def on_foreign_gather(
    machine: Machine, message: Multicast | Recovered | MergeDetect, now: float
) -> Shift | None:
    """In GATHER: data of our own ring is kept; a stranger is invited."""
    if message.ring == machine.ring.id:
        if isinstance(message, Multicast) and message.sender in machine.ring.members:
            machine.counters.mcast_rx += 1
            machine.ring.receive(message)
        return None
    if message.ring in machine.past_rings:
        return None
    machine.heard.setdefault(message.sender, False)
    if message.sender in machine.processors:
        return None
    if len(machine.processors) >= machine.limits.members:
        machine.drop()
        return None
    machine.processors.add(message.sender)
    return ToGather("foreign")


def on_commit_token_gather(machine: Machine, token: CommitToken, now: float) -> Shift | None:
    """The proposal that this node waits for; anything else is not for it."""
    position = len(token.entries)
    if (
        token.rotation != 0
        or token.members != machine.agreed_members()
        or not 0 < token.ring.sequence - machine.highest_sequence <= MAX_JUMP + RING_STEP
        or token.ring.representative != token.members[0]
        or position != token.members.index(machine.node_id)
    ):
        return None
    machine.counters.memb_commit_token_rx += 1
    return ToCommit(token)


def on_join_timer(machine: Machine, now: float) -> Shift | None:
    """Say it again: datagrams get lost."""
    send_join(machine, now)
    return None


def on_consensus_timer(machine: Machine, now: float) -> Shift | None:
    """Who has not agreed has failed; or, where all have, the proposer failed to propose."""
    machine.counters.consensus_timeouts += 1
    silent = set(machine.agreed_members()) - machine.agreed
    machine.failed |= silent
    return ToGather("consensus timeout" if silent else "no commit token")


# ---- Join in the other states -------------------------------------------------------------------


def on_join_operational(machine: Machine, join: Join, now: float) -> Shift | None:
    """Any Join that is not an old one starts a new membership.

    A member's Join from before this ring is old, unless it knows nobody but itself: then it has
    started anew, without its disk. A stranger's word that one of our members has failed must not
    break a ring that works: else three nodes can chase each other through rings of two for ever.
    The stranger gives up its gathering in consensus time, and its next ring asks again.
    """
    stale = join.ring_sequence < machine.ring.id.sequence and join.processors != (join.sender,)
    member = join.sender in machine.ring.members
    if stale and member:
        return None
    if not member and not set(join.failed).isdisjoint(machine.ring.members):
        return None
    if left_alone(machine, join.sender, join, now):
        return None
    if join.sender in join.failed:
        return _on_leave(machine, join)
    machine.heard[join.sender] = True
    return ToGather("join", join) if merge(machine, join) else None


def on_join_commit(machine: Machine, join: Join, now: float) -> Shift | None:
    """In COMMIT and RECOVERY only a member can stop the new ring, and only with news."""
    if join.sender not in machine.agreed_members():
        return None  # it repeats its Join; the ring that is being formed will hear it
    news = not (
        machine.processors.issuperset(join.processors) and machine.failed.issuperset(join.failed)
    )
    if not news and join.ring_sequence < machine.highest_sequence:
        return None
    if join.sender in join.failed:
        return _on_leave(machine, join)
    return ToGather("join while forming a ring", join) if merge(machine, join) else None


# ---- COMMIT -------------------------------------------------------------------------------------


def enter_commit(machine: Machine, shift: ToCommit, now: float) -> Shift | None:
    """Add this node's entry and pass the proposal on."""
    token = shift.token
    assert machine.state is State.GATHER, machine.state
    machine.counters.commit_entered += 1
    machine.state = State.COMMIT
    machine.highest_sequence = token.ring.sequence
    machine.emit(RingSequenceChanged(sequence=token.ring.sequence))
    entry = CommitEntry(
        machine.ring.id,
        machine.ring.aru,
        machine.ring.delivered,
        tuple(sorted(machine.owed)),
    )
    filled = CommitToken(
        ring=token.ring,
        rotation=0,
        members=token.members,
        entries=(*token.entries, entry),
    )
    machine.timers.clear()
    if len(token.members) == 1:
        return ToRecovery(filled)
    pass_commit_token(machine, filled, now)
    return None


def pass_commit_token(machine: Machine, token: CommitToken, now: float) -> None:
    """To the next member of the ring to be."""
    position = token.members.index(machine.node_id)
    machine.last_token = token
    machine.counters.memb_commit_token_tx += 1
    machine.send(token.members[(position + 1) % len(token.members)], token)
    machine.arm(Timer.TOKEN_RETRANSMIT, now, machine.settings.token_retransmit_ms)
    again = machine.lost_proposals if token.members == machine.lost_members else 0
    machine.arm(Timer.TOKEN_LOSS, now, machine.settings.token_ms * (1 + again))


def on_commit_token_commit(machine: Machine, token: CommitToken, now: float) -> Shift | None:
    """The token comes round: everybody has written, or, for the others, now everybody reads."""
    mine = machine.last_token
    assert isinstance(mine, CommitToken), "passed on when COMMIT was entered"
    first = token.members[:1] == (machine.node_id,)
    if (
        token.ring != mine.ring
        or token.members != mine.members
        or len(token.entries) != len(token.members)
        or token.rotation != (0 if first else 1)
        or token.entries[: len(mine.entries)] != mine.entries
    ):
        return None
    machine.counters.memb_commit_token_rx += 1
    return ToRecovery(token)


def on_commit_retransmit(machine: Machine, now: float) -> Shift | None:
    """The commit token, or its successor, may be lost."""
    token = machine.last_token
    if isinstance(token, CommitToken):
        pass_again(machine, token, now)
    return None


def pass_again(machine: Machine, token: CommitToken, now: float) -> None:
    """Send the same commit token once more, without touching the clock of its loss."""
    position = token.members.index(machine.node_id)
    machine.counters.memb_commit_token_tx += 1
    machine.send(token.members[(position + 1) % len(token.members)], token)
    machine.arm(Timer.TOKEN_RETRANSMIT, now, machine.settings.token_retransmit_ms)


def on_commit_loss(machine: Machine, now: float) -> Shift | None:
    """The proposal got lost, or its proposer; or a member's disk is slow.

    A member passes it on when it has stored the ring's number. One that needs longer for that
    than the token time, but answers within the consensus time, would be waited for in vain for
    ever: so the same members have more time for the next proposal.
    """
    machine.counters.commit_token_lost += 1
    members = machine.agreed_members()
    again = machine.lost_proposals if members == machine.lost_members else 0
    machine.lost_members, machine.lost_proposals = members, min(again + 1, _MOST_PATIENCE)
    return ToGather("commit token lost")


def on_multicast_commit(machine: Machine, message: Multicast, now: float) -> Shift | None:
    """Late data of the old ring; it is kept and handed on in the recovery."""
    if message.ring == machine.ring.id and message.sender in machine.ring.members:
        machine.counters.mcast_rx += 1
        machine.ring.receive(message)
    return None
