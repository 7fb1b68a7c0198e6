"""The regular token: sending, asking again, knowing what is safe, passing on, holding.

Rules of a visit (paper, section 3.1), in their order, each here as a function:
1. Messages that others miss and this node has are sent again; every second time that is left to
   the next node, for this one's way to who misses it may be broken for good.
2. New messages are sent, as many as flow control allows: ``max_messages`` a visit,
   ``window_size`` a rotation, and a fair part of it when several nodes have much to say.
3. The token's ``aru`` falls to this node's, and rises again only by the node that lowered it. A
   message that the aru covers at two visits in a row is safe: every node between had it.
4. What this node misses is asked for, but only if it was already under way at the last visit:
   on a real network the token often overtakes messages.
5. The token goes to the successor, and is sent again until a later one is seen. When nothing was
   sent for ``seqno_unchanged_const`` visits, the representative holds it for ``hold`` ms.
6. A member that receives tokens but no data, so that the aru does not rise for ``fail_recv_const``
   visits, is failed by the others.

A lone node needs no datagrams: it pays itself visits while it has something to send.
"""

from __future__ import annotations

from dataclasses import dataclass

from crmsh_py.engine.totem_estranged import left_alone
from crmsh_py.engine.totem_machine import Machine, Shift, Timer, ToGather
from crmsh_py.engine.totem_values import MAX_AHEAD, Reported, State
from crmsh_py.wire.datagram import (
    MAX_REQUESTS,
    HoldCancel,
    MergeDetect,
    Multicast,
    Recovered,
    Token,
)

_MTT_WEIGHT = 8  # the mean time between tokens forgets at 1/8 a visit


@dataclass(slots=True)
class Visit:
    """The token while this node has it."""

    sequence: int
    aru: int
    aru_holder: int
    window: int
    backlog: int
    recovering: bool
    recovered: int
    requests: list[int]
    arrived_aru: int
    sent: int = 0

    @classmethod
    def of(cls, token: Token) -> Visit:
        """The token as it came."""
        return cls(
            token.sequence,
            token.aru,
            token.aru_holder,
            token.window,
            token.backlog,
            token.recovering,
            token.recovered,
            list(token.requests),
            token.aru,
        )


# ---- handlers -----------------------------------------------------------------------------------


def on_token(machine: Machine, token: Token, now: float) -> Shift | None:
    """A token in OPERATIONAL."""
    if machine.held is not None:  # there is one token, and it is here
        machine.drop()
        return None
    if not accept(machine, token, now):
        return None
    visit = _visit(machine, token, now, travelled=True)
    return deaf(machine, visit)


def deaf(machine: Machine, visit: Visit) -> Shift | None:
    """Rule 6, asked after every visit."""
    if machine.rotation.stuck <= machine.settings.fail_recv_const:
        return None
    if visit.aru_holder == machine.node_id:
        return None  # the others will see it too
    machine.failed.add(visit.aru_holder)
    machine.emit(Reported(level="error", text=f"FAILED TO RECEIVE: node {visit.aru_holder}"))
    return ToGather("failed to receive")


def _visit(machine: Machine, token: Token, now: float, *, travelled: bool) -> Visit:
    """All rules in order. A token that was held here, not sent round, proves nothing new."""
    visit = Visit.of(token)
    if travelled or machine.alone:
        machine.ring.mark_safe(min(machine.rotation.departed_aru, visit.arrived_aru))
    begin(machine, visit)
    send_new(machine, visit)
    finish(machine, visit)
    deliver(machine)
    _pass_on_or_hold(machine, leave(machine, visit, token), now, may_hold=travelled)
    return visit


def on_multicast(machine: Machine, message: Multicast, now: float) -> Shift | None:
    """Data in OPERATIONAL: ours, or a sign of another ring."""
    if message.ring == machine.ring.id:
        receive(machine, message)
        deliver(machine)
        return None
    return foreign(machine, message, now)


def on_recovered(machine: Machine, message: Recovered, now: float) -> Shift | None:
    """A recovery message that comes late; it fills its place in the order."""
    if message.ring == machine.ring.id:
        receive(machine, message)
        deliver(machine)
        return None
    return foreign(machine, message, now)


def on_merge_detect(machine: Machine, message: MergeDetect, now: float) -> Shift | None:
    """Another ring says that it exists."""
    machine.counters.memb_merge_detect_rx += 1
    if message.ring == machine.ring.id:
        return None
    return foreign(machine, message, now)


def foreign(
    machine: Machine, message: Multicast | Recovered | MergeDetect, now: float
) -> Shift | None:
    """A message of a ring that is not ours: its sender should be in our ring.

    Not so for strays of our own past, and for members: these are on their way here or away from
    here, and their Joins say which.
    """
    sender = message.sender
    if sender in machine.ring.members or message.ring in machine.past_rings:
        return None
    if left_alone(machine, sender, None, now):
        return None
    if len(machine.processors) >= machine.limits.members:
        machine.drop()
        return None
    machine.processors.add(sender)
    machine.heard.setdefault(sender, False)
    return ToGather("foreign")


