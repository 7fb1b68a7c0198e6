"""A document while it is being edited: elements by id, members apart from their containers.

In a CIB the members of a group are elements inside it; in the crm language every resource stands
by itself and a group names its members. A draft takes the document apart that way, and puts it
together again. What was not touched stays the same object, so that the patch is small and quick.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from crmsh_py.cib.document import SECTIONS, Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.ids import IdMaker
from crmsh_py.lang.writer import MEMBER

CONTAINER_TAGS = ("group", "clone", "master", "bundle")
MEMBER_TAGS = ("primitive", "group")
_NAMED = ("crm_config", "constraints", "tags", "acls", "alerts", "op_defaults", "rsc_defaults")


def flat(element: Element) -> Element:
    """A resource with MEMBER elements for its members."""
    return element.map_children(
        lambda child: Element(MEMBER, {"id": child.id}) if child.tag in MEMBER_TAGS else child
    )


class Draft:
    """One change of one document. ``ids`` makes new ids for it."""

    def __init__(self, cib: Cib) -> None:
        self._cib = cib
        self.ids = IdMaker(cib.ids())
        self._sections: dict[str, dict[str, Element]] = {}
        self._whole: dict[str, Element] = {}  # sections that are replaced as one element
        self._touched: set[str] = set()
        self._resources: dict[str, Element] = {}  # by id; containers hold MEMBER elements
        self._originals: dict[str, Element] = {}
        self._order: list[str] = []  # of the resources that are in no container
        self._containers: dict[str, str] = {}  # a member's id -> its container's
        for element in cib.section("resources").children:
            self._order.append(self._take_apart(element, ""))

    def _take_apart(self, element: Element, container: str) -> str:
        key = element.id or f"#{id(element)}"
        if key in self._resources:  # a double id; both are kept
            key = f"{key}#{id(element)}"
        if container:
            self._containers[key] = container
        self._originals[key] = element
        if element.tag in CONTAINER_TAGS:
            element = element.map_children(
                lambda child: (
                    Element(MEMBER, {"id": self._take_apart(child, key)})
                    if child.tag in MEMBER_TAGS
                    else child
                )
            )
        self._resources[key] = element
        return key

    # ---- looking -------------------------------------------------------------------------------

    def elements(self, section: str) -> list[Element]:
        """The elements of a section other than resources, as they are now."""
        return list(self._section(section).values())

    def section(self, name: str) -> Element:
        """A section that is replaced as a whole."""
        return self._whole.get(name) or self._cib.section(name)

    def resource(self, name: str) -> Element | None:
        """A resource or template by id; its members are MEMBER elements."""
        return self._resources.get(name)

    def before(self, name: str) -> Element | None:
        """A resource as it was in the document; its members are MEMBER elements."""
        original = self._originals.get(name)
        return flat(original) if original is not None else None

    def resource_ids(self) -> list[str]:
        """The ids of all resources and templates."""
        return [name for name in self._resources if "#" not in name]

    def container_of(self, name: str) -> str:
        """The id of the container that a resource is in, or ''."""
        return self._containers.get(name, "")

    def members_of(self, name: str) -> list[str]:
        """The ids of the members of a container, with those of groups in it."""
        element = self._resources.get(name)
        found = []
        for child in element.findall(MEMBER) if element is not None else ():
            found += [child.id, *self.members_of(child.id)]
        return found

    def find(self, name: str) -> Element | None:
        """Whatever has this id and a line of its own in the language (nodes do not count)."""
        if name in self._resources:
            return self._resources[name]
        for section in _NAMED:
            if name in self._section(section):
                return self._section(section)[name]
        return None

    def find_node(self, name: str, uname: str) -> Element | None:
        """A node by its name, or else by its id."""
        nodes = self._section("nodes").values()
        by_id = (node for node in nodes if name and node.id == name)
        by_name = (node for node in nodes if node.get("uname") == uname)
        return next(by_name, None) or next(by_id, None)

    # ---- changing ------------------------------------------------------------------------------

    def free(self, element: Element, *, keep_own: bool = False) -> None:
        """Let the ids in an element be used again: it is going to be replaced."""
        own = element.id if keep_own else ""
        self.ids.free(inner.id for inner in element.iter() if inner.id and inner.id != own)

    def put(self, section: str, element: Element) -> None:
        """Add an element, or replace the one with its id."""
        if section != "resources":
            self._touched.add(section)
            self._section(section)[element.id or f"#{id(element)}"] = element
            return
        for child in element.children:
            if child.tag in MEMBER_TAGS:  # written as XML, with its members inside
                element = self._with_members_taken_out(element)
                break
        if element.id not in self._resources:
            self._order.append(element.id)
        self._resources[element.id] = element
        if element.tag in CONTAINER_TAGS:
            self.release(element)
            members = [child.id for child in element.findall(MEMBER)]
            known = all(member in self._resources for member in members)
            if known and all(self._containers.get(m, element.id) == element.id for m in members):
                self.adopt(element)

    def _with_members_taken_out(self, element: Element) -> Element:
        children = []
        for child in element.children:
            if child.tag in MEMBER_TAGS:
                self.put("resources", child)
                child = Element(MEMBER, {"id": child.id})
            children.append(child)
        return element.with_children(tuple(children))

    def put_section(self, section: Element) -> None:
        """Replace a whole section."""
        self._touched.add(section.tag)
        self._whole[section.tag] = section
        self._sections.pop(section.tag, None)

    def release(self, container: Element) -> None:
        """Members that are in this container no longer are by themselves, right after it."""
        now = {child.id for child in container.findall(MEMBER)}
        gone = [m for m, c in self._containers.items() if c == container.id and m not in now]
        for member in gone:
            del self._containers[member]
            if container.id in self._order:
                self._order.insert(self._order.index(container.id) + 1, member)
            else:
                self._order.append(member)

    def adopt(self, container: Element) -> None:
        """The members of a container are in it from now on, and nowhere else.

        A new container takes the place of its first member.
        """
        members = [child.id for child in container.findall(MEMBER)]
        free = {m for m in members if m not in self._containers}
        if free:
            places = [i for i, name in enumerate(self._order) if name in free]
            if container.id not in self._originals and container.id in self._order and places:
                self._order.remove(container.id)
                self._order.insert(places[0], container.id)
            self._order = [name for name in self._order if name not in free]
        for member in members:
            self._containers[member] = container.id

    def keep_only(self, names: Collection[str]) -> None:
        """Remove everything that is not named.

        Nodes are named by ``node NAME``, references to sets by ``ref ID``.
        """
        for section in ("nodes", *_NAMED):
            present = self._section(section)
            for key, element in list(present.items()):
                name = element.id or f"ref {element.get('id-ref')}"
                if section == "nodes":
                    name = f"node {element.get('uname')}"
                if name not in names:
                    self._touched.add(section)
                    del present[key]
        if "fencing-topology" not in names and self._cib.section("fencing-topology").children:
            self.put_section(Element("fencing-topology"))
        for key in list(self._resources):
            if key not in names:
                self._remove(key)

    def _remove(self, key: str) -> None:
        element = self._resources.pop(key)
        for child in element.findall(MEMBER):
            if self._containers.get(child.id) != key:
                continue
            del self._containers[child.id]
            if child.id in self._resources:
                self._order.insert(self._order.index(key) if key in self._order else 0, child.id)
        container = self._containers.pop(key, "")
        if container in self._resources:
            inside = self._resources[container]
            self._resources[container] = inside.map_children(
                lambda c: None if c.tag == MEMBER and c.id == key else c
            )
        if key in self._order:
            self._order.remove(key)

    # ---- the result ----------------------------------------------------------------------------

    def finish(self) -> Cib:
        """The document with all changes."""
        cib = self._cib
        for section in SECTIONS:
            if section == "resources":
                continue
            if section not in self._touched:
                continue
            if section in self._whole and section not in self._sections:
                cib = cib.with_section(section, self._whole[section])
                continue
            children = tuple(self._section(section).values())
            cib = cib.with_section(section, cib.section(section).with_children(children))
        return self._with_resources(cib)

    def _with_resources(self, cib: Cib) -> Cib:
        section = cib.section("resources")
        children = tuple(self._put_together(name) for name in self._order)
        same = len(children) == len(section.children) and all(
            a is b for a, b in zip(children, section.children, strict=True)
        )
        return cib if same else cib.with_section("resources", section.with_children(children))

    def _put_together(self, key: str) -> Element:
        element = self._resources[key]
        original = self._originals.get(key)
        if element.tag not in CONTAINER_TAGS:
            return element
        children = tuple(self._inside(element))
        whole = element.with_children(children)
        if original is not None and original.attrs == element.attrs:
            same = len(children) == len(original.children) and all(
                a is b for a, b in zip(children, original.children, strict=True)
            )
            if same:
                return original
        return whole

    def _inside(self, element: Element) -> Iterator[Element]:
        for child in element.children:
            yield self._put_together(child.id) if child.tag == MEMBER else child

    def _section(self, name: str) -> dict[str, Element]:
        found = self._sections.get(name)
        if found is None:
            found = {}
            whole = self._whole.get(name) or self._cib.section(name)
            for child in whole.children:
                key = child.id or f"#{id(child)}"
                found[key if key not in found else f"{key}#{id(child)}"] = child
            self._sections[name] = found
        return found
