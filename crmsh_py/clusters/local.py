"""A lab's nodes as a cluster: a blocking client of one node's control socket.

Which node: the one that is named (``CRM_NODE``, or ``--node``), else one that answers, quorate
ones first. A connection is made at the first call and kept; when the node goes, the call raises
``ClusterUnreachable`` and the next one looks for a node again (a named one is not exchanged).

Every call has a time limit. What a node refuses is raised as its own kind of ``CrmError``. A
commit that was sent and not answered may have happened; that is said, and nothing is sent twice.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterator, Mapping, Sequence

from crmsh_py.cib.document import Cib
from crmsh_py.cib.patch import Patch
from crmsh_py.cib.version import Version
from crmsh_py.clusters.channel import Channel, expect
from crmsh_py.clusters.kinds import ClusterKind
from crmsh_py.clusters.sockets import find_sockets, user_name
from crmsh_py.errors import ClusterUnreachable, CrmError, NotFound, NotPermitted, TimedOut
from crmsh_py.wire import control, paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.clusters.channel import ReplyT
    from crmsh_py.clusters.orders import NodeOrder

CALL_TIMEOUT_S = 10.0
COMMIT_TIMEOUT_S = 30.0  # a membership change may come between
STOP_TIMEOUT_S = 600.0  # resources leave first, and they take their time
FENCE_TIMEOUT_S = 120.0  # devices are tried one after the other
PROBE_TIMEOUT_S = 1.0  # of nodes that are asked whether they answer
PATIENCE_S = 0.05  # that others get to answer when one quorate node has

_READS = (
    control.ReadCib,
    control.ReadFencing,
    control.ReadMembership,
    control.ReadCmap,
    control.ReadSubsystems,
    control.ReadRevisions,
    control.ReadRevision,
    control.WaitIdle,
)


class LocalCluster:
    """Implements ``clusters.port.Cluster`` for a lab of this machine."""

    kind = ClusterKind.LOCAL

    def __init__(
        self,
        lab: str,
        sockets: Mapping[str, str],
        *,
        node: str = "",
        client: str = "crm",
        user: str | None = None,
        acts_for: str = "",
    ) -> None:
        """``sockets`` are the paths by node name; ``node`` binds to that one alone.

        ``acts_for``: the user by whose access rights the cluster is to answer.
        """
        self._lab = lab
        self._sockets = dict(sockets)
        self._wanted = node
        self._client = client
        self._user = user_name(os.getuid()) if user is None else user
        self._acts_for = acts_for
        self._channel: Channel | None = None
        self._unanswered = False  # the latest request was sent, its answer has not come
        self._node = node
        self._sat_on = node  # where the latest connection was: it is kept while that node will do

    @classmethod
    def of_environment(
        cls, environ: Mapping[str, str], uid: int, *, node: str = "", client: str = "crm"
    ) -> LocalCluster:
        """The lab that the environment means, if it has nodes that could be running.

        Raises:
            ClusterUnreachable: it has none.
        """
        lab = paths.lab_name(environ)
        node = node or environ.get("CRM_NODE", "")
        sockets = find_sockets(environ, uid, lab)
        if not sockets and environ.get("CRM_LAB_INSIDE") and node:
            sockets = _public_socket(node)  # of a user beside root, inside a node
        if node:
            paths.check_node_name(node)
            sockets.setdefault(node, paths.node_socket(environ, uid, lab, node))
        if not sockets:
            raise _nothing_runs(lab)
        acts_for = environ.get("CIB_user", "")
        return cls(lab, sockets, node=node, client=client, acts_for=acts_for)

    @property
    def label(self) -> str:
        """What the prompt shows between the brackets: ``live/pacemaker01``."""
        return f"live/{self.node}"

    @property
    def node(self) -> str:
        """The node that the calls go to; the first one that answers is chosen."""
        if not self._node:
            self._channel = self._choose(time.monotonic() + CALL_TIMEOUT_S)
            self._node = self._channel.node
        return self._node

    @property
    def lab(self) -> str:
        """The lab's name."""
        return self._lab

    def nodes(self) -> tuple[str, ...]:
        """The nodes that have a control socket, sorted by name."""
        return tuple(sorted(self._sockets))

    def close(self) -> None:
        """Hang up; the next call connects again."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        if not self._wanted:
            self._node = ""

    # ---- the port --------------------------------------------------------------------------

    def read_cib(self) -> Cib:
        """The newest CIB with its status section."""
        return Cib.parse(self._call(control.ReadCib(), control.CibReply).cib)

    def commit(self, patch: Patch, *, client: str, force_no_quorum: bool = False) -> Version:
        """Apply a patch atomically; returns when it cannot be lost any more."""
        request = control.Commit(
            patch=patch.to_xml(), client=client, force_no_quorum=force_no_quorum
        )
        try:
            reply = self._call(request, control.Committed, timeout_s=COMMIT_TIMEOUT_S)
        except (ClusterUnreachable, TimedOut) as error:
            if not self._unanswered:
                raise
            raise type(error)(
                f"{error.message}; the change may have been made all the same",
                hint="look at the configuration before you repeat it (crm configure show)",
            ) from None
        return Version(*reply.version)

    def set_attribute(
        self,
        node: str,
        name: str,
        value: str | None,
        *,
        delay_ms: int = 0,
        set_delay: bool = False,
        private: bool = False,
    ) -> None:
        """Set or delete (None) a transient node attribute."""
        request = control.SetAttribute(
            node=node,
            name=name,
            value=value,
            delay_ms=delay_ms,
            set_delay=set_delay,
            private=private,
        )
        self._call(request, control.Done)

    def attribute_values(self, name: str) -> dict[str, str]:
        """A transient attribute on all nodes that have it."""
        return self._call(control.ReadAttribute(name=name), control.AttributeReply).values

    def set_ticket(self, name: str, attributes: Mapping[str, str | None] | None) -> None:
        """Set attributes of a ticket (value None deletes one); None forgets the ticket."""
        given = None if attributes is None else dict(attributes)
        request = control.SetTicket(ticket=name, attributes=given)
        self._call(request, control.Done, timeout_s=COMMIT_TIMEOUT_S)

    def clean_resource(
        self, resource: str, node: str, *, all_history: bool, operation: str = ""
    ) -> None:
        """Forget failures or history, and let the cluster look again. '' means all.

        Nodes forget all failures of a resource together; the counts of other operations than the
        one that is meant are set again.
        """
        if not operation:
            self._clean(resource, node, all_history=all_history)
            return
        from crmsh_py.clusters.operations import failed_at

        for place in failed_at(self.read_cib(), resource, node, operation):
            self._clean(place.resource, place.node, all_history=False)
            for name, value in place.others.items():
                self.set_attribute(place.node, name, value)

    def _clean(self, resource: str, node: str, *, all_history: bool) -> None:
        request = control.CleanResource(resource=resource, node=node, all_history=all_history)
        self._call(request, control.Done, timeout_s=COMMIT_TIMEOUT_S)

    def fail_resource(self, resource: str, node: str) -> None:
        """Take an instance of a primitive for failed on a node where it runs."""
        request = control.FailResource(resource=resource, node=node)
        self._call(request, control.Done, timeout_s=COMMIT_TIMEOUT_S)

    def fence(
        self,
        node: str,
        action: str = "reboot",
        *,
        timeout_s: int = 0,
        delay_s: int = 0,
        tolerance_s: int = 0,
        client: str = "stonith_admin",
    ) -> None:
        """Fence a node; returns when that has happened."""
        request = control.FenceNode(
            node=node,
            action=action,
            timeout_ms=timeout_s * 1000,
            delay_ms=max(-1, delay_s * 1000),
            tolerance_ms=tolerance_s * 1000,
            client=client,
        )
        limit = (timeout_s or FENCE_TIMEOUT_S) + max(0, delay_s)
        self._call(request, control.Done, timeout_s=limit)

    def confirm_fenced(self, node: str) -> None:
        """Tell the cluster that a node is off for sure."""
        request = control.ConfirmFenced(node=node)
        self._call(request, control.Done, timeout_s=COMMIT_TIMEOUT_S)

    def fencing(self, *, devices: bool = False) -> control.FencingReply:
        """What has been fenced and, if wanted, the fence devices."""
        return self._call(control.ReadFencing(devices=devices), control.FencingReply)

    def ask_device(
        self, device: str, *, hosts: bool = False, target: str = ""
    ) -> control.DeviceReply:
        """Let a fence device's agent answer on the node that is asked."""
        request = control.AskDevice(device=device, hosts=hosts, target=target)
        return self._call(request, control.DeviceReply, timeout_s=FENCE_TIMEOUT_S)

    def forget_fencing(self, node: str = "") -> None:
        """Forget what has been fenced."""
        self._call(control.ForgetFencing(node=node), control.Done, timeout_s=COMMIT_TIMEOUT_S)

    def membership(self, *, timeout_s: float = 0) -> control.MembershipReply:
        """Ring and quorum as the node sees them."""
        limit = timeout_s or CALL_TIMEOUT_S
        return self._call(control.ReadMembership(), control.MembershipReply, timeout_s=limit)

    def administer(self, order: control.RingOrder | NodeOrder) -> None:
        """Change something of ring or quorum, on all nodes; or of this node."""
        from crmsh_py.clusters import orders

        if isinstance(order, orders.ShutDown):
            self._shut_down(force=order.force)
        elif isinstance(order, orders.ReopenLogs | orders.DropDevice):
            self.membership()  # a node sees by itself that a log was moved, and has no device
        else:
            self._call(order, control.Done, timeout_s=COMMIT_TIMEOUT_S)

    def _shut_down(self, *, force: bool) -> None:
        if force:
            node_id = self.membership().node_id
            self._call(control.EndMember(node_id=node_id), control.Done, timeout_s=COMMIT_TIMEOUT_S)
        elif any(part.alive for part in self.subsystems().subsystems):
            raise CrmError(
                f"the cluster manager on {self.node} needs the membership",
                hint="stop it first (crm cluster stop), or say --force: what runs here is lost",
            )
        else:
            self.stop_daemon()

    def cmap(self, prefix: str = "", *, map_name: str = "icmap") -> list[control.CmapKey]:
        """Corosync's keys, typed."""
        request = control.ReadCmap(prefix=prefix, map=map_name)
        return self._call(request, control.CmapReply).keys

    def subsystems(self) -> control.SubsystemsReply:
        """The parts of the cluster manager and their state."""
        return self._call(control.ReadSubsystems(), control.SubsystemsReply)

    def start_manager(self) -> None:
        """Start the cluster manager on the node."""
        self._call(control.StartManager(), control.Done, timeout_s=COMMIT_TIMEOUT_S)

    def stop_manager(self) -> None:
        """Stop it: resources leave the node first."""
        self._call(control.StopManager(), control.Done, timeout_s=STOP_TIMEOUT_S)

    def stop_daemon(self) -> None:
        """Stop the whole node in an orderly way: resources leave first."""
        self._call(control.StopDaemon(), control.Done, timeout_s=STOP_TIMEOUT_S)

    def wait_idle(self, *, timeout_s: float, version: Version | None = None) -> None:
        """Return when the DC has nothing left to do; TimedOut otherwise."""
        request = control.WaitIdle(version=version.tuple if version else None)
        self._call(request, control.Done, timeout_s=timeout_s)

    def watch(self) -> Iterator[control.Changed]:
        """Changes as they come; ends when the node goes. Uses a connection of its own."""
        deadline = time.monotonic() + CALL_TIMEOUT_S
        channel = self._open(self.node, deadline)
        try:
            channel.send(control.Watch(), deadline)
            while True:
                try:
                    reply = channel.receive(None)
                except ClusterUnreachable:
                    return
                yield expect(reply, control.Changed)
        finally:
            channel.close()

    def revisions(self, limit: int = 100) -> list[control.Revision]:
        """The stored commits, newest first."""
        request = control.ReadRevisions(limit=limit)
        return self._call(request, control.RevisionsReply).revisions

    def revision(self, admin_epoch: int, epoch: int) -> Cib:
        """The configuration as the commit of that version left it. Raises NotFound."""
        request = control.ReadRevision(admin_epoch=admin_epoch, epoch=epoch)
        return Cib.parse(self._call(request, control.CibReply).cib)

    # ---- one call --------------------------------------------------------------------------

    def _call(
        self,
        request: control.Request,
        expected: type[ReplyT],
        *,
        timeout_s: float = CALL_TIMEOUT_S,
    ) -> ReplyT:
        deadline = time.monotonic() + timeout_s
        self._unanswered = False
        fresh = self._channel is None
        try:
            reply = self._ask(request, deadline)
        except ClusterUnreachable:
            self.close()
            # The node that we sat on has gone. What surely was not done, or only reads, may be
            # asked once more, of a node that is there.
            if fresh or (self._unanswered and not isinstance(request, _READS)):
                raise
            reply = self._ask(request, deadline)
        except CrmError:
            self.close()
            raise
        return expect(reply, expected)

    def _ask(self, request: control.Request, deadline: float) -> control.Reply:
        if self._channel is None:
            self._channel = (
                self._open(self._wanted, deadline) if self._wanted else self._choose(deadline)
            )
            self._node = self._channel.node
        self._channel.send(request, deadline)
        self._unanswered = True
        reply = self._channel.receive(deadline)
        self._unanswered = False
        return reply

    def _choose(self, deadline: float) -> Channel:
        """The first node in the order of names that is quorate; else the first that answers.

        The one of the connection before comes first: an error is no reason to go elsewhere.
        All are asked at once, so that one that hangs costs nothing when another is quorate.
        """
        deadline = min(deadline, time.monotonic() + PROBE_TIMEOUT_S)
        asked: list[Channel] = []
        problem: CrmError | None = None
        for name in sorted(self._sockets, key=lambda name: (name != self._sat_on, name)):
            try:
                channel = self._open(name, deadline)
                channel.send(control.ReadMembership(), deadline)
                asked.append(channel)
            except CrmError as error:
                problem = error
        quorate = _answers(asked, deadline)
        chosen = next((c for c in asked if quorate.get(c.node)), None)
        chosen = chosen or next((c for c in asked if c.node in quorate), None)
        for channel in asked:
            if channel is not chosen:
                channel.close()
        if chosen is None:
            raise problem if isinstance(problem, NotPermitted) else _nothing_runs(self._lab)
        self._sat_on = chosen.node
        return chosen

    def _open(self, node: str, deadline: float) -> Channel:
        path = self._sockets.get(node, "")
        if not path:
            raise NotFound(
                f"the lab {self._lab} has no node '{node}'", name=node, possibilities=self._sockets
            )
        channel = Channel(node, path, deadline)
        # Nobody waits for the answer: a node that refuses us hangs up.
        hello = control.Hello(client=self._client, user=self._user, acts_for=self._acts_for)
        channel.send(hello, deadline)
        return channel


