"""From XML to the crm language: an element of the CIB as an AST.

What the language cannot say (a nested rule, an unknown attribute, a name with a blank) becomes
``ast.XmlElement``: nothing is ever left out silently but the ids that are made again from names.
Pure and quick; used by ``show``, which must not load the parser. The ``read_`` modules have the
readers of the elements, by chapter.
"""

from __future__ import annotations

from collections.abc import Sequence

from crmsh_py.cib.element import COMMENT, Element
from crmsh_py.cib.xml import to_xml
from crmsh_py.lang import ast, read_cluster, read_constraints, read_resources
from crmsh_py.lang.read_sets import Context, UnsayableError

PROPERTY_KINDS = {
    "crm_config": "property",
    "rsc_defaults": "rsc_defaults",
    "op_defaults": "op_defaults",
}
_READERS = {
    **read_resources.READERS,
    **read_constraints.READERS,
    **read_cluster.READERS,
}
_DEFAULT = Context()


def from_cib(
    element: Element, section: str = "", *, context: Context | None = None
) -> ast.ElementNode:
    """An element of a section of the configuration as an AST.

    ``section`` tells property sets from other ones: crm_config, rsc_defaults or op_defaults.
    """
    try:
        if section in PROPERTY_KINDS:
            kind = PROPERTY_KINDS[section]
            return read_cluster.property_set(kind, element, context or _DEFAULT)
        if element.tag in _READERS:
            return _READERS[element.tag](element, context or _DEFAULT)
    except UnsayableError:
        pass
    return ast.XmlElement(to_xml(element, indent=None), element.tag, element.id)


def fencing_topology(section: Element, nodes: Sequence[str]) -> ast.ElementNode:
    """The fencing topology; levels that are the same on every node are said once."""
    try:
        return read_cluster.fencing_topology(section, nodes)
    except UnsayableError:
        return ast.XmlElement(to_xml(section, indent=None), section.tag, "")


def without_comments(element: Element) -> Element:
    """The element without the comments directly in it: they are shown above it."""
    return element.map_children(lambda c: None if c.tag == COMMENT else c)
