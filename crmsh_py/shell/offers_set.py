"""What ``configure set`` takes: the paths of values that are there, and what they may become; and
what narrows ``show`` and its like down.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from crmsh_py.cib import options, single_values
from crmsh_py.lang.expectation import Expectation
from crmsh_py.shell.offers_attributes import ALERT, NODE, Setting, of_agent, of_table, values_of
from crmsh_py.shell.sources import Candidate, Sources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.element import Element


_FILTERS = {
    "type:": "elements of a type: primitive, group, order …",
    "tag:": "what has this tag",
    "related:": "what has to do with this object",
}
_TYPES = (
    *("node", "primitive", "rsc_template", "group", "clone", "ms", "bundle", "tag", "location"),
    *("colocation", "order", "rsc_ticket", "fencing_topology", "role", "acl_target", "alert"),
    *("property", "rsc_defaults", "op_defaults"),
)


def filters(sources: Sources, expectation: Expectation) -> Iterable[Candidate]:
    """What narrows a listing down: how it begins and, where that stands, what may follow."""
    begun = expectation.prefix.partition(":")[0] + ":"
    if begun == "type:":
        return [Candidate(f"type:{name}") for name in _TYPES]
    if begun in _FILTERS and ":" in expectation.prefix:
        return [
            Candidate(f"{begun}{item.id}", item.line)
            for item in sources.snapshot.objects()
            if begun == "related:" or item.kind == "tag"
        ]
    return [Candidate(text, about, open=True) for text, about in _FILTERS.items()]


def _settable(sources: Sources) -> dict[str, Element]:
    """What ``set`` can begin with: what has values, or operations."""

    def look() -> dict[str, Element]:
        cib = sources.snapshot.cib
        known = single_values.objects(cib) if cib is not None else {}
        return {
            name: element
            for name, element in known.items()
            if single_values.operations(element) or any(True for _ in single_values.pairs(element))
        }

    return sources.snapshot.remember("settable", look)


def _settings_of(sources: Sources, owner: str, *, is_operation: bool = False) -> list[Setting]:
    """What is known of the values that an object may have."""
    if is_operation:
        return of_table(options.OPERATION)
    element = _settable(sources).get(owner)
    match element.tag if element is not None else "":
        case "node":
            return NODE
        case "cluster_property_set":
            return of_table(options.CLUSTER_OPTIONS)
        case "alert":
            return ALERT
        case "meta_attributes":
            return [*of_table(options.RESOURCE_META), *of_table(options.OPERATION)]
        case _:
            agent = sources.snapshot.agents.get(owner, "")
            return [*of_agent(sources, agent), *of_table(options.CLONE_META)]


def set_paths(sources: Sources, expectation: Expectation) -> Iterator[Candidate]:
    """``ID.`` first, then the values that it has, and its operations with their options."""
    known = _settable(sources)
    snapshot = sources.snapshot
    owner, rest = single_values.split(expectation.prefix, known)
    if not owner:
        for name in known:
            if name in snapshot.nodes or not name.isdigit():  # the id of a node
                item = snapshot.item(name)
                yield Candidate(f"{name}.", item.line if item else "", open=True)
        return
    present = single_values.operations(known[owner])
    about = {s.name: s.line for s in _settings_of(sources, owner)}
    for pair in single_values.pairs(known[owner]):
        yield Candidate(f"{owner}.{pair.get('name')}", about.get(pair.get("name"), ""))
    for operation in present:
        action, interval = operation.get("name"), operation.get("interval")
        alone = sum(op.get("name") == action for op in present) == 1
        place = action if alone else f"{action}.{interval}"
        if not rest.startswith(f"{place}."):
            yield Candidate(f"{owner}.{place}.", f"the operation every {interval}", open=True)
            continue
        for setting in of_table(options.OPERATION):
            if setting.name in single_values.OPERATION_ATTRIBUTES:
                yield Candidate(f"{owner}.{place}.{setting.name}", setting.line)


def values(sources: Sources, expectation: Expectation) -> Iterable[Candidate]:
    """What the value at the path before the cursor may be."""
    owner, rest = single_values.split(expectation.words[-1], _settable(sources))
    settings = _settings_of(sources, owner, is_operation="." in rest)
    return values_of(settings, rest.rpartition(".")[2])
