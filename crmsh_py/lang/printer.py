"""The one way in which the crm language is written: an AST as the text of ``configure show``.

The layout is crmsh's: parts joined by a backslash, a newline and a tab; no wrapping. The result
is input again: ``parse_element(print_element(x)) == x``. Pure; must not load the parser.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase

from crmsh_py.cib.element import COMMENT, Element
from crmsh_py.lang import ast, facts
from crmsh_py.lang.words import quote_value, quote_word
from crmsh_py.regex import regex

_JOINT = " \\\n\t"
_ONE_WORD = regex(r"[^\s\"'\\]+")
_PLAIN_NODE_ID = regex(r"[^\s\"'\\=:]+")
HIDDEN = "******"


class Printer:
    """Writes elements. ``hidden`` are patterns of attribute names whose values are not shown."""

    def __init__(self, hidden: Sequence[str] = ()) -> None:
        self._hidden = tuple(hidden)

    def element(self, node: ast.ElementNode) -> str:
        """The element as text, without a newline at the end."""
        return _JOINT.join(_PRINTERS[type(node)](self, node))

    # ---- attribute sets and rules --------------------------------------------------------------

    def pair(self, pair: ast.Nvpair) -> str:
        """One attribute."""
        name = pair.name
        if pair.is_reference:
            return f"@{pair.nvid}:{name}" if name else f"@{pair.nvid}"
        if pair.nvid:
            name = f"${pair.nvid}" if pair.nvid == name else f"${pair.nvid}:{name}"
        if pair.value is None:
            return name
        if self._is_hidden(pair.name):
            return f'{name}="{HIDDEN}"'
        return f"{name}={quote_value(pair.value)}"

    def _is_hidden(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self._hidden)

    def obscured(self, element: Element) -> Element:
        """The element with the values of hidden attributes replaced."""
        if not self._hidden:
            return element
        if element.tag == "nvpair" and self._is_hidden(element.get("name")):
            return element.with_attributes({"value": HIDDEN})
        return element.map_children(self.obscured)

    def items(self, items: Iterable[ast.Nvpair | ast.Rule]) -> list[str]:
        """Attributes and rules of a set, each as one text."""
        return [self.pair(i) if isinstance(i, ast.Nvpair) else self.rule(i) for i in items]

    def attribute_set(self, attributes: ast.AttributeSet) -> str:
        """A set on one line, with its keyword."""
        words = [attributes.kind]
        if attributes.id_ref:
            return f"{attributes.kind} $id-ref={quote_value(attributes.id_ref)}"
        if attributes.id:
            words.append(f"$id={quote_value(attributes.id)}")
        if attributes.score:
            words.append(f"{facts.score_to_word(attributes.score)}:")
        return " ".join(words + self.items(attributes.items))

    def sets(self, sets: Iterable[ast.AttributeSet]) -> list[str]:
        """Several sets."""
        return [self.attribute_set(one) for one in sets]

    def rule(self, rule: ast.Rule) -> str:
        """A rule on one line."""
        if rule.id_ref:
            return f"rule $id-ref={quote_value(rule.id_ref)}"
        words = ["rule"]
        if rule.id:
            words.append(f"$id={quote_value(rule.id)}")
        if rule.role:
            words.append(f"$role={rule.role}")
        if rule.score:
            words.append(f"{facts.score_to_word(rule.score)}:")
        joint = f" {rule.boolean} "
        words.append(joint.join(self.expression(e) for e in rule.expressions))
        return " ".join(words)

    def expression(self, expression: ast.Expression) -> str:
        """One condition of a rule."""
        if isinstance(expression, ast.Defined):
            return f"{'not_' * expression.negated}defined {_word(expression.attribute)}"
        if isinstance(expression, ast.Comparison):
            kind = f"{expression.type}:" if expression.type else ""
            value = _word(expression.value)
            if expression.source:
                value = f"{expression.source}{{{expression.value}}}"
                value = _word(value)
            return f"{_word(expression.attribute)} {kind}{expression.operation} {value}"
        if isinstance(expression, ast.DateCompare):
            return f"date {expression.operation} {quote_value(expression.value)}"
        if isinstance(expression, ast.DateSpec):
            return " ".join(["date spec", *map(self._field, expression.fields)])
        words = ["date in"]
        if expression.start:
            words.append(f"start={quote_value(expression.start)}")
        if expression.end:
            words.append(f"end={quote_value(expression.end)}")
        return " ".join([*words, *map(self._field, expression.duration)])

    def _field(self, field: ast.Nvpair) -> str:
        return f"{field.name}={quote_value(field.value or '')}"


def _word(text: str) -> str:
    """A word of a rule: quotes only where it would be taken apart."""
    return text if _ONE_WORD.fullmatch(text) else quote_word(text)


def _no_keyword(name: str, *keywords: str) -> str:
    """A name, in quotes where it would be read as one of these keywords."""
    return f'"{name}"' if name.lower() in keywords else name


def _description(text: str) -> list[str]:
    return [f"description={quote_value(text)}"] if text else []


# ---- nodes and resources -------------------------------------------------------------------------


def _node(out: Printer, node: ast.Node) -> list[str]:
    given = ""
    if node.id:
        plain = _PLAIN_NODE_ID.fullmatch(node.id)
        given = f"{node.id}: " if plain else f"$id={quote_value(node.id)} "
    kind = f":{node.type}" if node.type else ""
    return [
        f"node {given}{node.uname}{kind}",
        *_description(node.description),
        *out.sets(node.sets),
    ]


def short_agent(agent: str) -> str:
    """An agent as it is shown: the usual ``ocf:heartbeat:`` is left out."""
    return agent.removeprefix("ocf:heartbeat:")


def _parts(out: Printer, parts: Iterable[ast.AttributeSet | ast.Operations]) -> list[str]:
    lines: list[str] = []
    for part in parts:
        if isinstance(part, ast.AttributeSet):
            lines.append(out.attribute_set(part))
            continue
        if part.id_ref:
            lines.append(f"operations $id-ref={quote_value(part.id_ref)}")
        elif part.id:
            lines.append(f"operations $id={quote_value(part.id)}")
        elif not part.ops:
            lines.append("operations")
        for op in part.ops:
            lines.append(" ".join(["op", op.name, *map(out.pair, op.attributes)]))
            lines += out.sets(op.sets)
    return lines


def _primitive(out: Printer, node: ast.Primitive) -> list[str]:
    kind = f"@{node.template}" if node.template else short_agent(node.agent)
    head = f"primitive {node.id} {kind}"
    return [head, *_description(node.description), *_parts(out, node.parts)]


def _template(out: Printer, node: ast.Template) -> list[str]:
    head = f"rsc_template {node.id} {short_agent(node.agent)}"
    return [head, *_description(node.description), *_parts(out, node.parts)]


_GROUP_WORDS = ("params", "meta", "rule")  # what may follow a member


def _group(out: Printer, node: ast.Group) -> list[str]:
    first, *others = node.children
    head = " ".join(["group", node.id, first, *(_no_keyword(c, *_GROUP_WORDS) for c in others)])
    return [head, *_description(node.description), *out.sets(node.sets)]


def _clone(out: Printer, node: ast.Clone) -> list[str]:
    head = f"{'ms' if node.is_ms else 'clone'} {node.id} {node.child}"
    return [head, *_description(node.description), *out.sets(node.sets)]


def _bundle(out: Printer, node: ast.Bundle) -> list[str]:
    lines = [f"bundle {node.id}", *_description(node.description)]
    for part in node.parts:
        if isinstance(part, ast.Container):
            options = [out.pair(option) for option in part.options]
            options.sort(key=lambda text: not text.startswith("image="))
            lines.append(f"{part.kind} {options[0]}")
            lines += [f"\t{option}" for option in options[1:]]
        elif isinstance(part, ast.Network):
            lines.append(" ".join(["network", *map(out.pair, part.options)]))
            lines += [_mapping(out, "port-mapping", port) for port in part.ports]
        elif isinstance(part, ast.Storage):
            lines.append("storage")
            lines += [_mapping(out, "storage-mapping", m) for m in part.mappings]
        elif isinstance(part, ast.BundlePrimitive):
            lines.append(f"primitive {part.resource}")
        else:
            lines.append(out.attribute_set(part))
    return lines


def _mapping(out: Printer, kind: str, pairs: Iterable[ast.Nvpair]) -> str:
    return " ".join([f"\t{kind}", *map(out.pair, pairs)])


# ---- constraints ---------------------------------------------------------------------------------


def _member(member: ast.Member) -> str:
    return f"{member.resource}:{member.suffix}" if member.suffix else member.resource


def _members(members: Sequence[ast.Member], sets: Sequence[ast.ResourceSet], plain: int) -> str:
    """Members, or sets. ``plain`` bare words would be read as members, so those are marked."""
    if members:
        first, *others = map(_member, members)
        return " ".join([_no_keyword(first, "_rsc_set_"), *others])
    words: list[str] = []
    bare = 0
    for index, one in enumerate(sets):
        names = [f"{r}:{one.suffix}" if one.suffix else r for r in one.resources]
        before = sets[index - 1] if index else None
        neighbour = before is not None and before.is_plain and before.suffix == one.suffix
        if one.is_plain and not neighbour:
            words += names
            bare += len(names)
        elif one.is_plain:
            words += ["(", *names, "sequential=true", ")"]
        elif one.require_all:
            words += ["(", *names, ")"]
        elif one.sequential:
            words += ["[", *names, "sequential=true", "]"]
        else:
            words += ["[", *names, "]"]
    if bare == len(words) <= plain or words[0].lower() == "_rsc_set_":
        words.insert(0, "_rsc_set_")
    return " ".join(words)


def _location(out: Printer, node: ast.Location) -> list[str]:
    if node.pattern:
        subject = f"/{node.pattern}/"
        subject = _word(subject)
    elif node.sets:
        subject = f"{{ {_members((), node.sets, 0)} }}"
    else:
        subject = node.resource
    words = ["location", node.id, subject, *map(out.pair, node.attributes)]
    if node.rules:
        return [" ".join(words), *map(out.rule, node.rules)]
    return [" ".join([*words, f"{facts.score_to_word(node.score)}:", node.node])]


def _colocation(out: Printer, node: ast.Colocation) -> list[str]:
    score = f"{facts.score_to_word(node.score)}:"
    words = ["colocation", node.id, score, _members(node.members, node.sets, 2)]
    if node.node_attribute:
        words.append(f"node-attribute={quote_value(node.node_attribute)}")
    return [" ".join(words)]


def _order(out: Printer, node: ast.Order) -> list[str]:
    words = ["order", node.id]
    if node.kind:
        words.append(f"{node.kind}:")
    words.append(_members(node.members, node.sets, 2))
    if node.symmetrical:
        words.append(f"symmetrical={node.symmetrical}")
    return [" ".join(words)]


def _ticket(out: Printer, node: ast.Ticket) -> list[str]:
    words = ["rsc_ticket", node.id, f"{node.ticket}:", _members(node.members, node.sets, 1)]
    if node.loss_policy:
        words.append(f"loss-policy={node.loss_policy}")
    return [" ".join(words)]


# ---- the whole cluster ---------------------------------------------------------------------------


def _property_set(out: Printer, node: ast.PropertySet) -> list[str]:
    if node.id_ref:
        return [f"{node.kind} $id-ref={quote_value(node.id_ref)}"]
    head = f"{node.kind} {node.id}:" if node.id else node.kind
    return [head, *out.items(node.items)]


def _fencing_topology(out: Printer, node: ast.FencingTopology) -> list[str]:
    lines = []
    for target in node.targets:
        levels = " ".join(",".join(devices) for devices in target.levels)
        if target.kind == "node":
            lines.append(f"{target.value}: {levels}")
        elif target.kind:
            word = f"{target.kind}:{target.value}"
            lines.append(f"{_word(word)} {levels}")
        else:
            lines.append(levels)
    if len(lines) == 1 and not node.targets[0].kind:
        return [f"fencing_topology {lines[0]}"]
    return ["fencing_topology", *lines]


def _tag(out: Printer, node: ast.Tag) -> list[str]:
    return [" ".join(["tag", node.id, *node.members])]


def _acl_role(out: Printer, node: ast.AclRole) -> list[str]:
    return [
        f"role {node.id}",
        *_description(node.description),
        *map(_permission, node.permissions),
    ]


_ACL_WORDS = {"reference": "ref", "object-type": "type", "attribute": "attr"}


def _permission(permission: ast.Permission) -> str:
    words = [permission.kind]
    if permission.id:
        words.append(f"$id={quote_value(permission.id)}")
    words += _description(permission.description)
    for spec in permission.specs:
        shortcut = facts.xpath_to_acl_shortcut(spec.value) if spec.kind == "xpath" else None
        if shortcut:
            words.append(shortcut)
        else:
            kind = _ACL_WORDS.get(spec.kind, spec.kind)
            words.append(f"{kind}:{quote_value(spec.value)}")
    return " ".join(words)


def _acl_target(out: Printer, node: ast.AclTarget) -> list[str]:
    return [f"{'acl_group' if node.is_group else 'acl_target'} {node.id}", *node.roles]


def _acl_user(out: Printer, node: ast.AclUser) -> list[str]:
    roles = [f"role:{role}" for role in node.roles]
    return [f"user {node.id}", *roles, *map(_permission, node.permissions)]


def _alert(out: Printer, node: ast.Alert) -> list[str]:
    lines = [f"alert {node.id} {quote_value(node.path)}", *_description(node.description)]
    lines += out.sets(node.sets)
    if node.select is not None:
        words = ["select"]
        for kind in node.select.kinds:
            words.append(kind)
            if kind == "attributes" and node.select.attributes:
                words += ["{", *node.select.attributes, "}"]
        lines.append(" ".join(words))
    for recipient in node.recipients:
        words = ["to", quote_value(recipient.value), *_description(recipient.description)]
        lines.append(" ".join(words + out.sets(recipient.sets)))
    return lines


def _xml(out: Printer, node: ast.XmlElement) -> list[str]:
    from crmsh_py.cib.xml import parse

    lines = list(_xml_lines(out.obscured(parse(node.text)), ""))
    return [" \\\n".join([f"xml {lines[0]}", *lines[1:]])]


def _xml_lines(element: Element, margin: str) -> Iterator[str]:
    """Indented lines, but what holds a comment stays as it is, so that the comment does too."""
    from crmsh_py.cib.xml import to_xml

    inline = any(child.tag == COMMENT for child in element.children)
    if inline or not element.children:
        yield from (margin + to_xml(element, indent=None).strip()).split("\n")
        return
    opening = to_xml(element.with_children(()), indent=None).strip().removesuffix("/>").rstrip()
    yield f"{margin}{opening}>"
    for child in element.children:
        yield from _xml_lines(child, margin + "  ")
    yield f"{margin}</{element.tag}>"


def _monitor(out: Printer, node: ast.MonitorCommand) -> list[str]:
    resource = f"{node.resource}:{node.role}" if node.role else node.resource
    interval = f"{node.interval}:{node.timeout}" if node.timeout else node.interval
    return [f"monitor {resource} {interval}"]


_PRINTERS: dict[type, Callable[..., list[str]]] = {
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
    ast.MonitorCommand: _monitor,
}


def print_element(node: ast.ElementNode, *, hidden: Sequence[str] = ()) -> str:
    """One element as ``configure show`` writes it."""
    return Printer(hidden).element(node)
