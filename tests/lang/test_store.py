"""Elements in a document: ids, merging, members, loading."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from crmsh_py.agents.metadata import AgentMetadata, parse_metadata
from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.xml import parse, to_xml
from crmsh_py.errors import ConfigError, CrmError, NotFound
from crmsh_py.lang import apply, load, logical_lines, parse_element, show

STATEFUL = """<resource-agent name="Stateful"><version>1</version><parameters/>
<actions><action name="start" timeout="20s"/><action name="promote" timeout="10s"/>
<action name="demote" timeout="10s"/><action name="monitor" timeout="20s" interval="7s"/></actions>
</resource-agent>"""


@dataclass
class FewAgents:
    """A catalogue that knows one agent of the provider pacemaker, and says so."""

    def resolve(self, name: str | AgentSpec) -> AgentSpec:
        if str(name) == "Stateful":
            return AgentSpec("ocf", "pacemaker", "Stateful")
        raise NotFound(f"there is no agent {name}")

    def find(self, spec: AgentSpec) -> AgentMetadata | None:
        if spec == AgentSpec("ocf", "pacemaker", "Stateful"):
            return parse_metadata(STATEFUL.encode(), name="Stateful", origin="test")
        return None


def typed(*lines: str, cib: Cib | None = None) -> Cib:
    """A document with these lines typed one after the other."""
    cib = cib or Cib.new()
    for line in lines:
        (logical,) = logical_lines(line)
        cib = apply(cib, parse_element(line), typed=True, catalogue=FewAgents(), line=logical)
    return cib


def loaded(text: str, cib: Cib | None = None, how: str = "update") -> Cib:
    return load(cib or Cib.new(), text, how=how, origin="test.crm", catalogue=FewAgents())


def xml_of(cib: Cib, name: str) -> str:
    element = cib.find_id(name)
    assert element is not None
    return to_xml(element).strip()


def refusal(*lines: str, cib: Cib | None = None) -> str:
    with pytest.raises(CrmError) as caught:
        typed(*lines, cib=cib)
    return caught.value.format_message()


# ---- ids and what is added -----------------------------------------------------------------------


def test_the_tutorials_primitive_is_written_as_crmsh_writes_it() -> None:
    cib = typed(
        "primitive WebSite apache params configfile=/etc/apache2/apache2.conf "
        "op monitor interval=1min"
    )
    assert xml_of(cib, "WebSite") == (
        """<primitive id="WebSite" class="ocf" provider="heartbeat" type="apache">
  <instance_attributes id="WebSite-instance_attributes">
    <nvpair name="configfile" value="/etc/apache2/apache2.conf" """
        """id="WebSite-instance_attributes-configfile"/>
  </instance_attributes>
  <operations>
    <op name="monitor" interval="1min" id="WebSite-monitor-1min"/>
  </operations>
