"""From a resource's XML to its working object: templates, meta attributes, and what they decide.

Meta attributes come, in this order, from the resource, from the sets of its parents, from
``rsc_defaults``, and from what its parent has (Pacemaker Explained, "Resource Meta-Attributes").
"""

from __future__ import annotations

from crmsh_py.cib.agent_name import is_remote_connection
from crmsh_py.cib.booleans import is_true
from crmsh_py.cib.element import Element
from crmsh_py.cib.rules import RuleContext
from crmsh_py.cib.scores import INFINITY
from crmsh_py.scheduler import attribute_sets
from crmsh_py.scheduler.kinds import CLASSES
from crmsh_py.scheduler.operations import Operation
from crmsh_py.scheduler.resource import Resource
from crmsh_py.scheduler.settings import interval_ms, whole_number
from crmsh_py.scheduler.state import State
from crmsh_py.value import replace

_MULTIPLE = {"stop_only", "block", "stop_unexpected", "stop_start"}


def unpack_resource(
    state: State, element: Element, parent: Resource | None, instance: int | None = None
) -> Resource | None:
    """Make the working object of a resource with all below it; None if it is not valid."""
    if not element.id:
        return None
    expanded = _with_template(state, element)
    if expanded is None:
        return None
    maker = CLASSES.get(expanded.tag)
    if maker is None:
        state.error(
            "unpack_resource",
            f"Ignoring resource '{element.id}' of unknown type '{expanded.tag}'",
        )
        return None
    id_ = element.id if instance is None else f"{element.id}:{instance}"
    resource = maker(state, id_, element.id, expanded, parent)
    resource.operations = _operations(state, expanded)
    _unpack_meta(state, resource, instance)
    _settle(state, resource)
    if not resource.unpack(instance, unpack_resource):
        return None
    state.by_id[id_] = resource
    _add_default_scores(state, resource)
    if expanded.find("utilization") is not None:
        values: dict[str, str] = {}
        attribute_sets.unpack(
            state, expanded, "utilization", RuleContext(now=state.now, node_attributes={}), values
        )
        resource.utilization = {name: whole_number(value) for name, value in values.items()}
    if "template" in element.attrs:
        references = state.templates.setdefault(element.attrs["template"], [])
        if element.id not in references:
            references.append(element.id)
    return resource


def _add_default_scores(state: State, resource: Resource) -> None:
    if state.settings.symmetric:
        resource.allow_everywhere()
    elif resource.is_remote_connection and "container" in resource.meta:
        resource.shift(None, 0, "remote-default")


# ---- templates -----------------------------------------------------------------------------------


def _operation_key(operation: Element) -> tuple[str, str]:
    role = operation.get("role").lower()
    if role in {"", "started", "unpromoted", "slave"}:
        role = "unknown"
    return operation.get("name"), role


def _with_template(state: State, element: Element) -> Element | None:
    """The element with what its template says; operations are merged by name and role."""
    reference = element.attrs.get("template")
    if reference is None:
        return element
    if reference == element.id:
        state.error("unpack_template", f"The resource object '{reference}' should not reference "
                    "itself")  # fmt: skip
        return None
    template = next(
        (
            candidate
            for candidate in state.cib.section("resources").findall("template")
            if candidate.id == reference
        ),
        None,
    )
    if template is None:
        state.error("unpack_template", f"No template named '{reference}'")
        return None
    own = element.find("operations")
    inherited = template.find("operations")
    children = [*template.children, *element.children]
    if own is not None and inherited is not None:
        known = {_operation_key(operation) for operation in own.findall()}
        merged = own.append(*(op for op in inherited.findall() if _operation_key(op) not in known))
        children = [merged if c is own else c for c in children if c is not inherited]
    return replace(
        template,
        tag=element.tag,
        attrs={**template.attrs, "id": element.id},
        children=tuple(children),
    )


def _operations(state: State, element: Element) -> tuple[Operation, ...]:
    section = element.find("operations")
    resolved = attribute_sets.resolve(state, section) if section is not None else None
    if resolved is None:
        return ()
    return tuple(
        Operation(found)
        for op in resolved.findall("op")
        if (found := attribute_sets.resolve(state, op)) is not None
    )


# ---- meta attributes -----------------------------------------------------------------------------


def _unpack_meta(state: State, resource: Resource, instance: int | None) -> None:
    meta = resource.meta
    for name, value in resource.element.attrs.items():
        if value.lower() != "#default":
            meta[name] = value
    if instance is not None:
        meta["clone"] = str(instance)
    context = attribute_sets.context_for(resource)
    attribute_sets.unpack(state, resource.element, "meta_attributes", context, meta)
    if resource.parent is not None:
        fixed: dict[str, str] = {}
        ancestor: Resource | None = resource.parent
        while ancestor is not None:
            attribute_sets.unpack(state, ancestor.element, "meta_attributes", context, fixed)
            ancestor = ancestor.parent
        for name, value in fixed.items():
            meta.setdefault(name, value)
    attribute_sets.unpack_defaults(state, state.rsc_defaults, context, meta)
    if resource.parent is not None:
        for name, value in resource.parent.meta.items():
            meta.setdefault(name, value)


