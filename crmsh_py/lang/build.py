"""From words to values: one function for each rule of the grammar.

The functions convert and put into normal form, and no more: whether a resource exists or a
parameter is known is asked elsewhere (``cib.checks``), with the places that the values keep.
What the grammar cannot say (both ends of a boolean, the number of members) raises ``Mistake``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from crmsh_py.lang import ast, facts
from crmsh_py.lang.words import Word

Children = list[object]
_T = TypeVar("_T")


class Mistake(Exception):
    """A line that the grammar takes but that cannot mean anything."""

    def __init__(self, message: str, word: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.word = word
        self.hint = hint


# ---- picking children ----------------------------------------------------------------------------


def _words(children: Children, *kinds: str) -> tuple[Word, ...]:
    return tuple(c for c in children if isinstance(c, Word) and c.kind in kinds)


def _word(children: Children, *kinds: str) -> str:
    return next((c for c in children if isinstance(c, Word) and c.kind in kinds), "")


def _all(children: Children, kind: type[_T]) -> tuple[_T, ...]:
    return tuple(c for c in children if isinstance(c, kind))


def _after(text: str, sign: str) -> str:
    """What follows the first ``sign``, with its place."""
    start = text.find(sign) + len(sign)
    return text.part(text[start:], start) if isinstance(text, Word) else text[start:]


def _before(text: str, sign: str) -> str:
    piece = text[: text.find(sign)]
    return text.part(piece) if isinstance(text, Word) else piece


def _new_id(children: Children) -> str:
    name = _word(children, "NEW_ID")
    return name or _after(_word(children, "ID_EQ"), "=")


def _described(children: Children) -> str:
    word = _word(children, "DESCRIPTION")
    return _after(word, "=") if word else ""


def _given_id(children: Children) -> str:
    if dollar := _word(children, "DOLLAR_ID"):
        return _after(dollar, "=")
    colon = _word(children, "ID_COLON")
    return _before(colon, ":") if colon else ""


def _id_ref(children: Children) -> str:
    word = _word(children, "DOLLAR_IDREF")
    return _after(word, "=") if word else ""


def _score(children: Children) -> str:
    word = _word(children, "SCORE")
    if not word:
        return ""
    written = _before(word, ":")
    score = facts.score_from_word(written)
    return written if score == written else _placed(score, word)


def _placed(text: str, where: str) -> str:
    """A normalized form that keeps the place of what was written."""
    return Word(text, where.kind, where.start, where.end) if isinstance(where, Word) else text


def _one_of(word: str, known: Sequence[str], what: str) -> str:
    """A word in its canonical case, or a Mistake that names the known ones."""
    for name in known:
        if word.lower() == name.lower():
            return _placed(name, word)
    raise Mistake(f"“{word}” is not {what}", word, f"one of: {', '.join(known)}")


# ---- attribute sets and rules --------------------------------------------------------------------


def _nvpair(children: Children) -> ast.Nvpair:
    word = children[0]
    assert isinstance(word, Word)
    if word.kind == "NVPAIR":
        return ast.Nvpair(_before(word, "="), _after(word, "="))
    if word.kind == "NV_REF":
        reference = _after(word, "@")
        nvid, colon, name = reference.partition(":")
        return ast.Nvpair(name if colon else "", None, nvid, is_reference=True)
    if word.kind == "NV_ID":
        head, _, value = word.partition("=")
        nvid, _, name = head[1:].partition(":")
        return ast.Nvpair(name or nvid, value, nvid)
    return ast.Nvpair(word)


def _set(kind: str) -> Callable[[Children], ast.AttributeSet]:
    def build(children: Children) -> ast.AttributeSet:
        items = (*_all(children, ast.Rule), *_all(children, ast.Nvpair))
        return ast.AttributeSet(
            kind, items, _score(children), _given_id(children), _id_ref(children)
        )

    return build


def _rule(children: Children) -> ast.Rule:
    if reference := _id_ref(children):
        return ast.Rule(id_ref=reference)
    role = _word(children, "RULE_ROLE")
    booleans = [c for c in children if isinstance(c, Word) and c.kind in ("AND", "OR")]
    for boolean in booleans:
        if boolean.kind != booleans[0].kind:
            raise Mistake(
                "one rule cannot mix “and” and “or”",
                boolean,
                "write two rules, or give the resource two locations",
            )
    expressions = tuple(
        c
        for c in children
        if isinstance(
            c, ast.Defined | ast.Comparison | ast.DateCompare | ast.DateRange | ast.DateSpec
        )
    )
    return ast.Rule(
        expressions,
        booleans[0].lower() if booleans else "and",
        _score(children),
        _one_of(_after(role, "="), facts.ROLES, "a role") if role else "",
        _given_id(children),
    )


def _defined(children: Children) -> ast.Defined:
    negated = bool(_word(children, "NOT_DEFINED"))
    return ast.Defined(_word(children, "ATTRIBUTE"), negated)


def _comparison(children: Children) -> ast.Comparison:
    operation = _word(children, "COMPARISON").lower()
    kind, _, name = operation.rpartition(":")
    value = _word(children, "VALUE")
    source, brace, inner = value.partition("{")
    if brace and source in ("literal", "param", "meta") and inner.endswith("}"):
        return ast.Comparison(_word(children, "ATTRIBUTE"), name, inner[:-1], kind, source)
    return ast.Comparison(_word(children, "ATTRIBUTE"), name, value, kind)


def _date_fields(children: Children) -> tuple[ast.Nvpair, ...]:
    return tuple(
        ast.Nvpair(_before(word, "=").lower(), _after(word, "="))
        for word in _words(children, "DATE_FIELD")
    )


def _date_compare(children: Children) -> ast.DateCompare:
    return ast.DateCompare(_word(children, "LT", "GT").lower(), _word(children, "VALUE"))


def _date_range(children: Children) -> ast.DateRange:
    start, end = _word(children, "DATE_START"), _word(children, "DATE_END")
    duration = _date_fields(children)
    if not (start or end) or len([x for x in (start, end, duration) if x]) < 2:
        raise Mistake(
            "a date range needs two of: start, end, a duration",
            _word(children, "IN", "IN_RANGE"),
            "for example: date in start=2030-01-01 months=3",
        )
    return ast.DateRange(_after(start, "=") if start else "", _after(end, "=") if end else "", duration)  # fmt: skip


def _date_spec(children: Children) -> ast.DateSpec:
    return ast.DateSpec(_date_fields(children))


# ---- nodes and resources -------------------------------------------------------------------------


def _first_set(children: Children, kind: str) -> Children:
    """The children with the attributes that stand without a keyword named as ``kind``."""
    return [
        replace(c, kind=kind) if isinstance(c, ast.AttributeSet) and c.kind == "" else c
        for c in children
    ]


def _node(children: Children) -> ast.Node:
    name = _word(children, "NODE_UNAME")
    uname, _, kind = name.partition(":")
    if isinstance(name, Word):
        uname = name.part(uname)
    kind = "" if kind.lower() == "member" else kind
    sets = _all(_first_set(children, "attributes"), ast.AttributeSet)
    return ast.Node(uname, _given_id(children), kind.lower(), _described(children), sets)


def _parts(children: Children) -> tuple[ast.AttributeSet | ast.Operations, ...]:
    """Sets in their order; all operations together, where the first of them stands."""
    parts: list[ast.AttributeSet | ast.Operations] = []
    place: int | None = None
    for child in _first_set(children, "params"):
        if isinstance(child, ast.AttributeSet):
            parts.append(child)
            continue
        if not isinstance(child, ast.Operation | ast.Operations):
            continue
        if place is None:
            place = len(parts)
            parts.append(ast.Operations())
        present = parts[place]
        assert isinstance(present, ast.Operations)
        if isinstance(child, ast.Operation):
            parts[place] = replace(present, ops=(*present.ops, child))
        else:
            parts[place] = replace(present, id=child.id, id_ref=child.id_ref)
    return tuple(parts)


def _primitive(children: Children) -> ast.Primitive:
    template = _word(children, "TEMPLATE_REF")
    return ast.Primitive(
        _new_id(children),
        _word(children, "AGENT"),
        _after(template, "@") if template else "",
        _described(children),
        _parts(children),
    )


def _template(children: Children) -> ast.Template:
    return ast.Template(
        _new_id(children), _word(children, "AGENT"), _described(children), _parts(children)
    )


def _operations(children: Children) -> ast.Operations:
    return ast.Operations((), _given_id(children), _id_ref(children))


def _op(children: Children) -> ast.Operation:
    sets = list(_all(children, ast.AttributeSet))
    attributes: tuple[ast.Nvpair, ...] = ()
    if sets and sets[0].kind == "":
        bare = sets.pop(0)
        attributes = tuple(
            item
            for item in bare.items
            if isinstance(item, ast.Nvpair)
            and item.name in facts.OP_ATTRIBUTES
            and not item.nvid
            and item.value is not None
        )
        rest = tuple(item for item in bare.items if item not in attributes)
        if rest or bare.id_ref or bare.score:
            sets.insert(0, replace(bare, kind="op_params", items=rest))
    return ast.Operation(_word(children, "OP_NAME"), attributes, tuple(sets))


def _monitor(children: Children) -> ast.MonitorCommand:
    monitored, interval = _word(children, "MONITORED"), _word(children, "INTERVAL")
    resource, _, role = monitored.partition(":")
    every, _, timeout = interval.partition(":")
    if role:
        role = _one_of(_after(monitored, ":"), facts.ROLES, "a role")
    return ast.MonitorCommand(_placed(resource, monitored), _placed(every, interval), role, timeout)


def _group(children: Children) -> ast.Group:
    members = _words(children, "CHILD")
    seen: set[str] = set()
    for member in members:
        if member in seen:
            raise Mistake(f"“{member}” stands twice in the group", member)
        seen.add(member)
    sets = _all(_first_set(children, "params"), ast.AttributeSet)
    return ast.Group(_new_id(children), members, _described(children), sets)


def _clone(is_ms: bool) -> Callable[[Children], ast.Clone]:
    def build(children: Children) -> ast.Clone:
        sets = _all(_first_set(children, "params"), ast.AttributeSet)
        return ast.Clone(
            _new_id(children), _word(children, "CHILD"), _described(children), sets, is_ms
        )

    return build


def _bundle(children: Children) -> ast.Bundle:
    parts = tuple(
        c
        for c in children
        if isinstance(
            c,
            ast.Container | ast.Network | ast.Storage | ast.BundlePrimitive | ast.AttributeSet,
        )
    )
    return ast.Bundle(_new_id(children), _described(children), parts)


def _container(children: Children) -> ast.Container:
    kind = _word(children, "DOCKER", "PODMAN", "RKT")
    options = _all(children, ast.Nvpair)
    if not any(option.name == "image" for option in options):
        raise Mistake(f"{kind} needs an image", kind, f"for example: {kind} image=httpd:latest")
    return ast.Container(kind.lower(), options)


def _mapping(children: Children) -> tuple[ast.Nvpair, ...]:
    return _all(children, ast.Nvpair)


def _network(children: Children) -> ast.Network:
    return ast.Network(_all(children, ast.Nvpair), _all(children, tuple))


def _storage(children: Children) -> ast.Storage:
    return ast.Storage(_all(children, tuple))


def _bundle_primitive(children: Children) -> ast.BundlePrimitive:
    return ast.BundlePrimitive(_word(children, "CHILD"))


# ---- constraints ---------------------------------------------------------------------------------


class _Bracketed(tuple[Word, ...]):
    """The words of a set in brackets; ``bracket`` is the opening one."""

    bracket: str = "("


def _bracketed(bracket: str) -> Callable[[Children], _Bracketed]:
    def build(children: Children) -> _Bracketed:
        found = _Bracketed(_words(children, "MEMBER", "SET_OPTION"))
        found.bracket = bracket
        return found

    return build


def _members(children: Children) -> tuple[object, ...]:
    return tuple(children)


def _member(word: Word, suffixes: Sequence[str], what: str) -> ast.Member:
    resource, colon, suffix = word.partition(":")
    if not colon:
        return ast.Member(word)
    place = _after(word, ":")
    if not suffix.isdigit():
        suffix = _one_of(place, suffixes, what)
    return ast.Member(word.part(resource), suffix)


def _sets_of(
    words: Sequence[Word], bracket: str, suffixes: Sequence[str], what: str
) -> list[ast.ResourceSet]:
    """The sets that one run of words makes: a change of the suffix begins a new one."""
    plain = (bracket == "", bracket != "[")  # sequential, require_all
    sets: list[ast.ResourceSet] = []
    options: dict[str, bool] = {}
    current: list[ast.Member] = []

    def close() -> None:
        if current:
            sequential = options.get("sequential", plain[0])
            require_all = options.get("require-all", plain[1])
            if "require-all" in options and not bracket and not require_all:
                sequential = options.get("sequential", plain[0])
            resources = tuple(member.resource for member in current)
            sets.append(ast.ResourceSet(resources, current[0].suffix, sequential, require_all))
            current.clear()
            options.clear()

    for word in words:
        if word.kind == "SET_OPTION":
            name, _, value = word.partition("=")
            if value.lower() not in facts.BOOLEANS:
                raise Mistake(f"“{value}” is neither true nor false", word)
            options[name.lower()] = facts.BOOLEANS[value.lower()]
            continue
        member = _member(word, suffixes, what)
        if current and member.suffix != current[0].suffix:
            close()
        current.append(member)
    if not current and not sets:
        raise Mistake("a set needs a resource", words[0])
    close()
    return sets


def _all_sets(
    parts: Sequence[object], suffixes: Sequence[str], what: str
) -> tuple[ast.ResourceSet, ...]:
    sets: list[ast.ResourceSet] = []
    run: list[Word] = []
    for part in (*parts, None):
        if isinstance(part, Word):
            if part.kind in ("MEMBER", "SET_OPTION"):
                run.append(part)
            continue
        if run:
            sets += _sets_of(run, "", suffixes, what)
            run = []
        if isinstance(part, _Bracketed):
            sets += _sets_of(part, part.bracket, suffixes, what)
    return tuple(sets)


def _constrained(
    children: Children, plain: int, suffixes: Sequence[str], what: str
) -> tuple[tuple[ast.Member, ...], tuple[ast.ResourceSet, ...]]:
    """Members or sets: ``plain`` bare members are no set."""
    parts = next(c for c in children if isinstance(c, tuple) and not isinstance(c, _Bracketed))
    words = [p for p in parts if isinstance(p, Word)]
    if len(words) == len(parts) == plain and all(w.kind == "MEMBER" for w in words):
        return tuple(_member(word, suffixes, what) for word in words), ()
    if plain == 2 and len(parts) == 1 and words:
        raise Mistake(
            "this needs two resources, or a set", words[0], "name what it is related to as well"
        )
    return (), _all_sets(parts, suffixes, what)


def _location(children: Children) -> ast.Location:
    attributes = [
        ast.Nvpair(_before(word, "=").lstrip("$"), _after(word, "="))
        for word in _words(children, "LOCATION_ATTR")
    ]
    if role := _word(children, "RULE_ROLE"):
        attributes.append(ast.Nvpair("role", _after(role, "=")))
    attributes = [
        replace(a, value=_one_of(a.value or "", facts.ROLES, "a role")) if a.name == "role" else a
        for a in attributes
    ]
    pattern = _word(children, "PATTERN")
    sets: tuple[ast.ResourceSet, ...] = ()
    if _word(children, "LBRACE"):
        parts = next(c for c in children if isinstance(c, tuple))
        sets = _all_sets(parts, facts.ROLES, "a role")
    return ast.Location(
        _new_id(children),
        _word(children, "RESOURCE"),
        pattern.part(pattern[1:-1], 1) if isinstance(pattern, Word) else "",
        sets,
        tuple(attributes),
        _score(children),
        _word(children, "NODE_NAME"),
        _all(children, ast.Rule),
    )


def _colocation(children: Children) -> ast.Colocation:
    members, sets = _constrained(children, 2, facts.ROLES, "a role")
    attribute = _word(children, "NODE_ATTRIBUTE")
    return ast.Colocation(
        _new_id(children),
        _score(children),
        members,
        sets,
        _after(attribute, "=") if attribute else "",
    )


def _order(children: Children) -> ast.Order:
    members, sets = _constrained(children, 2, facts.ACTIONS, "an action")
    symmetrical = _word(children, "SYMMETRICAL")
    kind = _word(children, "KIND")
    if kind:
        kind = _one_of(_before(kind, ":"), facts.KINDS, "a kind of order")
    elif score := _word(children, "SCORE"):
        kind = _kind_of_score(_before(score, ":"))
    if symmetrical:
        symmetrical = _after(symmetrical, "=")
        if symmetrical.lower() not in facts.BOOLEANS:
            raise Mistake(f"“{symmetrical}” is neither true nor false", symmetrical)
        symmetrical = _placed(symmetrical.lower(), symmetrical)
    return ast.Order(_new_id(children), kind, members, sets, symmetrical)


def _kind_of_score(word: str) -> str:
    """An order that was written with a score: 0 is optional; a negative one makes no sense."""
    score = facts.score_from_word(word)
    if word.lower() == "advisory":
        score = "0"
    if not facts.is_score(score) or score.startswith("-"):
        raise Mistake(
            f"“{word}:” is not a kind of order", word, f"one of: {', '.join(facts.KINDS)}"
        )
    return _placed("Optional" if score.strip("+0") == "" else "Mandatory", word)


def _ticket(children: Children) -> ast.Ticket:
    members, sets = _constrained(children, 1, facts.ROLES, "a role")
    policy = _word(children, "LOSS_POLICY")
    if policy:
        policy = _one_of(_after(policy, "="), facts.LOSS_POLICIES, "a loss policy")
    ticket = _before(_word(children, "TICKET"), ":")
    return ast.Ticket(_new_id(children), ticket, members, sets, policy)


# ---- the whole cluster ---------------------------------------------------------------------------


def _whole(kind: str) -> Callable[[Children], ast.PropertySet]:
    def build(children: Children) -> ast.PropertySet:
        items = tuple(c for c in children if isinstance(c, ast.Nvpair | ast.Rule))
        return ast.PropertySet(kind, _given_id(children), items, _id_ref(children))

    return build


def _fencing_topology(children: Children) -> ast.FencingTopology:
    targets: dict[tuple[str, str], list[tuple[str, ...]]] = {}
    current = ("", "")
    empty: str = ""
    for child in children:
        assert isinstance(child, Word)
        if child.kind == "FENCING_TARGET":
            current, empty = ("node", _before(child, ":")), child
        elif child.kind == "ATTRIBUTE_TARGET":
            current, empty = ("attr", _after(child, ":")), child
        elif child.kind == "PATTERN_TARGET":
            current, empty = ("pattern", _after(child, ":")), child
        elif child.kind == "DEVICES":
            devices = tuple(name for name in child.split(",") if name)
            if not devices:
                raise Mistake("a level needs a fencing device", child)
            targets.setdefault(current, []).append(devices)
            empty = ""
        if empty:
            targets.setdefault(current, [])
    return ast.FencingTopology(
        tuple(
            ast.FencingTarget(kind, value, tuple(levels))
            for (kind, value), levels in targets.items()
            if levels
        )
    )


def _tag(children: Children) -> ast.Tag:
    name = _word(children, "TAG_NAME")
    return ast.Tag(_before(name, ":") if name.endswith(":") else name, _words(children, "TAGGED"))


def _acl_role(children: Children) -> ast.AclRole:
    return ast.AclRole(_new_id(children), _permissions(children), _described(children))


def _permissions(children: Children) -> tuple[ast.Permission, ...]:
    return tuple(p for c in children if isinstance(c, tuple) for p in c)


def _permission(children: Children) -> tuple[ast.Permission, ...]:
    """One permission for each thing that it is about: the CIB says one thing in each."""
    kind = _word(children, "READ", "WRITE", "DENY").lower()
    groups: list[list[ast.AclSpec]] = []
    typed: list[ast.AclSpec] = []
    for word in children:
        if not isinstance(word, Word) or not word.kind.startswith("ACL_"):
            continue
        if word.kind == "ACL_SHORTCUT":
            path = facts.acl_shortcut_to_xpath(word)
            if path is None:
                raise Mistake(f"“{word}” says too much or too little", word)
            groups.append([ast.AclSpec("xpath", _placed(path, word))])
        elif word.kind == "ACL_XPATH":
            groups.append([ast.AclSpec("xpath", _after(word, ":"))])
        elif word.kind == "ACL_REFERENCE":
            groups.append([ast.AclSpec("reference", _after(word, ":"))])
        else:
            name = "object-type" if word.kind == "ACL_TYPE" else "attribute"
            typed.append(ast.AclSpec(name, _after(word, ":")))
    if typed:
        if not any(spec.kind == "object-type" for spec in typed):
            raise Mistake(
                "attr: needs a type: beside it",
                typed[0].value,
                "for example: type:nvpair attr:name",
            )
        groups.append(sorted(typed, key=lambda spec: spec.kind))
    given, description = _given_id(children), _described(children)
    return tuple(
        ast.Permission(kind, tuple(specs), given if i == 0 else "", description)
        for i, specs in enumerate(groups)
    )


def _acl_target(children: Children) -> ast.AclTarget:
    is_group = bool(_word(children, "ACL_GROUP"))
    return ast.AclTarget(_new_id(children), _words(children, "ROLE_NAME"), is_group)


def _acl_user(children: Children) -> ast.AclUser:
    roles = tuple(_after(word, ":") for word in _words(children, "USER_ROLE"))
    return ast.AclUser(_new_id(children), roles, _permissions(children))


def _select_attributes(children: Children) -> ast.Select:
    return ast.Select(("attributes",), _words(children, "ATTRIBUTE"))


def _select(children: Children) -> ast.Select:
    kinds: list[str] = []
    attributes: tuple[str, ...] = ()
    for child in children:
        if isinstance(child, ast.Select):
            kinds.append("attributes")
            attributes += child.attributes
        elif isinstance(child, Word) and child.kind != "SELECT":
            kinds.append(child.lower())
    return ast.Select(tuple(dict.fromkeys(kinds)), attributes)


def _recipient(children: Children) -> ast.Recipient:
    return ast.Recipient(
        _word(children, "RECIPIENT"), _described(children), _all(children, ast.AttributeSet)
    )


def _alert(children: Children) -> ast.Alert:
    select = _all(children, ast.Select)
    return ast.Alert(
        _new_id(children),
        _word(children, "ALERT_PATH"),
        _described(children),
        _all(children, ast.AttributeSet),
        select[0] if select else None,
        _all(children, ast.Recipient),
    )


def _xml(children: Children) -> ast.XmlElement:
    from crmsh_py.cib.xml import parse, to_xml
    from crmsh_py.errors import CrmError

    text = _word(children, "XML_TEXT")
    try:
        element = parse(text)
    except CrmError as error:
        raise Mistake(f"this is not XML: {error.message}", text) from None
    return ast.XmlElement(to_xml(element, indent=None), element.tag, element.id)


# ---- commands ------------------------------------------------------------------------------------


def _command(level: str, name: str) -> Callable[[Children], ast.CommandCall]:
    def build(children: Children) -> ast.CommandCall:
        first = children[0]
        if not isinstance(first, Word):
            return ast.CommandCall(level, name, element=first, typed=name)  # type: ignore[arg-type]
        arguments = tuple(
            ast.Argument(word.kind, word) for word in children[1:] if isinstance(word, Word)
        )
        pairs = tuple(c for c in children if isinstance(c, ast.Nvpair))
        assert not pairs
        return ast.CommandCall(level, name, arguments, typed=first)

    return build


def _enter(level: str) -> Callable[[Children], ast.CommandCall]:
    def build(children: Children) -> ast.CommandCall:
        inner = next((c for c in children if isinstance(c, ast.CommandCall)), None)
        if inner is None:
            return ast.CommandCall(level, "enter", path=(level,), typed=_first_word(children))
        return replace(inner, path=(level, *inner.path))

    return build


def _first_word(children: Children) -> str:
    return next((c for c in children if isinstance(c, Word)), "")


def _only(children: Children) -> object:
    return children[0]


_BUILDERS: dict[str, Callable[[Children], object]] = {
    "nvpair": _nvpair,
    "bare_set": _set(""),
    **{k: _set(k) for k in ("params", "meta", "utilization", "attributes", "op_params", "op_meta")},
    "rule": _rule,
    "boolean": _only,
    "defined": _defined,
    "comparison": _comparison,
    "date_compare": _date_compare,
    "date_in": _date_range,
    "date_spec": _date_spec,
    "node": _node,
    "primitive": _primitive,
    "rsc_template": _template,
    "operations": _operations,
    "op": _op,
    "monitor": _monitor,
    "group": _group,
    "clone": _clone(is_ms=False),
    "ms": _clone(is_ms=True),
    "bundle": _bundle,
    "container": _container,
    "network": _network,
    "port_mapping": _mapping,
    "storage": _storage,
    "storage_mapping": _mapping,
    "bundle_primitive": _bundle_primitive,
    "members": _members,
    "parallel_set": _bracketed("("),
    "any_set": _bracketed("["),
    "location": _location,
    "colocation": _colocation,
    "order": _order,
    "rsc_ticket": _ticket,
    "property": _whole("property"),
    "rsc_defaults": _whole("rsc_defaults"),
    "op_defaults": _whole("op_defaults"),
    "fencing_topology": _fencing_topology,
    "tag": _tag,
    "role": _acl_role,
    "permission": _permission,
    "user": _acl_user,
    "acl_target": _acl_target,
    "alert": _alert,
    "select": _select,
    "select_attributes": _select_attributes,
    "recipient": _recipient,
    "xml": _xml,
}


def builders(rules: set[str]) -> Mapping[str, Callable[[Children], object]]:
    """The function for each of these rules of the grammar; a rule without one is a bug."""
    made = dict(_BUILDERS)
    for name in rules:
        if name.startswith("cmd_"):
            _, level, command = name.split("_", 2)
            made[name] = _command(level, command)
        elif name.startswith("enter_"):
            made[name] = _enter(name.removeprefix("enter_"))
        elif name.endswith("_line"):
            made[name] = _only
    missing = {n for n in rules if n[0] not in "_$"} - made.keys()
    assert not missing, f"rules of the grammar without a builder: {sorted(missing)}"
    return made