</primitive>"""
    )


def test_a_taken_id_gets_a_number() -> None:
    cib = typed("primitive p Dummy params 2: a=1 params 1: a=2", "primitive p-monitor-10s Dummy",
                "monitor p 10s")  # fmt: skip
    ids = cib.ids()
    assert {"p-instance_attributes", "p-instance_attributes-0", "p-monitor-10s-0"} <= ids


def test_typed_operations_get_units_and_loaded_ones_do_not() -> None:
    line = "primitive p ocf:pacemaker:Dummy op monitor interval=10 timeout=20 op start timeout=5"
    assert "op monitor interval=10s timeout=20s" in show(typed(line))
    assert "op start interval=0s timeout=5s" in show(typed(line))
    assert "op monitor interval=10 timeout=20" in show(loaded(line))
    assert "op start interval=0s timeout=5" in show(loaded(line))


def test_a_monitor_without_an_interval_gets_the_advised_one() -> None:
    cib = typed("primitive p Stateful op monitor", "primitive q ocf:pacemaker:Dummy op monitor")
    assert "primitive p ocf:pacemaker:Stateful \\\n\top monitor interval=7s" in show(cib)
    assert "primitive q ocf:pacemaker:Dummy \\\n\top monitor interval=10s" in show(cib)


def test_typed_clones_are_interleaved_and_promotable_where_the_agent_is() -> None:
    cib = typed(
        *(f"primitive {name} Stateful" for name in "pr"),
        "primitive q Dummy",
        "group g r",
        "clone cp p",
        "clone cq q meta interleave=false",
        "clone cg g",
    )
    text = show(cib)
    assert "clone cp p \\\n\tmeta promotable=true interleave=true" in text
    assert "clone cq q \\\n\tmeta interleave=false\n" in text
    assert "clone cg g \\\n\tmeta promotable=true interleave=true" in text
    assert "meta" not in show(loaded("primitive p Stateful\nclone cp p"))


def test_ms_is_a_promotable_clone() -> None:
    text = show(loaded("primitive p Stateful\nms m p meta clone-max=2"))
    assert "clone m p \\\n\tmeta promotable=true clone-max=2" in text


def test_roles_are_those_of_the_schema() -> None:
    line = "location l p role=Master 10: n1"
    new = typed("primitive p Dummy op monitor interval=1s role=Slave", line)
    assert 'role="Promoted"' in xml_of(new, "l")
    assert 'role="Unpromoted"' in xml_of(new, "p")
    old = Cib.new().with_attributes({"validate-with": "pacemaker-2.10"})
    assert 'role="Master"' in xml_of(typed("location l p role=Promoted 10: n1", cib=old), "l")


@pytest.mark.parametrize(
    ("line", "xml"),
    [
        (
            "colocation c inf: a b:Promoted",
            '<rsc_colocation id="c" score="INFINITY" rsc="a" with-rsc="b" '
            'with-rsc-role="Promoted"/>',
        ),
        (
            "order c mandatory: a:promote b:start",
            '<rsc_order id="c" kind="Mandatory" first="a" first-action="promote" then="b" '
            'then-action="start"/>',
        ),
        (
            "location c a advisory: n1",
            '<rsc_location id="c" rsc="a" score="0" node="n1"/>',
        ),
        (
            "location c a rule date lt 2030",
            """<rsc_location id="c" rsc="a">
  <rule score="INFINITY" id="c-rule">
    <date_expression operation="lt" end="2030" id="c-rule-expression"/>
  </rule>
</rsc_location>""",
        ),
        (
            "order c ( a b ) [ d e ]",
            """<rsc_order id="c">
  <resource_set id="c-0" sequential="false">
    <resource_ref id="a"/>
    <resource_ref id="b"/>
  </resource_set>
  <resource_set id="c-1" sequential="false" require-all="false">
    <resource_ref id="d"/>
    <resource_ref id="e"/>
  </resource_set>
</rsc_order>""",
        ),
        (
            "alert c /x select attributes { a } to y meta timeout=1s",
            """<alert id="c" path="/x">
  <select>
    <select_attributes>
      <attribute name="a" id="c-0"/>
    </select_attributes>
  </select>
  <recipient id="c-recipient-1" value="y">
    <meta_attributes id="c-recipient-1-meta_attributes">
      <nvpair name="timeout" value="1s" id="c-recipient-1-meta_attributes-timeout"/>
    </meta_attributes>
  </recipient>
</alert>""",
        ),
        (
            "role c read xpath:/cib deny cib",
            """<acl_role id="c">
  <acl_permission id="c-0" kind="read" xpath="/cib"/>
  <acl_permission id="c-1" kind="deny" xpath="/cib"/>
