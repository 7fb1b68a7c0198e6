"""Ids and what refers to them: given once, and never to nothing."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from functools import partial

from crmsh_py.cib.agent_name import is_remote_connection
from crmsh_py.cib.check_roles import odd_roles
from crmsh_py.cib.document import REFERENCES, Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.findings import Finding, error, warning
from crmsh_py.cib.ids import XML_ID
from crmsh_py.cib.pattern import NamePattern
from crmsh_py.errors import ConfigError, did_you_mean

RESOURCES = ("primitive", "group", "clone", "master", "bundle", "template")
_CONTAINERS = ("group", "clone", "master", "bundle")
CONSTRAINTS = ("rsc_location", "rsc_colocation", "rsc_order", "rsc_ticket")
# Which attributes of a constraint name resources.
_CONSTRAINED = ("rsc", "with-rsc", "first", "then")
_SETS = ("instance_attributes", "meta_attributes", "utilization", "operations", "nvpair", "rule")
# Nodes may have any id; all other ids of the configuration are XML names.
_FREE_IDS = frozenset({"node", "acl_target", "acl_group", "role", "tag"})


class _Hints:
    """Near names for the first findings only: each costs a search, and nobody reads that many."""

    def __init__(self, most: int) -> None:
        self._left = most

    def near(
        self, name: str, names: Collection[str], kind: str = "", all_: Collection[str] = ()
    ) -> str | None:
        """The names that may be meant; or else, with ``kind``, all that there are, if few."""
        if self._left <= 0:
            return None
        self._left -= 1
        return did_you_mean(name, names) or (_only(kind, all_) if kind else None)


def check_references(cib: Cib, *, hints: int) -> Iterator[Finding]:
    """Doubled ids, references to nothing, resources in two places.

    The first ``hints`` findings come with names that may be meant.
    """
    guesses = _Hints(hints)
    resources = {
        element.id: element for element in cib.section("resources").iter(*RESOURCES) if element.id
    }
    nodes = {node.get("uname") for node in cib.section("nodes").findall("node")} | _guests(cib)
    referring: list[tuple[str, Element]] = []
    yield from _ids(cib, referring)
    yield from _templates(resources, guesses)
    yield from _containers(cib, resources)
    yield from _constraints(cib, resources, {name.lower() for name in nodes}, guesses)
    yield from _id_references(cib, referring, guesses)
    yield from _fencing_levels(cib, resources, nodes, guesses)
    yield from _tags_and_acls(cib, guesses)


# ---- ids ---------------------------------------------------------------------------------------


def _ids(cib: Cib, referring: list[tuple[str, Element]]) -> Iterator[Finding]:
    """Ids are given once. Elements with an ``id-ref`` are added to ``referring``."""
    seen: set[str] = set()
    doubled: set[str] = set()
    for owner, tree in objects(cib):
        for element in tree.iter():
            if "id-ref" in element.attrs and element.tag in _SETS:
                referring.append((owner, element))
            name = element.attrs.get("id")
            if name is None or element.tag in REFERENCES:
                continue
            # A node's id and its name may be the same as a resource's.
            key = f"node {name}" if element.tag == "node" else name
            if key in seen and key not in doubled:
                doubled.add(key)
                yield error(owner, f"the id {name} is given more than once", word=name)
            seen.add(key)
            if element.tag not in _FREE_IDS and not XML_ID.fullmatch(name):
                yield error(
                    owner,
                    f"“{name}” cannot be an id",
                    hint="an id begins with a letter or _, then letters, digits, _ . and - follow",
                    word=name,
                )
    unames: set[str] = set()
    for node in cib.section("nodes").findall("node"):
        if node.get("uname") in unames:
            yield error(node.id, f"two nodes are named {node.get('uname')}")
        unames.add(node.get("uname"))


def _id_references(
    cib: Cib, referring: list[tuple[str, Element]], guesses: _Hints
) -> Iterator[Finding]:
    """``id-ref`` must lead to an element of the same kind."""
    for owner, element in referring:
        reference = element.attrs["id-ref"]
        found = cib.find_id(reference)
        if found is None:
            yield error(
                owner,
                f"it refers to {reference}, which does not exist",
                hint=guesses.near(reference, cib.ids()),
                word=reference,
            )
        elif found.tag != element.tag:
            yield error(owner, f"{reference} is no {element.tag} but a {found.tag}", word=reference)


def objects(cib: Cib) -> Iterator[tuple[str, Element]]:
    """Every object that a person types, with its id: nothing inside of another one."""
    for section in cib.configuration.findall():
        if section.tag == "resources":
            yield from ((e.id, e.map_children(_own)) for e in section.iter(*RESOURCES))
        else:
            yield from ((e.id, e) for e in section.findall())


def _own(child: Element) -> Element | None:
    """A child of a resource, if it is no resource itself."""
    return None if child.tag in RESOURCES else child


# ---- resources ---------------------------------------------------------------------------------


def _templates(resources: Mapping[str, Element], guesses: _Hints) -> Iterator[Finding]:
    names = {e.id for e in resources.values() if e.tag == "template"}
    for resource in resources.values():
        template = resource.get("template")
        if template and template not in names:
            yield error(
                resource.id,
                f"there is no template {template}",
                hint=guesses.near(template, names, "template", sorted(names)),
                word=template,
            )


def _containers(cib: Cib, resources: Mapping[str, Element]) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for container in cib.section("resources").iter(*_CONTAINERS):
        members = container.findall("primitive", "group", "clone", "master", "bundle")
        if not members and container.tag != "bundle":
            yield error(container.id, f"a {container.tag} needs a resource in it")
        if container.tag in ("clone", "master") and len(members) > 1:
            yield error(container.id, f"a {container.tag} holds one resource, not {len(members)}")
        for member in members:
            if member.id in seen:
                yield error(
                    container.id,
                    f"{member.id} is in {seen[member.id]} already",
                    hint="a resource can be in one group, clone or bundle only",
                    word=member.id,
                )
            seen[member.id] = container.id
            yield from _fits(container, member)


def _fits(container: Element, member: Element) -> Iterator[Finding]:
    allowed = {"group": ("primitive",), "bundle": ("primitive",)}.get(
        container.tag, ("primitive", "group")
    )
    if member.tag not in allowed:
        yield error(
            container.id,
            f"a {container.tag} cannot hold a {member.tag} ({member.id})",
            word=member.id,
        )
    elif is_remote_connection(member):
        yield error(
            container.id,
            f"the remote node {member.id} cannot be in a {container.tag}",
            word=member.id,
        )


# ---- constraints -------------------------------------------------------------------------------


def _constraints(
    cib: Cib, resources: Mapping[str, Element], nodes: Collection[str], guesses: _Hints
) -> Iterator[Finding]:
    tags = {tag.id for tag in cib.section("tags").findall("tag")}
    inside = _inside(cib)
    names = [*resources, *sorted(tags)]
    for constraint in cib.section("constraints").findall(*CONSTRAINTS):
        sets = constraint.findall("resource_set")
        mentioned = [constraint.get(name) for name in _CONSTRAINED if constraint.get(name)]
        mentioned += [ref.id for s in sets for ref in s.findall("resource_ref")]
        for name in dict.fromkeys(mentioned):
            if name not in resources and name not in tags:
                yield error(
                    constraint.id,
                    f"there is no resource {name}",
                    hint=guesses.near(name, names, "resource", resources),
                    word=name,
                )
            elif name in inside:
                yield _on_member(constraint, name, inside[name])
        yield from odd_roles(constraint, resources)
        if constraint.tag == "rsc_location":
            yield from _location(constraint, nodes, guesses)
        elif not mentioned:
            yield error(constraint.id, "it names no resource")
        for inner in sets:
            if not inner.findall("resource_ref"):
                yield error(constraint.id, "it has a set without resources")


def _on_member(constraint: Element, name: str, container: Element) -> Finding:
    if container.tag == "group":
        return warning(
            constraint.id,
            f"{name} is in the group {container.id}",
            hint=f"constraints should name the group: {container.id}",
            word=name,
        )
    return warning(
        constraint.id,
        f"{name} has several instances",
        hint=f"constraints should name what contains it: {container.id}",
        word=name,
    )


def _inside(cib: Cib) -> dict[str, Element]:
    return {
        member.id: container
        for container in cib.section("resources").iter(*_CONTAINERS)
        for member in container.findall("primitive", "group")
        if container.tag != "bundle"
    }


def _location(constraint: Element, known: Collection[str], guesses: _Hints) -> Iterator[Finding]:
    named = [constraint.get("node")] if constraint.get("node") else []
    named += [
        e.get("value")
        for e in constraint.iter("expression")
        if e.get("attribute") == "#uname"
        and e.get("operation") == "eq"
        and e.get("value-source") in ("", "literal")
    ]
    for name in named:
        if known and name.lower() not in known:
            yield warning(
                constraint.id,
                f"there is no node {name}",
                hint=guesses.near(name, known),
                word=name,
            )
    pattern = constraint.get("rsc-pattern")
    if pattern:
        try:
            NamePattern.read(pattern)
        except ConfigError as problem:
            yield warning(constraint.id, problem.message, hint=problem.hint, word=pattern)


def _guests(cib: Cib) -> set[str]:
    """Remote and guest nodes and the replicas of bundles are nodes too."""
    found = set()
    for primitive in cib.section("resources").iter("primitive"):
        if is_remote_connection(primitive):
            found.add(primitive.id)
        for pair in primitive.iter("nvpair"):
            if pair.get("name") == "remote-node":
                found.add(pair.get("value"))
    for bundle in cib.section("resources").findall("bundle"):
        found |= {f"{bundle.id}-{number}" for number in range(100)}
    return found


# ---- the rest ----------------------------------------------------------------------------------


def _fencing_levels(
    cib: Cib, resources: Mapping[str, Element], nodes: Collection[str], guesses: _Hints
) -> Iterator[Finding]:
    section = cib.section("fencing-topology")
    for level in section.findall("fencing-level"):
        complain = partial(warning, "fencing_topology")
        target = level.get("target")
        if target and nodes and target not in nodes:
            yield complain(f"there is no node {target}", hint=guesses.near(target, nodes))
        for device in filter(None, re.split(r"[,\s]+", level.get("devices"))):
            found = resources.get(device)
            if found is None:
                yield complain(
                    f"there is no fence device {device}",
                    hint=guesses.near(device, resources),
                    word=device,
                )
            elif found.tag == "primitive" and found.get("class", "stonith") != "stonith":
                yield complain(f"{device} is not a fence device", word=device)


def _tags_and_acls(cib: Cib, guesses: _Hints) -> Iterator[Finding]:
    ids = cib.ids()
    for tag in cib.section("tags").findall("tag"):
        for ref in tag.findall("obj_ref"):
            if ref.id not in ids:
                yield warning(
                    tag.id,
                    f"there is no {ref.id}",
                    hint=guesses.near(ref.id, ids),
                    word=ref.id,
                )
    acls = cib.section("acls")
    roles = {role.id for role in acls.findall("acl_role")}
    for holder in acls.findall("acl_target", "acl_group"):
        for ref in holder.findall("role"):
            if ref.id not in roles:
                yield error(
                    holder.id,
                    f"there is no role {ref.id}",
                    hint=guesses.near(ref.id, roles, "role", sorted(roles)),
                    word=ref.id,
                )


def _only(kind: str, names: Collection[str]) -> str | None:
    if not names:
        return f"there is no {kind} at all yet"
    if len(names) <= 5:
        return f"there {'is' if len(names) == 1 else 'are'}: {', '.join(names)}"
    return None
