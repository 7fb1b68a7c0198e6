"""crm_mon --brief: numbers instead of names, in both layouts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crmsh_py.cib.document import Cib
from crmsh_py.value import replace
from crmsh_py.views import mon_classic, mon_modern, mon_state
from crmsh_py.views.mon_facts import MonOptions

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DUMMY = '<primitive id="{}" class="ocf" provider="pacemaker" type="Dummy"/>'


def started(name: str) -> str:
    magic = "0:0;1:0:0:x"
    return (
        f'<lrm_resource id="{name}" class="ocf" provider="pacemaker" type="Dummy"><lrm_rsc_op'
        f' id="{name}_last_0" operation_key="{name}_start_0" operation="start" call-id="1"'
        f' rc-code="0" op-status="0" interval="0" transition-magic="{magic}"'
        f' transition-key="1:0:0:x"/></lrm_resource>'
    )


def node(id_: int, *running: str) -> str:
    return (
        f'<node_state id="{id_}" uname="n{id_}" in_ccm="true" crmd="online" join="member"'
        f' expected="member"><lrm id="{id_}"><lrm_resources>{"".join(map(started, running))}'
        "</lrm_resources></lrm></node_state>"
    )


CIB = Cib.parse(
    '<cib validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0"'
    ' have-quorum="1"><configuration><crm_config/><nodes><node id="1" uname="n1"/>'
    f'<node id="2" uname="n2"/></nodes><resources>{"".join(map(DUMMY.format, "abcd"))}'
    f'<group id="g">{DUMMY.format("m1")}{DUMMY.format("m2")}</group></resources><constraints/>'
    f"</configuration><status>{node(1, 'a', 'b', 'm1')}{node(2, 'c')}</status></cib>"
)


def shown(options: MonOptions, *, modern: bool = True) -> list[str]:
    cib, status = mon_state.read(CIB, now=NOW)
    render = mon_modern.render if modern else mon_classic.render
    return [
        line.expandtabs(8).strip()
        for line in render(cib, status, now=NOW, options=options).splitlines()
    ]


@pytest.mark.parametrize("modern", [True, False])
def test_what_runs_is_counted_by_agent_and_node(modern: bool) -> None:
    lines = shown(MonOptions(brief=True), modern=modern)
    text = "\n".join(" ".join(line.removeprefix("* ").split()) for line in lines)
    agent = "ocf:pacemaker:Dummy" if modern else "ocf::pacemaker:Dummy"
    assert f"2 ({agent}): Active n1\n1 ({agent}): Active n2\n" in text
    assert f"Resource Group: g (1 member inactive):\n1/2 ({agent}): Active n1" in text or not modern
    assert modern or f"Resource Group: g\n1/2 ({agent}): Active n1" in text


def test_with_what_does_not_run_totals_stand_beside() -> None:
    lines = [" ".join(line.split()) for line in shown(MonOptions(brief=True, inactive=True))]
    assert "* 2/4 (ocf:pacemaker:Dummy): Active n1" in lines


def test_by_node_each_node_has_its_numbers() -> None:
    lines = shown(MonOptions(brief=True, by_node=True))
    at = lines.index("* Node n1: online:")
    assert lines[at + 1] == "* Resources:"
    assert " ".join(lines[at + 2].split()) == "* 3 (ocf:pacemaker:Dummy): Active"


@pytest.mark.parametrize("modern", [True, False])
def test_what_was_on_a_guest_that_is_gone_counts_no_more(modern: bool) -> None:
    read, status = mon_state.read(CIB, now=NOW)
    away = replace(status.nodes[1], online=False, kind="guest")
    status = replace(status, nodes=(status.nodes[0], away))
    render = mon_modern.render if modern else mon_classic.render
    brief = render(read, status, now=NOW, options=MonOptions(brief=True, inactive=True))
    assert "n1" in brief
    assert "Active n2" not in brief
    by_node = render(read, status, now=NOW, options=MonOptions(brief=True, by_node=True))
    assert by_node.rstrip().endswith("OFFLINE:\n    * Resources:" if modern else "OFFLINE")