</acl_role>""",
        ),
    ],
)
def test_elements_as_xml(line: str, xml: str) -> None:
    assert xml_of(typed(line), "c") == xml


def test_fencing_levels_without_a_target_are_for_every_node() -> None:
    cib = loaded("fencing_topology s1 s2,s3\nnode n1\nnode n2")
    levels = cib.section("fencing-topology").children
    assert [(e.get("target"), e.get("index"), e.get("devices"), e.id) for e in levels] == [
        ("n1", "1", "s1", "fencing"),
        ("n1", "2", "s2,s3", "fencing-0"),
        ("n2", "1", "s1", "fencing-1"),
        ("n2", "2", "s2,s3", "fencing-2"),
    ]
    assert "fencing_topology s1 s2,s3" in show(cib)


def test_a_fencing_topology_that_is_shown_as_xml_is_pushed_and_typed() -> None:
    """Without a first level the language has no words for it."""
    line = (
        'xml <fencing-topology><fencing-level target="n1" devices="s2" index="2" id="fencing-0"/>'
        "</fencing-topology>"
    )
    cib = typed("node n1", line)
    assert loaded(show(cib), cib, "push").configuration == cib.configuration
    assert "there is a fencing topology already" in refusal(line, cib=cib)
    assert "the id n1 is taken" in refusal(line.replace("fencing-0", "n1"), cib=typed("node n1"))


def test_values_in_the_document_are_plain_strings() -> None:
    """Words know the line that they are from; a document must not keep lines alive."""
    cib = typed("primitive p Dummy params $x:a=1 @y op monitor interval=1s role=Started",
                "location l p rule $id=q $role=Started a: #uname eq param{x}")  # fmt: skip
    for element in cib.configuration.iter():
        assert all(type(v) is str and type(n) is str for n, v in element.attrs.items())


# ---- merging -------------------------------------------------------------------------------------


def test_properties_are_merged_by_name() -> None:
    cib = typed("property a=1 b=2", "property b=3 c=4")
    assert show(cib, ("cib-bootstrap-options",)).endswith("\\\n\ta=1 \\\n\tb=3 \\\n\tc=4\n")
    assert "cib-bootstrap-options-c" in cib.ids()


SET = """<cib validate-with="pacemaker-3.9"><configuration><crm_config>
<cluster_property_set id="cib-bootstrap-options"><nvpair id="own" name="batch-limit" value="4"/>
<nvpair id="other" name="no-quorum-policy" value="stop"/></cluster_property_set>
</crm_config></configuration></cib>"""


def test_a_set_written_anew_has_what_the_text_says_and_keeps_ids() -> None:
    text = "property batch-limit=7\nproperty cib-bootstrap-options: cluster-delay=9s"
    cib = load(Cib.parse(SET), text, anew=["cib-bootstrap-options"])
    assert xml_of(cib, "cib-bootstrap-options") == (
        """<cluster_property_set id="cib-bootstrap-options">
  <nvpair name="batch-limit" value="7" id="own"/>
  <nvpair name="cluster-delay" value="9s" id="cib-bootstrap-options-cluster-delay"/>
