"""The CIB as a value: what it answers, and what it shares with the one before."""

from __future__ import annotations

import pytest

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.version import Version
from crmsh_py.errors import ConfigError

TEXT = """<cib admin_epoch="0" epoch="5" num_updates="1" validate-with="pacemaker-3.9">
  <configuration>
    <crm_config>
      <cluster_property_set id="low" score="1"><nvpair id="x1" name="a" value="low"/>
      </cluster_property_set>
      <cluster_property_set id="high" score="10"><nvpair id="x2" name="a" value="high"/>
        <nvpair id="x3" name="b" value="high"/></cluster_property_set>
      <cluster_property_set id="sometimes" score="INFINITY">
        <rule id="r"><date_expression id="d" operation="gt" start="2020-01-01"/></rule>
        <nvpair id="x4" name="c" value="ruled"/></cluster_property_set>
      <cluster_property_set id="cib-bootstrap-options"><nvpair id="x5" name="a" value="first"/>
      </cluster_property_set>
    </crm_config>
    <nodes><node id="1" uname="n1"/></nodes>
    <resources><primitive id="p" class="ocf" provider="pacemaker" type="Dummy"/></resources>
    <constraints/>
    <acls><acl_target id="joe"><role id="admin"/></acl_target><acl_role id="admin"/></acls>
  </configuration>
  <status><node_state id="1" uname="n1"><lrm id="1"><lrm_resources><lrm_resource id="p"/>
  </lrm_resources></lrm></node_state></status>
</cib>"""


@pytest.fixture
def cib() -> Cib:
    return Cib.parse(TEXT)


def test_what_begins_with_something_else_is_no_cib() -> None:
    with pytest.raises(ConfigError, match="this is not a CIB: it begins with <diff>"):
        Cib.parse("<diff/>")
    with pytest.raises(ConfigError, match="epoch"):
        Cib.parse('<cib epoch="new"/>')


def test_the_first_property_wins_and_ruled_sets_are_left_out(cib: Cib) -> None:
    assert dict(cib.properties()) == {"a": "first", "b": "high"}


def test_ids_lead_to_elements_of_the_configuration_first(cib: Cib) -> None:
    found = cib.find_id("p")
    assert found is not None
    assert found.tag == "primitive"
    role = cib.find_id("admin")
    assert role is not None
    assert role.tag == "acl_role", "a reference to a role is not the role"
    assert cib.find_id("nothing") is None
    assert "x5" in cib.ids()


def test_a_section_that_is_not_there_is_empty(cib: Cib) -> None:
    assert cib.section("tags") == Element("tags")
    assert Cib.parse("<cib/>").configuration == Element("configuration")


def test_a_new_section_goes_to_its_usual_place(cib: Cib) -> None:
    changed = cib.with_section("rsc_defaults", Element("rsc_defaults"))
    changed = changed.with_section("op_defaults", Element("op_defaults"))
    changed = changed.with_section("tags", Element("tags"))
    assert [section.tag for section in changed.configuration.children] == [
        *("crm_config", "nodes", "resources", "constraints", "tags", "acls"),
        *("rsc_defaults", "op_defaults"),
    ]


def test_the_digest_is_of_the_configuration_and_its_version_only(cib: Cib) -> None:
    assert cib.with_status(Element("status")).digest == cib.digest
    assert cib.without_status().digest == cib.digest
    assert cib.with_version(Version(0, 5, 77)).digest == cib.digest
    assert cib.with_version(Version(0, 6, 0)).digest != cib.digest
    assert cib.with_section("resources", Element("resources")).digest != cib.digest
    shuffled = TEXT.replace('id="1" uname="n1"', 'uname="n1" id="1"')
    assert Cib.parse(shuffled).digest == cib.digest


def test_a_changed_document_shares_the_rest(cib: Cib) -> None:
    changed = cib.with_section("resources", Element("resources"))
    assert changed.section("nodes") is cib.section("nodes")
    assert changed.status is cib.status
    assert cib.section("resources").children, "the old one is as it was"


def test_nothing_changed_is_the_same_document(cib: Cib) -> None:
    assert cib.with_section("nodes", cib.section("nodes")).root is cib.root
    assert cib.with_version(cib.version) is cib


def test_a_new_document_is_an_empty_cluster() -> None:
    cib = Cib.new(cluster_infrastructure="corosync", dc_version="1.0")
    assert cib.version == Version(0, 0, 0)
    assert cib.properties()["cluster-infrastructure"] == "corosync"
    assert cib.schema == "pacemaker-3.9"
    assert cib.find_id("cib-bootstrap-options-dc-version") is not None
    assert Cib.parse(cib.to_xml()) == cib
