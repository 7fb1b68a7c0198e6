"""The tests of two networks can see: each bug planted into the layer between is caught by one.

A bug replaces one rule of ``engine/redundancy.py``, as somebody might have forgotten it; beside it
stands the scenario of ``test_redundancy.py`` that must fail then.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial

import pytest
from sim import network
from sim import test_redundancy as scenarios

from crmsh_py.engine import redundancy, totem_token
from crmsh_py.engine.redundancy import Networks, _Awaited, _Network
from crmsh_py.engine.totem_machine import Machine
from crmsh_py.engine.totem_ring import Ring
from crmsh_py.wire.datagram import Token

Patch = pytest.MonkeyPatch


@dataclass(frozen=True, slots=True)
class Mutation:
    """One planted bug, and who must notice it."""

    plant: Callable[[Patch], None]
    scenario: Callable[[], None]


# ---- which network -------------------------------------------------------------------------------


def use_one_network_only(patch: Patch) -> None:
    """The second is there for nothing."""
    patch.setattr(Networks, "_chosen", lambda networks, data: networks._usable()[:1])


def use_a_faulty_network(patch: Patch) -> None:
    """Turns are taken with one that brings nothing."""
    patch.setattr(Networks, "_usable", lambda networks: networks._networks)


def go_on_taking_turns_after_a_loss(patch: Patch) -> None:
    """A token that was lost is sent again over one network, which may be the broken one."""
    patch.setattr(redundancy, "_DOUBTFUL_TOKENS", 0)


def send_to_the_address_on_ring_0(patch: Patch) -> None:
    """No address is translated on the way out."""
    patch.setattr(redundancy, "_translated", lambda network, destination: destination)


def name_the_sender_by_its_address_on_ring_1(patch: Patch) -> None:
    """Nor on the way in."""
    receive = Networks.receive

    def untranslated(
        networks: Networks, ring: int, source: str, data: bytes, now: float
    ) -> str | None:
        return source if receive(networks, ring, source, data, now) is not None else None

    patch.setattr(Networks, "receive", untranslated)


def hear_anybody_on_the_second_network(patch: Patch) -> None:
    """Who is not configured there is let in."""
    receive = Networks.receive

    def trusting(networks: Networks, ring: int, source: str, data: bytes, now: float) -> str | None:
        return receive(networks, min(ring, 1), source, data, now) or source

    patch.setattr(Networks, "receive", trusting)


# ---- what comes twice, and in which order --------------------------------------------------------


def take_both_copies_of_a_token(patch: Patch) -> None:
    """What comes over both networks is acted upon twice."""
    accept = totem_token.accept

    def credulous(machine: Machine, token: Token, now: float) -> bool:
        if token.ring == machine.ring.id:
            machine.rotation.hop = min(machine.rotation.hop, token.hop - 1)
        return accept(machine, token, now)

    patch.setattr(totem_token, "accept", credulous)


def miss_what_is_still_on_the_other_network(patch: Patch) -> None:
    """A token that has overtaken a message has it asked for at once, and sent again."""
    missing = Ring.missing
    patch.setattr(Ring, "missing", lambda ring, known, room: missing(ring, ring.high, room))


# ---- when a network is faulty --------------------------------------------------------------------


def never_mark_a_network(patch: Patch) -> None:
    """A dead network stays in use, and nobody is told."""
    patch.setattr(Networks, "_mark_faulty", lambda networks, network: None)


def count_for_the_other_network(patch: Patch) -> None:
    """What comes over one network is written down for the other."""
    receive = Networks.receive

    def crossed(networks: Networks, ring: int, source: str, data: bytes, now: float) -> str | None:
        before = [(each.tokens, each.messages) for each in networks._networks]
        compare, networks._compare = networks._compare, lambda now: None  # type: ignore[method-assign]
        known = receive(networks, ring, source, data, now)
        networks._compare = compare  # type: ignore[method-assign]
        after = [(each.tokens, each.messages) for each in networks._networks]
        if after != before:
            gained = [(a[0] - b[0], a[1] - b[1]) for a, b in zip(after, before, strict=True)]
            for each, was, more in zip(networks._networks, before, reversed(gained), strict=True):
                each.tokens, each.messages = was[0] + more[0], was[1] + more[1]
            compare(now)
        return known

    patch.setattr(Networks, "receive", crossed)


def never_forgive(patch: Patch) -> None:
    """Problems add up for ever."""
    patch.setattr(Networks, "_forgive", lambda networks: None)


def wait_for_no_copy(patch: Patch) -> None:
    """What has not come at once does not come."""
    awaits = Networks._await_copies

    def hasty(networks: Networks, ring: int, data: bytes, now: float) -> None:
        awaits(networks, ring, data, now)
        if networks._awaited is not None:
            awaited = networks._awaited
            networks._awaited = _Awaited(awaited.data, now, awaited.came_over)

    patch.setattr(Networks, "_await_copies", hasty)


def wait_for_the_copy_of_a_copy(patch: Patch) -> None:
    """The second copy of a token is taken for the first of another."""
    patch.setattr(Networks, "_seen_before", lambda networks, data: False)


# ---- when it works again -------------------------------------------------------------------------


def never_use_it_again(patch: Patch) -> None:
    """Faulty once, faulty for ever."""
    patch.setattr(Networks, "_recover", lambda networks, others, since: None)


def use_it_again_when_one_member_is_heard(patch: Patch) -> None:
    """The others may be deaf on it still."""

    def lenient(networks: Networks, others: Collection[str], since: float) -> None:
        for net in networks._networks:
            heard = any(net.heard.get(other, -1.0) >= since for other in others)
            if net.faulty and heard:
                networks._enable(net, "Automatically recovered ring")

    patch.setattr(Networks, "_recover", lenient)


def count_what_was_heard_before(patch: Patch) -> None:
    """Probes from before it was faulty, however old, speak for it."""
    recover = Networks._recover
    patch.setattr(
        Networks, "_recover", lambda networks, others, since: recover(networks, others, -1.0)
    )

    class Kept(dict[str, float]):
        def clear(self) -> None:
            pass

    init = Networks.__init__

    def keeping(networks: Networks, *arguments: object) -> None:
        init(networks, *arguments)  # type: ignore[arg-type]
        for each in networks._networks:
            each.heard = Kept()

    patch.setattr(Networks, "__init__", keeping)


def keep_the_old_counts(patch: Patch) -> None:
    """What a network did not bring while nothing was sent over it is held against it."""

    def unfair(networks: Networks, network: _Network, words: str) -> None:
        network.faulty = False
        text = f"{words} {network.addresses.number}"
        networks._reports.append(redundancy.Reported(level="notice", text=text))

    patch.setattr(Networks, "_enable", unfair)


def be_silent_on_a_faulty_network(patch: Patch) -> None:
    """Who says nothing on it cannot be heard on it again."""
    probes = Networks._probes

    def silent(networks: Networks, *, enable: bool) -> list[redundancy.Outgoing]:
        usable = {each.addresses.number for each in networks._usable()}
        return [each for each in probes(networks, enable=enable) if each.ring in usable]

    patch.setattr(Networks, "_probes", silent)


def enable_it_here_only(patch: Patch) -> None:
    """The administrator's word stays on the node where it was said."""
    decode = redundancy.decode

    def deaf(data: bytes) -> object:
        message = decode(data)
        return redundancy.Probe(sender=message.sender, enable=False)  # type: ignore[union-attr]

    patch.setattr(redundancy, "decode", deaf)