</cluster_property_set>"""
    )
    assert load(Cib.parse(SET), text).properties()["no-quorum-policy"] == "stop"


def test_a_set_that_the_text_does_not_name_is_not_written_anew() -> None:
    cib = load(Cib.parse(SET), "rsc_defaults priority=1", anew=["cib-bootstrap-options"])
    assert cib.properties() == {"batch-limit": "4", "no-quorum-policy": "stop"}


def test_defaults_go_to_the_set_that_counts() -> None:
    """Beside the only set there is, a second one would be passed over."""
    cib = loaded("rsc_defaults old: resource-stickiness=0")
    cib = typed("rsc_defaults resource-stickiness=100", cib=cib)
    assert "rsc_defaults old: \\\n\tresource-stickiness=100\n" in show(cib)
    assert show(typed("rsc_defaults a=1")).endswith("rsc_defaults rsc-options: \\\n\ta=1\n")
    assert show(typed("op_defaults a=1")).endswith("op_defaults op-options: \\\n\ta=1\n")


def test_a_typed_node_keeps_what_it_has() -> None:
    cib = typed("node 7: n1 standby=on", "node n1 attributes standby=off x=1 utilization cpu=2")
    assert show(cib, ("n1",)) == (
        "node 7: n1 \\\n\tattributes standby=off x=1 \\\n\tutilization cpu=2\n"
    )


def test_a_loaded_node_is_what_the_text_says() -> None:
    cib = loaded("node 7: n1", typed("node 7: n1 standby=on"))
    assert show(cib, ("n1",)) == "node 7: n1\n"


def test_a_node_that_is_there_keeps_its_id() -> None:
    """A text may come from a cluster that numbers its nodes otherwise."""
    cib = loaded("node 1: n1\nnode 2: n2")
    for how in ("update", "replace", "push"):
        for text in ("node 7: n1\nnode 2: n2", "node 2: n1\nnode 1: n2"):
            assert loaded(text, cib, how).section("nodes") == cib.section("nodes")
    assert typed("node 2: n1", cib=cib).section("nodes") == cib.section("nodes")
    assert show(loaded("node 1: n3\nnode 2: n2", cib, "push"), ("type:node",)) == (
        "node 1: n3\nnode 2: n2\n"
    )
    with pytest.raises(ConfigError) as caught:
        loaded("node 1: n2\nnode 2: n3", cib)
    assert "test.crm:2: the id 2 is that of n2" in caught.value.format_message()


@pytest.mark.parametrize(
    "reference",
    ["property $id-ref=x", 'xml <cluster_property_set id-ref="x"><nvpair id-ref="a"/>'
     "</cluster_property_set>"],
)  # fmt: skip
def test_a_reference_to_a_property_set_is_there_once(reference: str) -> None:
    cib = loaded(f"property x: a=1\n{reference}")
    for how in ("update", "push"):
        assert loaded(show(cib), cib, how).configuration == cib.configuration
    assert len(loaded("property $id-ref=y", cib).section("crm_config").children) == 4
    assert len(loaded("property x: a=1", cib, "push").section("crm_config").children) == 1


def test_rules_are_added_once() -> None:
    line = "property x: rule #uname eq a p=1"
    cib = loaded(line, loaded(line))
    assert show(cib, ("x",)) == "property x: \\\n\trule #uname eq a \\\n\tp=1\n"


# ---- members -------------------------------------------------------------------------------------


def resources(cib: Cib) -> str:
    def shape(element: Element) -> str:
        inner = [shape(c) for c in element.findall("primitive", "group")]
        return f"{element.id}({' '.join(inner)})" if inner else element.id

    return " ".join(shape(c) for c in cib.section("resources").findall())


def test_members_move_into_their_group_and_out_again() -> None:
    cib = typed("primitive a Dummy", "primitive b Dummy", "primitive c Dummy", "group g c a")
    assert resources(cib) == "g(c a) b"
    cib = typed("clone k g", cib=cib)
    assert resources(cib) == "k(g(c a)) b"
    cib = loaded("group g b", cib)
    assert resources(cib) == "k(g(b)) c a"


@pytest.mark.parametrize(
    "other",
    [
        "group h a",
        'xml <group id="h"><primitive id="a" class="ocf" provider="x" type="T"/></group>',
    ],
)
def test_a_member_is_in_one_container_only(other: str) -> None:
    cib = loaded("primitive a ocf:x:T\nprimitive b ocf:x:T\ngroup g a b")
    text = f"primitive a ocf:x:T\nprimitive b ocf:x:T\n{other}"
    with pytest.raises(ConfigError) as caught:
        loaded(text, cib)
    assert "test.crm:3: a belongs to g already" in caught.value.format_message()
    assert resources(loaded(f"{text}\ngroup g b", cib)) in ("h(a) g(b)", "g(b) h(a)")
    assert sorted(resources(loaded(text, cib, "push")).split()) == ["b", "h(a)"]
    with pytest.raises(ConfigError) as caught:
        loaded("primitive a ocf:x:T\ngroup h a b", cib, "push")
    assert "h refers to b, which does not exist" in caught.value.format_message()


def test_a_node_may_be_called_like_a_resource() -> None:
    text = (
        "primitive a ocf:x:T\n"
        'xml <node id="a" uname="a"><instance_attributes id="i" score="1"/></node>'
    )
    cib = loaded("node 7: a", loaded(text))
    assert [(e.id, e.get("uname")) for e in cib.section("nodes").children] == [("a", "a")]
    assert [e.id for e in loaded(text, loaded("node 7: a")).section("nodes").children] == ["7"]


def test_a_text_may_name_members_before_they_are_defined() -> None:
    assert resources(loaded("group g a b\nprimitive a Dummy\nprimitive b Dummy")) == "g(a b)"


def test_what_was_not_touched_is_the_same_object() -> None:
    before = loaded("primitive a Dummy\nprimitive b Dummy\ngroup g a\nnode n1\ntag t a")
    after = typed("primitive c Dummy", cib=before)
    assert before.section("nodes") is after.section("nodes")
    assert before.section("tags") is after.section("tags")
    assert before.find_id("g") is after.find_id("g")
    assert typed("property x=1", cib=before).section("resources") is before.section("resources")


def test_a_container_written_as_xml_brings_its_members() -> None:
    text = (
        "primitive a ocf:x:T\n"
        'xml <bundle id="b"><meta_attributes id="m"/><docker image="i"/>'
        '<primitive id="a" class="ocf" provider="x" type="T"/></bundle>'
    )
    assert resources(loaded(text)) == "b(a)"


# The language has no word for the group's utilization, so that it is shown as XML, members and all.
ODD_GROUP = """<cib validate-with="pacemaker-3.9"><configuration><crm_config/><nodes/><resources>
<clone id="c"><utilization id="v"/><group id="g"><utilization id="u"/>
<primitive id="p" class="ocf" provider="x" type="T"><meta_attributes id="odd">
<nvpair id="odder" name="priority" value="1"/></meta_attributes></primitive></group></clone>
</resources><constraints/></configuration></cib>"""


def test_a_member_is_changed_on_its_own_line_or_inside_its_container() -> None:
    cib = Cib.parse(ODD_GROUP)
    text = show(cib)
    own, inside = "meta priority=1", 'name="priority" value="1"'
    assert own in text
    assert inside in text
    for old, new in ((own, "meta priority=7"), (inside, 'name="priority" value="7"')):
        changed = loaded(text.replace(old, new), cib)
        pair = changed.find_id("odder")
        assert pair is not None
        assert pair.get("value") == "7"
        assert resources(changed) == "c(g(p))"
    assert loaded(text, cib).configuration == cib.configuration
    assert {"odd", "odder"} <= loaded(text).ids()


def test_a_member_that_is_written_twice_must_be_the_same_in_both_places() -> None:
    text = show(Cib.parse(ODD_GROUP)).replace("meta priority=1", "meta priority=7")
    with pytest.raises(ConfigError) as caught:
        loaded(text)
    assert "p is written twice, and differently" in caught.value.format_message()


# ---- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("primitive p Dummy", "primitive p Dummy"), "the id p is taken: there is a primitive"),
        (("primitive p Dummy", "location p p 1: n"), "the id p is taken: there is a primitive"),
        (("primitive 1p Dummy",), "“1p” cannot be an id"),
        (("group g nosuch",), "g refers to nosuch, which does not exist"),
        (("primitive abc Dummy", "clone c abd"), "did you mean abc?"),
        (("primitive a Dummy", "group g a", "group h a"), "a belongs to g already"),
        (("primitive a Dummy", "group g a", "group h g"), "g is a group"),
        (("primitive a Dummy", "clone c a", "clone d c"), "c is a clone"),
        (("property a=",), "a needs a value"),
        (("property a",), "a needs a value"),
        (("monitor nosuch 10s",), "object nosuch does not exist"),
        (("primitive a Dummy", "group g a", "monitor g 10s"), "g is not a primitive"),
        (("primitive a Dummy op monitor interval=10s", "monitor a 10s"), "10s already"),
        (("fencing_topology a", "node n1", "fencing_topology a", "fencing_topology b"),
         "there is a fencing topology already"),
        (('xml "<foo id=\'x\'/>"',), "<foo> is not an element of the configuration"),
        (("primitive a Dummy", 'xml <group id="g"><primitive id="a" class="ocf"/></group>'),
         "the id a is taken: there is a primitive"),
        (("primitive a Dummy params x=1",
          'xml <tag id="a-instance_attributes"><obj_ref id="a"/></tag>'),
         "the id a-instance_attributes is taken: there is an element"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(lines: tuple[str, ...], said: str) -> None:
    assert said in refusal(*lines)


def test_a_refusal_points_at_the_word() -> None:
    assert refusal("primitive abc Dummy", "group g abd") == (
        "g refers to abd, which does not exist\n  group g abd\n          ~~^\n  did you mean abc?"
    )


def test_a_text_is_stored_whole_or_not_at_all() -> None:
    cib = loaded("node n1\nprimitive a Dummy")
    for text in ("node n2\nbogus", "node n2\ngroup g nosuch\ngroup h nosuch2\nnode n2"):
        for how in ("update", "replace", "push"):
            with pytest.raises(ConfigError) as caught:
                loaded(text, cib, how)
            assert "test.crm:" in caught.value.format_message()


@pytest.mark.parametrize(
    "text",
    [
        "primitive a Dummy\ntag a b",
        'group a nosuch\nxml <primitive id="a" class="lsb" type="x"/>',
        'xml <group id="a"><primitive id="b" class="lsb" type="x"/></group>\ngroup a nosuch',
        'node a\nxml <node id="1" uname="a"/>',
    ],
)
def test_an_element_twice_in_a_text_is_a_mistake(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(text)
    assert (
        "test.crm:2: a is defined twice (the first is in line 1)" in caught.value.format_message()
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("group 1g a", "“1g” cannot be an id"),
        ("clone my/c a", "“my/c” cannot be an id"),
        ("bundle 1b docker image=x primitive a", "“1b” cannot be an id"),
        ("group l a", "the id l is taken: there is a location"),
        ('xml <group id="l"><primitive id="q" class="lsb" type="x"/></group>',
         "the id l is taken: there is a location"),
        ('xml <group id="q"><primitive id="l" class="lsb" type="x"/></group>',
         "the id l is taken: there is a location"),
        ('xml <clone id="q"><group id="l"><primitive id="a" class="lsb" type="x"/></group></clone>',
         "the id l is taken: there is a location"),
    ],
)  # fmt: skip
def test_a_container_with_an_id_that_it_cannot_have_is_refused_once(text: str, said: str) -> None:
    cib = loaded("primitive a Dummy\nlocation l a 1: n")
    with pytest.raises(ConfigError) as caught:
        loaded(text, cib)
    assert caught.value.format_message().count(said) == 1
    assert len(caught.value.diagnostics) <= 1


# ---- loading -------------------------------------------------------------------------------------


def test_update_adds_replace_erases_and_push_removes() -> None:
    cib = loaded("node n1\nprimitive a Dummy\nprimitive b Dummy\ngroup g a b\nproperty x=1")
    text = "node n1\nprimitive b Dummy\nprimitive c Dummy"
    assert resources(loaded(text, cib)) == "g(a b) c"
    replaced = loaded("primitive c Dummy", cib, "replace")
    assert resources(replaced) == "c"
    assert "node n1" in show(replaced)
    pushed = loaded(text, cib, "push")
    assert resources(pushed) == "b c"
    assert "property" not in show(pushed)
    assert "node" not in show(loaded("primitive b Dummy", cib, "push"))


ODD = """<cib validate-with="pacemaker-3.9"><configuration><crm_config/><nodes/><resources/>
<constraints/><acls><acl_role id="r"><acl_permission id="r-0" kind="read" xpath="/cib"/></acl_role>
<acl_target id="1bob"><role id="r"/></acl_target></acls>
<fencing-topology><fencing-level id="f" index="1" target-attribute="a" target-value=""
devices="x"/></fencing-topology><alerts><alert id="q" path=""/></alerts></configuration></cib>"""


def test_what_pacemaker_takes_can_be_shown_and_loaded() -> None:
    cib = Cib.parse(ODD)
    text = show(cib)
    assert "acl_target 1bob" in text
    assert loaded(text, cib, "push").configuration == cib.configuration
    assert loaded(text).section("acls") == cib.section("acls")
    assert "“1g” cannot be an id" in refusal(
        "role r read cib", "acl_target 1b r", "role 1g read cib"
    )


def test_what_is_loaded_again_keeps_its_ids() -> None:
    xml = """<cib validate-with="pacemaker-3.9" admin_epoch="0" epoch="1" num_updates="0">
