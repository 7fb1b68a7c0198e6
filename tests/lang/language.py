"""Hypothesis strategies for everything that the crm language can say, in its normal form."""

from __future__ import annotations

from hypothesis import strategies as st

from crmsh_py.lang import ast, facts

LETTERS = "abcXYZ"
ids = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,8}", fullmatch=True).filter(
    # “and”, “rule” … are words of the language; as names they have tests of their own.
    lambda name: name.lower() not in KEYWORDS
)
KEYWORDS = frozenset(
    {
        *facts.SET_KEYWORDS, "and", "or", "date", "defined", "not_defined", "in", "in_range",
        "spec",
        "date_spec", "lt", "gt", "nodes", "fencing", "resources", "read", "write", "deny",
        "_rsc_set_", "lte", "gte", "eq", "ne", "status", "cib", "node", "property",
    }
)  # fmt: skip
set_ids = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,8}", fullmatch=True)
unames = st.from_regex(r"[a-z][a-z0-9.-]{0,8}", fullmatch=True)
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_:.-]{0,8}", fullmatch=True).filter(
    lambda name: (
        name.lower() not in KEYWORDS
        and not name.endswith(":")
        and name.lower() not in (*facts.DATE_FIELDS, "start", "end", "description", "role", "id")
    )
)
bare_names = names.filter(lambda name: ":" not in name)
# Anything that fits into a line, quotes and backslashes and all.
values = st.text(
    st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp"), blacklist_characters="\x85"),
    max_size=12,
)
words = st.text(st.sampled_from("abc019.-_/:#"), min_size=1, max_size=8)
scores = st.sampled_from(["INFINITY", "-INFINITY", "+INFINITY", "0", "100", "-5", "+7"])
any_scores = scores | st.sampled_from(["pingd", "my-attr"])
maybe_text = st.just("") | values.filter(lambda text: text.strip() != "")

pairs = st.builds(ast.Nvpair, names, values | st.none()).map(
    lambda pair: pair if pair.value is not None else ast.Nvpair(pair.name.replace(":", "-"))
)
references = st.builds(
    lambda nvid, name: ast.Nvpair(name, None, nvid, is_reference=True),
    set_ids,
    st.just("") | bare_names,
)
fields = st.lists(
    st.builds(
        ast.Nvpair, st.sampled_from(["hours", "years", "weekdays"]), st.sampled_from(["1", "9-16"])
    ),
    min_size=1,
    max_size=2,
    unique_by=lambda field: field.name,
).map(tuple)
times = st.sampled_from(["2030-01-01", "2005-001", "2019-09-20 15:10:52 +00:00"])
attributes = st.sampled_from(
    ["#uname", "pingd", "#ra-version", "fail-count-a#monitor_10000", "a b"]
)
expressions = st.one_of(
    st.builds(ast.Defined, attributes, st.booleans()),
    st.builds(
        ast.Comparison,
        attributes,
        st.sampled_from(["lt", "gt", "lte", "gte", "eq", "ne"]),
        values.filter(lambda v: not v.startswith(("param{", "meta{", "literal{"))),
        st.sampled_from(["", "integer", "number", "version"]),
    ),
    st.builds(
        ast.Comparison,
        attributes,
        st.just("eq"),
        bare_names,
        st.just(""),
        st.sampled_from(["literal", "param", "meta"]),
    ),
    st.builds(ast.DateCompare, st.sampled_from(["lt", "gt"]), times),
    st.builds(ast.DateRange, times, times),
    st.builds(ast.DateRange, times, st.just(""), fields),
    st.builds(ast.DateRange, st.just(""), times, fields),
    st.builds(ast.DateSpec, fields),
)
roles = st.sampled_from(["Started", "Stopped", "Promoted", "Unpromoted"])


@st.composite
def rules(draw: st.DrawFn, *, with_role: bool = False) -> ast.Rule:
    several = tuple(draw(st.lists(expressions, min_size=1, max_size=3)))
    boolean = draw(st.sampled_from(["and", "or"])) if len(several) > 1 else "and"
    role = draw(st.just("") | roles) if with_role else ""
    score = draw(st.just("") | any_scores.filter(lambda score: score != "INFINITY"))
    return ast.Rule(several, boolean, score, role)


@st.composite
def attribute_sets(draw: st.DrawFn, kind: str) -> ast.AttributeSet:
    if draw(st.integers(0, 9)) == 0:
        return ast.AttributeSet(kind, id_ref=draw(set_ids))
    items = (
        *draw(st.lists(rules(), max_size=1)),
        *draw(st.lists(pairs | references, max_size=3, unique_by=lambda p: (p.name, p.nvid))),
    )
    return ast.AttributeSet(kind, items, draw(st.just("") | scores))


def sets_of(*kinds: str) -> st.SearchStrategy[tuple[ast.AttributeSet, ...]]:
    one = st.sampled_from(kinds).flatmap(attribute_sets)
    return st.lists(one, max_size=3).map(tuple)


