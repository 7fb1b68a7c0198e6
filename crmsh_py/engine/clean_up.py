"""What a clean-up forgets: which histories it means, as pure functions on the status section.

What cannot be looked for again is not forgotten, else it would be started a second time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.pairs import known_nodes
from crmsh_py.engine import status as st
from crmsh_py.engine.attributes import clear_failures, failed_resources
from crmsh_py.scheduler.history import tells_failure
from crmsh_py.wire.stream import CleanHistory


def meant(
    status: Element, config: Cib, message: CleanHistory, holders: Mapping[str, int]
) -> list[tuple[Element, tuple[str, ...]]]:
    """The nodes' states that are meant, each with the ids of the histories to be forgotten.

    ``holders``: by remote node the member that is connected with it.
    """
    wanted = st.meant_by(config, message.resource)
    configured = _configured(config)
    found = []
    for state in status.findall("node_state"):
        if message.node and state.get("uname") != message.node:
            continue
        reached = not st.is_remote(state) or _is_reached(status, state.id, holders)
        failed = failed_resources(state)
        resources = []
        for history in state.iter("lrm_resource"):
            if not st.is_meant(history.id, wanted):
                continue
            name = history.id.split(":", 1)[0]
            has_failed = name in failed or any(map(tells_failure, history.children))
            may_run = not st.is_stopped(history)
            if may_run and not reached:
                continue  # it would be started elsewhere: nobody can look for it there
            if may_run and not has_failed and name not in configured:
                continue  # it would run for ever: nobody looks for it
            if message.all_history or has_failed:
                resources.append(history.id)
        found.append((state, tuple(resources)))
    return found


def _configured(config: Cib) -> set[str]:
    """The resources that are looked for where nothing is known: guests' connections, too."""
    resources = {each.id for each in config.section("resources").iter("primitive")}
    return resources | {node.get("uname") for node in known_nodes(config)}


def _is_reached(status: Element, remote: str, holders: Mapping[str, int]) -> bool:
    """Whether somebody is connected with a remote node, and has not failed to hear it."""
    member = st.node_state(status, str(holders.get(remote, "")))
    if member is None:
        return False
    connection = st.history_of(member, remote)
    entries = connection.children if connection is not None else ()
    newest = max(entries, key=st.call_number, default=None)
    return newest is not None and newest.get("rc-code") == "0"


def forget(resources: Collection[str], wanted: Collection[str], state: Element) -> Element:
    """The state of a node without these histories, and without the failures that are meant.

    ``wanted``: the resources whose failures are; of none: all.
    """
    for resource in resources:
        state = clear_failures(st.drop_history(state, resource), resource)
    for resource in sorted(wanted):
        state = clear_failures(state, resource)
    return state if wanted else clear_failures(state)
