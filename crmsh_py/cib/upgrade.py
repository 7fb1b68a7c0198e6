"""Old configurations in today's words: everything from pacemaker-1.0 on, in memory.

``upgrade(cib)`` gives a document that means the same and follows ``document.SCHEMA``. Pacemaker
does this with a stylesheet per major version; here every renaming is one small function on one
element. The steps are independent of each other and change nothing where there is nothing to
change, so a new document comes out as the very object that went in.

What happens:
    master                 -> clone with the meta attribute promotable=true
    Master, Slave          -> Promoted, Unpromoted (roles, target-role); master-max -> promoted-max
    node type normal       -> member
    order with a score     -> kind (0 is Optional, anything else Mandatory)
    op requires=…          -> meta attribute of that operation's resource (start only)
    masters= of a bundle   -> promoted-max=
    renamed properties     -> their names of Pacemaker 2; default-… properties -> rsc_, op_defaults
    acl_user, read, write  -> acl_target, acl_permission
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from crmsh_py.cib.document import SCHEMA, Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.ids import OP_DEFAULTS_SET, RSC_DEFAULTS_SET, IdMaker
from crmsh_py.cib.scores import parse_score
from crmsh_py.errors import ConfigError
from crmsh_py.regex import regex
from crmsh_py.value import replace

ROLES = {"master": "Promoted", "slave": "Unpromoted"}
_ROLE_ATTRIBUTES = frozenset({"role", "rsc-role", "with-rsc-role"})
_META_NAMES = {"master-max": "promoted-max", "master-node-max": "promoted-node-max"}
_PROPERTY_NAMES = {
    "crmd-integration-timeout": "join-integration-timeout",
    "crmd-finalization-timeout": "join-finalization-timeout",
    "crmd-transition-delay": "transition-delay",
    "no_quorum_policy": "no-quorum-policy",
    "stonith_enabled": "stonith-enabled",
    "symmetric_cluster": "symmetric-cluster",
}
# Properties that became defaults: (section, the set's id, the name there).
_DEFAULTS = {
    "default-resource-stickiness": ("rsc_defaults", RSC_DEFAULTS_SET, "resource-stickiness"),
    "is-managed-default": ("rsc_defaults", RSC_DEFAULTS_SET, "is-managed"),
    "default-migration-threshold": ("rsc_defaults", RSC_DEFAULTS_SET, "migration-threshold"),
    "default-action-timeout": ("op_defaults", OP_DEFAULTS_SET, "timeout"),
}
_VERSION = regex(r"pacemaker-(\d+)\.(\d+)")
_MINOR_VERSIONS = {1: range(4), 2: range(11), 3: range(11), 4: range(1)}
_PROMOTED_SINCE = (3, 7)  # the first schema that knows the new names of roles


def known_schemas() -> tuple[str, ...]:
    """Every schema that is read, oldest first: ``pacemaker-1.0`` … ``pacemaker-4.0``."""
    return tuple(
        f"pacemaker-{major}.{minor}"
        for major, minors in _MINOR_VERSIONS.items()
        for minor in minors
    )


def schema_version(name: str) -> tuple[int, int]:
    """The two numbers of a schema's name; (0, 0) for ``none`` and anything else."""
    found = _VERSION.fullmatch(name)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def needs_upgrade(cib: Cib) -> bool:
    """Whether the document follows an older schema than new documents do."""
    return (0, 0) < schema_version(cib.schema) < schema_version(SCHEMA)


def knows_promoted(cib: Cib) -> bool:
    """Whether roles are called Promoted and Unpromoted in this document's schema."""
    return schema_version(cib.schema) in ((0, 0),) or schema_version(cib.schema) >= _PROMOTED_SINCE


def upgrade(cib: Cib) -> Cib:
    """The same configuration in today's words; ``validate-with`` becomes ``SCHEMA`` if older."""
    maker = IdMaker(cib.ids)
    configuration = _rewrite(cib.configuration, maker)
    changed = cib.with_section("configuration", configuration)
    changed = _move_defaults(changed, maker)
    if needs_upgrade(cib):
        changed = changed.with_attributes({"validate-with": SCHEMA})
    return changed


