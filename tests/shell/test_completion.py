"""Completion as a person sees it: this text, these candidates. No terminal, no cluster."""

from __future__ import annotations

import pytest

from crmsh_py.cib.document import Cib
from crmsh_py.shell.completer import candidates
from crmsh_py.shell.console import Console
from crmsh_py.shell.options import Options
from crmsh_py.shell.session import Session
from crmsh_py.shell.snapshot import snapshot_of

CIB = """\
<cib validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0"><configuration>
<crm_config/><nodes><node id="1" uname="alpha"/><node id="2" uname="beta"/></nodes>
<resources><primitive id="vip" class="ocf" provider="heartbeat" type="IPaddr2"/>
<group id="site"><primitive id="web" class="ocf" provider="heartbeat" type="apache"/></group>
</resources><constraints><rsc_location id="loc" rsc="vip" node="alpha" score="1"/></constraints>
</configuration><status/></cib>"""


@pytest.fixture(scope="module")
def session() -> Session:
    return Session(Options(), Console(), environ={})


def complete(session: Session, text: str, level: str = "root") -> list[str]:
    """The texts that completion offers at the end of a line."""
    snapshot = snapshot_of(Cib.parse(CIB))
    return [candidate for candidate, _, _ in candidates(session, snapshot, text, level)]


CASES = [
    ("root", "conf", ["configure"]),
    ("root", "resource mo", ["move"]),
    ("root", "resource move ", ["vip", "site", "web"]),
    ("root", "resource move vip ", ["alpha", "beta"]),
    ("root", "node standby b", ["beta"]),
    ("configure", "primi", ["primitive"]),
    (
        "configure",
        "primitive x ocf:heartbeat:IPad",
        ["ocf:heartbeat:IPaddr", "ocf:heartbeat:IPaddr2"],
    ),
    ("configure", "primitive x ocf:heartbeat:IPaddr2 params cidr", ["cidr_netmask="]),
    ("configure", "primitive x ocf:heartbeat:IPaddr2 op mon", ["monitor"]),
    ("configure", "primitive x ocf:heartbeat:IPaddr2 op monitor inter", ["interval="]),
    ("configure", "group g ", ["vip"]),
    ("configure", "delete lo", ["loc"]),
    ("configure", "property no-quorum-pol", ["no-quorum-policy="]),
    ("configure", "property stonith-enabled=", ["stonith-enabled=true", "stonith-enabled=false"]),
    ("configure", "order o man", ["Mandatory:"]),
    ("lab", "exec al", ["alpha"]),
]


@pytest.mark.parametrize(("level", "text", "wanted"), CASES, ids=[c[1] for c in CASES])
def test_completion_offers(session: Session, level: str, text: str, wanted: list[str]) -> None:
    """At least these, and (where a word is begun) nothing that does not begin so."""
    offered = complete(session, text, level)
    assert set(wanted) <= set(offered)
    begun = text.rpartition(" ")[2].lower()
    assert all(candidate.lower().startswith(begun) for candidate in offered)


def test_used_parameters_are_not_offered_again(session: Session) -> None:
    text = "primitive x ocf:heartbeat:IPaddr2 params ip=1.2.3.4 "
    offered = complete(session, text, "configure")
    assert "ip=" not in offered
    assert {"cidr_netmask=", "op", "meta"} <= set(offered)


def test_the_required_parameter_comes_first(session: Session) -> None:
    offered = complete(session, "primitive x ocf:heartbeat:IPaddr2 params ", "configure")
    assert next(o for o in offered if o.endswith("=")) == "ip="


def test_no_prefix_of_a_long_line_raises(session: Session) -> None:
    line = (
        'primitive x ocf:heartbeat:IPaddr2 params ip="1.2.3.4" op monitor interval=10s '
        "meta target-role=Started utilization cpu=1"
    )
    for end in range(len(line) + 1):
        complete(session, line[:end], "configure")
