"""One run of chaos under votequorum's special rules: clusters of two to five nodes.

Everything follows from the seed, as in ``cluster_chaos``: which rules are set, how many votes each
node has, what a side without quorum does, how nodes are fenced, which nemeses work. What must hold
follows from the rules (docs/replication.md, docs/membership.md):

    with fencing     nothing runs twice, whatever the rules are, but where quorum is ignored
    strict rules     as under plain majority quorum, counted by votes
    weaker rules     what was acknowledged is in the configuration at rest, or on the disk of some
                     node as a configuration that was set aside: divergence is kept, and reported
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from sim.checkers import Acknowledged, Activity, Checker, has
from sim.cluster import Cluster, add_device, with_property, without_fencing
from sim.cluster_chaos import PACES, STEPS, comes_to_rest, commit
from sim.machine import SimNode
from sim.nemeses import NEMESES, peace, wake

from crmsh_py.cib.document import Cib
from crmsh_py.engine.api import RunOperation
from crmsh_py.engine.controller import scheduler_plan
from crmsh_py.wire.control import (
    CleanResource,
    Committed,
    MembershipReply,
    ReadMembership,
    Reply,
    SetExpectedVotes,
    SetVotes,
)

Change = Callable[[Cib], Cib]
REST_S = 90.0  # dc-deadtime, and the time of a watchdog, come to what a plain cluster takes
WEAK = frozenset({"two_node: 1", "last_man_standing: 1", "allow_downscale: 1"})
POLICIES = ("stop", "stop", "freeze", "ignore", "demote", "suicide")
_BAD_AGENTS = frozenset({"lying_agents", "hanging_agents", "failing_agents"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a seed has drawn."""

    count: int
    rules: tuple[str, ...]
    votes: tuple[int, ...]
    policy: str
    fencing: str  # device, watchdog or nothing
    orders: bool  # expected votes and votes are changed, and commits are forced

    @property
    def strict(self) -> bool:
        """Whether two sides can never both go on."""
        return not self.orders and not WEAK & set(self.rules)

    @property
    def fenced(self) -> bool:
        """Whether nothing runs twice: of three sides that act, one takes for off what is back."""
        return self.fencing != "nothing" and self.policy != "ignore"

    @property
    def acts_alone(self) -> bool:
        """Whether a side without quorum starts something, as it is asked to."""
        return self.policy in ("ignore", "freeze")

    def changes(self) -> dict[str, Change]:
        """What is configured at the beginning, by the id that it leaves."""
        found = {"opt-no-quorum-policy": with_property("no-quorum-policy", self.policy)}
        match self.fencing:
            case "device":
                found["fence"] = add_device(pcmk_delay_max="2s")
            case "watchdog":
                name = "stonith-watchdog-timeout"
                found[f"opt-{name}"] = with_property(name, "5s")
            case _:
                found["opt-stonith-enabled"] = without_fencing
        return found


def drawn(chance: random.Random) -> Setting:
    """A cluster as somebody may set it up."""
    count = chance.choice((2, 2, 2, 3, 3, 4, 4, 5))
    rules = []
    votes: tuple[int, ...] = ()
    if count == 2 and chance.random() < 0.8:
        rules.append("two_node: 1")
        if chance.random() < 0.3:
            rules.append("wait_for_all: 0")
    else:
        if chance.random() < 0.5:
            rules.append("wait_for_all: 1")
        if count > 2 and chance.random() < 0.4:
            rules += ["last_man_standing: 1", "last_man_standing_window: 300"]
        if chance.random() < 0.4:
            rules.append("auto_tie_breaker: 1")
            if chance.random() < 0.5:
                rules.append("auto_tie_breaker_node: highest")
        if chance.random() < 0.1:
            rules.append("allow_downscale: 1")
        if chance.random() < 0.4:
            votes = tuple(chance.choice((0, 1, 1, 1, 2)) for _ in range(count))
            votes = votes if sum(votes) else ()
    policy = chance.choice(POLICIES)
    fencing = chance.choice(("device", "device", "watchdog", "nothing"))
    if fencing == "watchdog" and (policy == "ignore" or WEAK & set(rules)):
        fencing = "device"  # no watchdog helps where two sides may go on
    return Setting(
        count=count,
        rules=tuple(rules),
        votes=votes,
        policy=policy,
        fencing=fencing,
        orders=chance.random() < 0.2,
    )


