"""The one door between people's programs and a cluster of any kind.

Shell, views and tools know this protocol and nothing else: a lab (``local``), a CIB in a file
(``file``) or a real Pacemaker cluster (``pacemaker``) stand behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from crmsh_py.cib.diff import Patch
from crmsh_py.cib.document import Cib
from crmsh_py.cib.version import Version
from crmsh_py.clusters.kinds import ClusterKind
from crmsh_py.clusters.orders import NodeOrder
from crmsh_py.wire.control import (
    Changed,
    CmapKey,
    DeviceReply,
    FencingReply,
    MembershipReply,
    Revision,
    RingOrder,
    SubsystemsReply,
)


class Cluster(Protocol):
    """A cluster that a shell can drive. Every call is bounded in time and raises CrmError kinds:
    ClusterUnreachable (nobody answers), TimedOut, Refused ones as their own kind (Conflict,
    NoQuorum, ConfigError …).
    """

    @property
    def kind(self) -> ClusterKind:
        """What it is."""

    @property
    def label(self) -> str:
        """What the prompt shows between the brackets: ``live/pacemaker01``, ``FILE``, …"""

    @property
    def node(self) -> str:
        """The node that the calls go to; '' for a file."""

    def read_cib(self) -> Cib:
        """The newest CIB with its status section."""

    def commit(self, patch: Patch, *, client: str, force_no_quorum: bool = False) -> Version:
        """Apply a patch atomically; returns when it cannot be lost any more."""

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
        """Set or delete (None) a transient node attribute.

        ``delay_ms`` is how long it must be quiet before it counts (the first one stays, unless
        ``set_delay``); what is ``private`` is never put into the status.
        """

    def attribute_values(self, name: str) -> dict[str, str]:
        """A transient attribute on all nodes that have it, also where it waits or is private."""

    def set_ticket(self, name: str, attributes: Mapping[str, str | None] | None) -> None:
        """Set attributes of a ticket (value None deletes one); None forgets the ticket."""

    def clean_resource(
        self, resource: str, node: str, *, all_history: bool, operation: str = ""
    ) -> None:
        """Forget failures or history, and let the cluster look again. '' means all.

        With an ``operation`` (``monitor_10000``) only where that has failed; how often others
        have is kept then.
        """

    def fail_resource(self, resource: str, node: str) -> None:
        """Take an instance of a primitive for failed on a node where it runs."""

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
        """Fence a node (reboot, off or on); returns when that has happened, raises otherwise.

        ``timeout_s`` 0: as the cluster is configured. ``delay_s`` -1: without any delay.
        """

    def confirm_fenced(self, node: str) -> None:
        """Tell the cluster that a node is off for sure: a person has seen to it."""

    def fencing(self, *, devices: bool = False) -> FencingReply:
        """What has been fenced and, if wanted, the fence devices."""

    def ask_device(self, device: str, *, hosts: bool = False, target: str = "") -> DeviceReply:
        """Let a fence device's agent answer here: whether it works, which ``hosts`` it can fence,
        or whether it can fence a ``target``. Raises NotFound without such a device.
        """

    def forget_fencing(self, node: str = "") -> None:
        """Forget what has been fenced: about a node, or everything."""

    def membership(self, *, timeout_s: float = 0) -> MembershipReply:
        """Ring and quorum as the node sees them.

        ``timeout_s`` is how long a node of a lab may take; 0: as long as with every other call.
        """

    def administer(self, order: RingOrder | NodeOrder) -> None:
        """Change something of ring or quorum, on all nodes: see ``wire.control`` for each.

        Or of the node itself: see ``orders``.
        """

    def cmap(self, prefix: str = "", *, map_name: str = "icmap") -> list[CmapKey]:
        """Corosync's keys, typed."""

    def subsystems(self) -> SubsystemsReply:
        """The parts of the cluster manager and their state."""

    def start_manager(self) -> None:
        """Start the cluster manager on the node."""

    def stop_manager(self) -> None:
        """Stop it: resources leave the node first."""

    def wait_idle(self, *, timeout_s: float, version: Version | None = None) -> None:
        """Return when the DC has nothing left to do; TimedOut otherwise."""

    def watch(self) -> Iterator[Changed]:
        """Changes as they come; ends when the node goes."""

    def revisions(self, limit: int = 100) -> list[Revision]:
        """The stored commits, newest first."""

    def revision(self, admin_epoch: int, epoch: int) -> Cib:
        """The configuration as the commit of that version left it. Raises NotFound."""
