"""What a live migration may have left on its target, as the histories of both nodes tell it.

From its first moment ``migrate_to`` may have an effect on the target: a virtual machine runs there
as soon as its memory has been sent, and only its source knows that it was sent at all. So it is
written down when it is asked for, in the history of the source. Is that node switched off, or does
it start anew, then what the target says of the resource is older than the migration: somebody has
to look there before it is started anywhere (Pacemaker forces a stop on the target, as long as the
source is not off).
"""

from __future__ import annotations

from crmsh_py.cib.element import Element
from crmsh_py.engine import status as st


def sent(state: Element) -> list[tuple[str, str]]:
    """What a node has begun to migrate, as the last that it did with it: resource and target."""
    newest = [(history.id, _newest(history)) for history in state.iter("lrm_resource")]
    return [
        (resource, entry.get("migrate_target"))
        for resource, entry in newest
        if entry is not None and entry.get("operation") == "migrate_to"
    ]


def to_remember(state: Element) -> Element:
    """A member's state as it was: what is locked there, and what it has begun to migrate."""
    migrated = [resource for resource, _ in sent(state)]
    histories = tuple(
        history
        for history in state.iter("lrm_resource")
        if history.get("shutdown-lock") or history.id in migrated
    )
    made = st.new_node_state(state.id, state.get("uname"), {})
    for history in histories:
        newest = _newest(history)
        if newest is not None:
            made = st.put_history(made, history.with_children((newest,)))
    return made


def doubted(status: Element, source: Element) -> list[tuple[str, str]]:
    """Targets that say that something is not there, though this node, now off, has sent it."""
    found = []
    for resource, target in sent(source):
        state = st.node_by_name(status, target)
        history = st.history_of(state, resource) if state is not None else None
        if history is not None and st.is_stopped(history):
            found.append((target, resource))
    return found


def ended(status: Element, source: Element, resource: str) -> list[str]:
    """The entries of migrations from here that mean nothing any more.

    The target has it, and it is stopped here by now; or it did not arrive, and was started here
    again. Such an entry says that it is on the target until something newer is known of that: what
    is found after a history was lost or cleaned is not, and would be restarted.
    """
    history = st.history_of(source, resource)
    if history is None:
        return []
    entries = [each for each in history.children if each.get("operation") == "migrate_to"]
    newest = _newest(history)
    if newest is not None and _is_start(newest):
        return [entry.id for entry in entries]
    if not st.is_stopped(history):
        return []
    here = source.get("uname")
    return [
        entry.id
        for entry in entries
        if _has_arrived(status, resource, here, entry.get("migrate_target"))
    ]


def outdated(status: Element, history: Element, target: str) -> list[tuple[str, str]]:
    """Nodes and their entries that say that they have sent it to one where it was just seen to.

    That the target has started anew, and with it has forgotten how it came, may be older than the
    last stop on the source. What was done on the target since then is newer than all of that,
    whatever the clocks of the two nodes say.
    """
    results = {(entry.get("operation"), entry.get("rc-code")) for entry in history.children}
    if results.isdisjoint({("start", "0"), ("stop", "0")}):
        return []
    found = []
    for source in status.findall("node_state"):
        told = st.history_of(source, history.id)
        if told is None or not st.is_stopped(told):
            continue
        found += [
            (source.get("uname"), entry.id)
            for entry in told.children
            if (entry.get("operation"), entry.get("rc-code"), entry.get("migrate_target"))
            == ("migrate_to", "0", target)
        ]
    return found


def _has_arrived(status: Element, resource: str, source: str, target: str) -> bool:
    state = st.node_by_name(status, target)
    history = st.history_of(state, resource) if state is not None else None
    return any(
        (entry.get("operation"), entry.get("rc-code"), entry.get("migrate_source"))
        == ("migrate_from", "0", source)
        for entry in (history.children if history is not None else ())
    )


def _is_start(entry: Element) -> bool:
    return (entry.get("operation"), entry.get("rc-code")) == ("start", "0")


def _newest(history: Element) -> Element | None:
    """The last entry; what has not ended is the newest of all."""
    return max(
        history.children,
        key=lambda entry: (entry.get("call-id") == "-1", st.call_number(entry)),
        default=None,
    )
