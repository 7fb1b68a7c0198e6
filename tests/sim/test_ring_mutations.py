"""The observers of the simulation can see: each of these planted bugs is caught.

A mutation replaces one function or number of the engine for one test. That it is found within the
first seeds shows that the properties are really checked, not that they are true by accident.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sim import network
from sim.chaos import run_chaos
from sim.ring import RingNode

from crmsh_py.engine import totem_recovery, totem_token
from crmsh_py.engine.totem_machine import Machine, Recovery
from crmsh_py.engine.totem_queue import SendQueue
from crmsh_py.engine.totem_ring import Ring, RingMessage
from crmsh_py.wire.datagram import CommitEntry, Token

SEEDS = 150
Mutation = Callable[[pytest.MonkeyPatch], None]


def forget_old_messages(patch: pytest.MonkeyPatch) -> None:
    """In recovery nobody sends anything again."""

    def silent(machine: Machine, recovery: Recovery, visit: totem_token.Visit) -> None:
        recovery.to_send.clear()

    patch.setattr(totem_recovery, "_send_old", silent)


def take_received_for_safe(patch: pytest.MonkeyPatch) -> None:
    """What I have, all have."""
    patch.setattr(Ring, "mark_safe", lambda ring, number: setattr(ring, "safe", ring.aru))


def deliver_safe_as_agreed(patch: pytest.MonkeyPatch) -> None:
    """Nobody waits."""

    def impatient(ring: Ring) -> Iterator[RingMessage]:
        while (message := ring.messages.get(ring.delivered + 1)) is not None:
            ring.delivered += 1
            yield message

    patch.setattr(Ring, "deliverable", impatient)


def safe_one_rotation_early(patch: pytest.MonkeyPatch) -> None:
    """One look at the aru is enough."""
    visit = totem_token._visit

    def hasty(machine: Machine, token: Token, now: float, *, travelled: bool) -> totem_token.Visit:
        machine.rotation.departed_aru = 10**9
        return visit(machine, token, now, travelled=travelled)

    patch.setattr(totem_token, "_visit", hasty)


def name_rings_by_their_number_alone(patch: pytest.MonkeyPatch) -> None:
    """A node starts without what its disk knew, and draws no number for its rings."""
    start = RingNode.start
    machine = Machine.__init__

    def forgetful(node: RingNode, now: float) -> None:
        node.disk = 0
        start(node, now)

    def nameless(self: Machine, *arguments: object, **options: object) -> None:
        machine(self, *arguments, **{**options, "boot": 0})  # type: ignore[arg-type]

    patch.setattr(RingNode, "start", forgetful)
    patch.setattr(Machine, "__init__", nameless)


def go_on_in_the_middle(patch: pytest.MonkeyPatch) -> None:
    """A payload cut off by a new ring is not sent from its beginning."""
    patch.setattr(SendQueue, "restart", lambda queue: None)


def install_without_confirmation(patch: pytest.MonkeyPatch) -> None:
    """The new ring begins before all have what they need."""
    patch.setattr(totem_recovery, "_QUIET_VISITS", 1)
    patch.setattr(totem_recovery, "_SETTLED_VISITS", 0)


def owe_nothing(patch: pytest.MonkeyPatch) -> None:
    """Behind a gap even one's own messages are dropped."""
    _before_delivering(patch, lambda recovery: setattr(recovery, "owed", frozenset()))


def owe_everything(patch: pytest.MonkeyPatch) -> None:
    """Behind a gap messages are delivered though something before them is lost."""
    _before_delivering(patch, lambda recovery: setattr(recovery, "owed", frozenset(range(9))))


def judge_safety_alone(patch: pytest.MonkeyPatch) -> None:
    """What the other survivors have delivered does not count."""
    deliver = totem_recovery._deliver_old

    def alone(machine: Machine, old: Ring, recovery: Recovery) -> None:
        recovery.entries = {
            each: CommitEntry(entry.old_ring, entry.aru, old.delivered, entry.owed)
            for each, entry in recovery.entries.items()
        }
        deliver(machine, old, recovery)

    patch.setattr(totem_recovery, "_deliver_old", alone)


def take_a_token_twice(patch: pytest.MonkeyPatch) -> None:
    """The hop is not looked at."""
    accept = totem_token.accept

    def credulous(machine: Machine, token: Token, now: float) -> bool:
        machine.rotation.hop = -1
        return accept(machine, token, now)

    patch.setattr(totem_token, "accept", credulous)


def _before_delivering(patch: pytest.MonkeyPatch, change: Callable[[Recovery], None]) -> None:
    deliver = totem_recovery._deliver_old

    def changed(machine: Machine, old: Ring, recovery: Recovery) -> None:
        change(recovery)
        deliver(machine, old, recovery)

    patch.setattr(totem_recovery, "_deliver_old", changed)


@pytest.mark.parametrize(
    "mutation",
    [
        forget_old_messages,
        take_received_for_safe,
        deliver_safe_as_agreed,
        safe_one_rotation_early,
        name_rings_by_their_number_alone,
        go_on_in_the_middle,
        install_without_confirmation,
        owe_nothing,
        owe_everything,
        judge_safety_alone,
        take_a_token_twice,
    ],
    ids=lambda mutation: mutation.__name__,
)
def test_a_planted_bug_is_caught(mutation: Mutation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_MOST_STEPS", 300_000)
    mutation(monkeypatch)
    for seed in range(SEEDS):
        try:
            run_chaos(seed)
        except AssertionError:
            return
    pytest.fail(f"{mutation.__name__} survived {SEEDS} seeds")
