"""Bugs to plant in the engine: each replaces one rule, as somebody might have forgotten it.

A mutation is a function of a MonkeyPatch; ``MUTATIONS`` names with each the nemeses that bring
it out. What must come of it is in ``test_cluster_mutations``: the simulation, which knows
nothing of the mutation, has to notice.

Random faults seldom meet the orders of events that some rules are for (terms, ratifying, promises,
empty disks, commits made twice): these are planted in ``test_durability``, each with the
scenario that needs its rule. Those of the ring alone are in ``test_ring_mutations``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import msgspec
import pytest
from sim.machine import Disk, SimNode

from crmsh_py import value
from crmsh_py.engine import quorum, views
from crmsh_py.engine.api import Event, SaveRing, StoreFailed, StoreWrite
from crmsh_py.engine.commits import Commits
from crmsh_py.engine.controller import Controller
from crmsh_py.engine.core import NodeCore
from crmsh_py.engine.fencing import Fencing
from crmsh_py.engine.membership import Membership
from crmsh_py.engine.outbox import Continuation, Outbox
from crmsh_py.engine.replica import Replica
from crmsh_py.engine.totem import Delivered
from crmsh_py.engine.transition import Transition
from crmsh_py.engine.views import Decision, Views, ViewSetting
from crmsh_py.scheduler.result import Action
from crmsh_py.wire.stream import (
    CommitId,
    Message,
    RunAction,
    Summary,
    ViewId,
)

Patch = pytest.MonkeyPatch
_Struct = TypeVar("_Struct", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Mutation:
    """One planted bug."""

    plant: Callable[[Patch], None]
    nemeses: tuple[str, ...]
    fencing: bool | None = None  # whether it needs fencing to show

    @property
    def name(self) -> str:
        """What is wrong."""
        return self.plant.__name__


def _with(value: _Struct, **changes: object) -> _Struct:
    return msgspec.structs.replace(value, **changes)


# ---- disks ---------------------------------------------------------------------------------------


def skip_the_fsync(patch: Patch) -> None:
    """What is reported as written is in a cache, and goes with the power."""
    write, crash = Disk.write, SimNode.crash
    synced: dict[Disk, tuple[object, ...]] = {}

    def cached(disk: Disk, writes: Sequence[StoreWrite]) -> None:
        synced[disk] = (disk.state, disk.config)
        write(disk, writes)

    def losing(node: SimNode, *, lose: bool = False) -> None:
        crash(node, lose=True)
        if node.disk in synced:
            node.disk.state, node.disk.config = synced.pop(node.disk)  # type: ignore[assignment]

    patch.setattr(Disk, "__hash__", object.__hash__)
    patch.setattr(Disk, "write", cached)
    patch.setattr(SimNode, "crash", losing)


def say_stored_before_it_is(patch: Patch) -> None:
    """What must wait for the disk is told at once."""
    persist = Outbox.persist

    def hasty(outbox: Outbox, *writes: StoreWrite, then: Continuation | None = None) -> None:
        persist(outbox, *writes)
        if then is not None:
            then()

    patch.setattr(Outbox, "persist", hasty)


def send_before_the_ring_is_saved(patch: Patch) -> None:
    """A new ring's datagrams do not wait for its number."""
    finish = Outbox.finish

    def open_gate(outbox: Outbox, datagrams: Sequence[object]) -> list[object]:
        outbox._closes_gate = False
        return finish(outbox, datagrams)  # type: ignore[arg-type, return-value]

    patch.setattr(Outbox, "finish", open_gate)


def never_save_the_ring(patch: Patch) -> None:
    """The number of a ring is forgotten with the power."""
    write = Disk.write

    def forgetful(disk: Disk, writes: Sequence[StoreWrite]) -> None:
        write(disk, [each for each in writes if not isinstance(each, SaveRing)])

    patch.setattr(Disk, "write", forgetful)


def go_on_with_a_broken_disk(patch: Patch) -> None:
    """A failed write is taken for a good one."""
    take = NodeCore._take

    def careless(core: NodeCore, event: Event) -> None:
        if isinstance(event, StoreFailed):
            for continuation in core._out.take_persisted(event.token):
                continuation()
        else:
            take(core, event)

    patch.setattr(NodeCore, "_take", careless)


# ---- majorities and terms ------------------------------------------------------------------------


def acknowledge_before_a_majority(patch: Patch) -> None:
    """One disk is enough."""
    patch.setattr(Views, "majority", lambda view, nodes: bool(nodes))


