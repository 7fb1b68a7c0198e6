"""Is a CIB built as it must be? And if not: where, and what is wrong, in plain words.

``schema.rng``, our own RELAX NG grammar, decides. What libxml2 says about a failure is about
patterns rather than about people's mistakes, so the grammar is then read a second time, as a table
of what each element may have (``schema_table``), and the document is compared with that.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from lxml import etree

from crmsh_py.cib import xml
from crmsh_py.cib.document import Cib
from crmsh_py.cib.findings import Finding, error
from crmsh_py.cib.schema_table import RNG, ElementRule, read_table
from crmsh_py.cib.upgrade import known_schemas
from crmsh_py.errors import ConfigError, SyntaxProblem, did_you_mean

_FILE = Path(__file__).with_name("schema.rng")
MAX_FINDINGS = 50  # of a document that is something else altogether

# What must be there in one of several forms: the grammar knows, a table cannot say it.
_NEEDS = {
    "primitive": "it needs a class and a type, or a template, and not both",
    "group": "it needs a resource in it",
    "clone": "it needs one primitive or group in it, and no more",
    "master": "it needs one primitive or group in it, and no more",
    "bundle": "it needs one container (docker or podman), and at most one primitive",
    "rsc_location": "it needs a resource (rsc, rsc-pattern or sets), and a score with a node"
    " or else rules",
    "rsc_colocation": "it needs rsc and with-rsc, or sets of resources",
    "rsc_order": "it needs first and then, or sets of resources",
    "rsc_ticket": "it needs a resource (rsc) or sets of resources",
    "resource_set": "it needs an id and resources",
    "rule": "it needs an id and an expression, and not both a score and a score-attribute",
    "nvpair": "it needs an id and a name, or an id-ref",
    "fencing-level": "it needs one target",
    "acl_permission": "it needs one of xpath, reference and object-type",
    "port-mapping": "it needs a port or a range",
    "storage-mapping": "it needs source-dir or source-dir-root",
    "configuration": "it needs crm_config, nodes, resources and constraints, each once",
    "cib": "it needs one configuration, and at most one status",
}
_NEEDS |= dict.fromkeys(
    ("cluster_property_set", "instance_attributes", "meta_attributes", "utilization"),
    "it needs an id, or else an id-ref and nothing more",
)
_OBJECTS = frozenset(
    {
        *("node", "primitive", "template", "group", "clone", "master", "bundle", "tag", "alert"),
        *("rsc_location", "rsc_colocation", "rsc_order", "rsc_ticket", "cluster_property_set"),
        *("acl_role", "acl_target", "acl_group", "acl_user"),
    }
)


def validate(cib: Cib) -> tuple[Finding, ...]:
    """What is wrong with the structure of a document; nothing for a good one.

    A document with ``validate-with="none"`` asks not to be looked at.
    """
    schema = cib.schema
    if schema == "none":
        return ()
    if schema and schema not in known_schemas():
        hint = did_you_mean(schema, known_schemas()) or "pacemaker-4.0 is the newest one known here"
        return (error("", f"the schema {schema} is not known", hint=hint, word=schema),)
    return _validate(cib.without_status().to_xml(indent=None), with_lines=False)


def validate_text(text: str | bytes) -> tuple[Finding, ...]:
    """The same for a document that a person wrote; messages begin with the line."""
    try:
        cib = Cib.parse(text)
    except SyntaxProblem as problem:
        return (error("", problem.message, hint=problem.hint),)
    except ConfigError as problem:
        return (error("", problem.message, hint=problem.hint),)
    if findings := validate(cib):
        written = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        return _validate(written, with_lines=True) or findings
    return ()


def _validate(text: str, *, with_lines: bool) -> tuple[Finding, ...]:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_pis=True, encoding="utf-8"
    )
    try:
        root = etree.fromstring(text.encode("utf-8"), parser)
    except etree.XMLSyntaxError as problem:  # a name that a caller has not looked at
        return (error("", f"this cannot be written as XML: {problem.msg}"),)
    if _is_valid(root):
        return ()
    found: list[Finding] = []
    for finding in _explain(root, "", with_lines):
        found.append(finding)
        if len(found) == MAX_FINDINGS:
            break
    if not found:  # every element may be so by itself, but not in this combination
        log = _grammar().error_log
        where = f"line {log[0].line}: " if with_lines and len(log) else ""
        found.append(error("", f"{where}this is not built as a CIB: {log[0].message}"))
    return tuple(found)


def _is_valid(root: etree._Element) -> bool:
    """Whether the grammar takes a document.

    libxml2 tries every combination of the optional attributes that an element has. The root has so
    many that this took a hundred times as long as all the rest: they are looked up in the table.
    """
    rule = _table().get(str(root.tag))
    if rule is None or any(_mistakes(root, rule, "", "")):
        return False
    attributes = root.items()
    root.attrib.clear()
    try:
        return bool(_grammar().validate(root))
    finally:
        for name, value in attributes:
            root.set(name, value)


@cache
def _grammar() -> etree.RelaxNG:
    return etree.RelaxNG(etree.parse(str(_FILE)))


@cache
def _table() -> dict[str, ElementRule]:
    return read_table(xml.parse(_without_namespace(_FILE.read_text("utf-8"))))


def _without_namespace(text: str) -> str:
    """Our parser takes no namespaces, and this file has but one."""
    return text.replace(f' xmlns="{RNG}"', "")


# ---- in plain words ----------------------------------------------------------------------------


def _explain(element: etree._Element, owner: str, with_lines: bool) -> Iterator[Finding]:
    tag = str(element.tag)
    rule = _table().get(tag)
    if rule is None or rule.anything:
        return
    if tag in _OBJECTS and element.get("id"):
        owner = str(element.get("id"))
    where = f"line {element.sourceline}: " if with_lines else ""
    name = f"<{tag} id=“{element.get('id')}”>" if element.get("id") else f"<{tag}>"
    before = list(_mistakes(element, rule, owner, f"{where}{name}"))
    yield from before
    inside: list[Finding] = []
    for child in element:
        if isinstance(child.tag, str) and child.tag in rule.children:
            inside += _explain(child, owner, with_lines)
    yield from inside
    if not before and not inside and tag in _NEEDS and not _alone_valid(element, tag):
        yield error(owner, f"{where}{name} is incomplete or contradicts itself: {_NEEDS[tag]}")


def _mistakes(
    element: etree._Element, rule: ElementRule, owner: str, name: str
) -> Iterator[Finding]:
    for attribute, value in element.items():
        attribute, value = str(attribute), str(value)
        allowed = rule.attributes.get(attribute)
        if allowed is None:
            hint = did_you_mean(attribute, rule.attributes)
            yield error(owner, f"{name} cannot have {attribute}", hint=hint, word=attribute)
        elif problem := allowed.problem(value):
            yield error(owner, f"{name}: {attribute}: {problem}", word=value)
    if "id-ref" not in element.attrib:
        for attribute in rule.required:
            if attribute not in element.attrib:
                yield error(owner, f"{name} needs {attribute}")
    for child in element:
        if isinstance(child.tag, str) and child.tag not in rule.children:
            inner = f"<{child.tag}>"
            hint = did_you_mean(child.tag, rule.children)
            yield error(owner, f"{name} cannot hold {inner}", hint=hint, word=child.tag)


def _alone_valid(element: etree._Element, tag: str) -> bool:
    """Whether the grammar takes this element, put into an otherwise empty CIB."""
    if tag == "cib":
        return False
    grammar = _grammar_for(tag)
    return bool(grammar.validate(etree.fromstring(etree.tostring(element, with_tail=False))))


@cache
def _grammar_for(tag: str) -> etree.RelaxNG:
    """The grammar with another element as its start."""
    root = etree.parse(str(_FILE)).getroot()
    start = root.find(f"{{{RNG}}}start")
    assert start is not None, "a grammar has a start"
    for child in list(start):
        start.remove(child)
    name = _table()[tag].define
    start.append(etree.Element(f"{{{RNG}}}ref", name=name))
    return etree.RelaxNG(root)
