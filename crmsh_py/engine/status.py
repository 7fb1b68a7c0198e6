"""The status section: what every replica does to it, as pure functions on elements.

The section has Pacemaker's form: a ``<node_state>`` per node with the node's transient attributes
and its history, a ``<lrm_resource>`` per resource with an ``<lrm_rsc_op>`` per operation.

Every function takes an element and gives a changed one (or the very same, where nothing changes).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.ids import is_xml_id
from crmsh_py.whole_numbers import whole

ONLINE = {"in_ccm": "true", "crmd": "online", "join": "member", "expected": "member"}
# In the ring, but its cluster manager has not run since its daemon began. What it did before is
# unknown: to the scheduler it is joining, and what has not been looked for there is not started.
IDLE = {"in_ccm": "true", "crmd": "offline", "join": "down", "expected": "down"}
LOST = {"in_ccm": "false", "crmd": "offline", "join": "down", "expected": "member"}
# It has gone in order, and nothing runs there. Its daemon may be in the ring, with the manager off.
GONE = {"in_ccm": "false", "crmd": "offline", "join": "down", "expected": "down"}
_STANDING = ("in_ccm", "crmd", "join", "expected")


# ---- nodes -------------------------------------------------------------------------------------


def node_state(status: Element, node_id: str) -> Element | None:
    """The state of a node, or None."""
    return next((s for s in status.findall("node_state") if s.id == node_id), None)


def node_by_name(status: Element, name: str) -> Element | None:
    """The state of a node by its name, or None."""
    return next((s for s in status.findall("node_state") if s.get("uname") == name), None)


def new_node_state(node_id: str, name: str, standing: Mapping[str, str]) -> Element:
    """A node without history."""
    return Element("node_state", {"id": node_id, "uname": name, **standing})


def with_standing(state: Element, standing: Mapping[str, str]) -> Element:
    """The node with another standing in the membership."""
    if all(state.get(name) == value for name, value in standing.items()):
        return state
    return state.with_attributes(standing)


def put_node_state(status: Element, state: Element) -> Element:
    """Put a node's state in place of the old one; new ones go in the order of their ids."""
    others = [s for s in status.children if s.id != state.id]
    merged = sorted([*others, state], key=lambda s: (len(s.id), s.id))
    return status.with_children(tuple(merged))


def change_node(status: Element, node_id: str, change: Callable[[Element], Element]) -> Element:
    """The status with one node changed; the same status when that node is not in it."""
    return status.map_children(lambda s: change(s) if s.id == node_id else s)


# ---- remote nodes ------------------------------------------------------------------------------


def is_remote(state: Element) -> bool:
    """Whether this is the state of a remote node or a guest."""
    return state.get("remote_node") == "true"


def remote_state(name: str, *, up: bool, fenced_at: int = 0) -> Element:
    """A remote node without history; ``fenced_at``: it is off since then (Unix time, s)."""
    attributes = {"remote_node": "true", "in_ccm": "true" if up else "false"}
    if fenced_at:
        attributes["node_fenced"] = str(fenced_at)
    return new_node_state(name, name, attributes)


def checked_remote(state: Element, name: str) -> tuple[Element, ...] | None:
    """History and attributes of a remote node's state that a peer sent; None if it is not that."""
    if state.tag != "node_state" or state.id != name:
        return None
    parts = (state.find(tag) for tag in ("transient_attributes", "lrm"))
    return tuple(part.with_attributes({"id": name}) for part in parts if part is not None)


# ---- history -----------------------------------------------------------------------------------


def history_of(state: Element, resource: str) -> Element | None:
    """A resource's ``<lrm_resource>`` on a node, or None."""
    resources = state.find("lrm", "lrm_resources")
    if resources is None:
        return None
    return next((r for r in resources.children if r.id == resource), None)


