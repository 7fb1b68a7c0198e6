"""RECOVERY: all members of the new ring get what is left of their old rings' messages.

Theory (paper, section 4.3, and extended virtual synchrony: Moser, Amir, Melliar-Smith, Agarwal
1994). The survivors of an old ring, those who come from it together, send every message of it that
one of them may lack again on the new ring, wrapped as ``Recovered``. The token says who still has
some to send (``recovering``) and the number of the last one (``recovered``). When nobody has sent
for a whole rotation and everybody has everything, all survivors have the same old messages. Each
then delivers, by rules that depend on nothing else than these messages and the commit token:

1. in the old ring: all messages in order up to the first gap, or the first safe message of which
   nobody can know any more that all of the old ring had it;
2. in a transitional configuration of the survivors: the rest, except that behind a gap only those
   of senders in ``owed`` count, for a message of another might depend on one that is lost;
3. then the new ring begins.

Where we are stricter than the paper:
- A member in RECOVERY lets the aru cover recovered messages only. So a safe message of the new
  ring is not called safe before all of its members have installed that ring.
- ``owed`` is written into the commit token. What an earlier recovery, that broke off, may have
  delivered elsewhere is delivered here too.
"""

from __future__ import annotations

from crmsh_py.engine import totem_estranged as estranged
from crmsh_py.engine import totem_token as regular
from crmsh_py.engine.totem_machine import (
    Machine,
    Recovery,
    Rotation,
    Shift,
    Timer,
    ToGather,
    ToOperational,
    ToRecovery,
)
from crmsh_py.engine.totem_membership import pass_again, pass_commit_token
from crmsh_py.engine.totem_ring import Ring
from crmsh_py.engine.totem_values import (
    ConfigurationChanged,
    ConfigurationKind,
    MemberRecord,
    Reported,
    State,
)
from crmsh_py.wire.datagram import CommitToken, Multicast, Recovered, RingId, Token

_QUIET_VISITS = 3  # paper: two to fix the last message, one more for everybody to confirm it
_SETTLED_VISITS = 2


def enter_recovery(machine: Machine, shift: ToRecovery, now: float) -> Shift | None:
    """Start the new ring, with the old one's messages to be sent again."""
    token = shift.token
    assert machine.state is State.COMMIT, machine.state
    machine.counters.recovery_entered += 1
    machine.state = State.RECOVERY
    entries = dict(zip(token.members, token.entries, strict=True))
    old = machine.ring
    survivors = (
        tuple(member for member in token.members if entries[member].old_ring == old.id)
        if old.id.representative
        else (machine.node_id,)  # a node that just started has no ring to share
    )
    least = min(entries[member].aru for member in survivors)
    owed = frozenset(survivors).union(*(entries[member].owed for member in survivors))
    held = [each for each in old.held_above(least) if isinstance(each, Multicast)]
    machine.recovery = Recovery(
        token=token,
        survivors=survivors,
        entries=entries,
        to_send={each.sequence: each for each in held} if len(survivors) > 1 else {},
        owed=owed,
    )
    machine.old = old
    machine.ring = Ring(token.ring, token.members)
    machine.rotation = Rotation()
    if machine.alone:
        return ToOperational()
    second = CommitToken(ring=token.ring, rotation=1, members=token.members, entries=token.entries)
    pass_commit_token(machine, second, now)
    return None


def on_commit_token(machine: Machine, token: CommitToken, now: float) -> Shift | None:
    """The representative sees that everybody has read the commit token: the ring turns."""
    recovery = machine.recovery
    assert recovery is not None, "set when RECOVERY was entered"
    if (
        not machine.is_representative
        or recovery.first_token_sent
        or token.ring != machine.ring.id
        or token.rotation != 1
    ):
        return None
    machine.counters.memb_commit_token_rx += 1
    recovery.first_token_sent = True
    machine.counters.orf_token_tx += 1  # Corosync counts the tokens that a node makes
    return on_token(machine, first_token(machine.ring.id), now)


def first_token(ring: RingId) -> Token:
    """The token of a new ring, before anybody has had it."""
    return Token(
        ring=ring,
        hop=0,
        sequence=0,
        aru=0,
        aru_holder=0,
        window=0,
        backlog=0,
        recovering=False,
        recovered=0,
        requests=(),
    )


def on_token(machine: Machine, token: Token, now: float) -> Shift | None:
    """A token in RECOVERY: send old messages; see whether all is everywhere."""
    recovery = machine.recovery
    assert recovery is not None, "set when RECOVERY was entered"
    if not regular.accept(machine, token, now):
        return None
    visit = regular.Visit.of(token)
    machine.ring.mark_safe(min(machine.rotation.departed_aru, visit.arrived_aru))
    regular.begin(machine, visit)
    _send_old(machine, recovery, visit)
    regular.finish(machine, visit, aru_limit=visit.recovered)
    if recovery.to_send:
        recovery.flagged = recovery.flagged or not visit.recovering
        visit.recovering = True
    elif recovery.flagged:
        recovery.flagged = visit.recovering = False
    recovery.quiet = 0 if visit.recovering else recovery.quiet + 1
    if recovery.quiet >= 2 and machine.ring.aru >= visit.recovered:
        machine.owed = recovery.owed
    covered = visit.arrived_aru >= visit.recovered and machine.ring.aru >= visit.recovered
    recovery.settled = recovery.settled + 1 if recovery.quiet >= 2 and covered else 0
    regular.pass_on(machine, regular.leave(machine, visit, token), now)
    if recovery.quiet >= _QUIET_VISITS and recovery.settled >= _SETTLED_VISITS:
        return ToOperational()
    return regular.deaf(machine, visit)


