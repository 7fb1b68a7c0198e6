"""The edits that shell and tools share, as functions from CIB to CIB.

What ``crm resource move`` and ``crm_resource --move`` write is the same, with the same ids, so
that either undoes what the other did. Nothing is committed here. Every function raises
``NotFound`` for a resource or node that the CIB does not have.

Source: the ids and forms are those of Pacemaker's crm_resource and crm_attribute (observed).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.failures import FAIL_COUNT, LAST_FAILURE
from crmsh_py.cib.leftovers import BAN, PREFER
from crmsh_py.cib.pairs import find_node, replaced, set_node_pair, with_pair
from crmsh_py.errors import NotFound
from crmsh_py.value import frozen

Edit = Callable[[Cib], Cib]

_RESOURCES = ("primitive", "group", "clone", "master", "bundle")


# ---- moving ----------------------------------------------------------------------------------


def move(
    cib: Cib,
    resource: str,
    node: str,
    *,
    lifetime: str = "",
    now: datetime | None = None,
    promoted: bool = False,
) -> Cib:
    """Prefer a node with INFINITY; an earlier move, and a ban of that node, are taken back.

    ``lifetime`` is an ISO 8601 duration from ``now`` on, after which the constraint counts no
    more; ``now`` is needed with it.
    """
    find_resource(cib, resource)
    node = find_node(cib, node).get("uname")
    gone = (PREFER + resource, f"{BAN}{resource}-on-{node}")
    cib = _without_constraints(cib, lambda c: c.id in gone)
    return _with_location(
        cib,
        PREFER + resource,
        resource,
        node,
        score="INFINITY",
        promoted=promoted,
        end=_end(lifetime, now),
    )


def ban(
    cib: Cib,
    resource: str,
    node: str,
    *,
    lifetime: str = "",
    now: datetime | None = None,
    promoted: bool = False,
) -> Cib:
    """Keep a resource off a node, as long as ``lifetime`` says (see ``move``)."""
    find_resource(cib, resource)
    node = find_node(cib, node).get("uname")
    name = f"{BAN}{resource}-on-{node}"
    cib = _without_constraints(cib, lambda c: c.id == name)
    return _with_location(
        cib, name, resource, node, score="-INFINITY", promoted=promoted, end=_end(lifetime, now)
    )


def clear(cib: Cib, resource: str, node: str = "") -> Cib:
    """Take back what ``move`` and ``ban`` have left; for one node only, if it is named."""
    find_resource(cib, resource)
    if node:
        node = find_node(cib, node).get("uname")

    def left(constraint: Element) -> bool:
        if constraint.tag != "rsc_location" or constraint.get("rsc") != resource:
            return False
        if not constraint.id.startswith((PREFER, BAN)):
            return False
        return not node or node in _nodes_of(constraint)

    return _without_constraints(cib, left)


def without(cib: Cib, names: Collection[str]) -> Cib:
    """Take constraints away by their ids; what is not there is gone already."""
    return _without_constraints(cib, lambda constraint: constraint.id in names)


def _with_location(
    cib: Cib, name: str, resource: str, node: str, *, score: str, promoted: bool, end: str
) -> Cib:
    attrs = {"id": name, "rsc": resource, "role": "Promoted" if promoted else "Started"}
    children: tuple[Element, ...] = ()
    if end:
        where = {"attribute": "#uname", "operation": "eq", "value": node, "type": "string"}
        parts = (
            Element("expression", {"id": f"{name}-expr", **where}),
            Element("date_expression", {"id": f"{name}-lifetime", "operation": "lt", "end": end}),
        )
        rule = {"id": f"{name}-rule", "score": score, "boolean-op": "and"}
        children = (Element("rule", rule, parts),)
    else:
        attrs |= {"node": node, "score": score}
    constraints = cib.section("constraints")
    return cib.with_section(
        "constraints", constraints.append(Element("rsc_location", attrs, children))
    )


def _nodes_of(constraint: Element) -> set[str]:
    named = {e.get("value") for e in constraint.iter("expression")}
    return named | {constraint.get("node")}


def _without_constraints(cib: Cib, gone: Callable[[Element], bool]) -> Cib:
    section = cib.section("constraints")
    kept = section.map_children(lambda child: None if gone(child) else child)
    return cib if kept is section else cib.with_section("constraints", kept)


def _end(lifetime: str, now: datetime | None) -> str:
    if not lifetime:
        return ""
    from crmsh_py.cib.dates import add_duration
    from crmsh_py.cib.durations import parse_iso

    assert now is not None, "a lifetime begins at a time"
    text = lifetime if lifetime.startswith("P") else f"P{lifetime}"
    end = add_duration(now, parse_iso(text))
    offset = end.strftime("%z")
    zone = "Z" if offset in ("", "+0000") else f"{offset[:3]}:{offset[3:]}"
    return end.strftime("%Y-%m-%d %H:%M:%S") + zone


# ---- attributes of resources and nodes -------------------------------------------------------


def target_role(cib: Cib, resource: str, role: str | None) -> Cib:
    """Say whether a resource shall run: Started, Stopped, Promoted, Unpromoted; None: no matter."""
    return set_meta(cib, resource, "target-role", role)


def standby(cib: Cib, node: str, value: bool | None) -> Cib:
    """Keep all resources off a node (True), or not any more."""
    text = None if value is None else ("on" if value else "off")
    return set_node_attribute(cib, node, "standby", text)


def maintenance(cib: Cib, node: str, value: bool | None) -> Cib:
    """Leave a node's resources alone (True), or not any more."""
    text = None if value is None else _boolean(value)
    return set_node_attribute(cib, node, "maintenance", text)