def meant_by(config: Cib, resource: str) -> set[str]:
    """Whose histories are meant by the name of a resource: those inside, too; empty: of all."""
    if not resource:
        return set()
    element = config.find_id(resource.split(":", 1)[0])
    inside = {p.id for p in element.iter("primitive")} if element is not None else set()
    return inside | {resource}


def is_meant(history: str, wanted: set[str]) -> bool:
    """Whether the history of this id is among those."""
    return not wanted or history in wanted or history.split(":", 1)[0] in wanted


def put_history(state: Element, history: Element, forget: Iterable[str] = ()) -> Element:
    """Merge entries of a resource into a node's history; entries of the same id are replaced."""
    old = history_of(state, history.id)
    dropped = {*forget, *(op.id for op in history.children)}
    kept = tuple(op for op in (old.children if old else ()) if op.id not in dropped)
    entries = tuple(sorted((*kept, *history.children), key=lambda op: op.id))
    merged = history.with_children(entries)
    if old is not None and old.get("shutdown-lock") and is_stopped(history):
        merged = merged.with_attributes({"shutdown-lock": old.get("shutdown-lock")})
    return _with_resources(
        state, lambda rs: tuple(sorted((*_without(rs, history.id), merged), key=_by_id))
    )


def without_entries(state: Element, resource: str, *entries: str) -> Element:
    """The node without these entries of a resource's history."""
    old = history_of(state, resource)
    if old is None or not any(op.id in entries for op in old.children):
        return state
    return put_history(state, old.with_children(()), entries)


def drop_history(state: Element, resource: str) -> Element:
    """Forget everything that a resource did on a node.

    That it is being sent to another node, or was and has not arrived, is none of that: nobody else
    knows. The other node may be away just now, and believes that it is not there.
    """
    history = history_of(state, resource)
    if history is None:
        return state
    sending = tuple(
        op
        for op in history.children
        if op.get("operation") == "migrate_to"
        and (op.get("call-id") == "-1" or op.get("rc-code") == "0")
    )
    kept = (history.with_children(sending),) if sending else ()
    return _with_resources(
        state, lambda rs: tuple(sorted((*_without(rs, resource), *kept), key=_by_id))
    )


def _with_resources(
    state: Element, change: Callable[[tuple[Element, ...]], tuple[Element, ...]]
) -> Element:
    lrm = state.find("lrm") or Element("lrm", {"id": state.id})
    resources = lrm.find("lrm_resources") or Element("lrm_resources")
    resources = resources.with_children(change(resources.children))
    lrm = lrm.with_children((resources,))
    others = tuple(c for c in state.children if c.tag != "lrm")
    return state.with_children((*others, lrm))


def _without(resources: tuple[Element, ...], resource: str) -> tuple[Element, ...]:
    return tuple(r for r in resources if r.id != resource)


def _by_id(element: Element) -> str:
    return element.id


def lock_stopped(state: Element, resource: str, config: Cib) -> Element:
    """Lock a resource to its node, which is shutting down, if it was just stopped there.

    Nothing that was only looked for: it was never there. No instance of a clone: it has no node
    that it would go back to, and what is cloned today may be one of a kind tomorrow.
    """
    history = history_of(state, resource)
    since = attributes_of(state).get("shutdown", "")
    if history is None or not whole(since):
        return state
    if _last_result(history) != ("stop", "0") or not _is_single(config, resource):
        return state
    return _with_resources(
        state,
        lambda rs: tuple(
            r.with_attributes({"shutdown-lock": since}) if r.id == resource else r for r in rs
        ),
    )


def _is_single(config: Cib, resource: str) -> bool:
    outer = config.section("resources").findall("primitive", "group")
    return any(each.id == resource for top in outer for each in top.iter("primitive"))


def is_stopped(history: Element) -> bool:
    """Whether the newest entry says that the resource is not running."""
    return _last_result(history) in (("stop", "0"), ("monitor", "7"))