def _settle(state: State, resource: Resource) -> None:
    """Decide what the meta attributes say about a resource of any kind."""
    meta = resource.meta
    settings = state.settings
    resource.priority = _score(state, resource, "priority", 0)
    resource.critical = is_true(meta.get("critical", "true"))
    resource.notify = is_true(meta.get("notify"))
    resource.is_remote_connection = is_remote_connection(resource.element)
    remote_node = resource.is_remote_connection and "container" not in meta
    migrate = meta.get("allow-migrate")
    resource.migratable = is_true(migrate) or (migrate is None and remote_node)
    managed = meta.get("is-managed")
    resource.managed = not settings.maintenance_mode
    if managed is not None and managed.lower() != "default":
        resource.managed = is_true(managed)
    if is_true(meta.get("maintenance")) or settings.maintenance_mode:
        resource.managed = False
        resource.maintenance = True
    if resource.topmost().is_clone:
        resource.unique = _is_unique(meta)
        resource.promotable = is_true(meta.get("promotable"))
    else:
        resource.unique = True
    policy = meta.get("multiple-active", "stop_start").lower()
    if policy not in _MULTIPLE:
        state.warn("unpack_resource", f"{policy} is not a valid value for multiple-active, using "
                   'default of "stop_start"')  # fmt: skip
        policy = "stop_start"
    resource.multiple_active = policy
    resource.stickiness = _score(state, resource, "resource-stickiness", 0)
    threshold = _score(state, resource, "migration-threshold", INFINITY)
    resource.ban_after_failures = threshold if threshold >= 0 else INFINITY
    if resource.standard.lower() == "stonith":
        state.have_fencing = True
        resource.fence_device = True
    _settle_requires(state, resource, meta.get("requires"))
    resource.failure_expiration_ms = interval_ms(meta.get("failure-timeout"))
    if remote_node:
        reconnect = resource.parameters(None).get("reconnect_interval")
        if reconnect is not None:
            resource.remote_reconnect_ms = interval_ms(reconnect)
            resource.failure_expiration_ms = resource.remote_reconnect_ms
    target = resource.target_role()
    if target is not None:
        resource.next_role = target


def _score(state: State, resource: Resource, name: str, default: int) -> int:
    value = resource.meta.get(name)
    if value is None or value.lower() == "default":
        return default
    score = state.settings.score(value, default)
    if score is None:
        state.warn("unpack_resource", f"Using default ({default}) for resource {resource.id} "
                   f"{name} because '{value}' is not a valid value")  # fmt: skip
        return default
    return score


def _is_unique(meta: dict[str, str]) -> bool:
    value = meta.get("globally-unique")
    if value is not None:
        return is_true(value)
    return whole_number(meta.get("clone-node-max"), 1) > 1


def _settle_requires(state: State, resource: Resource, value: str | None) -> None:
    settings = state.settings
    lowered = value.lower() if value is not None else None
    if lowered == "unfencing":
        why = None
        if resource.fence_device:
            why = "fencing devices cannot require unfencing"
        elif not settings.fencing_enabled:
            why = "fencing is disabled"
        if why is not None:
            state.warn(
                "unpack_requires",
                f'Resetting "requires" for {resource.id} to "quorum" because {why}',
            )
            lowered = "quorum"
    if lowered not in {"nothing", "quorum", "fencing", "unfencing"}:
        if lowered is not None:
            state.error("unpack_requires", f"Resetting 'requires' for {resource.id} because "
                        f"'{value}' is not valid")  # fmt: skip
        lowered = _default_requires(state, resource)
    if lowered == "quorum":
        resource.needs_quorum = True
    elif lowered in {"fencing", "unfencing"}:
        resource.needs_fencing = True
        resource.needs_unfencing = lowered == "unfencing"
        if lowered == "fencing" and not settings.fencing_enabled:
            state.warn(
                "unpack_requires",
                f"{resource.id} requires fencing but fencing is disabled",
            )


def _default_requires(state: State, resource: Resource) -> str:
    settings = state.settings
    if resource.fence_device or (resource.is_primitive and resource.is_remote_connection):
        return "quorum"
    if state.enable_unfencing:
        return "unfencing" if settings.fencing_enabled else "quorum"
    if settings.fencing_enabled:
        return "fencing"
    return "nothing" if settings.no_quorum_policy == "ignore" else "quorum"
