"""A configuration that cannot work is told before it is committed, with the word that is wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from crmsh_py.agents.metadata import AgentAction, AgentMetadata, Parameter
from crmsh_py.cib.checks import Finding, check, integrity
from crmsh_py.cib.document import Cib

IP = '<primitive id="ip" class="ocf" provider="heartbeat" type="IPaddr2">{}</primitive>'
ADDRESS = (
    '<instance_attributes id="i"><nvpair id="i-ip" name="ip" value="10.0.0.1"/>{}'
    "</instance_attributes>"
)
DUMMY = '<primitive id="{}" class="ocf" provider="pacemaker" type="Dummy"/>'
NO_FENCING = (
    '<cluster_property_set id="cib-bootstrap-options">'
    '<nvpair id="f" name="stonith-enabled" value="false"/>{}</cluster_property_set>'
)


def cib(resources: str = "", constraints: str = "", *, properties: str = "", more: str = "") -> Cib:
    return Cib.parse(
        f"<cib><configuration><crm_config>{NO_FENCING.format(properties)}</crm_config>"
        '<nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>'
        f"<resources>{resources}</resources><constraints>{constraints}</constraints>{more}"
        "</configuration></cib>"
    )


@dataclass
class Agents:
    """Two agents, and one that is known by its name only."""

    known: dict[str, AgentMetadata] = field(
        default_factory=lambda: {
            "IPaddr2": AgentMetadata(
                name="IPaddr2",
                parameters=(
                    Parameter(name="ip", required=True, unique_group="ip"),
                    Parameter(name="cidr_netmask"),
                    Parameter(name="mask", deprecated=True, replaced_with=("cidr_netmask",)),
                    Parameter(name="mode", type="select", values=("a", "b")),
                ),
                actions=(
                    AgentAction(name="start", timeout="20s"),
                    AgentAction(name="stop", timeout="20s"),
                    AgentAction(name="monitor", timeout="20s", interval="10s"),
                ),
            ),
            "Dummy": AgentMetadata(name="Dummy", actions=(AgentAction(name="monitor"),)),
        }
    )

    def agent_facts(self, standard: str, provider: str, agent_type: str) -> AgentMetadata | None:
        return self.known.get(agent_type)

    def agent_problem(
        self, standard: str, provider: str, agent_type: str
    ) -> tuple[str, str | None] | None:
        if agent_type in self.known or agent_type == "Secret":
            return None
        return f"there is no agent {standard}:{provider}:{agent_type}", "did you mean IPaddr2?"


def only(findings: tuple[Finding, ...]) -> Finding:
    assert len(findings) == 1, [str(finding) for finding in findings]
    return findings[0]


# ---- references --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "element", "message", "word"),
    [
        (cib(DUMMY.format("a") * 2), "a", "the id a is given more than once", "a"),
        (
            cib(DUMMY.format("web"), '<rsc_colocation id="c" rsc="web" with-rsc="webb"/>'),
            "c",
            "there is no resource webb",
            "webb",
        ),
        (cib('<primitive id="p" template="t"/>'), "p", "there is no template t", "t"),
        (
            cib(DUMMY.format("a"), '<rsc_order id="o"><resource_set id="s">'
                '<resource_ref id="x"/></resource_set></rsc_order>'),
            "o",
            "there is no resource x",
            "x",
        ),
        (
            cib('<primitive id="p" class="ocf" type="x"><meta_attributes id-ref="m"/></primitive>'),
            "p",
            "it refers to m, which does not exist",
            "m",
        ),
        (
            cib('<primitive id="p" class="ocf" type="x"><meta_attributes id-ref="p"/></primitive>'),
            "p",
            "p is no meta_attributes but a primitive",
            "p",
        ),
        (cib('<group id="g"/>'), "g", "a group needs a resource in it", ""),
        (
            cib(f'<clone id="c"><clone id="d">{DUMMY.format("a")}</clone></clone>'),
            "c",
            "a clone cannot hold a clone (d)",
            "d",
        ),
        (cib(DUMMY.format("1a")), "1a", "“1a” cannot be an id", "1a"),
        (
            cib(more='<acls><acl_target id="joe"><role id="boss"/></acl_target></acls>'),
            "joe",
            "there is no role boss",
            "boss",
        ),
    ],
)  # fmt: skip
def test_what_no_cib_may_have_is_an_error(
    document: Cib, element: str, message: str, word: str
) -> None:
    finding = only(integrity(document))
    assert (finding.element, finding.message, finding.word) == (element, message, word)
    assert finding.is_error


def test_a_near_name_is_offered_and_few_names_are_listed() -> None:
    near = cib(DUMMY.format("website"), '<rsc_location id="l" rsc="website2" node="n1" score="1"/>')
    assert only(check(near)).hint == "did you mean website?"
    far = cib(DUMMY.format("website"), '<rsc_location id="l" rsc="x" node="n1" score="1"/>')
    assert only(check(far)).hint == "there is: website"


@pytest.mark.parametrize(
    ("document", "element", "message"),
    [
        (
            cib(DUMMY.format("a"), '<rsc_location id="l" rsc="a" node="n3" score="1"/>'),
            "l",
            "there is no node n3",
        ),
        (
            cib(
                f'<group id="g">{DUMMY.format("a")}</group>',
                '<rsc_location id="l" rsc="a" node="n1" score="1"/>',
            ),
            "l",
            "a is in the group g",
        ),
        (
            cib(
                DUMMY.format("a"),
                more='<fencing-topology><fencing-level id="l" index="1" target="n1" devices="a"/>'
                "</fencing-topology>",
            ),
            "fencing_topology",
            "a is not a fence device",
        ),
        (cib(more='<tags><tag id="t"><obj_ref id="x"/></tag></tags>'), "t", "there is no x"),
        (
            cib('<bundle id="b"/>', '<rsc_location id="l" rsc-pattern="(" node="n1" score="1"/>'),
            "l",
            "“(” is no regular expression: missing ), unterminated subpattern at position 0",
        ),
    ],
)
def test_what_may_be_meant_is_a_warning(document: Cib, element: str, message: str) -> None:
    finding = only(check(document))
    assert (finding.element, finding.message) == (element, message)
    assert not finding.is_error


def test_guests_and_replicas_of_bundles_are_nodes() -> None:
    guest = (
        '<primitive id="vm" class="ocf" type="x"><meta_attributes id="m">'
        '<nvpair id="n" name="remote-node" value="guest1"/></meta_attributes></primitive>'
    )
    location = '<rsc_location id="l" rsc="vm" node="{}" score="1"/>'
    for name in ("guest1", "GUEST1"):
        assert check(cib(guest, location.format(name))) == ()


# ---- values ------------------------------------------------------------------------------------


def takes(amount: str) -> str:
    """A primitive that takes so much of a node."""
    return (
        '<primitive id="p" class="ocf" type="x"><utilization id="u">'
        f'<nvpair id="n" name="cpu" value="{amount}"/></utilization></primitive>'
    )


@pytest.mark.parametrize(
    ("document", "element", "message", "severity"),
    [
        (
            cib(properties='<nvpair id="x" name="no-quorum-polcy" value="stop"/>'),
            "cib-bootstrap-options",
            "there is no property no-quorum-polcy: it is stored, but means nothing to the cluster",
            "warning",
        ),
        (
            cib(properties='<nvpair id="x" name="no-quorum-policy" value="maybe"/>'),
            "cib-bootstrap-options",
            "no-quorum-policy: “maybe” is not one of"
            " stop, freeze, ignore, demote, fence, suicide",
            "error",
        ),
        (
            cib(properties='<nvpair id="x" name="dc-deadtime" value="banana"/>'),
            "cib-bootstrap-options",
            "dc-deadtime: “banana” is not a length of time (30s, 5min, 2h …)",
            "error",
        ),
        (
            cib(DUMMY.format("a"), '<rsc_location id="l" rsc="a" node="n1" score="much"/>'),
            "l",
            "“much” is not a score",
            "error",
        ),
        (
            cib(DUMMY.format("a") + DUMMY.format("b"),
                '<rsc_order id="o" first="a" then="b" first-action="sing"/>'),
            "o",
            "“sing” is no action that can be ordered",
            "error",
        ),
        (
            cib(DUMMY.format("a"), '<rsc_location id="l" rsc="a"><rule id="r" score="1"/>'
                "</rsc_location>"),
            "l",
            "its rule r: it has no expression",
            "error",
        ),
        (
            cib('<primitive id="p" class="ocf" type="x"><meta_attributes id="m">'
                '<nvpair id="n" name="target-rol" value="Started"/></meta_attributes></primitive>'),
            "p",
            "there is no meta attribute target-rol: it is stored, but means nothing to the cluster",
            "warning",
        ),
        (
            cib('<primitive id="p" class="ocf" type="x"><operations>'
                '<op id="o" name="monitor" interval="ten"/></operations></primitive>'),
            "p",
            "op monitor: interval: “ten” is not a length of time (30s, 5min, 2h …)",
            "error",
        ),
        (
            cib('<primitive id="p" class="ocf" type="x"><operations>'
                '<op id="o" name="monitor" interval="10s" timeout="-1"/></operations></primitive>'),
            "p",
            "op monitor: timeout: “-1” is less than nothing, and does not count",
            "warning",
        ),
        (
            cib('<clone id="c"><instance_attributes id="ia"><nvpair id="n" name="other"/>'
                f'</instance_attributes>{DUMMY.format("a")}</clone>'),
            "c",
            "“other” counts as a parameter without a value, not as a resource in it",
            "warning",
        ),
        (
            cib(takes("four")),
            "p",
            "utilization cpu: “four” is not a whole number",
            "error",
        ),
        (
            cib(takes("3.5")),
            "p",
            "utilization cpu: “3.5” is not a whole number: 3 counts",
            "warning",
        ),
    ],
)  # fmt: skip
def test_values(document: Cib, element: str, message: str, severity: str) -> None:
    finding = only(check(document))
    assert (finding.element, finding.message) == (element, message)
    assert finding.severity.value == severity


def attributes(*pairs: tuple[str, str]) -> str:
    """A set of attributes, in which names may repeat."""
    inside = "".join(
        f'<nvpair id="a{n}" name="{k}" value="{v}"/>' for n, (k, v) in enumerate(pairs)
    )
    return f'<instance_attributes id="as">{inside}</instance_attributes>'


def node(inside: str, resources: str = "", constraints: str = "") -> Cib:
    """A configuration with one node, which has a number for an id."""
    return Cib.parse(
        f"<cib><configuration><crm_config>{NO_FENCING.format('')}</crm_config>"
        f'<nodes><node id="1" uname="alice">{inside}</node></nodes>'
        f"<resources>{resources}</resources><constraints>{constraints}</constraints>"
        "</configuration></cib>"
    )


def test_a_node_is_told_of_by_its_name() -> None:
    many = '<utilization id="u"><nvpair id="n" name="cpu" value="many"/></utilization>'
    finding = only(check(node(many)))
    assert str(finding) == "alice: utilization cpu: “many” is not a whole number"
    assert finding.element == "1"


def test_a_name_that_is_given_twice_is_told_with_what_counts() -> None:
    twice = attributes(("fake", "1"), ("state", "x"), ("fake", "2"))
    inside = f'<primitive id="d" class="ocf" provider="pacemaker" type="Dummy">{twice}</primitive>'
    finding = only(check(cib(inside)))
    assert str(finding) == "d: fake is given more than once: the first counts, fake=1"
    assert (finding.severity.value, finding.word) == ("warning", "fake=2")
    assert finding.hint == "take out the others: configure edit d"


@pytest.mark.parametrize(
    ("name", "value", "counts"),
    [
        ("standby", "maybe", "standby: “maybe” is neither true nor false, and counts as false"),
        ("maintenance", "7", "maintenance: “7” is neither true nor false, and counts as false"),
        ("standby", "On", ""),
        ("#health-disk", "yelow",
         "#health-disk: “yelow” is neither red, yellow or green nor a score, and counts as 0"),
        ("#health-disk", "RED", ""),
        ("#health-disk", "-100", ""),
        ("rack", "maybe", ""),
    ],
)  # fmt: skip
def test_a_switch_of_a_node_that_is_set_to_nothing_known_is_told(
    name: str, value: str, counts: str
) -> None:
    found = check(node(attributes((name, value))))
    assert [f.message for f in found] == ([counts] if counts else [])


@pytest.mark.parametrize(
    ("expression", "message", "hint"),
    [
        ('<expression id="e" attribute="uname" operation="eq" value="alice"/>',
         "its rule asks for the attribute uname, which no node has", "did you mean #uname?"),
        ('<expression id="e" attribute="#unmae" operation="eq" value="alice"/>',
         "its rule asks for the attribute #unmae, which no node has", "did you mean #uname?"),
        ('<expression id="e" attribute="kind" operation="eq" value="remote"/>',
         "its rule asks for the attribute kind, which no node has", "did you mean #kind?"),
        ('<expression id="e" attribute="pingd" operation="lt" type="integer" value="abc"/>',
         "its rule: “abc” is no whole number, it is compared as text", None),
        ('<date_expression id="e" operation="date_spec"><date_spec id="s" hours="25"/>'
         "</date_expression>",
         "its rule never passes: hours=25, but hours go from 0 to 23", None),
        ('<date_expression id="e" operation="date_spec"><date_spec id="s" weekdays="5-8"/>'
         "</date_expression>", "its rule: weekdays=5-8, but weekdays go from 1 to 7", None),
        ('<date_expression id="e" operation="date_spec"><date_spec id="s" hours="22-6"/>'
         "</date_expression>", "its rule never passes: hours=22-6 runs backwards",
         "two of them, joined by or: hours=22-23, hours=0-6"),
        ('<date_expression id="e" operation="in_range" start="2026-02-01" end="2026-01-01"/>',
         "its rule never passes: the end 2026-01-01 is before the start 2026-02-01",
         "start=2026-01-01 end=2026-02-01"),
    ],
)  # fmt: skip
def test_a_rule_that_can_hardly_be_meant_is_told(
    expression: str, message: str, hint: str | None
) -> None:
    rule = f'<rsc_location id="l" rsc="a"><rule id="r" score="1">{expression}</rule></rsc_location>'
    finding = only(check(node("", DUMMY.format("a"), rule)))
    assert (finding.message, finding.hint) == (message, hint)
    assert finding.severity.value == "warning"


@pytest.mark.parametrize(
    "expression",
    [
        '<expression id="e" attribute="#uname" operation="eq" value="alice"/>',
        '<expression id="e" attribute="#health-disk" operation="eq" value="red"/>',
        '<expression id="e" attribute="kind" operation="eq" value="big"/>',
        '<date_expression id="e" operation="date_spec">'
        '<date_spec id="s" hours="9-16" weekdays="1-5" years="2030-"/></date_expression>',
    ],
)
def test_a_rule_that_is_meant_so_is_not_told(expression: str) -> None:
    rule = f'<rsc_location id="l" rsc="a"><rule id="r" score="1">{expression}</rule></rsc_location>'
    assert check(node(attributes(("kind", "big")), DUMMY.format("a"), rule)) == ()


@pytest.mark.parametrize(
    "constraint",
    [
        '<rsc_colocation id="k" score="1" rsc="a" with-rsc="c" with-rsc-role="Promoted"/>',
        '<rsc_order id="k" first="c" first-action="promote" then="a" then-action="start"/>',
        '<rsc_location id="k" rsc="c"><rule id="r" role="Master" score="1">'
        '<expression id="e" attribute="#uname" operation="eq" value="n1"/></rule></rsc_location>',
        '<rsc_order id="k"><resource_set id="s" action="promote"><resource_ref id="c"/>'
        "</resource_set></rsc_order>",
    ],
)
@pytest.mark.parametrize("promotable", ["true", "false", None])
def test_what_never_is_promoted_is_told_where_something_waits_for_it(
    constraint: str, promotable: str | None
) -> None:
    meta = f'<nvpair id="p" name="promotable" value="{promotable}"/>' if promotable else ""
    clone = f'<clone id="c"><meta_attributes id="m">{meta}</meta_attributes>{DUMMY.format("i")}'
    found = check(cib(f"{DUMMY.format('a')}{clone}</clone>", constraint))
    if promotable == "true":
        assert found == ()
        return
    finding = only(found)
    assert str(finding) == "k: c is never promoted"
    assert finding.hint == "crm resource meta c set promotable true"


def test_what_cannot_be_read_in_a_rule_is_its_word() -> None:
    when = '<date_expression id="e" operation="gt" start="2020-99-99"/>'
    rule = f'<rsc_location id="l" rsc="a"><rule id="r" score="1">{when}</rule></rsc_location>'
    assert only(check(node("", DUMMY.format("a"), rule))).word == "2020-99-99"


def test_two_monitors_need_two_intervals() -> None:
    ops = "".join(
        f'<op id="o{n}" name="monitor" interval="{i}"/>' for n, i in enumerate(("60s", "1min"))
    )
    findings = check(
        cib(f'<primitive id="p" class="ocf" type="x"><operations>{ops}</operations></primitive>')
    )
    assert "two monitor operations" in only(findings).message


# ---- agents ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inside", "message", "severity"),
    [
        ("", "the parameter ip is required", "error"),
        (
            ADDRESS.format('<nvpair id="x" name="cidr_netmsk" value="24"/>'),
            "ocf:heartbeat:IPaddr2 has no parameter cidr_netmsk",
            "error",
        ),
        (
            ADDRESS.format('<nvpair id="x" name="mask" value="24"/>'),
            "the parameter mask is deprecated",
            "warning",
        ),
        (
            ADDRESS.format('<nvpair id="x" name="mode" value="c"/>'),
            "mode: “c” is not one of a, b",
            "error",
        ),
        (
            ADDRESS.format("")
            + '<operations><op id="o" name="monitr" interval="1s"/></operations>',
            "its agent has no operation monitr",
            "error",
        ),
        (
            ADDRESS.format("")
            + '<operations><op id="o" name="monitor" interval="1s" timeout="5s"/></operations>',
            "the timeout 5s of monitor is shorter than the 20s that its agent advises",
            "warning",
        ),
        (
            ADDRESS.format("")
            + '<operations><op id="o" name="monitor" interval="1s" timeout="30s">'
            '<instance_attributes id="oi"><nvpair id="n" name="on-fial" value="fence"/>'
            '<nvpair id="l" name="OCF_CHECK_LEVEL" value="10"/></instance_attributes>'
            "</op></operations>",
            "on-fial of monitor is no attribute of operations, and no parameter of its agent",
            "warning",
        ),
    ],
)
def test_a_resource_against_its_agent(inside: str, message: str, severity: str) -> None:
    finding = only(check(cib(IP.format(inside)), agents=Agents()))
    assert (finding.element, finding.message) == ("ip", message)
    assert finding.severity.value == severity


def test_a_sound_resource_gives_no_finding() -> None:
    inside = ADDRESS.format('<nvpair id="t" name="trace_ra" value="1"/>')
    assert check(cib(IP.format(inside)), agents=Agents()) == ()


def test_a_default_timeout_that_is_too_short_is_told() -> None:
    defaults = (
        '<op_defaults><meta_attributes id="op-options">'
        '<nvpair id="t" name="timeout" value="10s"/></meta_attributes></op_defaults>'
    )
    findings = check(cib(IP.format(ADDRESS.format("")), more=defaults), agents=Agents())
    assert [finding.message for finding in findings] == [
        "the default timeout 10s for start is shorter than the 20s that its agent advises",
        "the default timeout 10s for stop is shorter than the 20s that its agent advises",
    ]


def test_an_unknown_agent_is_an_error_and_one_without_metadata_a_warning() -> None:
    unknown = '<primitive id="p" class="ocf" provider="heartbeat" type="IPadr2"/>'
    finding = only(check(cib(unknown), agents=Agents()))
    assert finding.is_error
    assert finding.word == "ocf:heartbeat:IPadr2"
    assert finding.hint == "did you mean IPaddr2?"
    silent = '<primitive id="p" class="ocf" provider="x" type="Secret"/>'
    assert not only(check(cib(silent), agents=Agents())).is_error


def test_parameters_of_a_template_count() -> None:
    template = (
        IP.format(ADDRESS.format("")).replace("primitive", "template").replace('"ip"', '"t"', 1)
    )
    assert check(cib(template + '<primitive id="p" template="t"/>'), agents=Agents()) == ()


def test_two_resources_with_one_address_clash() -> None:
    first = IP.format(ADDRESS.format(""))
    second = (
        first.replace('id="ip"', 'id="ip2"').replace('id="i', 'id="j').replace('"jp2"', '"ip2"')
    )
    finding = only(check(cib(first + second), agents=Agents()))
    assert str(finding) == "ip2: ip has ip=10.0.0.1 too"
    assert check(cib(first + second), agents=Agents(), only={"elsewhere"}) == ()


def test_only_some_objects_are_looked_at_but_references_always() -> None:
    document = cib(
        IP.format("") + DUMMY.format("d"), '<rsc_location id="l" rsc="x" node="n1" score="1"/>'
    )
    assert [f.element for f in check(document, agents=Agents(), only={"d"})] == ["l"]
    assert {f.element for f in check(document, agents=Agents())} == {"l", "ip"}


# ---- fencing -----------------------------------------------------------------------------------


def test_fencing_without_a_device_is_told_but_never_in_the_way() -> None:
    document = cib(DUMMY.format("d"))
    enabled = Cib.parse(document.to_xml().replace('value="false"', 'value="true"'))
    finding = only(check(enabled))
    assert not finding.is_error
    assert "there is no fence device" in finding.message
    device = cib(DUMMY.format("d") + '<primitive id="fence" class="stonith" type="lab"/>')
    assert check(Cib.parse(device.to_xml().replace('value="false"', 'value="true"'))) == ()


def test_errors_come_first() -> None:
    document = cib(
        DUMMY.format("a") * 2, properties='<nvpair id="x" name="no-such-thing" value="1"/>'
    )
    assert [finding.is_error for finding in check(document)] == [True, False]


# ---- public inputs -----------------------------------------------------------------------------

INPUTS = Path(__file__).parents[3] / "shared" / "conformance" / "scheduler" / "xml"
WRONG_ON_PURPOSE = {"intervals.xml", "order-wrong-kind.xml", "colocation-influence.xml"}


def test_public_inputs_have_no_errors_but_those_made_on_purpose() -> None:
    if not INPUTS.is_dir():
        pytest.skip(f"{INPUTS} is not there")
    found = {
        path.name
        for path in sorted(INPUTS.glob("*.xml"))
        if any(finding.is_error for finding in check(Cib.parse(path.read_bytes())))
    }
    assert found == WRONG_ON_PURPOSE