agents = st.sampled_from(
    ["IPaddr2", "ocf:pacemaker:Dummy", "stonith:fence_xvm", "systemd:a@b", "lsb:x",
     "stonith:external/ssh"]
)  # fmt: skip
op_names = st.sampled_from(["monitor", "start", "stop", "promote", "notify", "reload-agent"])


@st.composite
def operations(draw: st.DrawFn) -> ast.Operations:
    if draw(st.integers(0, 9)) == 0:
        return ast.Operations(id_ref=draw(set_ids))
    found = []
    for number, name in enumerate(draw(st.lists(op_names, min_size=1, max_size=3))):
        attrs = [ast.Nvpair("interval", f"{number + 10}s")]
        attrs += draw(
            st.lists(
                st.builds(ast.Nvpair, st.sampled_from(["timeout", "on-fail"]), bare_names),
                max_size=2,
                unique_by=lambda p: p.name,
            )
        )
        found.append(ast.Operation(name, tuple(attrs), draw(sets_of("op_params", "op_meta"))))
    return ast.Operations(tuple(found), draw(st.just("") | set_ids))


@st.composite
def parts(draw: st.DrawFn) -> tuple[ast.AttributeSet | ast.Operations, ...]:
    found: list[ast.AttributeSet | ast.Operations] = list(
        draw(sets_of("params", "meta", "utilization"))
    )
    if draw(st.booleans()):
        found.insert(draw(st.integers(0, len(found))), draw(operations()))
    return tuple(found)


nodes = st.builds(
    ast.Node,
    unames,
    st.just("") | st.integers(1, 999).map(str),
    st.sampled_from(["", "remote"]),
    maybe_text,
    sets_of("attributes", "utilization"),
)
primitives = st.builds(ast.Primitive, ids, agents, st.just(""), maybe_text, parts()) | st.builds(
    ast.Primitive, ids, st.just(""), ids, maybe_text, parts()
)
templates = st.builds(ast.Template, ids, agents, maybe_text, parts())
groups = st.builds(
    ast.Group,
    ids,
    st.lists(ids, min_size=1, max_size=3, unique=True).map(tuple),
    maybe_text,
    sets_of("params", "meta"),
)
clones = st.builds(ast.Clone, ids, ids, maybe_text, sets_of("params", "meta"))
options = st.lists(
    st.builds(ast.Nvpair, st.sampled_from(["replicas", "options", "network"]), values),
    max_size=2,
    unique_by=lambda pair: pair.name,
)
mappings = st.lists(
    st.builds(lambda value: (ast.Nvpair("port", value),), st.sampled_from(["80", "81"])), max_size=2
).map(tuple)


@st.composite
def bundles(draw: st.DrawFn) -> ast.Bundle:
    image = ast.Nvpair("image", draw(values))
    found: list[ast.BundlePart] = [
        ast.Container(draw(st.sampled_from(["docker", "podman"])), (image, *draw(options)))
    ]
    if draw(st.booleans()):
        network = (ast.Nvpair("control-port", "3121"),)
        found.append(ast.Network(network if draw(st.booleans()) else (), draw(mappings)))
    if draw(st.booleans()):
        found.append(ast.Storage(draw(mappings)))
    if draw(st.booleans()):
        found.append(draw(attribute_sets("meta")))
    if draw(st.booleans()):
        found.append(ast.BundlePrimitive(draw(ids)))
    return ast.Bundle(draw(ids), draw(maybe_text), tuple(found))


def members(suffixes: st.SearchStrategy[str]) -> st.SearchStrategy[ast.Member]:
    return st.builds(ast.Member, ids, st.just("") | suffixes | st.sampled_from(["0", "3"]))


@st.composite
def resource_sets(draw: st.DrawFn, suffixes: st.SearchStrategy[str]) -> tuple[ast.ResourceSet, ...]:
    found: list[ast.ResourceSet] = []
    for _ in range(draw(st.integers(1, 3))):
        one = ast.ResourceSet(
            tuple(draw(st.lists(ids, min_size=1, max_size=3))),
            draw(st.just("") | suffixes),
            draw(st.booleans()),
            draw(st.booleans()),
        )
        before = found[-1] if found else None
        if before and before.is_plain and one.is_plain and before.suffix == one.suffix:
            continue  # in XML they stay apart; the language has no plain words for that
        found.append(one)
    return tuple(found)


actions = st.sampled_from(["start", "promote", "demote", "stop"])


@st.composite
def locations(draw: st.DrawFn) -> ast.Location:
    what = draw(st.sampled_from(["resource", "pattern", "sets"]))
    attrs = []
    if draw(st.booleans()):
        attrs.append(ast.Nvpair("role", draw(roles)))
    if draw(st.booleans()):
        attrs.append(ast.Nvpair("resource-discovery", "exclusive"))
    plain = draw(st.booleans())
    return ast.Location(
        draw(ids),
        draw(ids) if what == "resource" else "",
        draw(st.sampled_from(["foo.*", "^a(b|c)$", "a b"])) if what == "pattern" else "",
        draw(resource_sets(roles)) if what == "sets" else (),
        tuple(attrs),
        draw(scores) if plain else "",
        draw(unames) if plain else "",
        () if plain else tuple(draw(st.lists(rules(with_role=True), min_size=1, max_size=2))),
    )