def _rewrite(element: Element, maker: IdMaker) -> Element:
    """Children first, then the element itself."""
    if element.children:
        children = [_rewrite(child, maker) for child in element.children]
        if any(new is not old for new, old in zip(children, element.children, strict=True)):
            element = element.with_children(tuple(children))
    for step in _STEPS.get(element.tag, ()):
        element = step(element, maker)
    return _roles(element)


# ---- one step each -----------------------------------------------------------------------------


def _roles(element: Element) -> Element:
    if _ROLE_ATTRIBUTES.isdisjoint(element.attrs):
        return element
    changes = {
        name: ROLES[value.lower()]
        for name, value in element.attrs.items()
        if name in _ROLE_ATTRIBUTES and value.lower() in ROLES
    }
    return element.with_attributes(changes) if changes else element


def _master(element: Element, maker: IdMaker) -> Element:
    return _with_meta(replace(element, tag="clone"), {"promotable": "true"}, maker)


def _with_meta(resource: Element, values: Mapping[str, str], maker: IdMaker) -> Element:
    """Set meta attributes in the resource's first set, which is made if it has none."""
    present = {
        pair.get("name")
        for attribute_set in resource.findall("meta_attributes")
        for pair in attribute_set.findall("nvpair")
    }
    missing = {name: value for name, value in values.items() if name not in present}
    if not missing:
        return resource
    sets = [s for s in resource.findall("meta_attributes") if "id-ref" not in s.attrs]
    chosen = next((s for s in sets if not s.findall("rule")), None)
    if chosen is None:
        tag = "meta_attributes"
        chosen = Element(tag, {"id": maker.attribute_set(resource.id, tag)})
        resource = resource.with_children((chosen, *resource.children))
    filled = chosen.append(*(_pair(chosen.id, n, v, maker) for n, v in missing.items()))
    return resource.map_children(lambda child: filled if child is chosen else child)


def _pair(owner: str, name: str, value: str, maker: IdMaker) -> Element:
    return Element("nvpair", {"id": maker.nvpair(owner, name), "name": name, "value": value})


def _meta_pair(element: Element, maker: IdMaker) -> Element:
    name, value = element.get("name"), element.get("value")
    if name in _META_NAMES:
        return element.with_attrs(name=_META_NAMES[name])
    if name == "target-role" and value.lower() in ROLES:
        return element.with_attrs(value=ROLES[value.lower()])
    return element


def _node(element: Element, maker: IdMaker) -> Element:
    return element.with_attrs(type="member") if element.get("type") == "normal" else element


def _order(element: Element, maker: IdMaker) -> Element:
    score = element.attrs.get("score")
    if score is None:
        return element
    try:
        kind = "Mandatory" if parse_score(score) else "Optional"
    except ConfigError:
        return element  # stays as it is, and is a finding of the checks
    attrs = {
        ("kind" if name == "score" else name): (kind if name == "score" else value)
        for name, value in element.attrs.items()
        if name != "kind"
    }
    return replace(element, attrs=attrs)


def _container(element: Element, maker: IdMaker) -> Element:
    masters = element.attrs.get("masters")
    if masters is None:
        return element
    new = None if "promoted-max" in element.attrs else masters
    changes: dict[str, str | None] = {"masters": None}
    if new is not None:
        changes["promoted-max"] = new
    return element.with_attributes(changes)


def _resource(element: Element, maker: IdMaker) -> Element:
    """What a start or a promotion requires became what the resource requires, the last of them."""
    wanted = [
        op.get("requires")
        for operations in element.findall("operations")
        for op in operations.findall("op")
        if op.get("requires") and op.get("name") in ("start", "promote")
    ]
    if any("requires" in op.attrs for op in element.iter("op")):
        element = element.map_children(_without_requires)
    return _with_meta(element, {"requires": wanted[-1]}, maker) if wanted else element


