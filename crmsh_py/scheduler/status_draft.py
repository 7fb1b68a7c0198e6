"""A status section that is being changed: plain mutable copies of its elements."""

from __future__ import annotations

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.scores import lenient_score

_UP = {"in_ccm": "true", "crmd": "online", "join": "member", "expected": "member"}
_DOWN = {"in_ccm": "false", "crmd": "offline", "join": "down", "expected": "down"}


class Draft:
    """A mutable element."""

    __slots__ = ("attrs", "children", "tag")

    def __init__(self, tag: str, attrs: dict[str, str], children: list[Draft]) -> None:
        self.tag = tag
        self.attrs = attrs
        self.children = children

    @classmethod
    def of(cls, element: Element) -> Draft:
        """A copy of an element."""
        return cls(element.tag, dict(element.attrs), [cls.of(c) for c in element.findall()])

    def element(self) -> Element:
        """The element that it has become."""
        return Element(self.tag, self.attrs, tuple(child.element() for child in self.children))

    def child(self, tag: str, **attrs: str) -> Draft:
        """The first child with a tag, made with these attributes where there is none."""
        for found in self.children:
            if found.tag == tag:
                return found
        made = Draft(tag, attrs, [])
        self.children.append(made)
        return made

    def put(self, element: Element) -> None:
        """Add a child in the place of the one with its id."""
        for child in self.children:
            if child.attrs.get("id") == element.id:
                child.attrs.update(element.attrs)
                return
        self.children.append(Draft.of(element))

    def take_in(self, other: Draft) -> None:
        """Put the children of another element among its own."""
        for child in other.children:
            self.put(child.element())


class StatusDraft:
    """The status section of a CIB while it is being changed."""

    def __init__(self, cib: Cib) -> None:
        self._cib = cib
        self._root = Draft.of(cib.status)
        self.changes: dict[str, str] = {}  # of the root's own attributes
        self._apart: list[tuple[Draft, Draft]] = []  # a history, and what was written for it

    def cib(self) -> Cib:
        """The CIB with the section as it is now."""
        for first, written in self._apart:
            first.take_in(written)
        self._apart.clear()
        made = self._cib.with_section("status", self._root.element())
        return made.with_attributes(self.changes) if self.changes else made

    def node_state(self, name: str, id_: str | None = None) -> Draft:
        """The entry of a node by its name, or else by its id; made where there is none."""
        for child in self._root.children:
            if child.tag == "node_state" and child.attrs.get("uname") == name:
                child.attrs.setdefault("id", id_ or self._id_of(name))
                return child
        id_ = id_ or self._id_of(name)
        for child in self._root.children:
            if child.tag == "node_state" and child.attrs.get("id") == id_:
                child.attrs["uname"] = name
                return child
        made = Draft("node_state", {"id": id_, "uname": name}, [])
        self._root.children.append(made)
        return made

    def _id_of(self, name: str) -> str:
        for node in self._cib.section("nodes").findall("node"):
            if node.get("uname").lower() == name.lower():
                return node.id
        return name

    @staticmethod
    def set_up(entry: Draft, *, up: bool) -> None:
        """Make a node one that takes part, or one that does not."""
        entry.attrs.update(_UP if up else _DOWN)
        entry.attrs["crm-debug-origin"] = "crm_simulate"

    def history(
        self, entry: Draft, name: str, configured: str, agent: tuple[str, str, str]
    ) -> Draft:
        """The history of a resource under either of its names, to be written to.

        It is made where there is none. Where there are several, none of them can be told to be
        the one that is meant: what is written then is begun anew, and merged into the first one.
        """
        resources = entry.child("lrm", id=entry.attrs["id"]).child("lrm_resources")
        _merge_twins(resources.children)
        for wanted in (name, configured):
            found = [child for child in resources.children if child.attrs.get("id") == wanted]
            if len(found) == 1:
                return found[0]
            if found:
                written = Draft("lrm_resource", dict(found[0].attrs), [])
                self._apart.append((found[0], written))
                return written
        attrs = {"id": configured, "class": agent[0]}
        if agent[1]:
            attrs["provider"] = agent[1]
        made = Draft("lrm_resource", {**attrs, "type": agent[2]}, [])
        resources.children.append(made)
        return made

    def count_failure(
        self,
        entry: Draft,
        resource: str,
        task: str,
        interval_ms: int,
        rc: int,
        *,
        at: int,
        fatal: bool,
    ) -> list[tuple[str, str]]:
        """Raise the fail count of an operation; the attributes that were set."""
        if rc == 0 or (rc == 7 and not interval_ms):
            return []
        operation = f"{resource}#{task}_{interval_ms}"
        pairs = entry.child("transient_attributes", id=entry.attrs["id"]).child(
            "instance_attributes", id=entry.attrs["id"]
        )
        known = {child.attrs.get("name"): child for child in pairs.children}
        count = "INFINITY"
        if not fatal:
            before = known.get(f"fail-count-{operation}")
            count = str((lenient_score(before.attrs.get("value", "0")) if before else 0) + 1)
        made = [(f"fail-count-{operation}", count), (f"last-failure-{operation}", str(at))]
        for name, value in made:
            pair = known.get(name)
            if pair is not None:
                pair.attrs["value"] = value
            else:
                id_ = f"{pairs.attrs.get('id', 'status')}-{name}"
                pairs.children.append(
                    Draft("nvpair", {"id": id_, "name": name, "value": value}, [])
                )
        return made

    def set_ticket(self, id_: str, name: str, *, value: bool) -> None:
        """Set one attribute of a ticket's state."""
        tickets = self._root.child("tickets")
        text = "true" if value else "false"
        for child in tickets.children:
            if child.attrs.get("id") == id_:
                child.attrs[name] = text
                return
        tickets.children.append(Draft("ticket_state", {"id": id_, name: text}, []))


def _merge_twins(histories: list[Draft]) -> None:
    """As an update of a CIB does where an id is there twice: the first one takes in the others."""
    first: dict[str | None, Draft] = {}
    for each in histories:
        known = first.setdefault(each.attrs.get("id"), each)
        if known is not each:
            known.take_in(each)
