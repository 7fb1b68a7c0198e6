"""From the crm language to XML: an AST as an element of the CIB.

Ids are made by crmsh's rules (``cib.ids``). Where the element replaces an old one, everything
that is still there keeps its id: sets by their kind and order, attributes by name, operations by
name and interval, rules and expressions by position. The ``write_`` modules have the writers of
the elements, by chapter.

A ``typed`` element gets what crmsh adds to typed ones: units for plain numbers of an operation's
times, ``interleave`` (and ``promotable``) for clones.
"""

from __future__ import annotations

from crmsh_py.cib.element import Element
from crmsh_py.lang import ast, write_cluster, write_constraints, write_resources
from crmsh_py.lang.writer import Writer

_WRITERS = {
    **write_resources.WRITERS,
    **write_constraints.WRITERS,
    **write_cluster.WRITERS,
}


def to_cib(writer: Writer, node: ast.ElementNode, old: Element | None = None) -> Element:
    """The element for an AST; ``old`` is what it replaces. Members are ``MEMBER`` elements."""
    return _WRITERS[type(node)](writer, node, old)