def _without_requires(child: Element) -> Element:
    if child.tag != "operations":
        return child
    return child.map_children(
        lambda op: op.with_attrs(requires=None) if "requires" in op.attrs else op
    )


def _properties(element: Element, maker: IdMaker) -> Element:
    def rename(pair: Element) -> Element:
        new = _PROPERTY_NAMES.get(pair.get("name"))
        return pair if new is None else pair.with_attrs(name=new)

    return element.map_children(rename)


def _acls(element: Element, maker: IdMaker) -> Element:
    children: list[Element] = []
    for child in element.children:
        if child.tag == "acl_user":
            children += _user(child, maker)
        elif child.tag == "acl_role":
            children.append(child.map_children(_permission))
        else:
            children.append(child)
    if all(a is b for a, b in zip(children, element.children, strict=False)):
        return element
    return element.with_children(tuple(children))


def _user(user: Element, maker: IdMaker) -> list[Element]:
    """A user with roles is a target; rights of its own become a role of its own."""
    roles = [Element("role", {"id": ref.get("id")}) for ref in user.findall("role_ref")]
    rights = tuple(_permission(right) for right in user.findall("read", "write", "deny"))
    made: list[Element] = []
    if rights:
        own = Element("acl_role", {"id": maker.new(f"auto-{user.id}")}, rights)
        roles.append(Element("role", {"id": own.id}))
        made.append(own)
    return [*made, Element("acl_target", {"id": user.id}, tuple(roles))]


def _permission(right: Element) -> Element:
    if right.tag not in ("read", "write", "deny"):
        return right
    names = {"ref": "reference", "tag": "object-type"}
    attrs = {"id": right.id, "kind": right.tag}
    attrs |= {names.get(n, n): v for n, v in right.attrs.items() if n != "id"}
    if "reference" in attrs and "object-type" in attrs:  # only one of them can be said today
        attrs["xpath"] = f"//{attrs.pop('object-type')}[@id='{attrs.pop('reference')}']"
    return Element("acl_permission", attrs)


def _move_defaults(cib: Cib, maker: IdMaker) -> Cib:
    moved: list[tuple[str, str, str, str]] = []

    def keep(pair: Element) -> Element | None:
        place = _DEFAULTS.get(pair.get("name")) if pair.tag == "nvpair" else None
        if place is None:
            return pair
        moved.append((*place, pair.get("value")))
        return None

    section = cib.section("crm_config")
    changed = section.map_children(lambda child: child.map_children(keep))
    if not moved:
        return cib
    cib = cib.with_section("crm_config", changed)
    for name, set_id, option, value in moved:
        cib = cib.with_section(name, _default(cib.section(name), (set_id, option, value), maker))
    return cib


def _default(section: Element, default: tuple[str, str, str], maker: IdMaker) -> Element:
    set_id, option, value = default
    sets = section.findall("meta_attributes")
    if any(p.get("name") == option for s in sets for p in s.findall("nvpair")):
        return section  # what was set as a default already counts
    chosen = next((s for s in sets if not s.findall("rule") and "id-ref" not in s.attrs), None)
    if chosen is None:
        made = Element("meta_attributes", {"id": maker.new(set_id)})
        return section.append(made.append(_pair(made.id, option, value, maker)))
    filled = chosen.append(_pair(chosen.id, option, value, maker))
    return section.map_children(lambda child: filled if child is chosen else child)


_Step = Callable[[Element, IdMaker], Element]
_STEPS: Mapping[str, tuple[_Step, ...]] = {
    "master": (_master,),
    "primitive": (_resource,),
    "template": (_resource,),
    "meta_attributes": (lambda e, maker: e.map_children(lambda p: _meta_pair(p, maker)),),
    "node": (_node,),
    "rsc_order": (_order,),
    "docker": (_container,),
    "podman": (_container,),
    "cluster_property_set": (_properties,),
    "acls": (_acls,),
}
