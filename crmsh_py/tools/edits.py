"""Changes of a configuration that tools and shell make: of pairs (``cib.pairs``) and resources.

Input: a ``Cib`` and what shall be set or removed; output: a changed ``Cib`` (the very same object
where nothing changes).
"""

from __future__ import annotations

from collections.abc import Callable

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.pairs import (
    Pair,
    Which,
    find_node,
    lasting_pair_in,
    node_pair,
    only_pair,
    pair_in,
    replaced,
    section_pair,
    set_node_pair,
    set_section_pair,
    with_pair,
)
from crmsh_py.clusters.operations import configured_name, find_resource

__all__ = [
    "Pair",
    "Which",
    "configured_name",
    "find_node",
    "find_resource",
    "lasting_pair_in",
    "node_pair",
    "only_pair",
    "pair_in",
    "replaced",
    "section_pair",
    "set_node_pair",
    "set_section_pair",
    "with_pair",
    "with_resource",
]


def with_resource(cib: Cib, name: str, change: Callable[[Element], Element]) -> Cib:
    """A CIB where the resource called ``name`` is changed. Raises NotFound."""
    target = find_resource(cib, name)
    resources = cib.section("resources")
    changed = replaced(resources, target, change(target))
    return cib if changed is resources else cib.with_section("resources", changed)
