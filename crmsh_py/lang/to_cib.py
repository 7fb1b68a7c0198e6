"""From the crm language to XML: an AST as an element of the CIB.

Ids are made by crmsh's rules (``cib.ids``). Where the element replaces an old one, everything
that is still there keeps its id: sets by their kind and order, attributes by name, operations by
name and interval, rules and expressions by position.

A ``typed`` element gets what crmsh adds to typed ones: units for plain numbers of an operation's
times, ``interleave`` (and ``promotable``) for clones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from crmsh_py.agents.spec import AgentSpec
from crmsh_py.cib.element import COMMENT, Element
from crmsh_py.cib.ids import OP_DEFAULTS_SET, PROPERTY_SET, RSC_DEFAULTS_SET, IdMaker
from crmsh_py.lang import ast, facts

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
_PROPERTY_TAGS = {
    "property": "cluster_property_set",
    "rsc_defaults": "meta_attributes",
    "op_defaults": "meta_attributes",
}
_TIMES = ("interval", "timeout", "start-delay")
_FALLBACK_INTERVAL = "10s"  # of a monitor whose agent advises none


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


@dataclass(slots=True)
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
    resolve: Callable[[str], AgentSpec] = field(default=lambda name: resolve_plainly(name))
    advised_interval: Callable[[AgentSpec | None], str] = field(default=lambda spec: "")
    is_promotable: Callable[[str], bool] = field(default=lambda resource: False)
    nodes: Sequence[str] = ()
    has_references: bool = False

    def element(self, node: ast.ElementNode, old: Element | None = None) -> Element:
        """The element for an AST; ``old`` is what it replaces."""
        return _WRITERS[type(node)](self, node, old)

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
            return _element(tag, {"id-ref": attributes.id_ref})
        given = self._given(attributes.id, old)
        name = given or self.ids.attribute_set(owner, tag)
        attrs = {"id": name}
        if attributes.score:
            attrs["score"] = attributes.score
        children = self.items(attributes.items, name, Old(old))
        return _element(tag, attrs, arranged(children, old))

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
            return _element("nvpair", attrs)
        known = old.take("nvpair", name=pair.name)
        attrs = {"name": pair.name}
        if pair.value is not None:
            before = known.get("value") if known is not None else ""
            is_role = pair.name == "target-role"
            attrs["value"] = self._role(pair.value, before) if is_role else str(pair.value)
        attrs["id"] = self._given(pair.nvid, known) or self.ids.nvpair(owner, pair.name)
        return _element("nvpair", attrs)

    def rule(self, rule: ast.Rule, owner: str, old: Element | None) -> Element:
        """A rule of a set or of a location."""
        if rule.id_ref:
            self.has_references = True
            return _element("rule", {"id-ref": rule.id_ref})
        attrs: dict[str, str] = {}
        score = rule.score or ("" if old is not None and "score" not in old.attrs else "INFINITY")
        if score:
            attrs["score" if facts.is_score(score) else "score-attribute"] = score
        if rule.role:
            attrs["role"] = self._role(rule.role, old.get("role") if old is not None else "")
        name = self._given(rule.id, old) or self.ids.rule(owner)
        attrs["id"] = name
        if rule.boolean == "or" or (old is not None and "boolean-op" in old.attrs):
            attrs["boolean-op"] = rule.boolean
        remaining = Old(old)
        children = tuple(self._expression(e, name, remaining) for e in rule.expressions)
        return _element("rule", attrs, children)

    def _expression(self, expression: ast.Expression, rule: str, old: Old) -> Element:
        if isinstance(expression, ast.Defined | ast.Comparison):
            known = old.take("expression")
            name = self._given("", known) or self.ids.expression(rule)
            if isinstance(expression, ast.Defined):
                operation = "not_defined" if expression.negated else "defined"
                return _element(
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
            return _element("expression", {**attrs, "id": name})
        return self._date(expression, rule, old.take("date_expression"))

    def _date(
        self,
        expression: ast.DateCompare | ast.DateRange | ast.DateSpec,
        rule: str,
        old: Element | None,
    ) -> Element:
        name = self._given("", old) or self.ids.expression(rule)
        inner = Old(old)
        if isinstance(expression, ast.DateCompare):
            end = "end" if expression.operation == "lt" else "start"
            attrs = {"operation": expression.operation, end: expression.value, "id": name}
            return _element("date_expression", attrs)
        if isinstance(expression, ast.DateSpec):
            given = self._given("", inner.take("date_spec")) or self.ids.date_spec(name)
            spec = _element("date_spec", {**_pairs(expression.fields), "id": given})
            return _element("date_expression", {"operation": "date_spec", "id": name}, (spec,))
        attrs = {"operation": "in_range", "id": name}
        if expression.start:
            attrs["start"] = expression.start
        if expression.end:
            attrs["end"] = expression.end
        children: tuple[Element, ...] = ()
        if expression.duration:
            given = self._given("", inner.take("duration")) or self.ids.duration(name)
            children = (_element("duration", {**_pairs(expression.duration), "id": given}),)
        return _element("date_expression", attrs, children)

    def sets(self, sets: Iterable[ast.AttributeSet], owner: str, old: Old) -> tuple[Element, ...]:
        """Several sets of one owner."""
        return tuple(self.attribute_set(one, owner, old.take(SET_TAGS[one.kind])) for one in sets)

    # ---- helpers -------------------------------------------------------------------------------

    def _given(self, name: str, old: Element | None) -> str:
        """An id that was written or that the old element has, marked as taken."""
        found = name or (old.id if old is not None else "")
        return self.ids.take(str(found)) if found else ""

    def _role(self, role: str, old: str = "") -> str:
        """A role in the words of the schema; what was there and has not changed stays."""
        for before, after in facts.RENAMED_ROLES.items():
            if role.lower() in (before.lower(), after.lower()):
                if old and old.lower() == role.lower():
                    return old
                return after if self.new_roles else before
        return str(role)


def resolve_plainly(name: str) -> AgentSpec:
    """A full name for a bare type without asking a catalogue: as ``show`` leaves it out."""
    standard, colon, rest = name.partition(":")
    if not colon:
        return AgentSpec("ocf", "heartbeat", name)
    if standard == "ocf":
        provider, colon, kind = rest.partition(":")
        return AgentSpec("ocf", provider, kind) if colon else AgentSpec("ocf", "heartbeat", rest)
    return AgentSpec(standard, "", rest)


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


def _element(
    tag: str, attrs: Mapping[str, str] | None = None, children: tuple[Element, ...] = ()
) -> Element:
    """An element whose values are plain strings: the document must not keep words of a line."""
    plain = {name: str(value) for name, value in attrs.items()} if attrs else {}
    return Element(tag, plain, children)


_MEMBERS = frozenset({"primitive", "group"})


def with_comments(element: Element, comments: Sequence[str]) -> Element:
    """The element with the comments that stood above it, in front of everything."""
    kept = tuple(Element(COMMENT, text=comment) for comment in comments)
    return element.with_children(kept + element.children) if kept else element


def _pairs(pairs: Iterable[ast.Nvpair]) -> dict[str, str]:
    return {str(pair.name): str(pair.value or "") for pair in pairs}


def _members(names: Iterable[str]) -> tuple[Element, ...]:
    return tuple(Element(MEMBER, {"id": str(name)}) for name in names)


def _described(attrs: dict[str, str], description: str) -> dict[str, str]:
    return {**attrs, "description": str(description)} if description else attrs


# ---- nodes and resources -------------------------------------------------------------------------


def _node(out: Writer, node: ast.Node, old: Element | None) -> Element:
    given = node.id or (old.id if old is not None else "") or node.uname
    attrs = {"id": out.ids.take(str(given)), "uname": str(node.uname)}
    kind = node.type or ("member" if old is not None and old.get("type") == "member" else "")
    if kind:
        attrs["type"] = kind
    attrs = _described(attrs, node.description)
    children = out.sets(node.sets, node.uname, Old(old))
    return _element("node", attrs, children)


def _agent_attrs(out: Writer, agent: str) -> tuple[dict[str, str], AgentSpec]:
    spec = out.resolve(agent)
    attrs = {"class": spec.standard}
    if spec.provider:
        attrs["provider"] = spec.provider
    return {**attrs, "type": spec.type}, spec


def _primitive(out: Writer, node: ast.Primitive, old: Element | None) -> Element:
    attrs = {"id": out.ids.take(str(node.id))}
    spec: AgentSpec | None = None
    if node.template:
        attrs["template"] = str(node.template)
    else:
        kind, spec = _agent_attrs(out, node.agent)
        attrs.update(kind)
    # What is made of a template gets no units: the template's operations are written elsewhere.
    units = out.typed and not node.template
    children = _parts(out, node.parts, node.id, old, spec, units=units)
    return _element("primitive", _described(attrs, node.description), children)


def _template(out: Writer, node: ast.Template, old: Element | None) -> Element:
    kind, spec = _agent_attrs(out, node.agent)
    attrs = _described({"id": out.ids.take(str(node.id)), **kind}, node.description)
    children = _parts(out, node.parts, node.id, old, spec, units=out.typed)
    return _element("template", attrs, children)


def _parts(
    out: Writer,
    parts: Iterable[ast.AttributeSet | ast.Operations],
    owner: str,
    old: Element | None,
    spec: AgentSpec | None,
    *,
    units: bool,
) -> tuple[Element, ...]:
    remaining = Old(old)
    children = []
    for part in parts:
        if isinstance(part, ast.AttributeSet):
            known = remaining.take(SET_TAGS[part.kind])
            children.append(out.attribute_set(part, owner, known))
        else:
            known = remaining.take("operations")
            children.append(_operations(out, part, owner, known, spec, units=units))
    return tuple(children)


def _operations(
    out: Writer,
    operations: ast.Operations,
    owner: str,
    old: Element | None,
    spec: AgentSpec | None,
    *,
    units: bool,
) -> Element:
    if operations.id_ref:
        out.has_references = True
        return _element("operations", {"id-ref": operations.id_ref})
    attrs = {}
    if operations.id:
        attrs["id"] = out.ids.take(str(operations.id))
    remaining = Old(old)
    ops = tuple(
        operation(out, op, operations.id or owner, remaining, spec, units=units)
        for op in operations.ops
    )
    return _element("operations", attrs, ops)


def operation(
    out: Writer,
    op: ast.Operation,
    owner: str,
    old: Old,
    spec: AgentSpec | None = None,
    *,
    units: bool = False,
) -> Element:
    """One <op>; one without an interval gets the one that it must have."""
    given = _pairs(op.attributes)
    if units:
        given = {n: f"{v}s" if n in _TIMES and v.isdigit() else v for n, v in given.items()}
    if "interval" not in given:
        interval = "0s"
        if op.name == "monitor":
            interval = out.advised_interval(spec) or _FALLBACK_INTERVAL
        given = {"interval": interval, **given}
    known = old.take("op", name=op.name, interval=given["interval"])
    if "role" in given:
        given["role"] = out._role(given["role"], known.get("role") if known is not None else "")
    name = out._given("", known) or out.ids.operation(owner, op.name, given["interval"])
    children = out.sets(op.sets, name, Old(known))
    return _element("op", {"name": str(op.name), **given, "id": name}, children)


def _group(out: Writer, node: ast.Group, old: Element | None) -> Element:
    attrs = _described({"id": out.ids.take(str(node.id))}, node.description)
    children = (*out.sets(node.sets, node.id, Old(old)), *_members(node.children))
    return _element("group", attrs, arranged(children, old))


def _clone(out: Writer, node: ast.Clone, old: Element | None) -> Element:
    attrs = _described({"id": out.ids.take(str(node.id))}, node.description)
    tag = "clone"
    sets = node.sets
    if node.is_ms:
        if old is not None and old.tag == "master":
            tag = "master"
        else:  # the old word for a promotable clone
            sets = _with_meta(sets, "promotable", "true", first=True)
    elif out.typed:
        if out.is_promotable(node.child):
            sets = _with_meta(sets, "promotable", "true", first=True)
        sets = _with_meta(sets, "interleave", "true", first=False)
    children = (*out.sets(sets, node.id, Old(old)), *_members((node.child,)))
    return _element(tag, attrs, arranged(children, old))


def _with_meta(
    sets: tuple[ast.AttributeSet, ...], name: str, value: str, *, first: bool
) -> tuple[ast.AttributeSet, ...]:
    """The sets with a meta attribute that nobody has set."""
    for one in sets:
        if one.kind == "meta" and (
            one.id_ref or any(isinstance(i, ast.Nvpair) and i.name == name for i in one.items)
        ):
            return sets
    pair = ast.Nvpair(name, value)
    for index, one in enumerate(sets):
        if one.kind == "meta" and not any(isinstance(i, ast.Rule) for i in one.items):
            items = (pair, *one.items) if first else (*one.items, pair)
            return (*sets[:index], replace(one, items=items), *sets[index + 1 :])
    return (*sets, ast.AttributeSet("meta", (pair,)))


def _bundle(out: Writer, node: ast.Bundle, old: Element | None) -> Element:
    name = str(node.id)
    attrs = _described({"id": out.ids.take(name)}, node.description)
    remaining = Old(old)
    children: list[Element] = []
    for part in node.parts:
        if isinstance(part, ast.Container):
            children.append(_element(part.kind, _pairs(part.options)))
        elif isinstance(part, ast.Network):
            inner = Old(remaining.take("network"))
            ports = tuple(_mapping(out, "port-mapping", p, name, inner) for p in part.ports)
            children.append(_element("network", _pairs(part.options), ports))
        elif isinstance(part, ast.Storage):
            inner = Old(remaining.take("storage"))
            mappings = tuple(
                _mapping(out, "storage-mapping", m, name, inner) for m in part.mappings
            )
            children.append(_element("storage", {}, mappings))
        elif isinstance(part, ast.BundlePrimitive):
            children += _members((part.resource,))
        else:
            known = remaining.take("meta_attributes")
            children.append(out.attribute_set(part, name, known))
    return _element("bundle", attrs, arranged(children, old))


def _mapping(out: Writer, tag: str, pairs: Sequence[ast.Nvpair], bundle: str, old: Old) -> Element:
    attrs = _pairs(pairs)
    if "id" in attrs:
        out.ids.take(attrs["id"])
        return _element(tag, attrs)
    key = "port" if tag == "port-mapping" else "target-dir"
    known = old.take(tag, **{key.replace("-", "_"): attrs.get(key, "")})
    name = out._given("", known) or out.ids.numbered(bundle)
    return _element(tag, {"id": name, **attrs})


# ---- constraints ---------------------------------------------------------------------------------


def _resource_sets(
    out: Writer, sets: Iterable[ast.ResourceSet], owner: str, suffix: str, old: Old
) -> tuple[Element, ...]:
    made = []
    for one in sets:
        known = old.take("resource_set")
        attrs = {"id": out._given("", known) or out.ids.numbered(owner)}
        for name, value in (("sequential", one.sequential), ("require-all", one.require_all)):
            if not value or (known is not None and name in known.attrs):
                attrs[name] = "true" if value else "false"
        if one.suffix:
            before = known.get(suffix) if known is not None else ""
            attrs[suffix] = out._role(one.suffix, before) if suffix == "role" else one.suffix
        refs = tuple(_element("resource_ref", {"id": str(name)}) for name in one.resources)
        made.append(_element("resource_set", attrs, refs))
    return tuple(made)


def _member(out: Writer, member: ast.Member, name: str, suffix: str, old: Element | None) -> dict[str, str]:  # fmt: skip
    attrs = {name: str(member.resource)}
    if member.suffix.isdigit():
        attrs[f"{name}-instance"] = member.suffix
    elif member.suffix:
        before = old.get(f"{name}-{suffix}") if old is not None else ""
        attrs[f"{name}-{suffix}"] = (
            out._role(member.suffix, before) if suffix == "role" else str(member.suffix)
        )
    return attrs


def _location(out: Writer, node: ast.Location, old: Element | None) -> Element:
    attrs = {"id": out.ids.take(str(node.id))}
    if node.resource:
        attrs["rsc"] = str(node.resource)
    elif node.pattern:
        attrs["rsc-pattern"] = str(node.pattern)
    for pair in node.attributes:
        before = old.get(pair.name) if old is not None else ""
        value = str(pair.value or "")
        attrs[str(pair.name)] = out._role(value, before) if pair.name == "role" else value
    remaining = Old(old)
    children = _resource_sets(out, node.sets, node.id, "role", remaining)
    if node.rules:
        children += tuple(out.rule(rule, node.id, remaining.take("rule")) for rule in node.rules)
    else:
        attrs["score"] = node.score
        attrs["node"] = str(node.node)
    return _element("rsc_location", attrs, children)


def _colocation(out: Writer, node: ast.Colocation, old: Element | None) -> Element:
    attrs = {"id": out.ids.take(str(node.id))}
    attrs["score" if facts.is_score(node.score) else "score-attribute"] = str(node.score)
    for member, name in zip(node.members, ("rsc", "with-rsc"), strict=False):
        attrs.update(_member(out, member, name, "role", old))
    if node.node_attribute:
        attrs["node-attribute"] = str(node.node_attribute)
    children = _resource_sets(out, node.sets, node.id, "role", Old(old))
    return _element("rsc_colocation", attrs, children)


def _order(out: Writer, node: ast.Order, old: Element | None) -> Element:
    attrs = {"id": out.ids.take(str(node.id))}
    if node.kind:
        attrs["kind"] = str(node.kind)
    for member, name in zip(node.members, ("first", "then"), strict=False):
        attrs.update(_member(out, member, name, "action", old))
    if node.symmetrical:
        attrs["symmetrical"] = str(node.symmetrical)
    children = _resource_sets(out, node.sets, node.id, "action", Old(old))
    return _element("rsc_order", attrs, children)


def _ticket(out: Writer, node: ast.Ticket, old: Element | None) -> Element:
    attrs = {"id": out.ids.take(str(node.id)), "ticket": str(node.ticket)}
    for member in node.members:
        attrs.update(_member(out, member, "rsc", "role", old))
    if node.loss_policy:
        attrs["loss-policy"] = str(node.loss_policy)
    children = _resource_sets(out, node.sets, node.id, "role", Old(old))
    return _element("rsc_ticket", attrs, children)


# ---- the whole cluster ---------------------------------------------------------------------------


def _property_set(out: Writer, node: ast.PropertySet, old: Element | None) -> Element:
    tag = _PROPERTY_TAGS[node.kind]
    if node.id_ref:
        out.has_references = True
        return _element(tag, {"id-ref": node.id_ref})
    name = str(node.id) or (old.id if old is not None else DEFAULT_SETS[node.kind])
    out.ids.take(name)
    return _element(tag, {"id": name}, out.items(node.items, name, Old(old)))


def _fencing_topology(out: Writer, node: ast.FencingTopology, old: Element | None) -> Element:
    remaining = Old(old)
    levels = []
    for target in node.targets:
        if target.kind == "attr":
            name, _, value = target.value.partition("=")
            keys = [{"target-attribute": name, "target-value": value}]
        elif target.kind == "pattern":
            keys = [{"target-pattern": str(target.value)}]
        elif target.kind == "node":
            keys = [{"target": str(target.value)}]
        else:
            keys = [{"target": node} for node in out.nodes]
        for key in keys:
            for index, devices in enumerate(target.levels, 1):
                wanted = {n.replace("-", "_"): v for n, v in key.items()}
                known = remaining.take("fencing-level", index=str(index), **wanted)
                given = out._given("", known) or out.ids.fencing_level()
                attrs = {**key, "devices": ",".join(devices), "index": str(index), "id": given}
                levels.append(_element("fencing-level", attrs))
    return _element("fencing-topology", {}, tuple(levels))


def _tag(out: Writer, node: ast.Tag, old: Element | None) -> Element:
    refs = tuple(_element("obj_ref", {"id": str(member)}) for member in node.members)
    return _element("tag", {"id": out.ids.take(str(node.id))}, refs)


def _acl_role(out: Writer, node: ast.AclRole, old: Element | None) -> Element:
    attrs = _described({"id": out.ids.take(str(node.id))}, node.description)
    remaining = Old(old)
    permissions = []
    for permission in node.permissions:
        specs = {spec.kind: str(spec.value) for spec in permission.specs}
        wanted = {name.replace("-", "_"): value for name, value in specs.items()}
        known = remaining.take("acl_permission", kind=permission.kind, **wanted)
        name = out._given(permission.id, known) or out.ids.numbered(node.id)
        one = _described({"id": name, "kind": permission.kind, **specs}, permission.description)
        permissions.append(_element("acl_permission", one))
    return _element("acl_role", attrs, tuple(permissions))


def _acl_target(out: Writer, node: ast.AclTarget, old: Element | None) -> Element:
    roles = tuple(_element("role", {"id": str(role)}) for role in node.roles)
    tag = "acl_group" if node.is_group else "acl_target"
    return _element(tag, {"id": out.ids.take(str(node.id))}, roles)


def _acl_user(out: Writer, node: ast.AclUser, old: Element | None) -> Element:
    children = [_element("role_ref", {"id": str(role)}) for role in node.roles]
    names = {"xpath": "xpath", "reference": "ref", "object-type": "tag", "attribute": "attribute"}
    remaining = Old(old)
    for permission in node.permissions:
        specs = {names[spec.kind]: str(spec.value) for spec in permission.specs}
        known = remaining.take(permission.kind)
        name = out._given(permission.id, known) or out.ids.numbered(node.id)
        children.append(_element(permission.kind, {"id": name, **specs}))
    return _element("acl_user", {"id": out.ids.take(str(node.id))}, tuple(children))


def _alert(out: Writer, node: ast.Alert, old: Element | None) -> Element:
    attrs = {"id": out.ids.take(str(node.id)), "path": str(node.path)}
    remaining = Old(old)
    children = list(out.sets(node.sets, node.id, remaining))
    if node.select is not None:
        children.append(_select(out, node.select, node.id, remaining.take("select")))
    for recipient in node.recipients:
        known = remaining.take("recipient", value=recipient.value)
        name = out._given("", known) or out.ids.recipient(node.id)
        one = _described({"id": name, "value": str(recipient.value)}, recipient.description)
        sets = out.sets(recipient.sets, name, Old(known))
        children.append(_element("recipient", one, sets))
    return _element("alert", _described(attrs, node.description), tuple(children))


def _select(out: Writer, select: ast.Select, alert: str, old: Element | None) -> Element:
    remaining = Old(old)
    children = []
    for kind in select.kinds:
        inner = Old(remaining.take(f"select_{kind}"))
        names = select.attributes if kind == "attributes" else ()
        attributes = tuple(
            _element(
                "attribute",
                {
                    "name": str(name),
                    "id": out._given("", inner.take("attribute", name=name))
                    or out.ids.numbered(alert),
                },
            )
            for name in names
        )
        children.append(_element(f"select_{kind}", {}, attributes))
    return _element("select", {}, tuple(children))


def _xml(out: Writer, node: ast.XmlElement, old: Element | None) -> Element:
    from crmsh_py.cib.xml import parse

    element = parse(node.text)
    for inner in element.iter():
        if inner.id and inner.tag not in ("resource_ref", "obj_ref", "role"):
            out.ids.take(inner.id)
    return element


_WRITERS: dict[type, Callable[..., Element]] = {
    ast.Node: _node,
    ast.Primitive: _primitive,
    ast.Template: _template,
    ast.Group: _group,
    ast.Clone: _clone,
    ast.Bundle: _bundle,
    ast.Location: _location,
    ast.Colocation: _colocation,
    ast.Order: _order,
    ast.Ticket: _ticket,
    ast.PropertySet: _property_set,
    ast.FencingTopology: _fencing_topology,
    ast.Tag: _tag,
    ast.AclRole: _acl_role,
    ast.AclTarget: _acl_target,
    ast.AclUser: _acl_user,
    ast.Alert: _alert,
    ast.XmlElement: _xml,
}
