"""Live migration: a move without a stop in between.

``migrate_to`` on the source and ``migrate_from`` on the target take the place of stop and start;
the stop then only cleans up, and the start becomes a point in the order.
"""

from __future__ import annotations

from crmsh_py.scheduler import relations
from crmsh_py.scheduler.model import (
    ABORTS_MIGRATION,
    FIRST_ELSE_THEN,
    MIGRATABLE,
    ORDERED,
    PSEUDO,
    UNMIGRATABLE_THEN_BLOCKS,
    Node,
)
from crmsh_py.scheduler.resource import Resource
from crmsh_py.scheduler.vertices import start, stop, vertex_for


def possible(resource: Resource, current: Node | None) -> bool:
    """Whether a resource that moves can do so without stopping."""
    return (
        resource.migratable
        and resource.managed
        and not resource.failed
        and not resource.start_pending
        and current is not None
        and not current.unclean
        and resource.assigned is not None
        and not resource.assigned.unclean
    )


def abort_dangling(resource: Resource, source: Node) -> None:
    """Stop what a migration that never ended may have left on its source."""
    resource.state.because("migration-broken", resource.id)
    stop(resource, source, optional=False).flags |= ABORTS_MIGRATION


def create_vertices(resource: Resource, current: Node) -> None:
    """Make the vertices of a migration (or of the rest of one) beside stop and start."""
    target = resource.assigned
    assert target is not None
    begun = resource.migration_target is not None
    begin = start(resource, target, optional=True)
    end = stop(resource, current, optional=True)
    migrate_to = None
    if not begun:
        migrate_to = vertex_for(resource, "migrate_to", current, optional=True)
    migrate_from = vertex_for(resource, "migrate_from", target, optional=True)
    begin.flags |= MIGRATABLE | PSEUDO
    end.flags |= MIGRATABLE
    migrate_from.flags |= MIGRATABLE
    if migrate_to is not None:
        migrate_to.flags |= MIGRATABLE
        migrate_to.needs = begin.needs
        relations.order(resource, "monitor", resource, "migrate_to", ORDERED)
        relations.order(
            resource, "migrate_to", resource, "migrate_from", ORDERED | UNMIGRATABLE_THEN_BLOCKS
        )
    else:
        migrate_from.needs = begin.needs
        relations.order(resource, "monitor", resource, "migrate_from", ORDERED)
    relations.order(resource, "migrate_from", resource, "stop", ORDERED | UNMIGRATABLE_THEN_BLOCKS)
    relations.order(
        resource,
        "migrate_from",
        resource,
        "start",
        ORDERED | UNMIGRATABLE_THEN_BLOCKS | FIRST_ELSE_THEN,
    )
    for vertex in (migrate_to, migrate_from):
        if vertex is not None:
            vertex.meta["migrate_source"] = current.name
            vertex.meta["migrate_target"] = target.name
    if migrate_to is not None and not resource.is_remote_connection:
        migrate_to.meta["record-pending"] = "true"
