"""Old documents say the same in today's words, and new ones are left alone."""

from __future__ import annotations

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.schema import validate
from crmsh_py.cib.upgrade import knows_promoted, needs_upgrade, upgrade

OLD = """<cib validate-with="pacemaker-1.2"><configuration>
<crm_config><cluster_property_set id="cib-bootstrap-options">
  <nvpair id="a" name="default-resource-stickiness" value="100"/>
  <nvpair id="b" name="crmd-integration-timeout" value="3min"/>
</cluster_property_set></crm_config>
<nodes><node id="1" uname="n1" type="normal"/></nodes>
<resources>
<master id="ms"><meta_attributes id="mm"><nvpair id="m1" name="master-max" value="1"/>
  <nvpair id="m2" name="target-role" value="Master"/></meta_attributes>
  <primitive id="p" class="ocf" provider="pacemaker" type="Stateful"><operations>
    <op id="o1" name="monitor" interval="10s" role="Master"/>
    <op id="o2" name="start" interval="0" requires="nothing"/></operations></primitive></master>
</resources>
<constraints>
  <rsc_location id="l" rsc="ms"><rule id="r" role="Master" score="1">
    <expression id="e" attribute="#uname" operation="eq" value="n1"/></rule></rsc_location>
  <rsc_colocation id="c" rsc="ms" rsc-role="Slave" with-rsc="ms" score="1"/>
  <rsc_order id="o3" first="ms" then="ms" score="INFINITY"/>
  <rsc_order id="o4" first="ms" then="ms" score="0"/>
</constraints>
<acls><acl_user id="joe"><role_ref id="watcher"/><read id="rd" xpath="/cib"/></acl_user>
  <acl_role id="watcher"><write id="w" tag="nvpair" ref="m1"/></acl_role></acls>
</configuration></cib>"""


def find(cib: Cib, name: str) -> Element:
    found = cib.find_id(name)
    assert found is not None, name
    return found


def test_an_old_document_in_todays_words() -> None:
    old = Cib.parse(OLD)
    assert validate(old) == ()
    assert needs_upgrade(old)
    assert not knows_promoted(old)
    new = upgrade(old)
    assert validate(new) == ()
    assert new.schema == "pacemaker-3.9"
    assert knows_promoted(new)
    assert find(new, "ms").tag == "clone"
    meta = {p.get("name"): p.get("value") for p in find(new, "mm").findall("nvpair")}
    assert meta == {"promoted-max": "1", "target-role": "Promoted", "promotable": "true"}
    assert find(new, "o1").get("role") == "Promoted"
    assert find(new, "r").get("role") == "Promoted"
    assert find(new, "c").get("rsc-role") == "Unpromoted"
    assert find(new, "o3").get("kind") == "Mandatory"
    assert find(new, "o4").get("kind") == "Optional"
    assert "score" not in find(new, "o3").attrs
    assert find(new, "1").get("type") == "member"


def test_what_an_operation_required_its_resource_requires() -> None:
    new = upgrade(Cib.parse(OLD))
    assert "requires" not in find(new, "o2").attrs
    assert find(new, "p-meta_attributes-requires").get("value") == "nothing"


def test_of_several_operations_the_last_start_or_promotion_counts() -> None:
    first = '<op id="o2" name="start" interval="0" requires="nothing"/>'
    for more, expected in (
        ('<op id="o9" name="promote" interval="0" requires="quorum"/>', "quorum"),
        ('<op id="o9" name="demote" interval="0" requires="quorum"/>', "nothing"),
    ):
        new = upgrade(Cib.parse(OLD.replace(first, first + more)))
        assert find(new, "p-meta_attributes-requires").get("value") == expected
        assert "requires" not in find(new, "o9").attrs
    alone = upgrade(Cib.parse(OLD.replace(first, first.replace("start", "promote"))))
    assert find(alone, "p-meta_attributes-requires").get("value") == "nothing"


def test_properties_move_and_get_their_new_names() -> None:
    new = upgrade(Cib.parse(OLD))
    assert dict(new.properties()) == {"join-integration-timeout": "3min"}
    assert find(new, "rsc-options-resource-stickiness").get("value") == "100"


def test_rights_of_a_user_become_a_role() -> None:
    new = upgrade(Cib.parse(OLD))
    assert [role.id for role in find(new, "joe").findall("role")] == ["watcher", "auto-joe"]
    assert find(new, "rd").attrs == {"id": "rd", "kind": "read", "xpath": "/cib"}
    assert find(new, "w").get("xpath") == "//nvpair[@id='m1']"


def test_upgrading_twice_changes_nothing_more() -> None:
    new = upgrade(Cib.parse(OLD))
    assert upgrade(new).root is new.root
    today = Cib.new()
    assert upgrade(today).root is today.root
