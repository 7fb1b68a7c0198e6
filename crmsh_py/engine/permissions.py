"""Who may ask what of a node: access control lists applied to every request.

The control socket says on whose behalf a request is made (``RequestReceived.acl_user``, '' for
root, hacluster and the lab's owner, whom no list limits). Every kind of request stands in the
table below; one that is not in it is refused, so that a new kind cannot be forgotten:

    READ       a view of ring and resources that holds no parameters: allowed
    CIB        filtered (``visible``)
    COMMIT     checked against what it changes (``check_commit``), and once more where it is made
    STATUS     needs ``write`` for what it changes in the status section
    ATTRIBUTE  tells an attribute of all nodes: needs ``read`` for it on each of them
    HISTORY    old configurations, which lists of today were not made for: who may read all
    MACHINE    stops, starts or fences machines, or changes ring and quorum: nobody that is limited
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto

from crmsh_py.cib.acl import Access, Tree
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.engine.api import RequestReceived
from crmsh_py.engine.replica import Replica
from crmsh_py.engine.status import is_meant, meant_by
from crmsh_py.engine.writers import Writer
from crmsh_py.errors import NotPermitted
from crmsh_py.wire import control


class _Needs(Enum):
    READ = auto()
    CIB = auto()
    COMMIT = auto()
    STATUS = auto()
    ATTRIBUTE = auto()
    HISTORY = auto()
    MACHINE = auto()


_TABLE: dict[type[control.Message], _Needs] = {
    control.Hello: _Needs.READ,
    control.ReadMembership: _Needs.READ,
    control.ReadCmap: _Needs.READ,
    control.ReadSubsystems: _Needs.READ,
    control.ReadFencing: _Needs.READ,
    control.WaitIdle: _Needs.READ,
    control.Watch: _Needs.READ,
    control.ReadCib: _Needs.CIB,
    control.Commit: _Needs.COMMIT,
    control.SetPair: _Needs.COMMIT,
    control.ReadPair: _Needs.CIB,
    control.ReadAttribute: _Needs.ATTRIBUTE,
    control.SetAttribute: _Needs.STATUS,
    control.SetTicket: _Needs.STATUS,
    control.CleanResource: _Needs.STATUS,
    control.FailResource: _Needs.STATUS,
    control.ReadRevisions: _Needs.HISTORY,
    control.ReadRevision: _Needs.HISTORY,
}


class Permissions:
    """The access rules of one node's copy of the CIB."""

    def __init__(self, replica: Replica, node: str) -> None:
        self._replica = replica
        self._node = node

    def _access(self, event: RequestReceived) -> Access | None:
        return Access.of(self._replica.config.root, event.acl_user, event.groups)

    def check(self, event: RequestReceived) -> None:
        """Raise NotPermitted for a request that its user may not make at all."""
        access = self._access(event)
        if access is None:
            return
        match _TABLE.get(type(event.request), _Needs.MACHINE):
            case _Needs.MACHINE:
                kind = type(event.request).__name__
                raise NotPermitted(
                    f"{access.user} may not do this: {kind} is for root and hacluster",
                    hint="access control lists (enable-acl) give no rights over machines",
                )
            case _Needs.HISTORY:
                if not access.reads_all(self._replica.config.root):
                    raise NotPermitted(
                        f"{access.user} may not read old configurations: some of the present one"
                        " is hidden from him"
                    )
            case _Needs.STATUS:
                self._check_status(access, event.request)
            case _Needs.ATTRIBUTE:
                assert isinstance(event.request, control.ReadAttribute), event.request
                self._check_attribute(access, event.request.name)
            case _:
                return

    def check_commit(self, event: RequestReceived, new: Element) -> None:
        """Raise NotPermitted where the user may not change the configuration to this."""
        request = event.request
        assert isinstance(request, control.Commit | control.SetPair), request
        forced = isinstance(request, control.Commit) and request.force_no_quorum
        writer = Writer.of(event.acl_user, event.groups)
        writer.check(self._replica.config.root, new, forced=forced)

    def visible(self, event: RequestReceived) -> Cib:
        """The CIB that the user may see."""
        cib = self._replica.cib
        access = self._access(event)
        return cib if access is None else cib.with_root(access.readable(cib.root))

    def readable(self, event: RequestReceived) -> str:
        """The CIB that the user may see, as XML."""
        return self.visible(event).to_xml(indent=None)

    # ---- the status section --------------------------------------------------------------------

    def _check_status(self, access: Access, request: control.Request) -> None:
        tree = access.rights(self._replica.cib.root)
        for what, place in self._status_places(tree, request):
            if not tree.at(place).write:
                raise NotPermitted(
                    f"{access.user} may not change {what}: access control lists forbid it",
                    hint="write access to it in the status section is needed",
                )

    def _check_attribute(self, access: Access, name: str) -> None:
        tree = access.rights(self._replica.cib.root)
        for node in _all(tree, "node_state"):
            if not tree.at(_attribute(tree, node, name)).read:
                raise NotPermitted(
                    f"{access.user} may not read attribute {name}: access control lists forbid it"
                )

    def _status_places(self, tree: Tree, request: control.Request) -> Iterator[tuple[str, int]]:
        """What a request changes, and the place of the nearest element that there is."""
        match request:
            case control.SetAttribute(node=node, name=name):
                node = node or self._node
                state = _inside(tree, ("node_state", "uname", node))
                yield f"attribute {name} of {node}", _attribute(tree, state, name)
            case control.SetTicket(ticket=ticket):
                inside = _inside(tree, ("tickets", "", ""), ("ticket_state", "id", ticket))
                yield f"ticket {ticket}", inside
            case (
                control.CleanResource(resource=resource, node=node)
                | control.FailResource(resource=resource, node=node)
            ):
                found = False
                for place in _all(tree, "node_state"):
                    if node in ("", tree.elements[place].get("uname")):
                        found = True
                        history = ("lrm", "", ""), ("lrm_resources", "", "")
                        one = (("lrm_resource", "id", resource),) if resource else ()
                        yield (
                            f"the history of {resource or 'all'}",
                            _from(tree, place, *history, *one),
                        )
                        if isinstance(request, control.CleanResource):
                            yield from self._histories(tree, place, resource)
                if not found:
                    yield "the history", _inside(tree)

    def _histories(self, tree: Tree, node: int, resource: str) -> Iterator[tuple[str, int]]:
        """All that a clean-up drops on a node: more than what is called like the resource."""
        wanted = meant_by(self._replica.config, resource)
        for lrm in tree.children(node):
            for resources in tree.children(lrm):
                for place in tree.children(resources):
                    element = tree.elements[place]
                    if element.tag == "lrm_resource" and is_meant(element.id, wanted):
                        yield f"the history of {element.id}", place


def _attribute(tree: Tree, state: int, name: str) -> int:
    """The place of a transient attribute below a node's state, or of what is nearest to it."""
    return _from(
        tree,
        state,
        ("transient_attributes", "", ""),
        ("instance_attributes", "", ""),
        ("nvpair", "name", name),
    )


def _all(tree: Tree, tag: str) -> Iterator[int]:
    status = _inside(tree)
    for place in tree.children(status):
        if tree.elements[place].tag == tag:
            yield place


def _inside(tree: Tree, *steps: tuple[str, str, str]) -> int:
    """The deepest element that there is on a way from the status section."""
    status = next((place for place in tree.children(0) if tree.elements[place].tag == "status"), 0)
    return _from(tree, status, *steps)


def _from(tree: Tree, place: int, *steps: tuple[str, str, str]) -> int:
    for tag, attribute, value in steps:
        step = next(
            (
                child
                for child in tree.children(place)
                if tree.elements[child].tag == tag
                and (not attribute or tree.elements[child].get(attribute) == value)
            ),
            None,
        )
        if step is None:
            return place
        place = step
    return place
