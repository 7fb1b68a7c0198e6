"""A cluster in memory behind the port, for tools: it keeps a CIB and remembers what was asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from crmsh_py.cib.diff import apply
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.patch import Patch
from crmsh_py.cib.version import Version
from crmsh_py.clusters.kinds import ClusterKind
from crmsh_py.errors import Conflict, NoQuorum
from crmsh_py.wire.control import (
    Changed,
    CmapKey,
    DeviceReply,
    FenceDevice,
    FencingReply,
    Link,
    Member,
    MembershipReply,
    Revision,
    RingOrder,
    Subsystem,
    SubsystemsReply,
)
from crmsh_py.wire.fencing import FencingRecord

CIB = """<cib validate-with="pacemaker-3.9" crm_feature_set="3.19.0" admin_epoch="0" epoch="7"
 num_updates="3" have-quorum="1" dc-uuid="1" cib-last-written="Mon Jul 28 20:22:21 2014"
 update-client="cibadmin" update-origin="pacemaker01">
 <configuration>
  <crm_config><cluster_property_set id="cib-bootstrap-options">
   <nvpair id="p1" name="dc-version" value="1.1.10-42f2063"/>
   <nvpair id="p2" name="cluster-infrastructure" value="corosync"/>
   <nvpair id="p3" name="stonith-enabled" value="false"/></cluster_property_set></crm_config>
  <nodes>
   <node id="1" uname="pacemaker01"/>
   <node id="2" uname="pacemaker02"><instance_attributes id="nodes-2">
    <nvpair id="nodes-2-site" name="site" value="north"/></instance_attributes></node>
  </nodes>
  <resources>
   <primitive id="ClusterIP" class="ocf" provider="heartbeat" type="IPaddr2">
    <instance_attributes id="ClusterIP-instance_attributes">
     <nvpair id="ClusterIP-instance_attributes-ip" name="ip" value="192.168.100.100"/>
    </instance_attributes>
    <operations><op id="ClusterIP-monitor-30s" name="monitor" interval="30s"/></operations>
   </primitive>
   <primitive id="WebSite" class="ocf" provider="heartbeat" type="apache"/>
  </resources>
  <constraints>
   <rsc_colocation id="website-with-ip" score="INFINITY" rsc="WebSite" with-rsc="ClusterIP"/>
   <rsc_order id="apache-after-ip" kind="Mandatory" first="ClusterIP" then="WebSite"/>
  </constraints>
 </configuration>
 <status>
  <node_state id="1" uname="pacemaker01" in_ccm="true" crmd="online" join="member"
   expected="member">
   <transient_attributes id="1"><instance_attributes id="status-1">
    <nvpair id="status-1-pingd" name="pingd" value="1000"/>
    <nvpair id="status-1-f" name="fail-count-ClusterIP#monitor_30000" value="2"/>
   </instance_attributes></transient_attributes>
   <lrm id="1"><lrm_resources>
    <lrm_resource id="ClusterIP" class="ocf" provider="heartbeat" type="IPaddr2">
     <lrm_rsc_op id="ClusterIP_last_0" operation_key="ClusterIP_start_0" operation="start"
      call-id="6" rc-code="0" op-status="0" interval="0" exec-time="30" queue-time="0"
      last-rc-change="1406578900" transition-key="1:1:0:x" transition-magic="0:0;1:1:0:x"/>
    </lrm_resource></lrm_resources></lrm>
  </node_state>
  <node_state id="2" uname="pacemaker02" in_ccm="true" crmd="online" join="member"
   expected="member"/>
 </status></cib>"""


@dataclass
class FakeCluster:
    """Two nodes, a CIB, and a list of what was done. ``conflicts`` commits fail before one goes."""

    cib: Cib = field(default_factory=lambda: Cib.parse(CIB))
    node: str = "pacemaker01"
    kind: ClusterKind = ClusterKind.LOCAL
    label: str = "live/pacemaker01"
    quorate: bool = True
    conflicts: int = 0
    done: list[tuple[object, ...]] = field(default_factory=list)
    devices: list[FenceDevice] = field(default_factory=list)
    fenced: list[FencingRecord] = field(default_factory=list)
    device_reply: DeviceReply = field(default_factory=lambda: DeviceReply(works=True))

    def __call__(self) -> FakeCluster:
        """A fake is its own door."""
        return self

    def read_cib(self) -> Cib:
        return self.cib

    def commit(self, patch: Patch, *, client: str, force_no_quorum: bool = False) -> Version:
        if not self.quorate and not force_no_quorum:
            raise NoQuorum("this partition has no quorum")
        if self.conflicts:
            self.conflicts -= 1
            raise Conflict("somebody was faster")
        self.cib = apply(self.cib, patch)
        self.done.append(("commit", client))
        return self.cib.version

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
        more = (delay_ms, set_delay, private) if delay_ms or set_delay or private else ()
        self.done.append(("attribute", node, name, value, *more))

    def attribute_values(self, name: str) -> dict[str, str]:
        return {
            state.get("uname"): pair.get("value")
            for state in self.cib.status.findall("node_state")
            for pair in state.iter("nvpair")
            if pair.get("name") == name
        }

    def set_ticket(self, name: str, attributes: Mapping[str, str | None] | None) -> None:
        self.done.append(("ticket", name, None if attributes is None else dict(attributes)))

    def clean_resource(
        self, resource: str, node: str, *, all_history: bool, operation: str = ""
    ) -> None:
        more = (operation,) if operation else ()
        self.done.append(("clean", resource, node, all_history, *more))

    def fail_resource(self, resource: str, node: str) -> None:
        self.done.append(("fail", resource, node))

    def administer(self, order: RingOrder) -> None:
        self.done.append(("administer", order))

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
        self.done.append(("fence", node, action, timeout_s, delay_s, tolerance_s))

    def confirm_fenced(self, node: str) -> None:
        self.done.append(("confirm", node))

    def fencing(self, *, devices: bool = False) -> FencingReply:
        return FencingReply(devices=self.devices if devices else [], records=self.fenced)

    def ask_device(self, device: str, *, hosts: bool = False, target: str = "") -> DeviceReply:
        self.done.append(("ask", device, hosts, target))
        return self.device_reply

    def forget_fencing(self, node: str = "") -> None:
        self.done.append(("forget", node))

    def membership(self, *, timeout_s: float = 0) -> MembershipReply:
        members = [
            Member(node_id=i, name=f"pacemaker0{i}", address=f"192.168.100.1{i}") for i in (1, 2)
        ]
        return MembershipReply(
            node=self.node,
            node_id=1,
            ring_representative=1,
            ring_sequence=16,
            state="operational",
            members=members,
            quorate=self.quorate,
            expected_votes=3,
            highest_expected=3,
            total_votes=2,
            quorum=2,
            links=[
                Link(number=0, address="192.168.100.11"),
                Link(number=1, address="10.1.0.1", faulty=True),
            ],
        )

    def cmap(self, prefix: str = "", *, map_name: str = "icmap") -> list[CmapKey]:
        keys = [CmapKey("quorum.expected_votes", "u32", "3"), CmapKey("totem.token", "u32", "3000")]
        return [key for key in keys if key.name.startswith(prefix)]

    def subsystems(self) -> SubsystemsReply:
        part = Subsystem(name="cib", modern_name="pacemaker-based", alive=True)
        return SubsystemsReply(pid=1, subsystems=[part])

    def start_manager(self) -> None:
        self.done.append(("start",))

    def stop_manager(self) -> None:
        self.done.append(("stop",))

    def wait_idle(self, *, timeout_s: float, version: Version | None = None) -> None:
        self.done.append(("wait", timeout_s))

    def watch(self) -> Iterator[Changed]:
        return iter(())

    def revisions(self, limit: int = 100) -> list[Revision]:
        return []

    def revision(self, admin_epoch: int, epoch: int) -> Cib:
        return self.cib

    def find(self, name: str) -> Element:
        """The element with this id; fails where there is none."""
        found = self.cib.find_id(name)
        assert found is not None
        return found
