"""Orders between the actions of resources, kept until the actions exist.

An order between starts also orders the live migrations that may take the starts' place.
"""

from __future__ import annotations

from crmsh_py.scheduler.model import (
    IF_FIRST_UNMIGRATABLE,
    ORDERED,
    Relation,
    Vertex,
)
from crmsh_py.scheduler.resource import Resource
from crmsh_py.scheduler.state import State


def order(first: Resource, first_task: str, then: Resource, then_task: str, flags: int) -> None:
    """Order an action of one resource before an action of another (or of the same)."""
    relation = Relation(flags)
    relation.first_resource = first
    relation.first_task = first_task
    relation.first_key = f"{first.id}_{first_task}_0"
    relation.then_resource = then
    relation.then_task = then_task
    relation.then_key = f"{then.id}_{then_task}_0"
    first.state.relations.append(relation)
    if first.migratable or then.migratable:
        _order_migrations(relation, first, then)


def order_starts(first: Resource, then: Resource, flags: int) -> None:
    """Order the start of one resource before that of another."""
    order(first, "start", then, "start", flags)


def order_stops(first: Resource, then: Resource, flags: int) -> None:
    """Order the stop of one resource before that of another."""
    order(first, "stop", then, "stop", flags)


def after_vertex(first: Vertex, then: Resource, then_task: str, flags: int) -> None:
    """Order a vertex before an action of a resource."""
    relation = Relation(flags)
    relation.first = first
    relation.first_resource = first.resource
    relation.first_key = first.key
    relation.first_task = first.task
    relation.then_resource = then
    relation.then_task = then_task
    relation.then_key = f"{then.id}_{then_task}_0"
    _keep(then.state, relation)


def before_vertex(first: Resource, first_task: str, then: Vertex, flags: int) -> None:
    """Order an action of a resource before a vertex."""
    relation = Relation(flags)
    relation.first_resource = first
    relation.first_task = first_task
    relation.first_key = f"{first.id}_{first_task}_0"
    relation.then = then
    relation.then_resource = then.resource
    relation.then_key = then.key
    relation.then_task = then.task
    _keep(first.state, relation)


def between(state: State, first: Vertex, then: Vertex, flags: int) -> None:
    """Order two vertices, when the time for it has come."""
    relation = Relation(flags)
    relation.first, relation.first_resource = first, first.resource
    relation.first_key, relation.first_task = first.key, first.task
    relation.then, relation.then_resource = then, then.resource
    relation.then_key, relation.then_task = then.key, then.task
    _keep(state, relation)


def _keep(state: State, relation: Relation) -> None:
    state.relations.append(relation)
    first, then = relation.first_resource, relation.then_resource
    if first is not None and then is not None and (first.migratable or then.migratable):
        _order_migrations(relation, first, then)


def _order_migrations(relation: Relation, first: Resource, then: Resource) -> None:
    """Order live migrations as the starts and stops that they replace."""
    if first is then or first.is_inside(then) or then.is_inside(first):
        return
    tasks = (relation.first_task, relation.then_task)
    flags = ORDERED
    if tasks == ("start", "start"):
        if first.migratable and then.migratable:
            order(first, "migrate_from", then, "migrate_to", flags)
        if then.migratable:
            if first.migratable:
                flags |= IF_FIRST_UNMIGRATABLE
            order(first, "start", then, "migrate_to", flags)
    elif not then.migratable:
        return
    elif tasks == ("stop", "stop"):
        if first.migratable:
            flags |= IF_FIRST_UNMIGRATABLE
        order(first, "stop", then, "migrate_to", flags)
        if then.migration_target is not None:
            order(first, "stop", then, "migrate_from", flags)
    elif tasks == ("promote", "start"):
        order(first, "promote", then, "migrate_to", flags)
    elif tasks == ("demote", "stop"):
        order(first, "demote", then, "migrate_to", flags)
        if then.migration_target is not None:
            order(first, "demote", then, "migrate_from", flags)