@dataclass(slots=True)
class Weighed(Acknowledged):
    """What clients were told, by the rules that hold."""

    setting: Setting = field(kw_only=True)
    given_up: bool = False  # somebody has lowered the expected votes: two sides may have gone on

    def holding(self, mark: str) -> list[SimNode]:
        """The nodes that have, or had, it on a disk."""
        return [
            node
            for node in self.cluster.nodes.values()
            if any(disk.config and has(disk.config, mark) for disk in (node.disk, *node.lost_disks))
        ]

    def votes(self, nodes: list[SimNode]) -> int:
        return sum(self.cluster.conf.votes_of(node.node_id) for node in nodes)

    def replied(self, node: SimNode, ticket: int, reply: Reply) -> None:
        if not self.setting.strict and ticket in self.marks and isinstance(reply, Committed):
            self.acknowledged.add(self.marks[ticket])
            return
        mark = self.marks.get(ticket, "")
        if isinstance(reply, Committed) and mark:
            held, all_ = self.votes(self.holding(mark)), self.cluster.conf.expected_votes
            half = "auto_tie_breaker: 1" in self.setting.rules
            assert 2 * held > all_ or (half and 2 * held == all_), (
                f"{mark} was acknowledged by {node.name}, with {held} of {all_} votes"
            )
            self.acknowledged.add(mark)
            return
        Acknowledged.replied(self, node, ticket, reply)

    def check_durable(self) -> None:
        """By votes this depends on who comes back; ``check_nothing_lost`` looks at the end."""

    def check_nothing_lost(self) -> None:
        if self.given_up:
            self.acknowledged.clear()
            self.gone.clear()
        aside = {
            each
            for node in self.cluster.nodes.values()
            for disk in (node.disk, *node.lost_disks)
            for set_aside in disk.aside
            for each in Cib.parse(set_aside.cib).ids()
        }
        for node in () if self.setting.strict else self.cluster.nodes.values():
            for disk in node.lost_disks:
                aside |= disk.config.ids() if disk.config else set()
        if aside and not self.setting.strict:
            self.gone.clear()  # there may have been a side that never heard of the removal
            self.acknowledged -= aside
        Acknowledged.check_nothing_lost(self)


@dataclass(slots=True)
class Ruled(Activity):
    """What runs where, by the rules that hold."""

    setting: Setting = field(kw_only=True)

    def operation_begins(self, node: SimNode, operation: RunOperation) -> None:
        clone = operation.environment.get("OCF_RESKEY_CRM_meta_clone") is not None
        if clone and self.setting.policy == "demote":
            return  # an unpromoted instance that has failed is recovered
        if not self.setting.acts_alone:
            Activity.operation_begins(self, node, operation)
            return
        if operation.action != "start" or operation.standard == "stonith":
            return
        if clone:
            return
        for other in self.cluster.up:
            if other is node or (other.ring != node.ring and not self.fencing):
                continue
            assert operation.resource not in other.active, (
                f"{operation.resource} begins on {node.name} while {other.name} has it active"
            )


def run_quorum_chaos(seed: int, *, steps: int = STEPS) -> tuple[Cluster, Checker]:
    """One run; raises AssertionError with the seed where something does not hold."""
    chance = random.Random(seed)
    setting = drawn(chance)
    cluster = Cluster(
        setting.count,
        seed,
        planner=scheduler_plan,
        pace=chance.choice(PACES),
        rules=setting.rules,
        votes=setting.votes,
        watchdogs=setting.fencing == "watchdog",
    )
    checker = Checker(cluster)
    checker.commits = Weighed(cluster, setting=setting)
    checker.activity = Ruled(cluster, fencing=setting.fenced, setting=setting)
    cluster.observer = checker
    names = chance.sample(sorted(NEMESES), chance.randint(2, 12))
    try:
        cluster.start()
        cluster.settle(within_s=REST_S)
        for change in setting.changes().values():
            cluster.commit(1, change)
            cluster.settle(within_s=REST_S)
        _suffer(cluster, checker, chance, names, steps=steps, setting=setting)
        _rest(cluster, checker, chance, names, setting)
    except AssertionError as error:
        raise AssertionError(
            f"seed {seed} ({setting}, {' '.join(names)}): {error}\n{cluster.tail()}"
        ) from error
    return cluster, checker