@st.composite
def colocations(draw: st.DrawFn) -> ast.Colocation:
    pair = draw(st.booleans())
    return ast.Colocation(
        draw(ids),
        draw(any_scores),
        (draw(members(roles)), draw(members(roles))) if pair else (),
        () if pair else draw(resource_sets(roles)),
        draw(st.just("") | bare_names),
    )


@st.composite
def orders(draw: st.DrawFn) -> ast.Order:
    pair = draw(st.booleans())
    return ast.Order(
        draw(ids),
        draw(st.sampled_from(["", *facts.KINDS])),
        (draw(members(actions)), draw(members(actions))) if pair else (),
        () if pair else draw(resource_sets(actions)),
        draw(st.sampled_from(["", "true", "false"])),
    )


@st.composite
def tickets(draw: st.DrawFn) -> ast.Ticket:
    single = draw(st.booleans())
    return ast.Ticket(
        draw(ids),
        draw(bare_names),
        (draw(members(roles)),) if single else (),
        () if single else draw(resource_sets(roles)),
        draw(st.sampled_from(["", *facts.LOSS_POLICIES])),
    )


property_sets = st.builds(
    ast.PropertySet,
    st.sampled_from(["property", "rsc_defaults", "op_defaults"]),
    set_ids,
    st.lists(rules() | pairs, max_size=3, unique_by=repr).map(tuple),
)
levels = st.lists(st.lists(ids, min_size=1, max_size=2).map(tuple), min_size=1, max_size=2).map(
    tuple
)
targets = st.one_of(
    st.builds(ast.FencingTarget, st.just("node"), unames, levels),
    st.builds(ast.FencingTarget, st.just("attr"), st.just("rack=1 b"), levels),
    st.builds(ast.FencingTarget, st.just("pattern"), st.just("no.*"), levels),
)
topologies = st.one_of(
    st.builds(lambda one: ast.FencingTopology((ast.FencingTarget("", "", one),)), levels),
    st.lists(targets, max_size=3, unique_by=lambda t: (t.kind, t.value)).map(
        lambda several: ast.FencingTopology(tuple(several))
    ),
)
tags = st.builds(ast.Tag, ids, st.lists(ids, min_size=1, max_size=3).map(tuple))
specs = st.one_of(
    values.filter(str.strip).map(lambda v: (ast.AclSpec("xpath", v),)),
    ids.map(lambda v: (ast.AclSpec("xpath", f"//primitive[@id='{v}']/meta_attributes"),)),
    ids.map(lambda v: (ast.AclSpec("reference", v),)),
    ids.map(lambda v: (ast.AclSpec("object-type", v),)),
    ids.map(lambda v: (ast.AclSpec("attribute", v), ast.AclSpec("object-type", "nvpair"))),
)
permissions = st.builds(
    ast.Permission,
    st.sampled_from(["read", "write", "deny"]),
    specs,
    st.just(""),
    maybe_text,
)
acl_roles = st.builds(
    ast.AclRole, ids, st.lists(permissions, min_size=1, max_size=3).map(tuple), maybe_text
)
acl_targets = st.builds(
    ast.AclTarget, ids, st.lists(ids, min_size=1, max_size=2).map(tuple), st.booleans()
)
users = st.builds(ast.AclUser, ids, st.lists(ids, min_size=1, max_size=2).map(tuple))
alert_sets = sets_of("attributes", "meta")


@st.composite
def selects(draw: st.DrawFn) -> ast.Select:
    kinds = draw(
        st.lists(
            st.sampled_from(["nodes", "fencing", "resources", "attributes"]),
            min_size=1, max_size=4, unique=True,
        )
    )  # fmt: skip
    chosen = draw(st.lists(ids, max_size=2, unique=True)) if "attributes" in kinds else []
    return ast.Select(tuple(kinds), tuple(chosen))


recipients = st.builds(
    ast.Recipient, values.filter(lambda v: v.strip() and v not in "{}"), maybe_text, alert_sets
)
alerts = st.builds(
    ast.Alert,
    ids,
    values.filter(str.strip),
    maybe_text,
    alert_sets,
    st.none() | selects(),
    st.lists(recipients, max_size=2, unique_by=lambda r: r.value).map(tuple),
)
ALL = {
    "node": nodes,
    "primitive": primitives,
    "rsc_template": templates,
    "group": groups,
    "clone": clones,
    "bundle": bundles(),
    "location": locations(),
    "colocation": colocations(),
    "order": orders(),
    "rsc_ticket": tickets(),
    "property": property_sets,
    "fencing_topology": topologies,
    "tag": tags,
    "role": acl_roles,
    "acl_target": acl_targets,
    "user": users,
    "alert": alerts,
}
elements = st.one_of(*ALL.values())
