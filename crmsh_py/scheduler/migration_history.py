"""What histories say about live migrations, and where resources are by them.

A migration leaves traces on two nodes. Which of them counts depends on what was done later on
either node; a migration that did not end leaves the resource active on both, or on neither.
"""

from __future__ import annotations

from crmsh_py.cib.scores import INFINITY
from crmsh_py.scheduler import sources
from crmsh_py.scheduler.history_entry import DONE, PENDING, HistoryEntry, newer, number
from crmsh_py.scheduler.model import PROMOTED, STARTED, STOPPED, Node

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.scheduler.history_reading import Reading
    from crmsh_py.scheduler.resource import Resource

_MOVING = {"start", "stop", "migrate_to", "migrate_from"}


# ---- being active --------------------------------------------------------------------------------


def add_running(resource: Resource, node: Node, *, failed: bool) -> None:
    """Note that a resource is active on a node, with all that follows from that."""
    if node in resource.active_nodes:
        return
    resource.active_nodes.append(node)
    parent = resource.parent
    if resource.is_primitive:
        node.running.append(resource)
        _add_priority(resource, node, failed=failed)
        if node.maintenance:
            resource.managed = False
            resource.maintenance = True
    if not resource.managed:
        source = sources.of_management(resource) if resource.state.traced else ""
        resource.shift(node, INFINITY, "unmanaged", source)
        while parent is not None:
            parent.active_nodes.append(node)
            parent = parent.parent
        return
    if resource.is_primitive and _several(resource):
        _settle_several(resource)
    if parent is not None:
        add_running(parent, node, failed=False)


def _several(resource: Resource) -> bool:
    _, active, clean = resource.active_node()
    return (active if resource.needs_fencing else clean) > 1


def _settle_several(resource: Resource) -> None:
    if resource.multiple_active == "stop_only":
        resource.forbid_everywhere("multiple-active", resource.xml_id)
    elif resource.multiple_active == "block":
        resource.managed = False
        resource.blocked = True
        parent = resource.parent
        if (
            parent is not None
            and (parent.is_group or parent.is_bundle)
            and parent.multiple_active == "block"
        ):
            for child in parent.children:
                child.managed = False
                child.blocked = True


def _add_priority(resource: Resource, node: Node, *, failed: bool) -> None:
    """A node is worth what runs on it, for the delay of its fencing."""
    if not resource.priority or failed:
        return
    priority = resource.priority + (resource.orig_role == PROMOTED)
    node.priority += priority
    launcher = node.launcher
    for host in launcher.active_nodes if launcher is not None else ():
        host.priority += priority


# ---- looking at other entries --------------------------------------------------------------------


def _entries(reading: Reading, node_name: str) -> list[HistoryEntry]:
    return reading.resource.state.histories.get((node_name, reading.resource.id), [])


def _find(
    reading: Reading, task: str, node_name: str, other: str | None, target_rc: int | None
) -> HistoryEntry | None:
    """The entry of a task on a node, of a migration from or to ``other``."""
    attribute = "migrate_target" if task == "migrate_to" else "migrate_source"
    found = [
        entry
        for entry in _entries(reading, node_name)
        if entry.task == task and (other is None or entry.element.attrs.get(attribute) == other)
    ]
    # More than one entry would not tell which of them to believe.
    if len(found) != 1:
        return None
    entry = found[0]
    if target_rc is not None and (
        number(entry.raw_rc, 1) != target_rc or number(entry.raw_status, 4) != DONE
    ):
        return None
    return entry


def _arrival(
    reading: Reading, target: str, source: str, target_rc: int | None
) -> HistoryEntry | None:
    """The other half of the ``migrate_to`` that is read, and not that of an earlier one."""
    found = _find(reading, "migrate_from", target, source, target_rc)
    to = reading.entry
    if found is not None and to.order and found.order and newer(to, found) > 0:
        return None  # by dates nobody could tell: the two nodes' clocks may differ
    return found


def _moved_after(reading: Reading, node_name: str, than: HistoryEntry | None) -> bool:
    """Whether it was started, stopped or migrated on a node after an entry."""
    if than is None:
        return False
    return any(
        entry is not than and entry.task in _MOVING and newer(entry, than) > 0
        for entry in _entries(reading, node_name)
    )


