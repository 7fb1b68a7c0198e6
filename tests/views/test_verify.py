"""crm_verify's texts: the tutorial's four lines, and silence where all is well."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tools.fakes import FakeCluster

from crmsh_py.cib.document import Cib
from crmsh_py.cib.xml import parse
from crmsh_py.scheduler.plan import plan
from crmsh_py.scheduler.result import Message
from crmsh_py.tools import crm_verify
from crmsh_py.views import deprecations, verify

NO_FENCING = [
    Message(level="error", where="unpack_resources", text=text)
    for text in (
        "Resource start-up disabled since no STONITH resources have been defined",
        "Either configure some or disable STONITH with the stonith-enabled option",
        "NOTE: Clusters with shared data need STONITH to ensure data integrity",
    )
]


IN_ONE_PIECE = [
    Message(
        level="error",
        where="unpack_resources",
        text="Resource start-up disabled since no fencing resources have been defined. Either "
        "configure some or disable fencing with the fencing-enabled option. NOTE: Clusters with "
        "shared data need fencing to ensure data integrity.",
    )
]


@pytest.mark.parametrize("messages", [NO_FENCING, IN_ONE_PIECE])
def test_missing_fencing_gives_the_tutorials_four_lines(messages: list[Message]) -> None:
    assert verify.classic(messages, verbose=1) == (
        "   error: unpack_resources:     "
        "Resource start-up disabled since no STONITH resources have been defined\n"
        "   error: unpack_resources:     "
        "Either configure some or disable STONITH with the stonith-enabled option\n"
        "   error: unpack_resources:     "
        "NOTE: Clusters with shared data need STONITH to ensure data integrity\n"
        "Errors found during check: config not valid\n"
    )


def test_without_v_only_the_verdict_is_said() -> None:
    assert verify.classic(NO_FENCING, verbose=0) == (
        "Errors found during check: config not valid\n  -V may provide more details\n"
    )


def test_a_good_configuration_is_silent() -> None:
    assert verify.classic([], verbose=1) == ""
    assert verify.modern([], verbose=1) == ""


WARNING = Message(level="warning", where="unpack_config", text="something is old")


def test_the_modern_layout_has_its_own_words() -> None:
    assert verify.modern(IN_ONE_PIECE, verbose=1).splitlines()[1:] == [
        "error: CIB did not pass schema validation",
        "Configuration invalid",
    ]
    assert verify.modern([WARNING], verbose=1) == (
        "warning: something is old\nConfiguration may need attention\n"
    )
    assert verify.modern([WARNING], verbose=0) == (
        "Configuration may need attention (-V may provide more detail)\n"
    )
    assert verify.modern([], verbose=1, valid=False) == (
        "error: CIB did not pass schema validation\nConfiguration invalid\n"
    )


def test_any_finding_is_exit_code_78() -> None:
    assert verify.exit_code([]) == 0
    assert verify.exit_code([WARNING]) == 78
    assert verify.exit_code(NO_FENCING) == 78
    assert verify.exit_code([], valid=False) == 78


def test_what_happens_in_the_cluster_is_no_finding() -> None:
    events = [
        Message(level="warning", where="pe_fence_node", text="Cluster node a will be fenced"),
        Message(level="warning", where="stage6", text="Scheduling node a for fencing"),
        Message(level="error", where="block_if_unrecoverable", text="No further recovery"),
    ]
    assert verify.exit_code(events) == 0
    assert verify.classic(events, verbose=1) == ""
    assert verify.modern(events, verbose=1) == (
        "(block_if_unrecoverable) \terror: No further recovery\n"
    )


def test_deprecated_things_are_told_once_each() -> None:
    cib = Cib.parse("""<cib validate-with="pacemaker-3.9" admin_epoch="0" epoch="1" num_updates="0">
     <configuration><crm_config><cluster_property_set id="o">
      <nvpair id="o1" name="concurrent-fencing" value="false"/></cluster_property_set></crm_config>
     <nodes/><resources><group id="g"><meta_attributes id="m">
      <nvpair id="m1" name="ordered" value="false"/></meta_attributes></group></resources>
     <constraints>
      <rsc_order id="a" first="x" then="y" require-all="false"/>
      <rsc_order id="b" first="x" then="z" require-all="false"/>
      <rsc_location id="l" rsc="x" role="Master" node="n" score="1"/>
     </constraints></configuration><status/></cib>""")
    texts = [message.text for message in deprecations.find(cib)]
    assert [text.split(" is deprecated")[0] for text in texts] == [
        "Support for the concurrent-fencing cluster property",
        "Support for the 'ordered' group meta-attribute",
        "Support for require-all in ordering constraints",
        "Support for the Master role",
    ]


def test_deprecated_values_are_told_where_they_are_read() -> None:
    cib = Cib.parse("""<cib validate-with="pacemaker-3.9" admin_epoch="0" epoch="1" num_updates="0">
     <configuration><crm_config/><nodes/><resources>
      <primitive id="x" class="ocf" provider="pacemaker" type="Dummy"><meta_attributes id="m">
       <nvpair id="m1" name="target-role" value="#default"/></meta_attributes></primitive>
     </resources><constraints/></configuration><status/></cib>""")
    texts = [message.text for message in plan(cib, now=datetime(2026, 1, 1, tzinfo=UTC)).messages]
    assert [text for text in texts if "explicit value '#default' is deprecated" in text] == [
        "Support for setting meta-attributes (such as target-role) to the explicit value "
        "'#default' is deprecated and will be removed in a future release"
    ]


def of(resource: str, constraint: str = "", schema: str = "pacemaker-3.9") -> FakeCluster:
    return FakeCluster(
        Cib.parse(f"""<cib validate-with="{schema}" admin_epoch="0" epoch="1" num_updates="0">
     <configuration><crm_config><cluster_property_set id="o">
      <nvpair id="o1" name="stonith-enabled" value="false"/></cluster_property_set></crm_config>
     <nodes><node id="1" uname="x"/></nodes><resources>
      <primitive id="x" class="ocf" provider="pacemaker" type="Dummy">{resource}</primitive>
     </resources><constraints>{constraint}</constraints></configuration><status/></cib>""")
    )


@pytest.mark.parametrize(
    ("resource", "constraint", "told"),
    [
        ('<meta_attributes id="o1"/>', "", "the id o1 is given more than once"),
        ("", '<rsc_location id="x" rsc="x" node="x" score="1"/>', "the id x is given more"),
        ('<meta_attributes id-ref="m"/>', "", "<meta_attributes> refers to m, which does not"),
        ("", '<rsc_location id="l" rsc="x"><rule id-ref="r"/></rsc_location>', "refers to r"),
    ],
)
def test_an_id_is_given_once_and_what_refers_to_it_leads_somewhere(
    resource: str, constraint: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """As Pacemaker's validation has it; its grammar cannot say this."""
    assert crm_verify.main(["-L", "-V"], door=of(resource, constraint)) == 78
    assert told in capsys.readouterr().err
    assert crm_verify.main(["-L", "--layout", "modern"], door=of(resource, constraint)) == 78
    assert "Configuration invalid" in capsys.readouterr().err


