"""The CIB as a value: one immutable document with what everybody asks of it.

A change makes a new document that shares every untouched branch with the old one. What is
computed from a document (its ids, its digest) is kept with it, and handed on to documents that
differ only where it does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from crmsh_py.cib import xml
from crmsh_py.cib.booleans import is_true, parse_boolean
from crmsh_py.cib.element import Element
from crmsh_py.cib.ids import PROPERTY_SET
from crmsh_py.cib.scores import lenient_score
from crmsh_py.cib.version import ATTRIBUTES, Version
from crmsh_py.errors import ConfigError
from crmsh_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    _T = TypeVar("_T")


SCHEMA = "pacemaker-3.9"  # of new documents: Pacemaker 2.1 and 3 both read it
FEATURE_SET = "3.19.0"  # Pacemaker 2.1.7's
# In the order in which crmsh writes them; the schema takes any.
SECTIONS = (
    "crm_config",
    "nodes",
    "resources",
    "constraints",
    "tags",
    "acls",
    "fencing-topology",
    "rsc_defaults",
    "op_defaults",
    "alerts",
)
REFERENCES = frozenset(
    {"resource_ref", "obj_ref", "role", "role_ref"}
)  # their id names another element


class Cib(Value):
    """A CIB document; ``root`` is its ``<cib>`` element.

    Two documents are equal when their elements are, whatever the order of attributes.
    """

    __slots__ = ("_memo", "root")
    __match_args__ = ("root",)  # what is remembered does not count in comparisons
    root: Element
    _memo: dict[str, object]

    def __init__(self, root: Element, memo: dict[str, object] | None = None) -> None:
        object.__setattr__(self, "root", root)
        object.__setattr__(self, "_memo", {} if memo is None else memo)

    # ---- making --------------------------------------------------------------------------------

    @classmethod
    def parse(cls, data: str | bytes, *, max_bytes: int = xml.MAX_BYTES) -> Cib:
        """Read a document. Raises SyntaxProblem for bad XML, ConfigError for no CIB."""
        root = xml.parse(data, max_bytes=max_bytes)
        if root.tag != "cib":
            raise ConfigError(f"this is not a CIB: it begins with <{root.tag}>")
        Version.from_element(root)
        return cls(root)

    @classmethod
    def new(
        cls,
        *,
        cluster_infrastructure: str = "corosync",
        dc_version: str = "",
        cluster_name: str = "",
    ) -> Cib:
        """The document of a new cluster: no nodes, no resources, version 0.0.0."""
        facts = {
            "dc-version": dc_version,
            "cluster-infrastructure": cluster_infrastructure,
            "cluster-name": cluster_name,
        }
        pairs = tuple(
            Element("nvpair", {"id": f"{PROPERTY_SET}-{name}", "name": name, "value": value})
            for name, value in facts.items()
            if value
        )
        options = Element("cluster_property_set", {"id": PROPERTY_SET}, pairs)
        sections = (
            Element("crm_config", {}, (options,) if pairs else ()),
            Element("nodes"),
            Element("resources"),
            Element("constraints"),
        )
        attrs = {
            "crm_feature_set": FEATURE_SET,
            "validate-with": SCHEMA,
            **Version().attributes(),
        }
        return cls(Element("cib", attrs, (Element("configuration", {}, sections),
                                          Element("status"))))  # fmt: skip

    def to_xml(self, *, indent: str | None = "  ", declaration: bool = False) -> str:
        """The whole document as text."""
        return xml.to_xml(self.root, indent=indent, declaration=declaration)

    # ---- reading -------------------------------------------------------------------------------

    @property
    def version(self) -> Version:
        """admin_epoch, epoch and num_updates."""
        return self._remember("version", lambda: Version.from_element(self.root))

    @property
    def schema(self) -> str:
        """The schema that the document says it follows (``validate-with``)."""
        return self.root.get("validate-with")

    @property
    def quorate(self) -> bool:
        """Whether the partition that the document is from has quorum (``have-quorum``)."""
        return is_true(self.root.get("have-quorum"))

    @property
    def fencing_enabled(self) -> bool:
        """Whether nodes may be fenced; ``stonith-enabled`` is the property's old name."""
        values = self.properties()
        text = values.get("fencing-enabled", values.get("stonith-enabled"))
        return parse_boolean(text) is not False

    @property
    def configuration(self) -> Element:
        """The ``<configuration>`` element; an empty one where there is none."""
        return self.root.find("configuration") or Element("configuration")

    @property
    def status(self) -> Element:
        """The ``<status>`` element; an empty one where there is none."""
        return self.root.find("status") or Element("status")

    def section(self, name: str) -> Element:
        """A section of the configuration (``resources`` …), ``status`` or ``configuration``.

        A section that the document lacks is an empty element.
        """
        if name == "cib":
            return self.root
        if name in ("configuration", "status"):
            return self.root.find(name) or Element(name)
        return self.configuration.find(name) or Element(name)

    def properties(self) -> Mapping[str, str]:
        """The cluster properties.

        ``cib-bootstrap-options`` counts first, then the other sets in the order of their scores
        (of equal ones the last first, as in Pacemaker); the first value of a name wins. Sets with
        rules are left out: they are for the scheduler, which knows the time.
        """
        return self._remember("properties", self._properties)

    def find_id(self, name: str) -> Element | None:
        """The element with this id, in the configuration first."""
        return self._ids().get(name)

    def ids(self) -> frozenset[str]:
        """Every id of the configuration."""
        return self._remember("idset", lambda: frozenset(self._configuration_ids()))

    @property
    def digest(self) -> str:
        """MD5 (hex) over the configuration, admin_epoch and epoch: equal CIBs, equal digests.

        It notices accidents and lost updates; it is no protection against forgery.
        """
        return self._remember("digest", self._digest)

    # ---- changing ------------------------------------------------------------------------------

    def with_root(self, root: Element) -> Cib:
        """A document with another ``<cib>`` element."""
        memo: dict[str, object] = {}
        if root.find("configuration") is self.root.find("configuration"):
            kept = ["properties", "idset", "configuration ids"]
            if all(root.get(a, "0") == self.root.get(a, "0") for a in ATTRIBUTES[:2]):
                kept.append("digest")
            memo = {key: self._memo[key] for key in kept if key in self._memo}
        return Cib(root, memo)

    def with_section(self, name: str, section: Element) -> Cib:
        """A document with this section instead; a new one goes to its usual place."""
        if name == "cib":
            return self.with_root(section)
        if name in ("configuration", "status"):
            return self.with_root(_replace_child(self.root, section, ("configuration", "status")))
        return self.with_section(
            "configuration", _replace_child(self.configuration, section, SECTIONS)
        )

    def with_status(self, status: Element) -> Cib:
        """A document with this ``<status>`` instead."""
        return self.with_section("status", status)

    def without_status(self) -> Cib:
        """The document without a status section: what is stored and compared."""
        return self.with_root(self.root.map_children(lambda c: None if c.tag == "status" else c))

    def with_version(self, version: Version) -> Cib:
        """A document with this version."""
        if version == self.version:
            return self
        return self.with_root(self.root.with_attributes(version.attributes()))

    def with_attributes(self, changes: Mapping[str, str | None]) -> Cib:
        """A document with attributes of ``<cib>`` set, or removed where the value is None."""
        return self.with_root(self.root.with_attributes(changes))

    # ---- computed once -------------------------------------------------------------------------

    def _remember(self, key: str, compute: Callable[[], _T]) -> _T:
        if key not in self._memo:
            self._memo[key] = compute()
        return self._memo[key]  # type: ignore[return-value]

    def _configuration_ids(self) -> Mapping[str, Element]:
        return self._remember("configuration ids", lambda: _index(self.configuration))

    def _ids(self) -> Mapping[str, Element]:
        return self._remember("ids", lambda: {**_index(self.status), **self._configuration_ids()})

    def _digest(self) -> str:
        from hashlib import md5  # a library of its own, which most commands need not load

        version = self.version
        sum_ = md5(xml.canonical(self.configuration), usedforsecurity=False)
        sum_.update(f"{version.admin_epoch}.{version.epoch}".encode())
        return sum_.hexdigest()

    def _properties(self) -> Mapping[str, str]:
        sets = [
            s
            for s in reversed(self.section("crm_config").findall("cluster_property_set"))
            if not s.findall("rule")
        ]
        sets.sort(key=lambda s: (s.id != PROPERTY_SET, -lenient_score(s.get("score", "0"))))
        values: dict[str, str] = {}
        for property_set in sets:
            for pair in property_set.findall("nvpair"):
                if pair.get("name"):
                    values.setdefault(pair.get("name"), pair.get("value"))
        return values


def _index(element: Element) -> dict[str, Element]:
    """Elements by id; where ids are doubled (which ``checks`` reports) the first counts."""
    found: dict[str, Element] = {}
    for descendant in element.iter():
        if (name := descendant.attrs.get("id")) and descendant.tag not in REFERENCES:
            found.setdefault(name, descendant)
    return found


def _replace_child(parent: Element, child: Element, order: tuple[str, ...]) -> Element:
    """Put ``child`` where its tag is, or else before the first sibling that comes after it."""
    for index, present in enumerate(parent.children):
        if present.tag == child.tag:
            if present is child:
                return parent
            children = (*parent.children[:index], child, *parent.children[index + 1 :])
            return parent.with_children(children)
    later = set(order[order.index(child.tag) + 1 :]) if child.tag in order else set()
    at = next((i for i, c in enumerate(parent.children) if c.tag in later), len(parent.children))
    return parent.with_children((*parent.children[:at], child, *parent.children[at:]))