def on_hold_cancel(machine: Machine, message: HoldCancel, now: float) -> Shift | None:
    """Somebody waits for the token."""
    if message.ring != machine.ring.id or message.sender not in machine.ring.members:
        return None
    machine.counters.token_hold_cancel_rx += 1
    machine.rotation.unchanged = 0
    release(machine, now)
    return None


def on_hold_timer(machine: Machine, now: float) -> Shift | None:
    """An idle token was held long enough."""
    release(machine, now)
    return None


def on_token_loss(machine: Machine, now: float) -> Shift | None:
    """No token for too long in OPERATIONAL."""
    machine.counters.operational_token_lost += 1
    machine.emit(Reported(level="notice", text="A processor failed, forming new configuration."))
    return ToGather("token lost")


def on_retransmit_timer(machine: Machine, now: float) -> Shift | None:
    """Nothing came after the token that we passed on: send it again.

    Or it is held for longer than we wait: the holder's corosync.conf may have a token time that
    is many times ours. It must not hold it until it counts as lost here.
    """
    token = machine.last_token
    assert token is not None, "the timer runs only after a token was sent"
    target = machine.ring.successor(machine.node_id)
    machine.send(target, token)
    if machine.state is State.OPERATIONAL and _may_be_held(machine):
        _cancel_hold(machine)
    machine.arm(Timer.TOKEN_RETRANSMIT, now, machine.settings.token_retransmit_ms)
    return None


def on_merge_timer(machine: Machine, now: float) -> Shift | None:
    """Say that this ring exists, so that others can join it."""
    machine.multicast(MergeDetect(ring=machine.ring.id, sender=machine.node_id))
    machine.counters.memb_merge_detect_tx += 1
    machine.arm(Timer.MERGE_DETECT, now, machine.settings.merge_ms)
    return None


def queued(machine: Machine, now: float) -> None:
    """The application has queued a payload: get the token here soon."""
    if machine.state is not State.OPERATIONAL:
        return
    if machine.held is not None:
        release(machine, now)
    elif _may_be_held(machine):
        # Asked once a rotation: if this is lost, the token comes by itself when its hold time
        # is over.
        machine.rotation.unchanged = 0
        _cancel_hold(machine)


def _may_be_held(machine: Machine) -> bool:
    """The ring is idle: the representative may be holding the token."""
    return machine.rotation.unchanged >= machine.settings.seqno_unchanged_const - 1


def _cancel_hold(machine: Machine) -> None:
    machine.multicast(HoldCancel(ring=machine.ring.id, sender=machine.node_id))
    machine.counters.token_hold_cancel_tx += 1


# ---- the steps of a visit -----------------------------------------------------------------------


def accept(machine: Machine, token: Token, now: float) -> bool:
    """Whether this token is ours and new; if so the clocks of the last one stop."""
    rotation = machine.rotation
    if token.ring != machine.ring.id or token.hop <= rotation.hop:
        return False  # an old one, or one that was sent twice: that is what the hop is for
    if token.aru > token.sequence or token.sequence > machine.ring.aru + 2 * MAX_AHEAD:
        machine.drop()
        return False
    machine.counters.orf_token_rx += 1
    rotation.hop = token.hop
    if rotation.arrived_at is not None:
        interval = (now - rotation.arrived_at) * 1000
        mean = machine.counters.mtt_rx_token
        machine.counters.mtt_rx_token = round(mean + (interval - mean) / _MTT_WEIGHT)
    rotation.arrived_at = now
    machine.cancel(Timer.TOKEN_RETRANSMIT)
    machine.arm(Timer.TOKEN_LOSS, now, machine.settings.token_ms)
    return True


def begin(machine: Machine, visit: Visit) -> None:
    """Rule 1."""
    ring = machine.ring
    ring.high = max(ring.high, visit.sequence)
    still_missed = []
    for number in visit.requests:
        message = ring.asked(number)
        if message is None:
            still_missed.append(number)
        else:
            machine.multicast(message)
            machine.counters.mcast_retx += 1
    visit.requests = [
        number for number in still_missed if visit.arrived_aru < number <= visit.sequence
    ]


