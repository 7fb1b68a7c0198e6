"""The resources that a constraint names: by their ids, by tags and templates, and in sets."""

from __future__ import annotations

from crmsh_py.cib.element import Element
from crmsh_py.scheduler import attribute_sets
from crmsh_py.scheduler.resource import Resource
from crmsh_py.scheduler.state import State


class Invalid(Exception):  # noqa: N818  (control flow among the readers of constraints)
    """A constraint that is left out; the finding has been kept."""


def members_of(state: State, name: str) -> list[str] | None:
    """The ids that a tag or template stands for; None where it is neither (or is empty)."""
    if name in state.templates:
        return state.templates[name] or None
    if name in state.tags:
        return state.tags[name] or None
    state.warn("find_constraint_tag", f"No resource, template, or tag named '{name}'")
    return None


def require(state: State, id_: str, name: str) -> list[str] | None:
    """None for the id of a resource, the members for that of a tag.

    Raises:
        Invalid: it is neither.
    """
    if state.find_constraint_resource(name) is not None:
        return None
    members = members_of(state, name)
    if members is None:
        state.error("unpack_tags", f"Ignoring constraint '{id_}' because '{name}' is not a valid "
                    "resource or tag")  # fmt: skip
        raise Invalid
    return members


def _reference(name: str) -> Element:
    return Element("resource_ref", {"id": name})


def sets_of(state: State, element: Element) -> list[Element]:
    """The resource sets of a constraint, with tags in them replaced by what they stand for."""
    found: list[Element] = []
    expanded = False
    for child in element.findall("resource_set"):
        set_ = attribute_sets.resolve(state, child)
        if set_ is None:
            raise Invalid
        references: list[Element] = []
        for reference in set_.findall("resource_ref"):
            members = require(state, element.id, reference.id)
            expanded = expanded or members is not None
            references += [reference] if members is None else [_reference(m) for m in members]
        found.append(set_.with_children(tuple(references)))
    return found


def set_for(name: str, members: list[str] | None) -> Element:
    """A set that a tag (or, without members, a resource) beside a tag stands for."""
    attrs = {"id": name}
    if members is not None:
        attrs["sequential"] = "false"
    return Element("resource_set", attrs, tuple(_reference(m) for m in members or [name]))


def with_role(set_: Element, attribute: str, value: str | None) -> Element:
    """A set with an attribute more."""
    return set_ if value is None else set_.with_attributes({attribute: value})


def resource_in_set(state: State, set_id: str, name: str) -> Resource:
    """A resource that a set names. Raises Invalid."""
    resource = state.find_constraint_resource(name)
    if resource is None:
        state.error("unpack_set", f"{set_id}: No resource found for {name}")
        raise Invalid
    return resource
