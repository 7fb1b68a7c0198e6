"""An element that is to be stored, and where in a document it belongs."""

from __future__ import annotations

from crmsh_py.cib.element import Element
from crmsh_py.errors import ConfigError, Diagnostic, did_you_mean
from crmsh_py.lang import ast
from crmsh_py.lang.draft import Draft
from crmsh_py.lang.facts import OP_ATTRIBUTES
from crmsh_py.lang.to_cib import to_cib
from crmsh_py.lang.words import LogicalLine, span_of
from crmsh_py.lang.writer import Writer, with_comments
from crmsh_py.value import Value, frozen

SECTIONS: dict[type, str] = {
    ast.Node: "nodes",
    ast.Primitive: "resources",
    ast.Template: "resources",
    ast.Group: "resources",
    ast.Clone: "resources",
    ast.Bundle: "resources",
    ast.Location: "constraints",
    ast.Colocation: "constraints",
    ast.Order: "constraints",
    ast.Ticket: "constraints",
    ast.FencingTopology: "fencing-topology",
    ast.Tag: "tags",
    ast.AclRole: "acls",
    ast.AclTarget: "acls",
    ast.AclUser: "acls",
    ast.Alert: "alerts",
}
PROPERTY_SECTIONS = {
    "property": "crm_config",
    "rsc_defaults": "rsc_defaults",
    "op_defaults": "op_defaults",
}
_BY_TAG = {
    "node": "nodes",
    "primitive": "resources",
    "template": "resources",
    "group": "resources",
    "clone": "resources",
    "master": "resources",
    "bundle": "resources",
    "rsc_location": "constraints",
    "rsc_colocation": "constraints",
    "rsc_order": "constraints",
    "rsc_ticket": "constraints",
    "cluster_property_set": "crm_config",
    "fencing-topology": "fencing-topology",
    "tag": "tags",
    "acl_role": "acls",
    "acl_target": "acls",
    "acl_group": "acls",
    "acl_user": "acls",
    "alert": "alerts",
}


@frozen
class Entry(Value):
    """An element to be stored, and the line that it was written on."""

    element: ast.ElementNode
    line: LogicalLine | None = None
    origin: str | None = None

    def problem(self, message: str, word: str = "", hint: str | None = None) -> ConfigError:
        """An error about this element, with the place of ``word`` where that is known."""
        span = span_of(word)
        if self.line is None or (span is None and not self.origin):
            return ConfigError(message, hint=hint)
        if span is None:  # a word that nobody wrote, or one inside XML
            plain = Diagnostic(message, hint=hint, origin=self.origin, line=self.line.line)
            return ConfigError(message, hint=hint, diagnostics=[plain])
        number, source = self.line.line, self.line.text
        if self.line.pieces:
            number, source, span = self.line.place(span)
        found = Diagnostic(message, source, span, hint, (), self.origin, number)
        return ConfigError(message, hint=hint, diagnostics=[found])


def kind_of(tag: str) -> str:
    """An element's kind in the words of the language."""
    names = {"template": "rsc_template", "master": "ms", "acl_role": "role", "acl_user": "user"}
    return names.get(tag, tag.removeprefix("rsc_"))


def article(kind: str) -> str:
    """A kind of element in a sentence: an order, a primitive."""
    return f"{'an' if kind[0] in 'aeio' else 'a'} {kind}"


def id_of(node: ast.ElementNode) -> str:
    """The id that an element has in the language, '' where it has none."""
    name = getattr(node, "id", "")
    return name if isinstance(name, str) else ""


def section_of(entry: Entry, draft: Draft) -> str:
    """The section of the configuration that an element belongs to."""
    node = entry.element
    if isinstance(node, ast.PropertySet):
        return PROPERTY_SECTIONS[node.kind]
    if isinstance(node, ast.XmlElement):
        section = section_of_xml(elements_of(node)[0], draft)
        if not section:
            raise entry.problem(
                f"<{node.tag}> is not an element of the configuration",
                node.tag,
                did_you_mean(node.tag, _BY_TAG),
            )
        return section
    return SECTIONS[type(node)]


def section_of_xml(element: Element, draft: Draft) -> str:
    """The section that an element written as XML belongs to, '' where there is none."""
    if element.tag == "meta_attributes":
        return _defaults_section(element, draft)
    return _BY_TAG.get(element.tag, "")


def _defaults_section(element: Element, draft: Draft) -> str:
    """Whether a bare set holds defaults of resources or of operations.

    The one that is there already knows; of a new one the names tell.
    """
    for section in ("rsc_defaults", "op_defaults"):
        if any(one.id and one.id == element.id for one in draft.elements(section)):
            return section
    names = {pair.get("name") for pair in element.iter("nvpair")}
    return "op_defaults" if names and names <= OP_ATTRIBUTES else "rsc_defaults"


def written(writer: Writer, entry: Entry, old: Element | None) -> Element:
    """The XML of an entry, with the comments that stand above it."""
    element = to_cib(writer, entry.element, old)
    if entry.line is None or isinstance(entry.element, ast.XmlElement):
        return element
    return with_comments(element, entry.line.comments, old)


def elements_of(node: ast.XmlElement) -> list[Element]:
    """The element that was written as XML, and everything in it."""
    from crmsh_py.cib.xml import parse

    return list(parse(node.text).iter())
