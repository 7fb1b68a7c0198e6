"""Recorded inputs, varied as an administrator or a bad day would vary them.

``variation(seed, cib)`` changes a CIB once or twice by what the policy is about (a meta attribute,
a property, a constraint, a failure, a ticket …) and says what it did, in words. Unlike in
``mutations``, everything here makes sense, so that the answers of two schedulers can be compared
(``python -m scheduler.witness``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element

_SCORES = ("INFINITY", "-INFINITY", "100", "-100", "1000", "5", "-1", "0")
_BOOLEANS = ("true", "false")

META: dict[str, Sequence[str]] = {
    "is-managed": _BOOLEANS,
    "maintenance": _BOOLEANS,
    "target-role": ("Stopped", "Started", "Unpromoted", "Promoted"),
    "migration-threshold": ("1", "2", "0", "INFINITY"),
    "failure-timeout": ("1s", "10m", "PT1000H"),
    "resource-stickiness": ("0", "1", "100", "-10", "INFINITY"),
    "priority": ("1", "10", "-5", "100"),
    "multiple-active": ("stop_start", "stop_only", "block", "stop_unexpected"),
    "critical": _BOOLEANS,
    "allow-migrate": _BOOLEANS,
    "requires": ("nothing", "quorum", "fencing", "unfencing"),
    "allow-unhealthy-nodes": _BOOLEANS,
}
META_OF_CLONES: dict[str, Sequence[str]] = {
    "interleave": _BOOLEANS,
    "ordered": _BOOLEANS,
    "notify": _BOOLEANS,
    "clone-max": ("1", "2", "3", "4", "0"),
    "clone-node-max": ("1", "2"),
    "clone-min": ("1", "2", "0"),
    "globally-unique": _BOOLEANS,
    "promoted-max": ("1", "2", "0"),
    "promoted-node-max": ("1", "2"),
}
PROPERTIES: dict[str, Sequence[str]] = {
    "symmetric-cluster": _BOOLEANS,
    "no-quorum-policy": ("stop", "freeze", "ignore", "demote", "suicide"),
    "stonith-enabled": _BOOLEANS,
    "stop-all-resources": ("true",),
    "maintenance-mode": ("true",),
    "start-failure-is-fatal": _BOOLEANS,
    "placement-strategy": ("default", "utilization", "minimal", "balanced"),
    "node-health-strategy": ("none", "migrate-on-red", "only-green", "progressive", "custom"),
    "enable-startup-probes": _BOOLEANS,
    "startup-fencing": _BOOLEANS,
    "stonith-action": ("reboot", "off"),
    "concurrent-fencing": ("true",),
    "priority-fencing-delay": ("0", "30s"),
    "shutdown-lock": _BOOLEANS,
    "stop-orphan-resources": _BOOLEANS,
    "stop-orphan-actions": _BOOLEANS,
    "node-health-base": ("0", "10"),
}
_ON_FAIL = ("ignore", "block", "stop", "restart", "fence", "standby", "demote")

Change = Callable[[Cib, Random], tuple[Cib, str]]


def variation(seed: int, cib: Cib) -> tuple[Cib, str]:
    """A CIB that differs, and what was done to it."""
    random = Random(seed)
    told = []
    for _ in range(random.choice((1, 1, 2))):
        cib, what = random.choice(CHANGES)(cib, random)
        told.append(what)
    return cib, "; ".join(told)


# ---- tools ---------------------------------------------------------------------------------------


def _resources(cib: Cib, *tags: str) -> list[Element]:
    wanted = tags or ("primitive", "group", "clone", "bundle")
    return list(cib.section("resources").iter(*wanted))


def _nodes(cib: Cib) -> list[Element]:
    return list(cib.section("nodes").findall("node"))


def _states(cib: Cib) -> list[Element]:
    return list(cib.status.findall("node_state"))


def _replaced(root: Element, old: Element, new: Element | None) -> Element:
    return root.map_children(lambda child: new if child is old else _replaced(child, old, new))


def _with(cib: Cib, old: Element, new: Element | None) -> Cib:
    return Cib(_replaced(cib.root, old, new))


def _with_pair(owner: Element, tag: str, set_id: str, name: str, value: str) -> Element:
    """The owner with a pair in its (first) set with ``tag``; an existing pair is replaced."""
    pair = Element("nvpair", {"id": f"{set_id}-{name}", "name": name, "value": value})
    found = next((s for s in owner.findall(tag) if s.find("rule") is None), None)
    if found is None:
        made = Element(tag, {"id": set_id}, (pair,))
        return owner.with_children((made, *owner.children))
    kept = tuple(child for child in found.children if child.get("name") != name)
    changed = found.with_children((*kept, pair))
    return owner.map_children(lambda child: changed if child is found else child)


def _constraint(cib: Cib, made: Element) -> Cib:
    return cib.with_section("constraints", cib.section("constraints").append(made))


def _new(random: Random) -> str:
    return f"varied-{random.randrange(10**6)}"


# ---- changes -------------------------------------------------------------------------------------


def meta(cib: Cib, random: Random) -> tuple[Cib, str]:
    """A meta attribute of a resource."""
    chosen = random.choice(_resources(cib))
    table = META_OF_CLONES if chosen.tag == "clone" and random.random() < 0.6 else META
    name = random.choice(list(table))
    value = random.choice(table[name])
    changed = _with_pair(chosen, "meta_attributes", _new(random), name, value)
    return _with(cib, chosen, changed), f"meta {chosen.id} {name}={value}"


def cluster_property(cib: Cib, random: Random) -> tuple[Cib, str]:
    """A property of the cluster."""
    name = random.choice(list(PROPERTIES))
    value = random.choice(PROPERTIES[name])
    section = cib.section("crm_config")
    changed = _with_pair(section, "cluster_property_set", _new(random), name, value)
    return cib.with_section("crm_config", changed), f"property {name}={value}"


def node_attribute(cib: Cib, random: Random) -> tuple[Cib, str]:
    """A permanent attribute of a node."""
    chosen = random.choice(_nodes(cib))
    name, value = random.choice(
        (
            ("standby", "on"),
            ("maintenance", "on"),
            ("#health-disk", random.choice(("red", "yellow", "green", "-10"))),
        )
    )
    changed = _with_pair(chosen, "instance_attributes", _new(random), name, value)
    return _with(cib, chosen, changed), f"node {chosen.get('uname')} {name}={value}"


def transient_attribute(cib: Cib, random: Random) -> tuple[Cib, str]:
    """An attribute that a node has as long as it is up."""
    states = _states(cib)
    if not states:
        return cib, "nothing"
    chosen = random.choice(states)
    primitive = random.choice(_resources(cib, "primitive")).id
    name, value = random.choice(
        (
            ("standby", "on"),
            ("shutdown", "1300000000"),
            ("terminate", "true"),
            (f"master-{primitive}", random.choice(("10", "1000", "-1", "INFINITY"))),
            (f"fail-count-{primitive}#monitor_10000", random.choice(("1", "3", "INFINITY"))),
            (f"fail-count-{primitive}#start_0", random.choice(("1", "INFINITY"))),
            ("#health-cpu", random.choice(("red", "yellow"))),
        )
    )
    node_id = chosen.id
    owner = chosen.find("transient_attributes")
    if owner is None:
        owner = Element("transient_attributes", {"id": node_id})
        added = chosen.append(owner)
        cib, chosen = _with(cib, chosen, added), added
    changed = _with_pair(owner, "instance_attributes", f"status-{node_id}", name, value)
    return _with(cib, owner, changed), f"transient {chosen.get('uname')} {name}={value}"


_UP = {"in_ccm": "true", "crmd": "online", "join": "member", "expected": "member"}
NODE_STATES: dict[str, dict[str, str]] = {
    "up": _UP,
    "clean offline": {"in_ccm": "false", "crmd": "offline", "join": "down", "expected": "down"},
    "lost": {"in_ccm": "false", "crmd": "offline", "join": "down", "expected": "member"},
    "process lost": {**_UP, "crmd": "offline"},
    "joining": {**_UP, "join": "pending", "expected": "down"},
}


def node_state(cib: Cib, random: Random) -> tuple[Cib, str]:
    """A node that comes, leaves or is lost."""
    states = [s for s in _states(cib) if s.get("remote_node") != "true" and "in_ccm" in s.attrs]
    if not states:
        return cib, "nothing"
    chosen = random.choice(states)
    name = random.choice(list(NODE_STATES))
    return _with(cib, chosen, chosen.with_attributes(NODE_STATES[name])), (
        f"{chosen.get('uname')} is {name}"
    )


def location(cib: Cib, random: Random) -> tuple[Cib, str]:
    """A location constraint, by node or by rule."""
    chosen = random.choice(_resources(cib)).id
    node = random.choice(_nodes(cib)).get("uname")
    score = random.choice(_SCORES)
    attrs = {"id": _new(random), "rsc": chosen}
    role = random.choice(("", "", "", "Promoted", "Started", "Unpromoted"))
    if random.random() < 0.2:
        attrs["resource-discovery"] = random.choice(("never", "exclusive", "always"))
    if random.random() < 0.6:
        attrs |= {"node": node, "score": score}
        if role:
            attrs["role"] = role
        made = Element("rsc_location", attrs)
    else:
        rule = {"id": f"{attrs['id']}-rule", "score": score}
        if role:
            rule["role"] = role
        expressions = [_expression(random, f"{attrs['id']}-{n}", node) for n in range(2)]
        if random.random() < 0.5:
            expressions = expressions[:1]
        rule["boolean-op"] = random.choice(("and", "or"))
        made = Element("rsc_location", attrs, (Element("rule", rule, tuple(expressions)),))
    return _constraint(cib, made), f"location {chosen} {node} {score} {role} {attrs}"


def _expression(random: Random, id_: str, node: str) -> Element:
    kind = random.randrange(4)
    if kind == 0:
        operation = random.choice(("eq", "ne"))
        attrs = {"id": id_, "attribute": "#uname", "operation": operation, "value": node}
        return Element("expression", attrs)
    if kind == 1:
        operation = random.choice(("defined", "not_defined"))
        return Element("expression", {"id": id_, "attribute": "pingd", "operation": operation})
    if kind == 2:
        operation = random.choice(("lt", "gt", "lte", "gte"))
        attrs = {"id": id_, "attribute": "pingd", "operation": operation, "value": "100"}
        return Element("expression", attrs | {"type": random.choice(("number", "string"))})
    operation, key = random.choice((("gt", "start"), ("lt", "end")))
    year = random.choice(("2005", "2035"))
    return Element("date_expression", {"id": id_, "operation": operation, key: f"{year}-01-01"})


def colocation(cib: Cib, random: Random) -> tuple[Cib, str]:
    """A colocation of two or three resources."""
    names = [each.id for each in _tops(cib)]
    if len(names) < 2:
        return cib, "nothing"
    chosen = random.sample(names, min(3, len(names)))
    score = random.choice(_SCORES[:5])
    id_ = _new(random)
    if len(chosen) > 2 and random.random() < 0.4:
        references = tuple(Element("resource_ref", {"id": name}) for name in chosen)
        members = {"id": f"{id_}-set"}
        if random.random() < 0.5:
            members["sequential"] = random.choice(_BOOLEANS)
        made = Element(
            "rsc_colocation", {"id": id_, "score": score},
            (Element("resource_set", members, references),),
        )  # fmt: skip
        return _constraint(cib, made), f"colocation set {chosen} {score} {members}"
    attrs = {"id": id_, "rsc": chosen[0], "with-rsc": chosen[1], "score": score}
    if random.random() < 0.3:
        attrs["rsc-role"] = random.choice(("Started", "Promoted", "Unpromoted"))
    if random.random() < 0.3:
        attrs["with-rsc-role"] = random.choice(("Started", "Promoted", "Unpromoted"))
    if random.random() < 0.2:
        attrs["influence"] = random.choice(_BOOLEANS)
    return _constraint(cib, Element("rsc_colocation", attrs)), f"colocation {attrs}"


def _tops(cib: Cib) -> list[Element]:
    return list(cib.section("resources").findall("primitive", "group", "clone", "bundle"))


def order(cib: Cib, random: Random) -> tuple[Cib, str]:
    """An order of two or three resources."""
    names = [each.id for each in _tops(cib)]
    if len(names) < 2:
        return cib, "nothing"
    chosen = random.sample(names, min(3, len(names)))
    id_ = _new(random)
    kind = random.choice(("Mandatory", "Mandatory", "Optional", "Serialize"))
    if len(chosen) > 2 and random.random() < 0.4:
        references = tuple(Element("resource_ref", {"id": name}) for name in chosen[:2])
        members = {"id": f"{id_}-set"}
        if random.random() < 0.5:
            members["sequential"] = "false"
            if random.random() < 0.5:
                members["require-all"] = "false"
        last = Element(
            "resource_set", {"id": f"{id_}-last"}, (Element("resource_ref", {"id": chosen[2]}),)
        )
        made = Element(
            "rsc_order", {"id": id_, "kind": kind},
            (Element("resource_set", members, references), last),
        )  # fmt: skip
        return _constraint(cib, made), f"order set {chosen} {kind} {members}"
    attrs = {"id": id_, "first": chosen[0], "then": chosen[1], "kind": kind}
    if random.random() < 0.3 and kind != "Serialize":
        attrs["symmetrical"] = random.choice(_BOOLEANS)
    if random.random() < 0.3:
        attrs["first-action"] = random.choice(("start", "stop", "promote", "demote"))
    if random.random() < 0.3:
        attrs["then-action"] = random.choice(("start", "stop", "promote", "demote"))
    return _constraint(cib, Element("rsc_order", attrs)), f"order {attrs}"


def ticket(cib: Cib, random: Random) -> tuple[Cib, str]:
    """A constraint that needs a ticket, and maybe its state."""
    chosen = random.choice(_tops(cib)).id
    policy = random.choice(("stop", "demote", "fence", "freeze"))
    attrs = {"id": _new(random), "rsc": chosen, "ticket": "site", "loss-policy": policy}
    if random.random() < 0.4:
        attrs["rsc-role"] = random.choice(("Started", "Promoted", "Unpromoted"))
    cib = _constraint(cib, Element("rsc_ticket", attrs))
    state = random.choice((None, "true", "false"))
    if state is not None:
        held = {"id": "site", "granted": state}
        if random.random() < 0.3:
            held["standby"] = random.choice(_BOOLEANS)
        tickets = cib.status.find("tickets")
        made = Element("ticket_state", held)
        if tickets is None:
            status = cib.status.append(Element("tickets", {}, (made,)))
            cib = cib.with_section("status", status)
        else:
            cib = _with(cib, tickets, tickets.append(made))
    return cib, f"ticket {attrs} {state}"


def operation(cib: Cib, random: Random) -> tuple[Cib, str]:
    """How the failure of an operation is handled, or whether it is done at all."""
    operations = list(cib.section("resources").iter("op"))
    if not operations:
        return cib, "nothing"
    chosen = random.choice(operations)
    changes: dict[str, str | None] = {"on-fail": random.choice(_ON_FAIL)}
    if random.random() < 0.15:
        changes = {"enabled": "false"}
    elif random.random() < 0.15:
        changes = {"interval": random.choice(("10s", "33s", "2min"))}
    return _with(cib, chosen, chosen.with_attributes(changes)), f"op {chosen.id} {changes}"


def result(cib: Cib, random: Random) -> tuple[Cib, str]:
    """Another result of an operation in a history."""
    entries = list(cib.status.iter("lrm_rsc_op"))
    if not entries:
        return cib, "nothing"
    chosen = random.choice(entries)
    rc, status = random.choice(
        (("0", "0"), ("7", "0"), ("1", "4"), ("8", "0"), ("9", "4"), ("5", "4"), ("198", "2"))
    )
    magic = chosen.get("transition-magic")
    rest = magic.partition(";")[2]
    changes = {"rc-code": rc, "op-status": status, "transition-magic": f"{status}:{rc};{rest}"}
    return _with(cib, chosen, chosen.with_attributes(changes)), (
        f"result {chosen.get('operation_key') or chosen.id} rc={rc} status={status}"
    )


def utilization(cib: Cib, random: Random) -> tuple[Cib, str]:
    """What every node has and some resources need."""
    for node in _nodes(cib):
        amount = str(random.choice((2, 4, 8)))
        changed = _with_pair(node, "utilization", _new(random), "cpu", amount)
        cib = _with(cib, node, changed)
    for primitive in _resources(cib, "primitive"):
        amount = str(random.choice((0, 1, 2, 3)))
        changed = _with_pair(primitive, "utilization", _new(random), "cpu", amount)
        cib = _with(cib, primitive, changed)
    strategy = random.choice(("utilization", "minimal", "balanced"))
    changed = _with_pair(
        cib.section("crm_config"), "cluster_property_set", _new(random), "placement-strategy",
        strategy,
    )  # fmt: skip
    return cib.with_section("crm_config", changed), f"utilization {strategy}"


def quorum(cib: Cib, random: Random) -> tuple[Cib, str]:
    """Quorum is lost or won."""
    value = "0" if cib.root.get("have-quorum") == "1" else "1"
    return cib.with_attributes({"have-quorum": value}), f"have-quorum {value}"


def defaults(cib: Cib, random: Random) -> tuple[Cib, str]:
    """Defaults of resources or operations, maybe only for some."""
    section, name, value = random.choice(
        (
            ("rsc_defaults", "resource-stickiness", "50"),
            ("rsc_defaults", "migration-threshold", "1"),
            ("rsc_defaults", "target-role", "Stopped"),
            ("op_defaults", "on-fail", random.choice(_ON_FAIL)),
            ("op_defaults", "timeout", "77s"),
        )
    )
    id_ = _new(random)
    children: list[Element] = []
    if random.random() < 0.6:
        filters = [Element("rsc_expression", {"id": f"{id_}-e", "class": "ocf"})]
        if section == "op_defaults" and random.random() < 0.5:
            filters = [Element("op_expression", {"id": f"{id_}-e", "name": "monitor"})]
        children.append(Element("rule", {"id": f"{id_}-rule", "score": "INFINITY"}, tuple(filters)))
    children.append(Element("nvpair", {"id": f"{id_}-pair", "name": name, "value": value}))
    made = Element("meta_attributes", {"id": id_}, tuple(children))
    return cib.with_section(section, cib.section(section).append(made)), (
        f"{section} {name}={value} {'rule' if len(children) > 1 else ''}"
    )


def removal(cib: Cib, random: Random) -> tuple[Cib, str]:
    """A constraint or a resource that nothing refers to goes away."""
    constraints = list(cib.section("constraints").findall())
    if constraints and random.random() < 0.7:
        chosen = random.choice(constraints)
        return _with(cib, chosen, None), f"without {chosen.tag} {chosen.id}"
    text = " ".join(
        value for each in cib.section("constraints").iter() for value in each.attrs.values()
    ).split()
    free = [each for each in _resources(cib, "primitive") if each.id not in text]
    tops = [each for each in _tops(cib) if each in free]
    if not tops or len(_tops(cib)) < 2:
        return cib, "nothing"
    chosen = random.choice(tops)
    return _with(cib, chosen, None), f"without {chosen.tag} {chosen.id}"


CHANGES: tuple[Change, ...] = (
    meta, meta, meta, cluster_property, cluster_property, node_attribute, transient_attribute,
    node_state, location, location, colocation, colocation, order, order, ticket, operation,
    result, result, utilization, quorum, defaults, removal,
)  # fmt: skip