def _send_old(machine: Machine, recovery: Recovery, visit: regular.Visit) -> None:
    allowed = regular.allowance(machine, visit, len(recovery.to_send))
    while recovery.to_send and visit.sent < allowed:
        visit.sequence += 1
        visit.recovered = visit.sequence
        message = Recovered(
            ring=machine.ring.id,
            sequence=visit.sequence,
            sender=machine.node_id,
            message=recovery.to_send.pop(next(iter(recovery.to_send))),
        )
        regular.send(machine, visit, message)


def on_recovered(machine: Machine, message: Recovered, now: float) -> Shift | None:
    """An old message on the new ring; if it is of our old ring, it is ours too."""
    recovery, old = machine.recovery, machine.old
    assert recovery is not None, "set when RECOVERY was entered"
    assert old is not None, "kept until the new ring is installed"
    inner = message.message
    if message.ring != machine.ring.id or not regular.receive(machine, message):
        return None
    shares = message.sender in recovery.survivors
    if shares and inner.ring == old.id and inner.sender in old.members:
        old.receive(inner)
        recovery.to_send.pop(inner.sequence, None)  # somebody has sent it: that is enough
    return None


def on_multicast(machine: Machine, message: Multicast, now: float) -> Shift | None:
    """Data of the new ring from a member that has installed it already: kept.

    Late data of the old ring is not: the others count on what the commit token said.
    """
    if message.ring == machine.ring.id:
        regular.receive(machine, message)
    return None


def on_retransmit_timer(machine: Machine, now: float) -> Shift | None:
    """The last token that was passed on may be lost, be it of the old kind or the new."""
    if isinstance(machine.last_token, CommitToken):
        pass_again(machine, machine.last_token, now)
        return None
    return regular.on_retransmit_timer(machine, now)


def on_token_loss(machine: Machine, now: float) -> Shift | None:
    """The new ring broke before it was whole."""
    machine.counters.recovery_token_lost += 1
    return ToGather("token lost in recovery")


# ---- installing the new ring --------------------------------------------------------------------


def enter_operational(machine: Machine, shift: ToOperational, now: float) -> Shift | None:
    """Deliver what is left of the old ring, then begin the new one."""
    recovery, old = machine.recovery, machine.old
    assert recovery is not None, "set when RECOVERY was entered"
    assert old is not None, "kept until the new ring is installed"
    machine.state = State.OPERATIONAL
    machine.counters.operational_entered += 1
    machine.counters.continuous_gather = 0
    machine.counters.firewall_enabled_or_nic_failure = 0
    _deliver_old(machine, old, recovery)
    machine.assembler.reset()
    machine.queue.restart()
    joined = tuple(each for each in machine.ring.members if each not in recovery.survivors)
    left = tuple(each for each in old.members if each not in recovery.survivors)
    if not old.id.representative:  # the first ring: this node itself joins it
        joined, left = machine.ring.members, ()
    _record(machine)
    _report_silent(machine, left)
    machine.emit(
        ConfigurationChanged(
            kind=ConfigurationKind.REGULAR,
            ring=machine.ring.id,
            members=machine.ring.members,
            joined=joined,
            left=left,
            departed=tuple(each for each in left if each in machine.announced_leave),
        )
    )
    if old.id.representative:
        machine.past_rings.append(old.id)
    estranged.lost(machine, old.members != machine.ring.members, now)
    machine.heard = {}
    machine.old = None
    machine.recovery = None
    machine.owed = frozenset()
    machine.lost_members = ()
    machine.processors = set(machine.ring.members)
    machine.failed = set()
    machine.announced_leave = set()
    if machine.is_representative:
        machine.arm(Timer.MERGE_DETECT, now, machine.settings.merge_ms)
    regular.deliver(machine)
    if machine.alone:
        # It makes its token itself, and sends what has been queued meanwhile.
        machine.counters.orf_token_tx += 1
        machine.held = first_token(machine.ring.id)
        regular.release(machine, now)
    return None


def _deliver_old(machine: Machine, old: Ring, recovery: Recovery) -> None:
    """Rules 1 and 2 of the theory."""
    known_safe = max(recovery.entries[each].delivered for each in recovery.survivors)
    number = old.delivered + 1
    while isinstance(message := old.messages.get(number), Multicast | Recovered):
        if isinstance(message, Multicast):
            if message.safe and number > known_safe:
                break
            machine.deliver(message)
        number += 1
    machine.emit(
        ConfigurationChanged(
            kind=ConfigurationKind.TRANSITIONAL,
            ring=old.id,
            members=recovery.survivors,
        )
    )
    gap = False
    for rest in sorted(each for each in old.messages if each >= number):
        gap = gap or rest != number
        message = old.messages[rest]
        if isinstance(message, Multicast) and (not gap or message.sender in recovery.owed):
            machine.deliver(message)
        number = rest + 1


def _record(machine: Machine) -> None:
    """Keep the books of runtime.totem.pg.mrp.srp.members.*."""
    for member in machine.ring.members:
        record = machine.records.get(member)
        if record is None:
            record = machine.records[member] = MemberRecord(member, "")
        record.address = machine.addresses.get(member, "")
        if not record.joined:
            record.joined = True
            record.join_count += 1
    for member, record in machine.records.items():
        if member not in machine.ring.members:
            record.joined = False


def _report_silent(machine: Machine, left: tuple[int, ...]) -> None:
    """Name those that went without a word."""
    silent = [each for each in left if each not in machine.announced_leave]
    if silent:
        names = " ".join(str(each) for each in silent)
        text = f"Failed to receive the leave message. failed: {names}"
        machine.emit(Reported(level="notice", text=text))