def half_is_a_quorum(patch: Patch) -> None:
    """Votes are counted wrongly: exactly half suffices."""
    patch.setattr(
        quorum.Quorum, "quorum", property(lambda state: max(1, state.expected_votes // 2))
    )


def the_oldest_wins(patch: Patch) -> None:
    """The configuration with the lowest version is taken."""
    decide = views.decide

    def backwards(summaries: Mapping[int, Summary]) -> Decision:
        worst = min(summaries, key=lambda n: (summaries[n].revision_term, summaries[n].version))
        losers = [n for n in sorted(summaries) if summaries[n].digest != summaries[worst].digest]
        old = summaries[worst]
        return replace(
            decide(summaries),
            winner=worst,
            digest=old.digest,
            revision_term=old.revision_term,
            losers=tuple(losers),
        )

    patch.setattr(views, "decide", backwards)


# ---- views ---------------------------------------------------------------------------------------


def keep_what_lost(patch: Patch) -> None:
    """A loser goes on with its own configuration."""
    patch.setattr(Views, "_take", lambda view, sync: True)


def take_messages_of_any_view(patch: Patch) -> None:
    """Nobody looks for which ring a message was made."""
    read = Membership.read

    def blind(membership: Membership, event: Delivered) -> Message | None:
        message = read(membership, event)
        if message is not None and not isinstance(message, Summary):
            message = _with(message, view=membership._view)
        return message

    patch.setattr(Membership, "read", blind)


def every_side_is_quorate(patch: Patch) -> None:
    """Each side of a partition goes on."""
    patch.setattr(
        views, "weigh", lambda setting, summaries: replace(setting, quorate=True, quorum=1)
    )


# ---- commits -------------------------------------------------------------------------------------


def number_commits_from_one_again(patch: Patch) -> None:
    """After a restart a node gives its commits the same names once more."""
    name = Commits.next_ident

    def again(commits: Commits) -> CommitId:
        node, _, number = name(commits)
        return (node, 0, number)

    patch.setattr(Commits, "next_ident", again)


def forget_commits_at_a_new_ring(patch: Patch) -> None:
    """What was on its way is taken for made."""
    begin = Commits.begin_view

    def sure(commits: Commits) -> None:
        begin(commits)
        for pending in commits._pending.values():
            if pending.ticket and pending.version is None:
                pending.version = commits._replica.version

    def activated(commits: Commits) -> None:
        commits._out.persist(then=commits._announcement())
        for pending in commits._pending.values():
            pending.stage = type(pending.stage).APPLIED
            pending.version = pending.version or commits._replica.version

    patch.setattr(Commits, "begin_view", sure)
    patch.setattr(Commits, "activated", activated)


def count_reports_of_older_versions(patch: Patch) -> None:
    """A member that has stored anything has stored this."""
    settle = Commits._settle

    def lax(commits: Commits) -> None:
        for pending in commits._pending.values():
            if pending.version is not None:
                pending.version = pending.version.__class__(0, 0, 0)
        settle(commits)

    patch.setattr(Commits, "_settle", lax)


# ---- the status and the DC -----------------------------------------------------------------------


def plan_before_the_status_has_settled(patch: Patch) -> None:
    """The DC of the view before goes on by what it knew, and so does everybody who followed it."""
    begin = Controller.begin_view

    def hasty(controller: Controller, view: ViewId) -> None:
        settled = controller._settled
        begin(controller, view)
        controller._settled = settled

    patch.setattr(Controller, "begin_view", hasty)


def forget_what_is_under_way(patch: Patch) -> None:
    """Operations of the view before are not waited for."""
    settled = Controller.settled

    def hasty(
        controller: Controller,
        dc: int | None,
        names: Mapping[int, str],
        managers: Mapping[int, bool],
        pending: Mapping[tuple[int, str], int],
    ) -> None:
        settled(controller, dc, names, managers, {})

    patch.setattr(Controller, "settled", hasty)


def plan_with_quorum_always(patch: Patch) -> None:
    """A side without quorum runs what it likes."""
    set_facts = Replica.set_facts
    patch.setattr(
        Replica,
        "set_facts",
        lambda replica, *, quorate, dc: set_facts(replica, quorate=True, dc=dc),
    )


def begin_what_an_old_ring_planned(patch: Patch) -> None:
    """Actions that come out of the queue together with a new ring are begun in it."""

    def any_time(core: NodeCore, sender: int, action: RunAction) -> None:
        if action.target == core._node_id:
            core._actions.append(action)

    begin = NodeCore._begin_view

    def keeping(core: NodeCore, setting: ViewSetting) -> None:
        actions = core._actions
        begin(core, setting)
        core._actions = actions

    patch.setattr(NodeCore, "_run_action", any_time)
    patch.setattr(NodeCore, "_begin_view", keeping)


def ignore_the_order_of_actions(patch: Patch) -> None:
    """All actions of a transition begin at once."""
    init = Transition.__init__

    def at_once(transition: Transition, *arguments: object, **options: object) -> None:
        init(transition, *arguments, **options)  # type: ignore[arg-type]
        transition._missing = dict.fromkeys(transition._missing, 0)
        transition._followers = {}
        transition._ready = list(transition._missing)

    patch.setattr(Transition, "__init__", at_once)


def the_lowest_is_dc(patch: Patch) -> None:
    """Whoever has the lowest id is DC, whatever it knows."""
    patch.setattr(
        views,
        "choose_dc",
        lambda summaries: min((n for n in summaries if summaries[n].manager), default=None),
    )


def everybody_is_dc(patch: Patch) -> None:
    """Each node follows itself."""
    set_dc = Controller._set_dc
    patch.setattr(
        Controller, "_set_dc", lambda controller, dc: set_dc(controller, controller._node_id)
    )


def expect_every_result(patch: Patch) -> None:
    """Results that no transition waits for change nothing."""
    patch.setattr(Controller, "changed", lambda controller, reason: None)


# ---- fencing -------------------------------------------------------------------------------------


def start_before_fencing(patch: Patch) -> None:
    """Nothing waits until the lost node is off."""
    init = Transition.__init__

    def impatient(
        transition: Transition,
        number: int,
        uuid: str,
        actions: Sequence[Action],
        **options: object,
    ) -> None:
        fencing = {action.id for action in actions if action.operation == "stonith"}
        free = [
            value.replace(a, inputs=tuple(i for i in a.inputs if i not in fencing)) for a in actions
        ]
        init(transition, number, uuid, free, **options)  # type: ignore[arg-type]

    patch.setattr(Transition, "__init__", impatient)


def believe_a_failed_fencing(patch: Patch) -> None:
    """A device that did not work counts as one that did."""
    ran = Fencing.on_ran
    patch.setattr(
        Fencing,
        "on_ran",
        lambda fencing, sender, message: ran(
            fencing, sender, msgspec.structs.replace(message, ok=True)
        ),
    )


# ---- the table -----------------------------------------------------------------------------------

_LOST = ("split", "isolate", "heal", "freeze")
_POWER = ("crash", "crash_all", "restart", "bounce", "slow_disk")
_SIDES = ("split", "isolate", "shatter", "heal", "swizzle")
_NETWORK = ("split", "heal", "freeze", "lossy", "reorder", "one_way", "calm")

MUTATIONS: tuple[Mutation, ...] = (
    Mutation(skip_the_fsync, _POWER),
    Mutation(say_stored_before_it_is, _POWER),
    Mutation(send_before_the_ring_is_saved, (*_POWER, *_SIDES)),
    Mutation(never_save_the_ring, (*_POWER, *_SIDES)),
    Mutation(go_on_with_a_broken_disk, ("full_disk", "crash", "restart", "split", "heal")),
    Mutation(acknowledge_before_a_majority, (*_POWER, *_SIDES)),
    Mutation(half_is_a_quorum, _SIDES),
    Mutation(the_oldest_wins, (*_POWER, *_SIDES)),
    Mutation(keep_what_lost, (*_POWER, *_SIDES)),
    Mutation(take_messages_of_any_view, ("leave", "split", "heal", "reorder", "slow_link")),
    Mutation(every_side_is_quorate, _SIDES),
    Mutation(number_commits_from_one_again, ("crash", "restart", "bounce")),
    Mutation(forget_commits_at_a_new_ring, _NETWORK),
    Mutation(count_reports_of_older_versions, ("slow_disk", "slow_link", "crash", "restart")),
    Mutation(plan_before_the_status_has_settled, ("bounce", "crash", "restart", "split", "heal")),
    Mutation(forget_what_is_under_way, ("slow_agents", "leave", *_SIDES)),
    Mutation(plan_with_quorum_always, _SIDES),
    Mutation(begin_what_an_old_ring_planned, ("leave", "split", "heal", "slow_link")),
    Mutation(ignore_the_order_of_actions, ("leave", "restart", "split", "heal")),
    Mutation(everybody_is_dc, ("heal",)),
    Mutation(the_lowest_is_dc, ("bounce", "crash", "restart", "leave", "split", "heal")),
    Mutation(start_before_fencing, _LOST, fencing=True),
    Mutation(believe_a_failed_fencing, ("split", "isolate", "broken_switch"), fencing=True),
    Mutation(expect_every_result, ("failing_agents", "good_agents", "meddle")),
)