# ---- the table -----------------------------------------------------------------------------------

_HEALTHY = scenarios.test_both_networks_carry_the_ring_and_none_is_faulty
_CUT = scenarios.test_cutting_a_network_changes_no_membership_and_is_noticed
_COSTS = scenarios.test_what_a_network_takes_with_it_costs_few_timeouts
_FORMS = scenarios.test_a_ring_is_formed_over_the_network_that_works
_CARD = scenarios.test_one_node_that_loses_a_network_is_noticed_by_all
_AGAIN = scenarios.test_a_network_that_works_again_is_used_again
_SLOW = scenarios.test_a_network_that_is_slower_is_no_worse
_LITTLE = scenarios.test_a_little_loss_is_forgiven
_STRANGER = scenarios.test_an_unknown_sender_is_not_heard_on_the_second_network
_TOLD = scenarios.test_the_administrator_enables_it_on_all_nodes

MUTATIONS = (
    Mutation(use_one_network_only, partial(_HEALTHY, "passive")),
    Mutation(use_a_faulty_network, partial(_CARD, "passive")),
    Mutation(go_on_taking_turns_after_a_loss, partial(_COSTS, 1)),
    Mutation(send_to_the_address_on_ring_0, partial(_HEALTHY, "passive")),
    Mutation(name_the_sender_by_its_address_on_ring_1, partial(_FORMS, "active", 0)),
    Mutation(hear_anybody_on_the_second_network, _STRANGER),
    Mutation(take_both_copies_of_a_token, partial(_HEALTHY, "active")),
    Mutation(miss_what_is_still_on_the_other_network, partial(_SLOW, "passive")),
    Mutation(never_mark_a_network, partial(_CUT, "active", 1)),
    Mutation(never_mark_a_network, partial(_CUT, "passive", 0)),
    Mutation(count_for_the_other_network, partial(_CUT, "passive", 1)),
    Mutation(never_forgive, partial(_LITTLE, "active")),
    Mutation(never_forgive, partial(_LITTLE, "passive")),
    Mutation(wait_for_no_copy, partial(_HEALTHY, "active")),
    Mutation(wait_for_the_copy_of_a_copy, partial(_SLOW, "active")),
    Mutation(never_use_it_again, partial(_AGAIN, "active")),
    Mutation(use_it_again_when_one_member_is_heard, partial(_CARD, "active")),
    Mutation(count_what_was_heard_before, partial(_CARD, "active")),
    Mutation(keep_the_old_counts, partial(_AGAIN, "passive")),
    Mutation(be_silent_on_a_faulty_network, partial(_AGAIN, "active")),
    Mutation(enable_it_here_only, _TOLD),
)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.plant.__name__)
def test_a_planted_bug_is_caught(mutation: Mutation, monkeypatch: Patch) -> None:
    monkeypatch.setattr(network, "_MOST_STEPS", 10_000)
    mutation.plant(monkeypatch)
    with pytest.raises(AssertionError):
        mutation.scenario()
