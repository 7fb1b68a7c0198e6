"""What is set for a resource, as the scheduler sees it: scores of sets, rules and references count.

A pair that stands in the configuration may say nothing: another set may have a higher score, or its
own may hold at other times. So a value is asked for where the decisions are made.
"""

from __future__ import annotations

from crmsh_py.cib.upgrade import needs_upgrade, upgrade
from crmsh_py.errors import CrmError
from crmsh_py.scheduler import attribute_sets
from crmsh_py.scheduler.reading import read_status
from crmsh_py.tools import edits
from crmsh_py.tools.common import local_now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from crmsh_py.cib.document import Cib
    from crmsh_py.scheduler.resource import Resource
    from crmsh_py.views.colocation_stack import Step


def values(cib: Cib, name: str, tag: str) -> Mapping[str, str]:
    """The parameters, meta attributes or utilization (the tag of their sets) of a resource, now.

    Raises NotFound for the resource.
    """
    resource = resource_called(cib, name)
    if tag == "meta_attributes":
        return resource.meta
    if tag == "instance_attributes":
        return resource.parameters(resource.current_node())
    found: dict[str, str] = {}
    context = attribute_sets.context_for(resource)
    attribute_sets.unpack(resource.state, resource.element, tag, context, found)
    return found


def resource_called(cib: Cib, name: str) -> Resource:
    """The scheduler's resource of that name; of a clone's instances, any. Raises CrmError kinds."""
    base = edits.configured_name(cib, name)
    edits.find_resource(cib, base)
    state = read_status(upgrade(cib) if needs_upgrade(cib) else cib, local_now())
    found = state.find_resource(name)
    if found is None:
        found = next((each for each in state.by_id.values() if each.xml_id == base), None)
    if found is None:
        raise CrmError(
            f"the cluster cannot use '{name}' as it is configured", hint="crm_verify -L tells why"
        )
    return found


def constraint_steps(
    cib: Cib, name: str, *, stack: bool = False, alone: bool = False
) -> Iterator[Step]:
    """Where a resource may run and with what: what --constraints and --stack tell.

    A member or an instance means all of its group or clone, unless ``alone``. Raises NotFound.
    """
    from crmsh_py.scheduler import constraints
    from crmsh_py.views import colocation_stack

    resource = resource_called(cib, name)
    constraints.unpack_all(resource.state)
    meant = resource if alone else resource.topmost(include_bundle=True)
    return colocation_stack.steps(meant, stack=stack)


def dependents(cib: Cib, name: str) -> list[str]:
    """What is colocated with a resource by a score above 0, and so on along the chain; each once.

    Raises NotFound.
    """
    from crmsh_py.scheduler import constraints

    resource = resource_called(cib, name)
    constraints.unpack_all(resource.state)
    found = {resource.id: resource}
    _follow(resource, found)
    return [each for each in found if each != resource.id]


def _follow(resource: Resource, found: dict[str, Resource]) -> None:
    for bond in resource.with_this:
        if bond.score > 0 and bond.dependent.id not in found:
            found[bond.dependent.id] = bond.dependent
            _follow(bond.dependent, found)