def allowance(machine: Machine, visit: Visit, backlog: int) -> int:
    """Rule 2: how many messages may be sent now."""
    settings = machine.settings
    others = max(0, visit.window - machine.rotation.sent)
    visit.backlog = max(0, visit.backlog - machine.rotation.backlog) + backlog
    machine.rotation.backlog = backlog
    fair = max(1, settings.window_size * backlog // max(1, visit.backlog))
    ahead = MAX_AHEAD - (visit.sequence - visit.arrived_aru)
    return max(0, min(settings.max_messages, settings.window_size - others, fair, ahead))


def send_new(machine: Machine, visit: Visit) -> None:
    """Rule 2 for the application's payloads."""
    backlog = machine.queue.backlog
    allowed = allowance(machine, visit, backlog)
    while visit.sent < allowed and (cut := machine.queue.cut()) is not None:
        visit.sequence += 1
        message = Multicast(
            ring=machine.ring.id,
            sequence=visit.sequence,
            sender=machine.node_id,
            safe=cut.safe,
            continues=cut.continues,
            unfinished=cut.unfinished,
            chunks=cut.chunks,
        )
        send(machine, visit, message)


def send(machine: Machine, visit: Visit, message: Multicast | Recovered) -> None:
    """Give a numbered message to everybody, this node included."""
    machine.ring.receive(message)
    visit.sent += 1
    machine.counters.mcast_tx += 1
    if not machine.alone:
        machine.multicast(message)


def finish(machine: Machine, visit: Visit, aru_limit: int | None = None) -> None:
    """Rules 3 and 4. ``aru_limit``: this node speaks for no message above it (recovery)."""
    ring, rotation = machine.ring, machine.rotation
    own_aru = ring.aru if aru_limit is None else min(ring.aru, aru_limit)
    if own_aru < visit.aru or visit.aru_holder in (machine.node_id, 0):
        visit.aru = own_aru
        visit.aru_holder = 0 if own_aru == visit.sequence else machine.node_id
    visit.window = max(0, visit.window - rotation.sent) + visit.sent
    rotation.sent = visit.sent
    asked = set(visit.requests)
    room = MAX_REQUESTS - len(visit.requests)
    known = min(rotation.departed_sequence, visit.sequence)
    for number in ring.missing(known, room):
        if number not in asked:
            visit.requests.append(number)
    del visit.requests[MAX_REQUESTS:]


def leave(machine: Machine, visit: Visit, token: Token) -> Token:
    """The token for the successor; this node remembers how it went."""
    rotation = machine.rotation
    idle = visit.sequence == rotation.departed_sequence and not visit.requests
    rotation.unchanged = rotation.unchanged + 1 if idle else 0
    stuck = visit.aru == rotation.departed_aru and visit.aru_holder != 0
    rotation.stuck = rotation.stuck + 1 if stuck else 0
    rotation.departed_sequence = visit.sequence
    rotation.departed_aru = visit.aru
    machine.counters.avg_backlog_calc = visit.backlog
    return Token(
        ring=token.ring,
        hop=token.hop + 1,
        sequence=visit.sequence,
        aru=visit.aru,
        aru_holder=visit.aru_holder,
        window=visit.window,
        backlog=visit.backlog,
        recovering=visit.recovering,
        recovered=visit.recovered,
        requests=tuple(visit.requests),
    )


def pass_on(machine: Machine, token: Token, now: float) -> None:
    """Rule 5: to the successor."""
    machine.held = None
    machine.cancel(Timer.HOLD)
    machine.last_token = token
    machine.send(machine.ring.successor(machine.node_id), token)
    machine.arm(Timer.TOKEN_RETRANSMIT, now, machine.settings.token_retransmit_ms)
    machine.arm(Timer.TOKEN_LOSS, now, machine.settings.token_ms)


def _pass_on_or_hold(machine: Machine, token: Token, now: float, *, may_hold: bool) -> None:
    """Rule 5: pass on, hold an idle token, or, alone, keep it."""
    idle = (
        may_hold  # one that was just released must go round
        and machine.rotation.unchanged > machine.settings.seqno_unchanged_const
        and token.aru == token.sequence
        and not len(machine.queue)
    )
    if machine.alone or (idle and machine.is_representative):
        machine.held = token
        machine.cancel(Timer.TOKEN_LOSS, Timer.TOKEN_RETRANSMIT)
        machine.arm(Timer.HOLD, now, machine.settings.hold_ms)
    else:
        pass_on(machine, token, now)


def release(machine: Machine, now: float) -> None:
    """Use a held token for a visit now; a lone node goes on until all is sent and delivered."""
    token = machine.held
    if token is None:
        return
    machine.held = None
    machine.cancel(Timer.HOLD)
    for _ in range(_MOST_VISITS):
        machine.counters.orf_token_rx += machine.alone  # it comes back to a lone node
        machine.rotation.hop = token.hop
        _visit(machine, token, now, travelled=False)
        token = machine.held
        ring = machine.ring
        if token is None or (not len(machine.queue) and ring.delivered == ring.high):
            return
    raise AssertionError("a lone node does not get its messages delivered")


# A lone node sends at least one datagram a visit, and MAX_QUEUED_BYTES fill fewer than this.
_MOST_VISITS = 1_000_000


def receive(machine: Machine, message: Multicast | Recovered) -> bool:
    """Keep a message of the current ring; False where it is none of its members', or known."""
    if message.sender not in machine.ring.members:
        machine.drop()
        return False
    machine.counters.mcast_rx += 1
    if not machine.ring.receive(message):
        return False
    # Traffic shows that the ring is not idle: an idle token must not be waited for.
    machine.rotation.unchanged = 0
    return True


def deliver(machine: Machine) -> None:
    """Everything whose turn has come goes to the application."""
    for message in machine.ring.deliverable():
        if isinstance(message, Multicast):
            machine.deliver(message)
    machine.ring.forget()
