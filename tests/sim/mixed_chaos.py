"""Two guests and a remote node, with groups, clones, orders and colocations, under faults.

Everything follows from the seed: what is configured, and which faults happen when. Where all of it
runs in the end is the configuration's affair, which may contradict itself; nothing may run twice,
and at rest the status tells what really runs.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from sim.cluster import Cluster, add_clone, add_device, add_group, add_resource
from sim.guests import add_container
from sim.machine import SimNode
from sim.test_guests import FAULTS, Fault, ask, commit, likes, made, peace, suffer
from sim.test_remote_nodes import FAR, Once, add_connection, told

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.engine.api import RunOperation
from crmsh_py.engine.controller import scheduler_plan
from crmsh_py.wire.control import FailResource

Change = Callable[[Cib], Cib]
CONTAINERS = {"vm1": "g1", "vm2": "g2"}
PLAIN = ("a", "b", "c")
STEPS = 14


class OnceButClones(Once):
    """Nothing but clones is started while a machine that has power has it active."""

    def operation_begins(self, node: SimNode, operation: RunOperation) -> None:
        if operation.environment.get("OCF_RESKEY_CRM_meta_clone") is None:
            Once.operation_begins(self, node, operation)


# ---- what is configured --------------------------------------------------------------------------


def _constraint(tag: str, kind: str, one: str, other: str, /, **more: str) -> Change:
    def change(cib: Cib) -> Cib:
        element = Element(tag, {"id": f"{kind}-{one}-{other}", **more})
        section = cib.section("constraints")
        kept = tuple(each for each in section.children if each.id != element.id)
        return cib.with_section("constraints", section.with_children((*kept, element)))

    return change


def order(first: str, then: str, kind: str) -> Change:
    return _constraint("rsc_order", "order", first, then, first=first, then=then, kind=kind)


def together(one: str, other: str, score: str) -> Change:
    words = {"rsc": one, "with-rsc": other, "score": score}
    return _constraint("rsc_colocation", "together", one, other, **words)


def container_in_group(cib: Cib) -> Cib:
    """The first machine becomes a member of a group, with a disk before it."""
    resources = add_resource("disk")(cib).section("resources")
    *others, disk = resources.children
    machine = next(each for each in others if each.id == "vm1")
    group = Element("group", {"id": "machine"}, (disk, machine))
    kept = tuple(each for each in others if each is not machine)
    return cib.with_section("resources", resources.with_children((*kept, group)))


def _drawn(chance: random.Random) -> list[Change]:
    changes: list[Change] = [add_group("grp", 2), likes("grp", "g1")]
    changes += [add_resource(name) for name in PLAIN]
    changes += [likes("a", "g1"), likes("b", "g2")]
    if chance.random() < 0.6:
        changes.append(add_clone("cl", promotable=chance.random() < 0.4))
        if chance.random() < 0.5:
            changes.append(order("cl", "a", chance.choice(("Mandatory", "Optional"))))
        if chance.random() < 0.3:
            changes.append(together("b", "cl", "INFINITY"))
    for _ in range(chance.randint(0, 4)):
        one, other = sorted(chance.sample([*PLAIN, "grp"], 2))
        kinds = ("Mandatory", "Mandatory", "Optional", "Serialize")
        changes.append(order(one, other, chance.choice(kinds)))
    for _ in range(chance.randint(0, 2)):
        one, other = sorted(chance.sample([*PLAIN, "grp"], 2))
        changes.append(together(other, one, chance.choice(("INFINITY", "-INFINITY", "50", "-50"))))
    if chance.random() < 0.5:
        changes.append(together("vm2", "vm1", chance.choice(("-INFINITY", "-50", "100"))))
    if chance.random() < 0.3:
        changes.append(order("vm1", "vm2", chance.choice(("Mandatory", "Optional"))))
    return changes


def _begin(seed: int, chance: random.Random) -> Cluster:
    observer = OnceButClones()
    cluster = Cluster(3, seed, planner=scheduler_plan, observer=observer)
    observer.cluster = cluster
    for container, guest in CONTAINERS.items():
        cluster.guests.add(container, guest)
    cluster.start()
    cluster.settle()
    changes: list[Change] = [add_device()]
    for container, guest in CONTAINERS.items():
        changes.append(add_container(container, guest, migrates=chance.random() < 0.5))
    if chance.random() < 0.3:
        changes.append(container_in_group)
    if chance.random() < 0.6:
        cluster.add_remote(FAR).start()
        changes.append(add_connection)
    for change in (*changes, *_drawn(chance)):
        made(cluster, 1, change)
    cluster.run(6.0)
    return cluster


# ---- faults --------------------------------------------------------------------------------------


def move(cluster: Cluster, chance: random.Random) -> None:
    name = chance.choice([*CONTAINERS, *PLAIN, "grp", *({FAR} & cluster.remotes.keys())])
    target = chance.choice(list(cluster.nodes.values())).name
    if name in (*PLAIN, "grp") and chance.random() < 0.7:
        target = chance.choice(list(cluster.remotes))
    commit(cluster, chance, likes(name, target, chance.choice(("200", "INFINITY"))))


def fail_container(cluster: Cluster, chance: random.Random) -> None:
    cluster.guests.fail(chance.choice(list(CONTAINERS)))


def ask_failure(cluster: Cluster, chance: random.Random) -> None:
    names = (*CONTAINERS, *CONTAINERS.values(), *PLAIN, "grp-1", "cl-p", FAR)
    name = chance.choice(names)
    if cluster.up:
        machine = next((m for m in cluster.machines if name in m.active), cluster.up[0])
        ask(cluster, chance, FailResource(resource=name, node=machine.name))


def stop_or_start(cluster: Cluster, chance: random.Random) -> None:
    """Somebody stops a resource, or lets it run again."""
    name = chance.choice([*CONTAINERS, "a", "b", "grp"])
    role = chance.choice(("Stopped", "Started", "Started"))
    commit(cluster, chance, lambda cib: _with_role(cib, name, role))


def _with_role(cib: Cib, name: str, role: str) -> Cib:
    """``name``: '' for all; ``role``: '' for none."""

    def put(element: Element) -> Element:
        if element.tag == "group":
            element = element.map_children(put)
        if name not in ("", element.id):
            return element
        kept = tuple(each for each in element.children if not each.id.endswith("-role"))
        if not role:
            return element.with_children(kept)
        ident = f"{element.id}-role"
        pair = Element("nvpair", {"id": f"{ident}-pair", "name": "target-role", "value": role})
        return element.with_children((Element("meta_attributes", {"id": ident}, (pair,)), *kept))

    return cib.with_section("resources", cib.section("resources").map_children(put))


_OWN: dict[str, Fault] = {each.__name__: each for each in (move, fail_container, ask_failure)}
_ALL: tuple[Fault, ...] = (*(_OWN.get(each.__name__, each) for each in FAULTS), stop_or_start)


# ---- one run -------------------------------------------------------------------------------------


def _check_rest(cluster: Cluster) -> None:
    for what in ("at rest", "still at rest"):
        for machine in cluster.machines:
            if machine.core is None and not cluster.guests.has(machine):
                machine.start()  # it had been told to leave, and was late
        cluster.until(cluster.settled, 120, what, every_s=0.05)
        cluster.run(5.0)
    cluster.until(cluster.settled, 120, "at rest after all", every_s=0.05)
    resources = cluster.cib(cluster.up[0].number).section("resources")
    cloned = {each.id for clone in resources.findall("clone") for each in clone.iter("primitive")}
    for name in {each.id for each in resources.iter("primitive")} - cloned:
        where = [machine.name for machine in cluster.machines if name in machine.active]
        assert len(where) <= 1, f"{name} is active on {where}"
    for machine in cluster.machines:
        if machine.core is not None:
            says = told(cluster, machine.name) - cluster.remotes.keys() - {"fence"}
            assert says == machine.active, f"{machine.name}: told {says}, runs {machine.active}"


def run_mixed_chaos(seed: int) -> Cluster:
    """One run; raises AssertionError with the seed where something does not hold."""
    chance = random.Random(seed)
    cluster = _begin(seed, chance)
    try:
        suffer(cluster, chance, _ALL, steps=STEPS, newcomers=0.2)
        commit(cluster, chance, lambda cib: _with_role(cib, "", ""))
        peace(cluster, chance)
        _check_rest(cluster)
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}\n{cluster.tail(400)}") from error
    return cluster
