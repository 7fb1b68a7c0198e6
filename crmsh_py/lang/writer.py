"""How elements are written: ids, roles, attribute sets and rules; the base of ``to_cib``.

Ids are made by crmsh's rules (``cib.ids``). Where the element replaces an old one, everything
that is still there keeps its id: sets by their kind and order, attributes by name, operations by
name and interval, rules and expressions by position.

A ``typed`` element gets what crmsh adds to typed ones: units for plain numbers of an operation's
times, ``interleave`` (and ``promotable``) for clones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.cib.element import COMMENT, Element
from crmsh_py.cib.ids import OP_DEFAULTS_SET, PROPERTY_SET, RSC_DEFAULTS_SET, IdMaker
from crmsh_py.lang import ast, facts
from crmsh_py.value import field, mutable

# Stands for a member inside a group, a clone or a bundle: the store puts the element there.
MEMBER = "#member"
SET_TAGS = {
    "params": "instance_attributes",
    "attributes": "instance_attributes",
    "op_params": "instance_attributes",
    "meta": "meta_attributes",
    "op_meta": "meta_attributes",
    "utilization": "utilization",
}
DEFAULT_SETS = {
    "property": PROPERTY_SET,
    "rsc_defaults": RSC_DEFAULTS_SET,
    "op_defaults": OP_DEFAULTS_SET,
}
PROPERTY_TAGS = {
    "property": "cluster_property_set",
    "rsc_defaults": "meta_attributes",
    "op_defaults": "meta_attributes",
}


def resolve_plainly(name: str) -> AgentSpec:
    """A full name for a bare type without asking a catalogue: as ``show`` leaves it out."""
    standard, colon, rest = name.partition(":")
    if not colon:
        return AgentSpec("ocf", "heartbeat", name)
    if standard == "ocf":
        provider, colon, kind = rest.partition(":")
        return AgentSpec("ocf", provider, kind) if colon else AgentSpec("ocf", "heartbeat", rest)
    return AgentSpec(standard, "", rest)


class Old:
    """The children of the element that is replaced; each is taken once."""

    def __init__(self, element: Element | None) -> None:
        self.element = element
        self._left = list(element.findall()) if element is not None else []

    def take(self, tag: str, **attributes: str) -> Element | None:
        """The first child left with this tag and these attributes (``_`` stands for -)."""
        wanted = [(name.replace("_", "-"), value) for name, value in attributes.items()]
        for index, child in enumerate(self._left):
            if child.tag == tag and all(child.get(name) == value for name, value in wanted):
                return self._left.pop(index)
        return None


@mutable
class Writer:
    """Writes elements for one change of one document.

    Attributes:
        ids: makes ids and knows the taken ones; those of replaced elements are free.
        new_roles: whether the schema calls the roles Promoted and Unpromoted.
        typed: whether the elements were typed as commands.
        resolve: the full name of an agent.
        advised_interval: of an agent's monitor, '' if it advises none.
        is_promotable: whether a resource (by its id) can be promoted.
        nodes: the names of all nodes.
        has_references: set when something was written that refers to a set by id.
    """

    ids: IdMaker
    new_roles: bool = True
    typed: bool = False
    resolve: Callable[[str], AgentSpec] = resolve_plainly
    advised_interval: Callable[[AgentSpec | None], str] = field(default=lambda spec: "")
    is_promotable: Callable[[str], bool] = field(default=lambda resource: False)
    nodes: Sequence[str] = ()
    has_references: bool = False

    # ---- attribute sets and rules --------------------------------------------------------------

    def attribute_set(
        self, attributes: ast.AttributeSet, owner: str, old: Element | None
    ) -> Element:
        """One set of a resource, a node, an operation, ….

        A set without an id of its own takes the old one's; else it is made from the owner's.
        """
        tag = SET_TAGS[attributes.kind]
        if attributes.id_ref:
            self.has_references = True
            return make(tag, {"id-ref": attributes.id_ref})
        given = self.keep(attributes.id, old)
        name = given or self.ids.attribute_set(owner, tag)
        attrs = {"id": name}
        if attributes.score:
            attrs["score"] = attributes.score
        children = self.items(attributes.items, name, Old(old))
        return make(tag, attrs, arranged(children, old))

    def items(
        self, items: Iterable[ast.Nvpair | ast.Rule], owner: str, old: Old
    ) -> tuple[Element, ...]:
        """The attributes and rules of a set."""
        return tuple(
            self.nvpair(item, owner, old)
            if isinstance(item, ast.Nvpair)
            else self.rule(item, owner, old.take("rule"))
            for item in items
        )

    def nvpair(self, pair: ast.Nvpair, owner: str, old: Old) -> Element:
        """One attribute."""
        if pair.is_reference:
            self.has_references = True
            attrs = {"id-ref": pair.nvid}
            if pair.name:
                attrs["name"] = pair.name
            return make("nvpair", attrs)
        known = old.take("nvpair", name=pair.name)
        attrs = {"name": pair.name}
        if pair.value is not None:
            before = known.get("value") if known is not None else ""
            is_role = pair.name == "target-role"
            attrs["value"] = self.role(pair.value, before) if is_role else str(pair.value)
        attrs["id"] = self.keep(pair.nvid, known) or self.ids.nvpair(owner, pair.name)
        return make("nvpair", attrs)

    def rule(self, rule: ast.Rule, owner: str, old: Element | None) -> Element:
        """A rule of a set or of a location."""
        if rule.id_ref:
            self.has_references = True
            return make("rule", {"id-ref": rule.id_ref})
        attrs: dict[str, str] = {}
        score = rule.score or ("" if old is not None and "score" not in old.attrs else "INFINITY")
        if score:
            attrs["score" if facts.is_score(score) else "score-attribute"] = score
        if rule.role:
            attrs["role"] = self.role(rule.role, old.get("role") if old is not None else "")
        name = self.keep(rule.id, old) or self.ids.rule(owner)
        attrs["id"] = name
        if rule.boolean == "or" or (old is not None and "boolean-op" in old.attrs):
            attrs["boolean-op"] = rule.boolean
        remaining = Old(old)
        children = tuple(self._expression(e, name, remaining) for e in rule.expressions)
        return make("rule", attrs, children)

    def _expression(self, expression: ast.Expression, rule: str, old: Old) -> Element:
        if isinstance(expression, ast.Defined | ast.Comparison):
            known = old.take("expression")
            name = self.keep("", known) or self.ids.expression(rule)
            if isinstance(expression, ast.Defined):
                operation = "not_defined" if expression.negated else "defined"
                return make(
                    "expression",
                    {"operation": operation, "attribute": expression.attribute, "id": name},
                )
            attrs = {
                "operation": expression.operation,
                "attribute": expression.attribute,
                "value": expression.value,
            }
            kind = expression.type or (known.get("type") if known is not None else "")
            if kind and (expression.type or kind == "string"):
                attrs["type"] = kind
            if expression.source:
                attrs["value-source"] = expression.source
            return make("expression", {**attrs, "id": name})
        return self._date(expression, rule, old.take("date_expression"))

    def _date(
        self,
        expression: ast.DateCompare | ast.DateRange | ast.DateSpec,
        rule: str,
        old: Element | None,
    ) -> Element:
        name = self.keep("", old) or self.ids.expression(rule)
        inner = Old(old)
        if isinstance(expression, ast.DateCompare):
            end = "end" if expression.operation == "lt" else "start"
            attrs = {"operation": expression.operation, end: expression.value, "id": name}
            return make("date_expression", attrs)
        if isinstance(expression, ast.DateSpec):
            given = self.keep("", inner.take("date_spec")) or self.ids.date_spec(name)
            spec = make("date_spec", {**pairs_of(expression.fields), "id": given})
            return make("date_expression", {"operation": "date_spec", "id": name}, (spec,))
        attrs = {"operation": "in_range", "id": name}
        if expression.start:
            attrs["start"] = expression.start
        if expression.end:
            attrs["end"] = expression.end
        children: tuple[Element, ...] = ()
        if expression.duration:
            given = self.keep("", inner.take("duration")) or self.ids.duration(name)
            children = (make("duration", {**pairs_of(expression.duration), "id": given}),)
        return make("date_expression", attrs, children)

    def sets(self, sets: Iterable[ast.AttributeSet], owner: str, old: Old) -> tuple[Element, ...]:
        """Several sets of one owner."""
        return tuple(self.attribute_set(one, owner, old.take(SET_TAGS[one.kind])) for one in sets)

    # ---- helpers -------------------------------------------------------------------------------

    def keep(self, name: str, old: Element | None) -> str:
        """An id that was written or that the old element has, marked as taken."""
        found = name or (old.id if old is not None else "")
        return self.ids.take(str(found)) if found else ""

    def role(self, role: str, old: str = "") -> str:
        """A role in the words of the schema; what was there and has not changed stays."""
        for before, after in facts.RENAMED_ROLES.items():
            if role.lower() in (before.lower(), after.lower()):
                if old and old.lower() == role.lower():
                    return old
                return after if self.new_roles else before
        return str(role)


def arranged(children: Sequence[Element], old: Element | None) -> tuple[Element, ...]:
    """Children in the pattern of tags that the old element had, when the tags are the same.

    For what the language does not say: whether a rule stands before the attributes, or the
    members of a group before its sets.
    """
    if old is None:
        return tuple(children)
    pattern = [MEMBER if c.tag in _MEMBERS else c.tag for c in old.findall()]
    if sorted(pattern) != sorted(child.tag for child in children):
        return tuple(children)
    by_tag: dict[str, list[Element]] = {}
    for child in reversed(children):
        by_tag.setdefault(child.tag, []).append(child)
    return tuple(by_tag[tag].pop() for tag in pattern)


def make(
    tag: str, attrs: Mapping[str, str] | None = None, children: tuple[Element, ...] = ()
) -> Element:
    """An element whose values are plain strings: the document must not keep words of a line."""
    plain = {name: str(value) for name, value in attrs.items()} if attrs else {}
    return Element(tag, plain, children)


_MEMBERS = frozenset({"primitive", "group"})


def with_comments(element: Element, comments: Sequence[str], old: Element | None = None) -> Element:
    """The element with the comments that stood above it, in front of everything.

    Comments that the old element has as well stay where they were in it.
    """
    before = list(enumerate(old.children)) if old is not None else []
    places = {i: child for i, child in before if child.tag == COMMENT}
    if [_shown_comment(child) for child in places.values()] == list(comments):
        children = list(element.children)
        for index, child in places.items():
            children.insert(index, child)
        return element.with_children(tuple(children))
    kept = tuple(Element(COMMENT, text=comment) for comment in comments)
    return element.with_children(kept + element.children)


def _shown_comment(comment: Element) -> str:
    text = comment.text.strip()
    return text if text.startswith("#") else f"# {text}"


def pairs_of(pairs: Iterable[ast.Nvpair]) -> dict[str, str]:
    """Attributes of an element itself, as a dictionary."""
    return {str(pair.name): str(pair.value or "") for pair in pairs}


def members_of(names: Iterable[str]) -> tuple[Element, ...]:
    """Placeholders for the members of a container."""
    return tuple(Element(MEMBER, {"id": str(name)}) for name in names)


def with_description(attrs: dict[str, str], description: str) -> dict[str, str]:
    """The attributes, with a description if there is one."""
    return {**attrs, "description": str(description)} if description else attrs