def _unknown_on(reading: Reading, node_name: str) -> bool:
    return all(number(entry.raw_rc, 193) == 193 for entry in _entries(reading, node_name))


def _state_after(
    reading: Reading, node_name: str, to: HistoryEntry | None, from_: HistoryEntry | None
) -> bool:
    """Whether anything newer than a migration says what is on a node."""
    entry = from_ if from_ is not None else to
    if entry is None:
        return False
    source = entry.element.attrs.get("migrate_source", "")
    if entry is not to and to is not None and node_name.lower() == source.lower():
        entry = to
    if _moved_after(reading, node_name, entry):
        return True
    monitor = _find(reading, "monitor", node_name, None, 7)
    return monitor is not None and newer(monitor, entry) > 0


def _names(reading: Reading, *, on_source: bool) -> tuple[str, str] | None:
    """Source and target of a migration; None where the entry does not fit its node."""
    get = reading.entry.element.attrs.get
    source, target = get("migrate_source"), get("migrate_target")
    state = reading.resource.state
    if source is None or target is None:
        state.error("get_migration_node_names", "Ignoring resource history entry "
                    f"{reading.entry.id} without migrate_source and migrate_target")  # fmt: skip
        return None
    here = source if on_source else target
    if here.lower() != reading.node.name.lower():
        state.error("get_migration_node_names", "Ignoring resource history entry "
                    f"{reading.entry.id} because it is not about {reading.node.name}")  # fmt: skip
        return None
    return source, target


# ---- the three kinds of traces -------------------------------------------------------------------


def read_success(reading: Reading) -> None:
    """A ``migrate_to`` that succeeded: what has become of its other half?"""
    names = _names(reading, on_source=True)
    if names is None:
        return
    source, target = names
    resource = reading.resource
    state = resource.state
    moved = _moved_after(reading, source, reading.entry)
    other_half = _arrival(reading, target, source, None)
    from_rc, from_status = 0, PENDING
    if other_half is not None:
        if moved:
            return
        from_rc = number(other_half.raw_rc, 0)
        from_status = number(other_half.raw_status, PENDING)
    later = _state_after(reading, target, reading.entry, other_half)
    if moved and later:
        return
    if from_rc == 0 and from_status == DONE:
        # The source still has to be cleaned up.
        resource.orig_role = STOPPED
        resource.dangling_sources.insert(0, reading.node)
        return
    resource.orig_role = STARTED
    target_node = state.node_named(target)
    on_target = not later and target_node is not None and target_node.online
    if from_status != PENDING:
        if on_target:
            assert target_node is not None
            add_running(resource, target_node, failed=True)
        else:
            resource.failed = resource.stop_if_failed = True
            resource.migratable = False
        return
    if target_node is not None and target_node.online and _unknown_on(reading, target):
        return  # the target may have been restarted meanwhile: a probe will tell
    if on_target:
        assert target_node is not None
        add_running(resource, target_node, failed=False)
        source_node = state.node_named(source)
        if source_node is not None and source_node.online:
            resource.migration_target = target_node
            resource.migration_source = source_node
    elif not moved:
        resource.failed = resource.stop_if_failed = True
        resource.migratable = False


def read_to_failure(reading: Reading) -> None:
    """A ``migrate_to`` that failed: it may be on the target nevertheless."""
    names = _names(reading, on_source=True)
    if names is None:
        return
    source, target = names
    resource = reading.resource
    resource.orig_role = STARTED
    other_half = _arrival(reading, target, source, 0)
    if not _unknown_on(reading, target) and not _state_after(
        reading, target, reading.entry, other_half
    ):
        node = resource.state.node_named(target)
        if node is not None and node.online:
            add_running(resource, node, failed=False)
    elif not _moved_after(reading, source, reading.entry):
        resource.dangling_sources.insert(0, reading.node)


def read_from_failure(reading: Reading) -> None:
    """A ``migrate_from`` that failed: it may still be on the source."""
    names = _names(reading, on_source=False)
    if names is None:
        return
    source, target = names
    resource = reading.resource
    resource.orig_role = STARTED
    other_half = _find(reading, "migrate_to", source, target, 0)
    if not _unknown_on(reading, source) and not _state_after(
        reading, source, other_half, reading.entry
    ):
        node = resource.state.node_named(source)
        if node is not None and node.online:
            add_running(resource, node, failed=True)
