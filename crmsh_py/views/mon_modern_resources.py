"""Resources in the modern layout of crm_mon: primitives, groups, clones, bundles as lines.

Input: the ``ClusterStatus`` and the options; output: pairs of depth and text. What a line says and
in which order its flags stand is Pacemaker 3's; instances of an ordinary clone are told together
(``Started: [ a b ]``), an instance with something to say about it on a line of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from crmsh_py.scheduler.result import NodeStatus, ResourceKind, ResourceStatus, Role
from crmsh_py.value import replace
from crmsh_py.views import mon_brief, mon_facts
from crmsh_py.views.mon_facts import MonOptions, is_active
from crmsh_py.views.text import (
    bracketed,
    counted,
    exit_text,
    natural_key,
    pending_flag,
    pending_state,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib
    from crmsh_py.views.mon_filter import Chosen

# Results of a probe that only say that the agent cannot run on the node: no failures by themselves.
_CANNOT_RUN = frozenset({2, 5})
_NOT_INSTALLED = 7  # the status of such an operation

Lines = Iterator[tuple[int, str]]


def _is_unpromoted(role: str) -> bool:
    return role.lower() in ("unpromoted", "slave")


class Drawer:
    """Draws the resources of one cluster state."""

    def __init__(self, cib: Cib, chosen: Chosen, options: MonOptions) -> None:
        status = chosen.status
        self._cib = cib
        self._chosen = chosen
        self._options = options
        self._unclean = {n.name for n in status.nodes if n.unclean and not n.online}
        self._configured = {e.id for e in cib.section("resources").iter("primitive")}
        self.away = mon_facts.away(status)
        self._failed_probes = {
            (action.resource, action.node): action.rc
            for action in status.failed_actions
            if action.operation == "monitor"
            and not action.interval_ms
            and (action.rc in _CANNOT_RUN or action.status == _NOT_INSTALLED)
        }

    def running_on(self, node: NodeStatus, *, implied: bool = False) -> list[ResourceStatus]:
        """The primitives that are active on a node, in the order of its history.

        Connections that others imply are among them only with ``implied``.
        """
        return [p for p in self._chosen.running_on(node) if implied or not self.hidden(p)]

    def whole(self, resource: ResourceStatus) -> ResourceStatus:
        """A topmost resource with the parts that were not asked for."""
        return self._chosen.whole(resource)

    def active(self, resource: ResourceStatus, *, wholly: bool) -> bool:
        """Whether a resource runs, wholly or in part."""
        return is_active(resource, wholly=wholly, away=self.away)

    def hidden(self, resource: ResourceStatus) -> bool:
        """Whether it is the connection to a guest node, which its container implies."""
        remote = resource.agent is not None and resource.agent.type == "remote"
        return remote and not resource.orphan and resource.id not in self._configured

    def primitive_on(self, resource: ResourceStatus, node: str) -> str:
        """A primitive in the list of a node: its role there, and no node."""
        role = resource.locations.get(node, resource.role)
        return self.primitive(replace(resource, role=role), show_node=False)

    def primitive(self, resource: ResourceStatus, *, show_node: bool = True, name: str = "") -> str:
        """One primitive's line, under its own name or another."""
        many = len(resource.nodes) > 1
        described = self._description(resource, anyway=many or not show_node)
        show_node = show_node and self._options.places
        node = resource.nodes[0] if resource.nodes and show_node and not many else ""
        locked = bool(resource.locked_to) and not resource.nodes and show_node
        if locked:
            node = resource.locked_to
        elif not resource.nodes and show_node and pending_state(resource.pending_task):
            node = resource.pending_node
        text = f"{name or resource.id}\t({resource.agent}):\t"
        text += " ".join(["", *self._state_words(resource, node)])
        if resource.role is Role.STOPPED and not resource.failed:
            rc = self._failed_probe(resource, node)
            if rc is not None:
                text += f" ({exit_text(rc)}) "
        flags = self._flags(resource, node, locked=locked)
        if flags:
            text += f" ({', '.join(flags)})"
        text += described
        if show_node and many:
            text += f" {bracketed(resource.nodes)}"
        return text

    def _description(self, resource: ResourceStatus, *, anyway: bool = False) -> str:
        if not (anyway or self._options.descriptions or not self._options.places):
            return ""
        configured = self._cib.find_id(resource.id.partition(":")[0])
        description = configured.get("description") if configured is not None else ""
        return f" ({description})" if description else ""

    def _state_words(self, resource: ResourceStatus, node: str) -> list[str]:
        words = ["ORPHANED"] if resource.orphan else []
        if resource.failed:
            words.append("FAILED")
            if resource.role is Role.PROMOTED:
                words.append(resource.role.value)
        else:
            words.append(pending_state(resource.pending_task) or resource.role.value)
        return [*words, node] if node else words

    def _flags(self, resource: ResourceStatus, node: str, *, locked: bool) -> list[str]:
        flags = ["UNCLEAN"] if node in self._unclean else []
        if locked:
            flags.append("LOCKED")
        if pending_flag(resource.pending_task):
            flags.append(pending_flag(resource.pending_task))
        if mon_facts.is_disabled(resource):
            flags.append("disabled")
        elif _is_unpromoted(resource.target_role) and resource.promotable:
            flags.append("target-role:Unpromoted")
        if resource.blocked:
            flags.append("blocked")
        elif resource.maintenance:
            flags.append("maintenance")
        elif not resource.managed:
            flags.append("unmanaged")
        if resource.failure_ignored:
            flags.append("failure ignored")
        if resource.standin:
            flags.append("stand-in")
        return flags

    def _failed_probe(self, resource: ResourceStatus, node: str) -> int | None:
        names = (resource.id, resource.id.partition(":")[0])
        for (name, where), rc in self._failed_probes.items():
            if name in names and node in ("", where):
                return rc
        return None

    def lines(self, resource: ResourceStatus) -> Lines:
        """A resource with its parts, each line with its depth (0 for the resource itself)."""
        if resource.kind is ResourceKind.PRIMITIVE:
            yield 0, self.primitive(resource)
        elif resource.kind is ResourceKind.GROUP:
            yield from self._group(resource)
        elif resource.kind is ResourceKind.BUNDLE:
            yield from self._bundle(resource)
        else:
            yield from self._clone(resource)

    def _deeper(self, resource: ResourceStatus) -> Lines:
        for depth, text in self.lines(resource):
            yield depth + 1, text

    # ---- groups --------------------------------------------------------------------------------

    def _group(self, group: ResourceStatus) -> Lines:
        hidden = 0
        if not self._options.inactive:
            hidden = sum(not self.active(child, wholly=False) for child in group.children)
        attributes = [f"{counted(hidden, 'member')} inactive"] if hidden else []
        attributes += self._container_flags(group)
        mark = f" ({', '.join(attributes)})" if attributes else ""
        yield 0, f"Resource Group: {group.id}{mark}{self._description(group)}:"
        if self._options.brief:
            for text in mon_brief.tally(group.children, totals=True, away=self.away):
                yield 1, text
            return
        for child in group.children:
            if not hidden or self.active(child, wholly=False):
                yield from self._deeper(child)

    def _container_flags(self, resource: ResourceStatus) -> list[str]:
        flags = ["disabled"] if mon_facts.is_disabled(resource) else []
        if resource.maintenance:
            flags.append("maintenance")
        elif not resource.managed:
            flags.append("unmanaged")
        return flags

    # ---- clones --------------------------------------------------------------------------------

    def _clone(self, clone: ResourceStatus) -> Lines:
        inner = clone.children[0].id.partition(":")[0] if clone.children else clone.inner
        attributes = ["promotable"] if clone.kind is ResourceKind.PROMOTABLE else []
        if clone.unique:
            attributes.append("unique")
        attributes += self._container_flags(clone)
        mark = f" ({', '.join(attributes)})" if attributes else ""
        body = list(self._clone_body(clone))
        # A clone that may have no instances at all is told of, too.
        if body or (clone.instances_max >= 0 and self._options.inactive and not clone.unique):
            yield 0, f"Clone Set: {clone.id} [{inner}]{mark}{self._description(clone)}:"
            yield from body

    def _clone_body(self, clone: ResourceStatus) -> Lines:
        promoted: list[str] = []
        started: list[str] = []
        standin = False
        for instance in clone.children:
            partly = self.active(instance, wholly=False)
            if instance.kind is ResourceKind.GROUP and not partly and not self._options.inactive:
                continue
            if self._alone(clone, instance):
                yield from self._deeper(instance)
                continue
            if not partly:
                continue
            first = next(mon_facts.primitives((instance,)))
            standin = standin or any(p.standin for p in mon_facts.primitives((instance,)))
            role = max(
                (p.role for p in mon_facts.primitives((instance,))),
                key=lambda r: r is Role.PROMOTED,
            )
            (promoted if role is Role.PROMOTED else started).append(first.nodes[0])
        if self._options.detail:
            return
        mark = " (stand-in)" if standin else ""
        if promoted:
            yield 1, f"Promoted: {bracketed(sorted(promoted, key=natural_key))}{mark}"
        if started:
            word = "Unpromoted" if clone.kind is ResourceKind.PROMOTABLE else "Started"
            if _is_unpromoted(clone.target_role) and clone.kind is ResourceKind.PROMOTABLE:
                word += " (target-role)"
            yield 1, f"{word}: {bracketed(sorted(started, key=natural_key))}{mark}"
        if self._options.inactive and not clone.unique:
            yield from self._stopped(clone, len(promoted) + len(started))

    def _stopped(self, clone: ResourceStatus, told: int) -> Lines:
        """The nodes without an instance, while fewer than clone-max are told together."""
        whole = self.whole(clone)
        active = {node for part in mon_facts.primitives((whole,)) for node in part.nodes}
        running = sum(self.active(instance, wholly=False) for instance in whole.children)
        if clone.instances_max >= 0:
            if (told if whole is clone else running) >= clone.instances_max:
                return
        elif running >= len([c for c in whole.children if not c.orphan]):
            return
        stopped = mon_facts.target_role(clone).lower() == "stopped"
        disabled = mon_facts.is_disabled(clone) or stopped
        states: dict[str, list[str]] = {}
        for name in sorted(clone.locations, key=natural_key):
            if name in active:
                continue
            state = "Stopped (disabled)" if disabled else "Stopped"
            for primitive in mon_facts.primitives(clone.children[:1]):
                rc = self._failed_probe(primitive, name)
                if rc is not None:
                    state = f"Stopped ({exit_text(rc)})"
            states.setdefault(state, []).append(name)
        for state, names in sorted(states.items()):
            yield 1, f"{state}: {bracketed(names)}"

    def _alone(self, clone: ResourceStatus, instance: ResourceStatus) -> bool:
        """Whether an instance gets lines of its own."""
        parts = list(mon_facts.primitives((instance,)))
        partly = self.active(instance, wholly=False)
        if self._options.detail:
            return True
        if clone.unique:
            return partly or not instance.orphan
        if any(p.pending_task and p.pending_task != "probe" for p in parts):
            return True
        if not partly:
            return False
        if any(p.orphan or p.failed or not p.managed for p in parts):
            return True
        if not self.active(instance, wholly=True):
            return True
        nodes = {node for part in parts for node in part.nodes}
        return len(nodes) != 1 or bool(nodes & self._unclean)

    # ---- bundles -------------------------------------------------------------------------------

    def _bundle(self, bundle: ResourceStatus) -> Lines:
        image = ""
        element = self._cib.find_id(bundle.id)
        if element is not None:
            for child in element.findall():
                image = image or child.get("image")
        many = " set" if len(self.whole(bundle).children) > 1 else ""
        unique = " (unique)" if bundle.unique else ""
        flags = self._container_flags(replace(bundle, target_role="", disabled=False))
        mark = f" ({', '.join(flags)})" if flags else ""
        described = self._description(bundle)
        yield 0, f"Container bundle{many}: {bundle.id} [{image}]{unique}{described}{mark}:"
        for replica in bundle.children:
            if not self._options.detail and not self._chosen.in_part(bundle):
                yield 1, self._replica(bundle, replica)
                continue
            yield 1, f"Replica[{replica.id}]"
            for part in replica.children:
                yield 2, self.primitive(part)

    def _replica(self, bundle: ResourceStatus, replica: ResourceStatus) -> str:
        parts = mon_facts.replica_parts(bundle, replica)
        shown = parts.child or parts.remote or parts.container
        if parts.child is None:
            shown = parts.container
        named = parts.remote or parts.container
        assert shown is not None
        assert named is not None
        name = named.id
        if parts.address is not None:
            name += f" ({parts.address.id.rpartition('-ip-')[2]})"
        nodes = parts.container.nodes if parts.container is not None else ()
        return self.primitive(replace(shown, nodes=nodes), name=name)