def _suffer(
    cluster: Cluster,
    checker: Checker,
    chance: random.Random,
    names: list[str],
    *,
    steps: int,
    setting: Setting,
) -> None:
    count = 0
    for _ in range(steps):
        for _ in range(chance.randint(0, 3)):
            if not cluster.up:
                break
            count += 1
            force = setting.orders and chance.random() < 0.3
            commit(cluster, checker, chance, count, real=True, force=force)
            if chance.random() < 0.5:
                cluster.run(chance.random() * 0.005)
        cluster.run(chance.choice((0.002, 0.01, 0.1, 0.7, 3.0)) * chance.random())
        for name in chance.sample(names, min(len(names), chance.choice((1, 1, 2)))):
            _unleash(name, cluster, chance)
        if setting.orders and cluster.up and chance.random() < 0.2:
            number = chance.choice(cluster.up).number
            votes = chance.randint(1, setting.count)
            assert isinstance(checker.commits, Weighed)
            order = chance.choice((SetExpectedVotes(votes=votes), SetVotes(votes=1 + votes % 2)))
            if isinstance(order, SetExpectedVotes):
                checker.commits.given_up = True
                checker.activity.fencing = False  # of two sides each may take the other for off
            cluster.ask(number, order)
        checker.check_now()


def _unleash(name: str, cluster: Cluster, chance: random.Random) -> None:
    """Let a nemesis work; the disk of a node that is a majority by itself is spared."""
    votes = [cluster.conf.votes_of(node.node_id) for node in cluster.nodes.values()]
    if name != "wipe" or 2 * max(votes) < cluster.conf.expected_votes:
        NEMESES[name](cluster, chance)


def _rest(
    cluster: Cluster, checker: Checker, chance: random.Random, names: list[str], setting: Setting
) -> None:
    """Every fault healed: in bounded time one cluster again."""
    peace(cluster, chance)
    began = cluster.now
    for _ in range(2):
        while not comes_to_rest(cluster) and cluster.now < began + REST_S:
            wake(cluster)
        wake(cluster)
        cluster.run(0.1)
    cluster.settle(within_s=max(0.0, began + REST_S - cluster.now))
    if setting.orders:
        _count_anew(cluster)
    found = cluster.cib(cluster.up[0].number).ids()
    for ident, change in setting.changes().items():
        if ident not in found:  # that was lost
            cluster.commit(cluster.up[0].number, change)
            cluster.run(0.1)
            cluster.settle(within_s=REST_S)
    if not _BAD_AGENTS.isdisjoint(names) or chance.random() < 0.2:
        cluster.answer(cluster.up[0].number, CleanResource(all_history=True), within_s=30)
        cluster.settle(within_s=REST_S)
    # A device that waits (pcmk_delay_max) may still shoot one that is back.
    cluster.run(3.0)
    cluster.settle(within_s=REST_S)
    cluster.run(0.2)  # nothing more happens
    checker.check_now()
    checker.check_rest()


def _count_anew(cluster: Cluster) -> None:
    """Votes that were given go with a restart, and are expected still: somebody says what is so.

    Else an empty disk, whose votes do not count, may be the last that is needed, for ever.
    """
    number = cluster.up[0].number
    told = cluster.answer(number, ReadMembership())
    assert isinstance(told, MembershipReply)
    if told.expected_votes > told.total_votes:
        cluster.answer(number, SetExpectedVotes(votes=told.total_votes))
        cluster.settle(within_s=REST_S)