def test_what_may_be_called_as_something_else_is_valid() -> None:
    """Nodes and access users have names, not ids; and a document may ask not to be looked at."""
    assert crm_verify.main(["-L"], door=of('<meta_attributes id="m"/>')) == 0
    assert crm_verify.main(["-L"], door=of('<meta_attributes id="1"/>', schema="none")) == 0


def test_an_entry_of_the_history_is_no_part_of_the_configuration() -> None:
    cluster = of("")
    history = """<status><node_state id="1" uname="x" in_ccm="true" crmd="online" join="member"
     expected="member"><lrm id="1"><lrm_resources>
      <lrm_resource id="x" class="ocf" provider="pacemaker" type="Dummy">
       <lrm_rsc_op id="x_last_0" operation_key="x_start_0" operation="start" call-id="1"
        interval="0" rc-code="{rc}" op-status="{status}" transition-key="1:1:0:a"/>
      </lrm_resource></lrm_resources></lrm></node_state></status>"""
    for rc, status in (("0", "x"), ("-3", "0")):
        cluster.cib = cluster.cib.with_status(parse(history.format(rc=rc, status=status)))
        texts = [m.text for m in plan(cluster.cib, now=datetime(2026, 1, 1, tzinfo=UTC)).messages]
        assert any("with invalid" in text for text in texts)
        assert crm_verify.main(["-L", "-V"], door=cluster) == 0