def set_meta(cib: Cib, resource: str, name: str, value: str | None) -> Cib:
    """Set a meta attribute of a resource, or delete it (None)."""
    found = find_resource(cib, resource)
    changed = with_pair(found, "meta_attributes", f"{resource}-meta_attributes", name, value)
    if changed is found:
        return cib
    return cib.with_section("resources", replaced(cib.section("resources"), found, changed))


def set_node_attribute(cib: Cib, node: str, name: str, value: str | None) -> Cib:
    """Set a permanent attribute of a node, or delete it (None)."""
    return set_node_pair(cib, node, name, value)


def set_transient_attribute(cib: Cib, node: str, name: str, value: str | None) -> Cib:
    """Set an attribute of a node that its next restart forgets, or delete it (None)."""
    found = find_node(cib, node)
    number, uname = found.id, found.get("uname")
    state = next((s for s in cib.status.findall("node_state") if s.id == number), None)
    if state is None:
        if value is None:
            return cib
        state = Element("node_state", {"id": number, "uname": uname})
        cib = cib.with_status(cib.status.append(state))
    holder = state.find("transient_attributes")
    before = holder or Element("transient_attributes", {"id": number})
    after = with_pair(before, "instance_attributes", f"status-{number}", name, value)
    if after is before:
        return cib
    others = tuple(c for c in state.children if c is not holder)
    return cib.with_status(replaced(cib.status, state, state.with_children((*others, after))))


def without_history(
    cib: Cib, resource: str = "", node: str = "", *, only_failed: bool = False
) -> Cib:
    """Forget what happened to a resource (instances of a clone included) on a node; '' is all.

    ``only_failed`` keeps the history of what has not failed there, as a clean-up does.
    """
    top = cib.section("resources")
    if resource:
        top = find_resource(cib, configured_name(cib, resource))
    names = {element.id for element in top.iter("primitive")}

    def forget(state: Element) -> Element | None:
        if node and state.get("uname") != node:
            return state
        gone = names & _failed(state) if only_failed else names
        return _map_deep(state, lambda e: None if _is_history(e, gone) else e)

    return cib.with_status(cib.status.map_children(forget))


