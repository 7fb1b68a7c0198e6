"""From XML to the crm language: an element of the CIB as an AST.

What the language cannot say (a nested rule, an unknown attribute, a name with a blank) becomes
``ast.XmlElement``: nothing is ever left out silently but the ids that are made again from names.
Pure and quick; used by ``show``, which must not load the parser.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Container, Sequence
from dataclasses import dataclass

from crmsh_py.cib.element import COMMENT, Element
from crmsh_py.cib.xml import to_xml
from crmsh_py.lang import ast, facts

_NAME = re.compile(r"[^\s\"'\\=:(){}\[\]@$#<>,/|]+")
_PREFIX = re.compile(r"[\w-]+")  # an id that may stand before a colon
_NODE_NAME = re.compile(r"[^\s\"'\\=:]+")
_ATTRIBUTE_NAME = re.compile(r"[^\s\"'\\=@$][^\s\"'\\=]*")
_NUMBER = re.compile(r"[+-]?[0-9.]+")
_ANY_ATTRIBUTE = re.compile(r"[^\s\"'\\=]+")
_AGENT = re.compile(r"[^\s\"'\\=:@][^\s\"'\\=:]*")
_SET_KINDS = {
    "instance_attributes": "params",
    "meta_attributes": "meta",
    "utilization": "utilization",
}
_NODE_SETS = {"instance_attributes": "attributes", "utilization": "utilization"}
_OP_SETS = {"instance_attributes": "op_params", "meta_attributes": "op_meta"}
_GROUP_SETS = {"instance_attributes": "params", "meta_attributes": "meta"}
_ALERT_SETS = {"instance_attributes": "attributes", "meta_attributes": "meta"}
PROPERTY_KINDS = {
    "crm_config": "property",
    "rsc_defaults": "rsc_defaults",
    "op_defaults": "op_defaults",
}


@dataclass(frozen=True, slots=True)
class Context:
    """What an element cannot know of its document.

    ``references`` are the ids that something refers to by ``id-ref``: those of rules are kept.
    ``new_roles`` says that the schema has the roles Promoted and Unpromoted; in an older one
    they would be changed on the way back, so they are not sayable.
    """

    references: Container[str] = frozenset()
    new_roles: bool = True

    def check_role(self, role: str) -> str:
        """A role that this schema has."""
        if not self.new_roles and role in ("Promoted", "Unpromoted"):
            raise Unsayable(role)
        return role


class Unsayable(Exception):
    """The crm language has no words for this."""


def from_cib(
    element: Element, section: str = "", *, context: Context | None = None
) -> ast.ElementNode:
    """An element of a section of the configuration as an AST."""
    reader = _READERS.get(element.tag)
    if section in PROPERTY_KINDS:
        kind = PROPERTY_KINDS[section]
        reader = lambda e, r: _property_set(kind, e, r)  # noqa: E731
    if reader is not None:
        try:
            return reader(element, context or _DEFAULT)
        except Unsayable:
            pass
    return ast.XmlElement(to_xml(element, indent=None), element.tag, element.id)


_DEFAULT = Context()


# ---- what may be said ----------------------------------------------------------------------------


def _only(element: Element, attributes: Collection[str], children: Collection[str]) -> None:
    """Refuse what is neither of these."""
    for name in element.attrs:
        if name not in attributes:
            raise Unsayable(name)
    for child in element.children:
        if child.tag not in children:
            raise Unsayable(child.tag)
    if element.text.strip():
        raise Unsayable(element.text)


def _said(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise Unsayable(text)
    return text


def _name(text: str) -> str:
    return _said(_NAME, text)


def _value(text: str) -> str:
    if "\n" in text or "\r" in text or "\t" in text:
        raise Unsayable(text)
    return text


# ---- attribute sets and rules --------------------------------------------------------------------


def _nvpair(element: Element, context: Context) -> ast.Nvpair:
    _only(element, ("id", "name", "value", "id-ref"), ())
    name = element.get("name")
    if name:
        _said(_ATTRIBUTE_NAME, name)
    if reference := element.get("id-ref"):
        if "value" in element.attrs:
            raise Unsayable(reference)
        return ast.Nvpair(name, None, _name(reference), is_reference=True)
    if not name:
        raise Unsayable("nvpair")
    value = element.attrs.get("value")
    if value is None and (":" in name or name.lower() in facts.SET_KEYWORDS):
        raise Unsayable(name)
    if name == "target-role" and value:
        context.check_role(value)
    return ast.Nvpair(name, None if value is None else _value(value))


def _attribute_set(kind: str, element: Element, context: Context) -> ast.AttributeSet:
    _only(element, ("id", "id-ref", "score"), ("nvpair", "rule"))
    if reference := element.get("id-ref"):
        if element.children or "score" in element.attrs:
            raise Unsayable(reference)
        return ast.AttributeSet(kind, id_ref=_name(reference))
    items = _items(element, context)
    rules = tuple(item for item in items if isinstance(item, ast.Rule))
    pairs = tuple(item for item in items if isinstance(item, ast.Nvpair))
    _refuse_swallowed(rules, pairs)
    return ast.AttributeSet(kind, rules + pairs, _score(element, "score"))


def _items(element: Element, context: Context) -> tuple[ast.Nvpair | ast.Rule, ...]:
    return tuple(
        _nvpair(child, context) if child.tag == "nvpair" else _rule(child, context)
        for child in element.children
    )


def _refuse_swallowed(rules: Sequence[ast.Rule], pairs: Sequence[ast.Nvpair]) -> None:
    """A date at the end of the rules would take a first attribute that is named like a field."""
    if rules and pairs and rules[-1].expressions:
        last = rules[-1].expressions[-1]
        taken = (*facts.DATE_FIELDS, "start", "end")
        if isinstance(last, ast.DateRange | ast.DateSpec) and pairs[0].name.lower() in taken:
            raise Unsayable(pairs[0].name)


def _score(element: Element, name: str) -> str:
    """A score in the form that the AST has; what would be read as something else is refused."""
    score = element.attrs.get(name)
    if score is None:
        return ""
    if not facts.is_score(score):
        raise Unsayable(score)
    return score


def _score_or_attribute(element: Element) -> str:
    attribute = element.attrs.get("score-attribute")
    if attribute is None:
        return _score(element, "score")
    word = facts.score_from_word(attribute)
    if "score" in element.attrs or word != attribute or facts.is_score(word):
        raise Unsayable(attribute)
    return _name(attribute)


def _rule(element: Element, context: Context) -> ast.Rule:
    _only(
        element,
        ("id", "id-ref", "score", "score-attribute", "role", "boolean-op"),
        ("expression", "date_expression"),
    )
    if reference := element.get("id-ref"):
        if element.children:
            raise Unsayable(reference)
        return ast.Rule(id_ref=_name(reference))
    if not element.children:
        raise Unsayable("rule")
    boolean = element.get("boolean-op", "and")
    if boolean not in ("and", "or"):
        raise Unsayable(boolean)
    # A single expression is joined by nothing: an “or” would not survive.
    expressions = tuple(_expression(child) for child in element.children)
    if len(expressions) == 1 and boolean == "or":
        raise Unsayable(boolean)
    score = _score_or_attribute(element)
    kept = element.id if element.id in context.references else ""
    return ast.Rule(expressions, boolean, score, _role(element, "role", context), kept)


def _role(element: Element, name: str, context: Context) -> str:
    role = element.get(name)
    if name in element.attrs and role not in facts.ROLES:
        raise Unsayable(role)
    return context.check_role(role)


def _expression(element: Element) -> ast.Expression:
    if element.tag == "date_expression":
        return _date_expression(element)
    _only(element, ("id", "attribute", "operation", "type", "value", "value-source"), ())
    attribute = _said(_ANY_ATTRIBUTE, element.get("attribute"))
    operation = element.get("operation")
    if operation in ("defined", "not_defined"):
        if "value" in element.attrs or "type" in element.attrs:
            raise Unsayable(operation)
        return ast.Defined(attribute, operation == "not_defined")
    kind, source = element.get("type"), element.get("value-source")
    if (
        operation not in ("lt", "gt", "lte", "gte", "eq", "ne")
        or kind not in ("", "string", "integer", "number", "version")
        or source not in ("", "literal", "param", "meta")
        or "value" not in element.attrs
        or attribute.lower() in ("date", "defined", "not_defined")
    ):
        raise Unsayable(operation)
    value = _value(element.get("value"))
    if not source and re.match(r"(literal|param|meta)\{.*\}$", value):
        raise Unsayable(value)
    if kind == "string" and not _NUMBER.fullmatch(value):
        kind = ""  # what is no number is compared as a string anyway
    return ast.Comparison(attribute, operation, value, kind, source)


def _date_expression(element: Element) -> ast.Expression:
    _only(element, ("id", "operation", "start", "end"), ("duration", "date_spec"))
    operation = element.get("operation", "in_range")
    start, end = _value(element.get("start")), _value(element.get("end"))
    inner = element.children[0] if len(element.children) == 1 else None
    if operation in ("lt", "gt"):
        value, other = (end, start) if operation == "lt" else (start, end)
        if not value or other or element.children:
            raise Unsayable(operation)
        return ast.DateCompare(operation, value)
    if operation == "date_spec" and inner is not None and not (start or end):
        if inner.tag == "date_spec" and (fields := _date_fields(inner)):
            return ast.DateSpec(fields)
    elif operation == "in_range":
        duration = _date_fields(inner) if inner is not None and inner.tag == "duration" else ()
        given = [x for x in (start, end, duration) if x]
        if len(given) >= 2 and bool(duration) == bool(element.children) and (start or end):
            return ast.DateRange(start, end, duration)
    raise Unsayable(operation)


def _date_fields(element: Element) -> tuple[ast.Nvpair, ...]:
    _only(element, ("id", *facts.DATE_FIELDS), ())
    return tuple(ast.Nvpair(n, _value(v)) for n, v in element.attrs.items() if n != "id")


# ---- nodes and resources -------------------------------------------------------------------------


def _sets(
    element: Element, kinds: dict[str, str], context: Context
) -> tuple[ast.AttributeSet, ...]:
    return tuple(
        _attribute_set(kinds[child.tag], child, context)
        for child in element.children
        if child.tag in kinds
    )


def _described(element: Element) -> str:
    return _value(element.get("description"))


def _node(element: Element, context: Context) -> ast.Node:
    _only(element, ("id", "uname", "type", "description"), _NODE_SETS)
    uname, given = _said(_NODE_NAME, element.get("uname")), element.id
    if given != uname:
        _said(_PREFIX, given)
    kind = element.get("type")
    if kind not in ("", "member", "remote"):
        raise Unsayable(kind)
    return ast.Node(
        uname,
        given if given != uname else "",
        kind if kind != "member" else "",  # what a node is unless it says otherwise
        _described(element),
        _sets(element, _NODE_SETS, context),
    )


def _agent(element: Element) -> str:
    parts = [element.attrs[n] for n in ("class", "provider", "type") if n in element.attrs]
    if not parts or "class" not in element.attrs or "type" not in element.attrs:
        raise Unsayable("agent")
    if parts[0] == "systemd" and len(parts) == 2:
        return f"systemd:{_said(_ATTRIBUTE_NAME, parts[1])}"
    for part in parts:
        _said(_AGENT, part)
    if (parts[0] == "ocf") != (len(parts) == 3):
        raise Unsayable(":".join(parts))
    return ":".join(parts)


def _parts(element: Element, context: Context) -> tuple[ast.AttributeSet | ast.Operations, ...]:
    parts: list[ast.AttributeSet | ast.Operations] = []
    for child in element.children:
        if child.tag != "operations":
            parts.append(_attribute_set(_SET_KINDS[child.tag], child, context))
        elif any(isinstance(part, ast.Operations) for part in parts):
            raise Unsayable("operations")
        elif child.children or child.attrs:
            parts.append(_operations(child, context))
        else:
            raise Unsayable("operations")  # the language has no word for an empty one
    return tuple(parts)


def _operations(element: Element, context: Context) -> ast.Operations:
    _only(element, ("id", "id-ref"), ("op",))
    if reference := element.get("id-ref"):
        if element.children:
            raise Unsayable(reference)
        return ast.Operations(id_ref=_name(reference))
    given = _name(element.id) if element.id else ""
    return ast.Operations(tuple(_op(child, context) for child in element.children), given)


def _op(element: Element, context: Context) -> ast.Operation:
    _only(element, ("id", "name", *facts.OP_ATTRIBUTES), _OP_SETS)
    attributes = tuple(
        ast.Nvpair(name, _value(value))
        for name, value in element.attrs.items()
        if name not in ("id", "name")
    )
    context.check_role(element.get("role"))
    return ast.Operation(_name(element.get("name")), attributes, _sets(element, _OP_SETS, context))


def _primitive(element: Element, context: Context) -> ast.Primitive:
    attributes = ("id", "class", "provider", "type", "template", "description")
    _only(element, attributes, (*_SET_KINDS, "operations"))
    template = element.get("template")
    if template and any(n in element.attrs for n in ("class", "provider", "type")):
        raise Unsayable(template)
    return ast.Primitive(
        _name(element.id),
        "" if template else _agent(element),
        _name(template) if template else "",
        _described(element),
        _parts(element, context),
    )


def _template(element: Element, context: Context) -> ast.Template:
    attributes = ("id", "class", "provider", "type", "description")
    _only(element, attributes, (*_SET_KINDS, "operations"))
    return ast.Template(
        _name(element.id), _agent(element), _described(element), _parts(element, context)
    )


def _group(element: Element, context: Context) -> ast.Group:
    _only(element, ("id", "description"), (*_GROUP_SETS, "primitive"))
    children = tuple(_name(child.id) for child in element.findall("primitive"))
    if not children:
        raise Unsayable("group")
    return ast.Group(
        _name(element.id),
        children,
        _described(element),
        _sets(element, _GROUP_SETS, context),
    )


def _clone(element: Element, context: Context) -> ast.Clone:
    _only(element, ("id", "description"), (*_GROUP_SETS, "primitive", "group"))
    children = element.findall("primitive", "group")
    if len(children) != 1:
        raise Unsayable("clone")
    return ast.Clone(
        _name(element.id),
        _name(children[0].id),
        _described(element),
        _sets(element, _GROUP_SETS, context),
        element.tag == "master",
    )


_CONTAINERS = ("docker", "podman", "rkt")
_BUNDLE_RANKS = {"network": 1, "storage": 2, "primitive": 3, "meta_attributes": 3}


def _bundle(element: Element, context: Context) -> ast.Bundle:
    tags = (*_CONTAINERS, "network", "storage", "primitive", "meta_attributes")
    _only(element, ("id", "description"), tags)
    parts: list[ast.BundlePart] = []
    ranks = [_BUNDLE_RANKS.get(child.tag, 0) for child in element.children]
    if ranks != sorted(ranks):
        raise Unsayable("order")  # crmsh would write them in its own order
    for child in element.children:
        if child.tag in _CONTAINERS:
            _only(child, _anything(child), ())
            options = _as_pairs(child)
            if not any(option.name == "image" for option in options):
                raise Unsayable("image")
            parts.append(ast.Container(child.tag, options))
        elif child.tag == "network":
            _only(child, _anything(child), ("port-mapping",))
            ports = tuple(_mapping(port) for port in child.children)
            parts.append(ast.Network(_as_pairs(child), ports))
        elif child.tag == "storage":
            _only(child, (), ("storage-mapping",))
            parts.append(ast.Storage(tuple(_mapping(m) for m in child.children)))
        elif child.tag == "primitive":
            parts.append(ast.BundlePrimitive(_name(child.id)))
        else:
            parts.append(_attribute_set("meta", child, context))
    parts.sort(key=lambda part: isinstance(part, ast.BundlePrimitive))
    return ast.Bundle(_name(element.id), _described(element), tuple(parts))


def _anything(element: Element) -> tuple[str, ...]:
    return tuple(element.attrs)


def _mapping(element: Element) -> tuple[ast.Nvpair, ...]:
    _only(element, _anything(element), ())
    return tuple(pair for pair in _as_pairs(element) if pair.name != "id")


def _as_pairs(element: Element) -> tuple[ast.Nvpair, ...]:
    return tuple(ast.Nvpair(_name(n), _value(v)) for n, v in element.attrs.items())


# ---- constraints ---------------------------------------------------------------------------------


def _resource_sets(element: Element, suffix: str, context: Context) -> tuple[ast.ResourceSet, ...]:
    sets = []
    for child in element.findall("resource_set"):
        _only(child, ("id", "sequential", "require-all", suffix), ("resource_ref",))
        resources = tuple(_name(ref.id) for ref in child.findall("resource_ref"))
        if not resources or any(len(ref.attrs) != 1 for ref in child.children):
            raise Unsayable("resource_set")
        for name in ("sequential", "require-all"):
            if child.get(name, "true") not in ("true", "false"):
                raise Unsayable(name)
        sets.append(
            ast.ResourceSet(
                resources,
                _suffix(child.get(suffix), suffix, context),
                child.get("sequential") != "false",
                child.get("require-all") != "false",
            )
        )
    for one, following in zip(sets, sets[1:], strict=False):
        if one.suffix == following.suffix and one.is_plain and following.is_plain:
            raise Unsayable("resource_set")  # side by side they would be read as one
    return tuple(sets)


def _suffix(text: str, kind: str, context: Context) -> str:
    known = facts.ACTIONS if kind == "action" else facts.ROLES
    if text and text not in known:
        raise Unsayable(text)
    return context.check_role(text)


def _member(element: Element, name: str, suffix: str, context: Context) -> ast.Member:
    resource = _name(element.get(name))
    found = _suffix(element.get(f"{name}-{suffix}"), suffix, context)
    if instance := element.get(f"{name}-instance"):
        if found or not instance.isdigit():
            raise Unsayable(instance)
        found = instance
    return ast.Member(resource, found)


def _location(element: Element, context: Context) -> ast.Location:
    known = ("id", "rsc", "rsc-pattern", "score", "node", "role", "resource-discovery")
    _only(element, known, ("rule", "resource_set"))
    resource, pattern = element.get("rsc"), element.get("rsc-pattern")
    sets = _resource_sets(element, "role", context)
    if bool(resource) + bool(pattern) + bool(sets) != 1:
        raise Unsayable("rsc")
    score = _score(element, "score")
    rules = tuple(_rule(child, context) for child in element.findall("rule"))
    node = element.get("node")
    if bool(rules) == bool(node) or bool(score) != bool(node):
        raise Unsayable("rule")
    attributes = tuple(
        ast.Nvpair(name, _role(element, name, context) if name == "role" else _name(value))
        for name, value in element.attrs.items()
        if name in ("role", "resource-discovery")
    )
    return ast.Location(
        _name(element.id),
        _name(resource) if resource else "",
        _value(pattern),
        sets,
        attributes,
        score,
        _said(_NODE_NAME, node) if node else "",
        rules,
    )


def _colocation(element: Element, context: Context) -> ast.Colocation:
    known = ("rsc", "with-rsc", "rsc-role", "with-rsc-role", "rsc-instance", "with-rsc-instance")
    _only(element, ("id", "score", "score-attribute", "node-attribute", *known), ("resource_set",))
    score = _score_or_attribute(element)
    sets = _resource_sets(element, "role", context)
    if not score or bool(sets) == bool(element.get("rsc")):
        raise Unsayable("score")
    members: tuple[ast.Member, ...] = ()
    if not sets:
        members = (
            _member(element, "rsc", "role", context),
            _member(element, "with-rsc", "role", context),
        )
    attribute = element.get("node-attribute")
    return ast.Colocation(
        _name(element.id), score, members, sets, _value(attribute) if attribute else ""
    )


def _order(element: Element, context: Context) -> ast.Order:
    known = ("first", "then", "first-action", "then-action", "first-instance", "then-instance")
    _only(element, ("id", "kind", "symmetrical", *known), ("resource_set",))
    kind, symmetrical = element.get("kind"), element.get("symmetrical")
    if kind not in ("", *facts.KINDS) or symmetrical.lower() != symmetrical:
        raise Unsayable(kind)
    if symmetrical and symmetrical not in facts.BOOLEANS:
        raise Unsayable(symmetrical)
    sets = _resource_sets(element, "action", context)
    if bool(sets) == bool(element.get("first")):
        raise Unsayable("first")
    members: tuple[ast.Member, ...] = ()
    if not sets:
        members = (
            _member(element, "first", "action", context),
            _member(element, "then", "action", context),
        )
    return ast.Order(_name(element.id), kind, members, sets, symmetrical)


def _ticket(element: Element, context: Context) -> ast.Ticket:
    known = ("rsc", "rsc-role", "rsc-instance")
    _only(element, ("id", "ticket", "loss-policy", *known), ("resource_set",))
    policy = element.get("loss-policy")
    if policy not in ("", *facts.LOSS_POLICIES):
        raise Unsayable(policy)
    sets = _resource_sets(element, "role", context)
    if bool(sets) == bool(element.get("rsc")):
        raise Unsayable("rsc")
    members = () if sets else (_member(element, "rsc", "role", context),)
    ticket = _said(_NODE_NAME, element.get("ticket"))
    return ast.Ticket(_name(element.id), ticket, members, sets, policy)


# ---- the whole cluster ---------------------------------------------------------------------------


def _property_set(kind: str, element: Element, context: Context) -> ast.PropertySet:
    _only(element, ("id", "id-ref"), ("nvpair", "rule"))
    if reference := element.get("id-ref"):
        return ast.PropertySet(kind, "", (), _name(reference))
    items = _items(element, context)
    for item, following in zip(items, items[1:], strict=False):
        if isinstance(item, ast.Rule) and isinstance(following, ast.Nvpair):
            _refuse_swallowed((item,), (following,))
    return ast.PropertySet(kind, _said(_PREFIX, element.id), items)


def fencing_topology(section: Element, nodes: Sequence[str]) -> ast.ElementNode:
    """The fencing topology; levels that are the same on every node are said once."""
    try:
        return _fencing_topology(section, nodes)
    except Unsayable:
        return ast.XmlElement(to_xml(section, indent=None), section.tag, "")


def _fencing_topology(section: Element, nodes: Sequence[str]) -> ast.FencingTopology:
    targets: dict[tuple[str, str], dict[int, tuple[str, ...]]] = {}
    _only(section, (), ("fencing-level",))
    known = ("id", "target", "target-attribute", "target-value", "target-pattern", "index", "devices")  # fmt: skip
    for level in section.children:
        _only(level, known, ())
        if node := level.get("target"):
            key = ("node", _said(_NODE_NAME, node))
        elif attribute := level.get("target-attribute"):
            key = ("attr", f"{_name(attribute)}={_value(level.get('target-value'))}")
        else:
            key = ("pattern", _value(level.get("target-pattern")))
        if not key[1] or sum(n in level.attrs for n in known[1:5]) != (1 + (key[0] == "attr")):
            raise Unsayable("target")
        devices = tuple(_name(device.strip()) for device in level.get("devices").split(","))
        index = level.get("index")
        levels = targets.setdefault(key, {})
        if not index.isdigit() or int(index) in levels:
            raise Unsayable(index)
        levels[int(index)] = devices
    found = []
    for (kind, value), levels in targets.items():
        if sorted(levels) != list(range(1, len(levels) + 1)):
            raise Unsayable("index")
        found.append(ast.FencingTarget(kind, value, tuple(levels[i] for i in sorted(levels))))
    everywhere = {target.levels for target in found}
    names = [target.value for target in found]
    if len(everywhere) == 1 and len(found) == len(nodes) and {t.kind for t in found} == {"node"}:
        if sorted(names) != sorted(nodes):
            raise Unsayable("target")  # crmsh takes as many targets as nodes for all of them
        found = [ast.FencingTarget("", "", found[0].levels)]
    return ast.FencingTopology(tuple(found))


def _tag(element: Element, context: Context) -> ast.Tag:
    _only(element, ("id",), ("obj_ref",))
    if not element.children or any(len(ref.attrs) != 1 for ref in element.children):
        raise Unsayable("tag")
    return ast.Tag(_name(element.id), tuple(_name(ref.id) for ref in element.children))


def _acl_role(element: Element, context: Context) -> ast.AclRole:
    _only(element, ("id", "description"), ("acl_permission",))
    if not element.children:
        raise Unsayable("acl_role")
    permissions = tuple(_permission(child) for child in element.children)
    return ast.AclRole(_name(element.id), permissions, _described(element))


def _permission(element: Element) -> ast.Permission:
    names = ("xpath", "reference", "object-type", "attribute")
    _only(element, ("id", "kind", "description", *names), ())
    if element.get("kind") not in ("read", "write", "deny"):
        raise Unsayable("kind")
    specs = [ast.AclSpec(name, _value(element.get(name))) for name in names if element.get(name)]
    kinds = {spec.kind for spec in specs}
    if kinds not in ({"xpath"}, {"reference"}, {"object-type"}, {"object-type", "attribute"}):
        raise Unsayable("acl_permission")
    specs.sort(key=lambda spec: spec.kind)
    return ast.Permission(element.get("kind"), tuple(specs), "", _described(element))


def _acl_target(element: Element, context: Context) -> ast.AclTarget:
    _only(element, ("id", "name"), ("role",))
    if element.get("name", element.id) != element.id or not element.children:
        raise Unsayable("name")
    roles = tuple(_name(role.id) for role in element.children)
    return ast.AclTarget(_said(_NODE_NAME, element.id), roles, element.tag == "acl_group")


def _acl_user(element: Element, context: Context) -> ast.AclUser:
    _only(element, ("id", "description"), ("role_ref", "read", "write", "deny"))
    roles = tuple(_name(child.id) for child in element.findall("role_ref"))
    permissions = []
    for child in element.findall("read", "write", "deny"):
        _only(child, ("id", "xpath", "ref", "tag", "attribute"), ())
        names = {"xpath": "xpath", "ref": "reference", "tag": "object-type", "attribute": "attribute"}  # fmt: skip
        specs = [ast.AclSpec(names[n], _value(v)) for n, v in child.attrs.items() if n != "id"]
        specs.sort(key=lambda spec: spec.kind)
        permissions.append(ast.Permission(child.tag, tuple(specs)))
    if bool(roles) == bool(permissions):
        raise Unsayable("acl_user")
    return ast.AclUser(_said(_NODE_NAME, element.id), roles, tuple(permissions))


_SELECTS = {
    "select_nodes": "nodes",
    "select_fencing": "fencing",
    "select_resources": "resources",
    "select_attributes": "attributes",
}


def _alert(element: Element, context: Context) -> ast.Alert:
    tags = (*_ALERT_SETS, "select", "recipient")
    _only(element, ("id", "path", "description"), tags)
    ranks = [(0, 0, 1, 2)[tags.index(child.tag)] for child in element.children]
    if ranks != sorted(ranks) or len(element.findall("select")) > 1:
        raise Unsayable("order")
    select = element.find("select")
    return ast.Alert(
        _name(element.id),
        _value(element.get("path")),
        _described(element),
        _sets(element, _ALERT_SETS, context),
        _select(select) if select is not None else None,
        tuple(_recipient(child, context) for child in element.findall("recipient")),
    )


def _select(element: Element) -> ast.Select:
    _only(element, (), _SELECTS)
    names: list[str] = []
    for child in element.children:
        _only(child, (), ("attribute",) if child.tag == "select_attributes" else ())
        for attribute in child.children:
            _only(attribute, ("id", "name"), ())
            names.append(_name(attribute.get("name")))
    if not element.children:
        raise Unsayable("select")
    return ast.Select(tuple(_SELECTS[child.tag] for child in element.children), tuple(names))


def _recipient(element: Element, context: Context) -> ast.Recipient:
    _only(element, ("id", "value", "description"), _ALERT_SETS)
    if not element.get("value") or element.get("value") in ("{", "}"):
        raise Unsayable("recipient")
    return ast.Recipient(
        _value(element.get("value")),
        _described(element),
        _sets(element, _ALERT_SETS, context),
    )


_READERS: dict[str, Callable[[Element, Collection[str]], ast.ElementNode]] = {
    "node": _node,
    "primitive": _primitive,
    "template": _template,
    "group": _group,
    "clone": _clone,
    "master": _clone,
    "bundle": _bundle,
    "rsc_location": _location,
    "rsc_colocation": _colocation,
    "rsc_order": _order,
    "rsc_ticket": _ticket,
    "tag": _tag,
    "acl_role": _acl_role,
    "acl_target": _acl_target,
    "acl_group": _acl_target,
    "acl_user": _acl_user,
    "alert": _alert,
}


def without_comments(element: Element) -> Element:
    """The element without the comments directly in it: they are shown above it."""
    return element.map_children(lambda c: None if c.tag == COMMENT else c)