<configuration><crm_config/><nodes/><resources>
<primitive id="p" class="ocf" provider="pacemaker" type="Dummy">
<instance_attributes id="odd"><nvpair id="odder" name="a" value="1"/></instance_attributes>
<operations><op id="oddest" name="monitor" interval="10s"/></operations></primitive>
</resources><constraints/></configuration><status/></cib>"""
    cib = loaded("primitive p ocf:pacemaker:Dummy params b=2 a=3 op monitor interval=10s timeout=1",
                 Cib.parse(xml))  # fmt: skip
    assert {"odd", "odder", "oddest", "odd-b"} <= cib.ids()
    assert loaded(show(cib), cib).configuration == cib.configuration


def test_comments_stay_with_their_element() -> None:
    text = "# the first\n# of all\nprimitive a ocf:pacemaker:Dummy\n"
    cib = loaded(text)
    assert show(cib).startswith(text)
    assert loaded(show(cib), cib).configuration == cib.configuration


def test_references_may_name_an_object_that_has_the_set() -> None:
    cib = loaded(
        "primitive a Dummy params x=1 op monitor interval=1s\n"
        "primitive b Dummy params $id-ref=a\n"
        "primitive c Dummy params $id-ref=a-instance_attributes\n"
        "primitive d Dummy params $id-ref=nosuch\n"
        "location l a rule #uname eq n\n"
        "location k a rule $id-ref=l"
    )
    references = {e.tag + "=" + e.get("id-ref") for e in cib.configuration.iter()}
    assert {"instance_attributes=a-instance_attributes", "instance_attributes=nosuch",
            "rule=l-rule"} <= references  # fmt: skip
    assert "location l a \\\n\trule $id=l-rule #uname eq n" in show(cib)


def test_a_set_of_defaults_as_xml_goes_where_its_names_belong() -> None:
    cib = loaded(
        'xml <meta_attributes id="o" score="1"><nvpair id="x" name="timeout" value="1"/>'
        "</meta_attributes>\n"
        'xml <meta_attributes id="r" score="1"><nvpair id="y" name="priority" value="1"/>'
        "</meta_attributes>"
    )
    assert [e.id for e in cib.section("op_defaults").children] == ["o"]
    assert [e.id for e in cib.section("rsc_defaults").children] == ["r"]


def test_an_agent_that_nobody_knows_is_taken_as_it_is_shown() -> None:
    """Whether it exists is asked by the checks; the text must come back as it was."""
    cib = loaded("primitive a Unheard\nprimitive b ocf:x:Of\nprimitive c stonith:external/ssh")
    assert parse(xml_of(cib, "a")).get("provider") == "heartbeat"
    assert show(cib) == (
        "primitive a Unheard\nprimitive b ocf:x:Of\nprimitive c stonith:external/ssh\n"
        "property cib-bootstrap-options: \\\n\tcluster-infrastructure=corosync\n"
    )
