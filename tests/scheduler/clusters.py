"""Small clusters for tests: a CIB from a few words, and what becomes of it.

``Lab`` keeps one CIB. ``settle`` plans and carries out on paper until nothing is left to do.
"""

from __future__ import annotations

from datetime import UTC, datetime

from crmsh_py.cib.document import Cib
from crmsh_py.clusters.operations import set_transient_attribute
from crmsh_py.scheduler import injection, simulation
from crmsh_py.scheduler.plan import plan
from crmsh_py.scheduler.result import Action, Plan
from crmsh_py.scheduler.schedule import schedule

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NODES = ("pacemaker01", "pacemaker02", "pacemaker03")
UP = 'in_ccm="true" crmd="online" join="member" expected="member"'

CLUSTER_IP = """<primitive id="ClusterIP" class="ocf" provider="heartbeat" type="IPaddr2">
  <instance_attributes id="ip-params"><nvpair id="ip-ip" name="ip" value="192.168.0.120"/>
  <nvpair id="ip-mask" name="cidr_netmask" value="24"/></instance_attributes>
  <operations><op id="ip-mon" name="monitor" interval="30s"/></operations></primitive>"""
WEB_SITE = """<primitive id="WebSite" class="ocf" provider="heartbeat" type="apache">
  <instance_attributes id="web-params">
  <nvpair id="web-conf" name="configfile" value="/etc/httpd/conf/httpd.conf"/></instance_attributes>
  <operations><op id="web-mon" name="monitor" interval="1min" timeout="40s"/></operations>
  </primitive>"""
TOGETHER = """<rsc_colocation id="website-with-ip" score="INFINITY" rsc="WebSite" \
with-rsc="ClusterIP"/><rsc_order id="apache-after-ip" kind="Mandatory" first="ClusterIP" \
then="WebSite"/>"""


def make(
    resources: str = CLUSTER_IP + WEB_SITE,
    constraints: str = TOGETHER,
    *,
    properties: dict[str, str] | None = None,
    stickiness: int = 100,
    quorum: bool = True,
) -> Cib:
    """A cluster of three nodes that are up and know of nothing yet."""
    pairs = {"stonith-enabled": "false", **(properties or {})}
    options = "".join(f'<nvpair id="o-{n}" name="{n}" value="{v}"/>' for n, v in pairs.items())
    nodes = "".join(f'<node id="{i}" uname="{n}"/>' for i, n in enumerate(NODES, 1))
    states = "".join(
        f'<node_state id="{i}" uname="{n}" {UP}><lrm id="{i}"><lrm_resources/></lrm></node_state>'
        for i, n in enumerate(NODES, 1)
    )
    return Cib.parse(f"""<cib validate-with="pacemaker-3.9" epoch="1" num_updates="0"
admin_epoch="0" have-quorum="{int(quorum)}" dc-uuid="1"><configuration>
<crm_config><cluster_property_set id="cib-bootstrap-options">{options}</cluster_property_set>
</crm_config><nodes>{nodes}</nodes><resources>{resources}</resources>
<constraints>{constraints}</constraints><rsc_defaults><meta_attributes id="rsc-options">
<nvpair id="stick" name="resource-stickiness" value="{stickiness}"/></meta_attributes>
</rsc_defaults></configuration><status>{states}</status></cib>""")


class Lab:
    """A cluster on paper."""

    def __init__(self, cib: Cib | None = None) -> None:
        self.cib = cib or make()

    def plan(self) -> Plan:
        """What is to be done now."""
        return plan(self.cib, now=NOW)

    def settle(self) -> Lab:
        """Do it all, until nothing is left to be done."""
        for _ in range(6):
            state = schedule(self.cib, NOW)
            if not state.graph:
                return self
            outcome = simulation.run(state, self.cib, at=int(NOW.timestamp()))
            assert outcome.complete
            self.cib = outcome.cib
        raise AssertionError("the cluster does not settle")

    def change(self, old: str, new: str) -> Lab:
        """Replace a piece of the CIB's text."""
        text = self.cib.to_xml()
        assert old in text, old
        self.cib = Cib.parse(text.replace(old, new))
        return self

    def inject(self, **what: object) -> Lab:
        """Have something happen; see ``injection.Changes``."""
        wanted = injection.Changes(**what)  # type: ignore[arg-type]
        self.cib = injection.apply(self.cib, wanted, at=int(NOW.timestamp()), now=NOW)
        return self

    def attribute(self, node: str, name: str, value: str) -> Lab:
        """Set an attribute of a node in the configuration."""
        number = NODES.index(node) + 1
        nodes = self.cib.section("nodes")
        plain = f'<node id="{number}" uname="{node}"/>'
        assert nodes.find("node") is not None
        return self.change(
            plain,
            f'<node id="{number}" uname="{node}"><instance_attributes id="a-{number}">'
            f'<nvpair id="a-{number}-{name}" name="{name}" value="{value}"/>'
            "</instance_attributes></node>",
        )

    def places(self) -> dict[str, tuple[str, ...]]:
        """Where the top primitives are."""
        status = self.plan().status
        assert status is not None
        return {resource.id: resource.nodes for resource in status.resources}


def operations(made: Plan) -> list[str]:
    """The agents' operations of a plan: ``KEY NODE``, in the order of their ids."""
    return [
        f"{action.key} {action.node}"
        for action in sorted(made.actions, key=lambda action: action.id)
        if action.resource and action.node
    ]


def find(made: Plan, key: str, node: str = "") -> Action:
    """The one action with a key."""
    (found,) = [a for a in made.actions if a.key == key and (not node or a.node == node)]
    return found


def waits_for(made: Plan, later: str, earlier: str) -> bool:
    """Whether one action must wait for another, directly or not."""
    by_id = {action.id: action for action in made.actions}
    target = find(made, earlier).id
    open_, seen = [find(made, later).id], set()
    while open_:
        each = open_.pop()
        if each == target:
            return True
        if each in by_id and each not in seen:
            seen.add(each)
            open_ += by_id[each].inputs
    return False


def with_instances() -> Cib:
    """A cluster of three nodes on paper where a clone (``everywhere``) runs on all of them, and a
    promotable one (``main``) too, which is promoted on the first.
    """
    dummy = '<primitive id="{}" class="ocf" provider="pacemaker" type="{}"/>'
    promotable = (
        '<meta_attributes id="main-meta"><nvpair id="main-p" name="promotable" value="true"/>'
        "</meta_attributes>"
    )
    lab = Lab(
        make(
            f'<clone id="everywhere">{dummy.format("loner", "Dummy")}</clone>'
            f'<clone id="main">{promotable}{dummy.format("db", "Stateful")}</clone>',
            "",
        )
    )
    for score, node in enumerate(reversed(NODES), 1):
        lab.cib = set_transient_attribute(lab.cib, node, "master-db", str(score))
    return lab.settle().cib