def _public_socket(node: str) -> dict[str, str]:
    path = paths.public_socket(node)
    return {node: path} if os.path.exists(path) else {}


def _answers(channels: Sequence[Channel], deadline: float) -> dict[str, bool]:
    """Whether each node that answers is quorate, by name.

    Ends early, but not before nodes that are just as quick had their turn: which node is chosen
    shall not depend on chance.
    """
    quorate: dict[str, bool] = {}
    waiting = list(channels)
    while waiting and (left := deadline - time.monotonic()) > 0:
        ready, _, _ = select.select(waiting, [], [], left)
        for channel in ready:
            try:
                if (answer := channel.poll()) is None:
                    continue
                reply = expect(answer, control.MembershipReply)
            except CrmError:
                waiting.remove(channel)
                continue
            waiting.remove(channel)
            # A remote node has it from a member, who is as good a choice and nearer.
            quorate[channel.node] = reply.quorate and reply.node == channel.node
            if quorate[channel.node]:
                deadline = min(deadline, time.monotonic() + PATIENCE_S)
    return quorate


def _nothing_runs(lab: str) -> ClusterUnreachable:
    return ClusterUnreachable(
        f"no node of the lab {lab} is running",
        hint="crm lab start, or crm lab create for a new lab; crm lab list names those there are",
    )