def _last_result(history: Element) -> tuple[str, str]:
    """The newest operation and its result; empty where there is none."""
    newest = max(history.children, key=call_number, default=None)
    return (newest.get("operation"), newest.get("rc-code")) if newest is not None else ("", "")


def is_all_stopped(state: Element) -> bool:
    """Whether nothing runs on a node, as far as its history tells."""
    return all(map(is_stopped, state.iter("lrm_resource")))


def with_locks(state: Element, locked: Element | None) -> Element:
    """A node that has come back, with the locks that it knows nothing of."""
    for part in locked_part(locked):
        for resource in part.iter("lrm_resource"):
            mine = history_of(state, resource.id)
            if mine is None or is_stopped(mine):
                state = put_history(state, resource)
    return state


def locked_part(state: Element | None) -> tuple[Element, ...]:
    """The parts of a node's state that outlast an orderly shutdown: locked resources."""
    resources = state.find("lrm", "lrm_resources") if state is not None else None
    # Only that they were stopped: what they did before is about another life of the node.
    locked = tuple(
        r.with_children((max(r.children, key=call_number),))
        for r in (resources.children if resources else ())
        if r.get("shutdown-lock") and r.children
    )
    if state is None or not locked:
        return ()
    empty = new_node_state(state.id, state.get("uname"), {})
    return _with_resources(empty, lambda _: locked).children


def call_number(entry: Element) -> int:
    """The number of the call that an entry of a history tells of: the newest has the highest."""
    return whole(entry.get("call-id", "0"))


# ---- transient attributes ----------------------------------------------------------------------


def attributes_of(state: Element) -> dict[str, str]:
    """The transient attributes of a node."""
    pairs = state.find("transient_attributes", "instance_attributes")
    if pairs is None:
        return {}
    return {pair.get("name"): pair.get("value") for pair in pairs.findall("nvpair")}


def with_attribute(state: Element, name: str, value: str | None) -> Element:
    """The node with a transient attribute set, or without it where ``value`` is None."""
    attributes = attributes_of(state)
    if attributes.get(name) == value:
        return state
    if value is None:
        attributes.pop(name)
    else:
        attributes[name] = value
    return _with_attributes(state, attributes)


def without_attributes(state: Element, unwanted: Callable[[str], bool]) -> Element:
    """The node without the transient attributes whose name is unwanted."""
    attributes = attributes_of(state)
    kept = {name: value for name, value in attributes.items() if not unwanted(name)}
    return state if len(kept) == len(attributes) else _with_attributes(state, kept)


def _with_attributes(state: Element, attributes: Mapping[str, str]) -> Element:
    others = tuple(c for c in state.children if c.tag != "transient_attributes")
    set_id = f"status-{state.id}"
    pairs = tuple(
        Element("nvpair", {"id": _pair_id(set_id, name), "name": name, "value": value})
        for name, value in attributes.items()
    )
    attribute_set = Element("instance_attributes", {"id": set_id}, pairs)
    transient = Element("transient_attributes", {"id": state.id}, (attribute_set,))
    return state.with_children((transient, *others))


def _pair_id(set_id: str, name: str) -> str:
    """An XML id for any name: what may not stand in one becomes a point, as attrd does it."""
    wanted = f"{set_id}-{name}"
    if is_xml_id(wanted):
        return wanted
    return "".join(c if c.isalnum() or c in "._-" else "." for c in wanted)


# ---- reading what came from others -------------------------------------------------------------


def checked_state(state: Element, node_id: str) -> Element | None:
    """A ``<node_state>`` that a peer sent, reduced to what may be in it; None if it is not his."""
    if state.tag != "node_state" or state.id != node_id:
        return None
    children = tuple(
        next(c for c in state.children if c.tag == tag)
        for tag in ("transient_attributes", "lrm")
        if state.find(tag) is not None
    )
    return Element("node_state", {"id": state.id, "uname": state.get("uname")}, children)