@frozen
class FailedAt:
    """Where an operation has failed; ``others`` are the attributes that count other failures."""

    node: str
    resource: str
    others: dict[str, str]


def failed_at(cib: Cib, resource: str, node: str, operation: str) -> list[FailedAt]:
    """Where an operation (``monitor_10000``) of a resource has failed; '' is any."""
    top = cib.section("resources")
    if resource:
        top = find_resource(cib, configured_name(cib, resource))
    found = []
    for state in cib.status.findall("node_state"):
        if node in ("", state.get("uname")):
            for primitive in top.iter("primitive"):
                pairs = {
                    pair.get("name"): pair.get("value")
                    for pair in state.iter("nvpair")
                    if _is_history(pair, {primitive.id})
                }
                others = {n: v for n, v in pairs.items() if not n.endswith(f"#{operation}")}
                if len(others) < len(pairs):
                    found.append(FailedAt(state.get("uname"), primitive.id, others))
    return found


def without_failure(cib: Cib, resource: str, node: str, operation: str) -> Cib:
    """Forget what happened to a resource where an operation of it has failed; '' is any.

    How often other operations have failed there stays.
    """
    for place in failed_at(cib, resource, node, operation):
        cib = without_history(cib, place.resource, place.node)
        for name, value in place.others.items():
            cib = set_transient_attribute(cib, place.node, name, value)
    return cib


def _failed(state: Element) -> set[str]:
    """The resources that have failed on a node: one counts, or a failure is remembered."""
    from crmsh_py.scheduler.history import tells_failure

    counted = {_counted(pair, FAIL_COUNT) for pair in state.iter("nvpair")}
    return counted | {
        history.id.partition(":")[0]
        for history in state.iter("lrm_resource")
        if any(map(tells_failure, history.children))
    }


def _is_history(element: Element, names: set[str]) -> bool:
    if element.tag == "lrm_resource":
        return element.id.partition(":")[0] in names
    if element.tag == "nvpair":
        return bool(names & {_counted(element, prefix) for prefix in (FAIL_COUNT, LAST_FAILURE)})
    return False


def _counted(pair: Element, prefix: str) -> str:
    """The resource that an attribute of failures is about; '' for one that is not."""
    name = pair.get("name")
    subject, found, _ = name.removeprefix(prefix).partition("#")
    return subject.partition(":")[0] if found and name.startswith(prefix) else ""


# ---- finding ---------------------------------------------------------------------------------


def find_resource(cib: Cib, resource: str) -> Element:
    """A resource of any kind by its id."""
    section = cib.section("resources")
    found = next((e for e in section.iter(*_RESOURCES) if e.id == resource), None)
    if found is None:
        names = [e.id for e in section.iter(*_RESOURCES)]
        raise NotFound(f"there is no resource '{resource}'", name=resource, possibilities=names)
    return found


def configured_name(cib: Cib, name: str) -> str:
    """The id of what is configured: for an instance of a clone (``db:0``) that without its number.

    A name that is none of an instance stays as it is.
    """
    base, colon, number = name.rpartition(":")
    if colon and number.isdecimal():
        for around in cib.section("resources").iter("clone", "master", "bundle"):
            if any(each.id == base for each in around.iter("primitive", "group")):
                return base
    return name


def collective(cib: Cib, name: str) -> str:
    """The group, clone or bundle, outermost, that a resource or an instance is in; else itself.

    What is cleaned up (Pacemaker: unless forced): members that depend on one another start anew.
    """
    base = configured_name(cib, name)
    for top in cib.section("resources").children:
        if any(each.id == base for each in top.iter(*_RESOURCES)):
            return top.id
    return name


def _map_deep(element: Element, change: Callable[[Element], Element | None]) -> Element | None:
    """Change an element and its descendants, the outer ones first; what is new is left alone."""
    changed = change(element)
    if changed is not element or changed is None:
        return changed
    return element.map_children(lambda child: _map_deep(child, change))


def _boolean(value: bool) -> str:
    return "true" if value else "false"
