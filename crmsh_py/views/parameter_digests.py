"""What ``crm_resource --digests`` tells: the digests by which a change of parameters is noticed.

Input: a primitive of a state that has been read, a node and what shall stand for parameters instead
of what is configured. Output: ``ParameterDigests``; from these text or an element.

Facts: the operation is the first one that the node's history of the resource has, a start without
any. Parameters that a history marks as private stay out of the second digest, as does the timeout;
without a history the usual names of secrets are private. The third is told where the history says
which parameters need a restart.
"""

from __future__ import annotations

from collections.abc import Mapping

from crmsh_py.cib.element import Element
from crmsh_py.cib.rules import RuleContext
from crmsh_py.scheduler import attribute_sets, digests, operations
from crmsh_py.scheduler.outgoing import executor_id
from crmsh_py.scheduler.settings import whole_number
from crmsh_py.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.scheduler.model import Node
    from crmsh_py.scheduler.resource import Resource

_TIMEOUT, _INTERVAL = "CRM_meta_timeout", "CRM_meta_interval"
_KINDS = {"all": "all", "nonprivate": "non-private", "nonreloadable": "non-reloadable"}


@frozen(kw_only=True)
class Digest:
    """One digest: of which kind (a key of ``_KINDS``), and of what."""

    kind: str
    hash: str
    parameters: dict[str, str]


@frozen(kw_only=True)
class ParameterDigests:
    """The digests of an operation of a resource on a node."""

    resource: str
    node: str
    task: str
    interval_ms: int
    digests: tuple[Digest, ...]


def of_resource(resource: Resource, node: Node, given: Mapping[str, str]) -> ParameterDigests:
    """The digests as they are, or would be with other parameters (``given``)."""
    entry = _history(resource, node)
    task = entry.get("operation") or "start"
    every = max(0, whole_number(given.get(_INTERVAL) or entry.get("interval")))
    pairs = _parameters(resource, node, task, every, given)
    usual = "" if entry.attrs else digests.SECURE_DEFAULT
    private = (entry.get("op-secure-params") or usual).split()
    found = [
        _digest("all", pairs),
        _digest(
            "nonprivate",
            {n: value for n, value in pairs.items() if n not in private and n != _TIMEOUT},
        ),
    ]
    if entry.get("op-restart-digest"):
        needed = entry.get("op-force-restart").split()
        found.append(_digest("nonreloadable", {n: v for n, v in pairs.items() if n in needed}))
    return ParameterDigests(
        resource=resource.id, node=node.name, task=task, interval_ms=every, digests=tuple(found)
    )


def _history(resource: Resource, node: Node) -> Element:
    """The entry that says which operation is meant; an empty one without any."""
    name = executor_id(resource)
    for state in resource.state.cib.status.findall("node_state"):
        if state.get("uname") == node.name:
            for each in state.iter("lrm_resource"):
                if each.id == name and (entry := each.find("lrm_rsc_op")) is not None:
                    return entry
    return Element("lrm_rsc_op")


def _parameters(
    resource: Resource, node: Node, task: str, every_ms: int, given: Mapping[str, str]
) -> dict[str, str]:
    """The parameters of the operation; what was given counts more than what is configured."""
    state = resource.state
    operation = operations.find(resource, task, every_ms)
    own: dict[str, str] = {}
    if operation is not None:
        context = RuleContext(now=state.now, node_attributes=node.attrs)
        attribute_sets.unpack(state, operation.element, "instance_attributes", context, own)
    found = own | dict(resource.parameters(node)) | dict(given)
    kept = {name: value for name, value in sorted(found.items()) if _counts(name)}
    if every_ms:
        meta = operations.meta_for(state, resource, node, task, every_ms, operation)
        kept[_TIMEOUT] = str(whole_number(given.get(_TIMEOUT) or meta["timeout"]))
    return kept


def _counts(name: str) -> bool:
    """Whether a parameter has a part in digests at all: some are not the agent's."""
    return digests.of_parameters({name: ""}) != digests.of_parameters({})


def _digest(kind: str, pairs: dict[str, str]) -> Digest:
    timeout = int(pairs[_TIMEOUT]) if _TIMEOUT in pairs else None
    return Digest(
        kind=kind, hash=digests.of_parameters(pairs, timeout_ms=timeout), parameters=pairs
    )


def text(told: ParameterDigests) -> str:
    """A line for each digest."""
    return "".join(f"{each.hash} ({_KINDS[each.kind]} parameters)\n" for each in told.digests)


def element(told: ParameterDigests) -> Element:
    """The answer in XML."""
    head = {
        "resource": told.resource,
        "node": told.node,
        "task": told.task,
        "interval": f"{told.interval_ms}ms",
    }
    children = tuple(
        Element(
            "digest",
            {"type": each.kind, "hash": each.hash},
            (Element("parameters", each.parameters),),
        )
        for each in told.digests
    )
    return Element("digests", head, children)
