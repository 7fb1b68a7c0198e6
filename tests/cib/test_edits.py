"""Small changes of a document: a pair set and removed, an element with another id."""

from __future__ import annotations

import pytest

from crmsh_py.cib.document import Cib
from crmsh_py.cib.edit import rename
from crmsh_py.cib.element import Element
from crmsh_py.cib.pairs import (
    Which,
    find_pair,
    lasting_pair_in,
    only_pair,
    pair_in,
    set_pair,
    set_section_pair,
    with_pair,
)
from crmsh_py.errors import Ambiguous

CIB = Cib.parse("""<cib validate-with="pacemaker-3.9" admin_epoch="0" epoch="1" num_updates="0">
<configuration>
 <crm_config>
  <cluster_property_set id="cib-bootstrap-options">
   <nvpair id="one" name="twice" value="1"/><nvpair id="two" name="twice" value="2"/>
   <nvpair id="other" name="other" value="3"/>
  </cluster_property_set>
 </crm_config>
 <nodes/>
 <resources>
  <primitive id="f1" class="stonith" type="fence_dummy"/>
  <primitive id="f2" class="stonith" type="fence_dummy"/>
 </resources>
 <constraints/>
 <fencing-topology>
  <fencing-level id="l" target="n1" index="1" devices="f1, f2"/>
 </fencing-topology>
</configuration><status/></cib>""")


def test_a_name_that_a_set_has_twice_is_removed_twice() -> None:
    changed = set_section_pair(CIB, "crm_config", "twice", None)

    assert find_pair(changed, "crm_config", "", "twice") is None
    assert find_pair(changed, "crm_config", "", "other") is not None


@pytest.mark.parametrize("value", ["3", None])
def test_who_asks_for_one_pair_has_to_choose_where_there_are_two(value: str | None) -> None:
    with pytest.raises(Ambiguous, match=r"Value: 1 \t\(id=one\)\n  Value: 2 \t\(id=two\)"):
        set_pair(CIB, "crm_config", "", "twice", value)
    changed = set_pair(CIB, "crm_config", "", "twice", value, which=Which(pair_id="two"))

    assert find_pair(changed, "crm_config", "", "twice", Which(pair_id="one")) is not None
    left = find_pair(changed, "crm_config", "", "twice", Which(pair_id="two"))
    assert (left.value if left else None) == value


def test_a_name_that_a_set_has_twice_gets_one_value() -> None:
    changed = set_section_pair(CIB, "crm_config", "twice", "7")

    pairs = changed.section("crm_config").iter("nvpair")
    assert [p.get("value") for p in pairs if p.get("name") == "twice"] == ["7", "7"]


def test_a_set_with_a_rule_is_left_alone_unless_it_is_named() -> None:
    """It holds at some times only; what is set without a word shall hold always."""
    pair = Element("nvpair", {"id": "p", "name": "n", "value": "by night"})
    ruled = Element("meta_attributes", {"id": "r-meta"}, (Element("rule", {"id": "r"}), pair))
    owner = Element("primitive", {"id": "r"}, (ruled,))
    where = ("meta_attributes", "r-meta", "n")

    changed = with_pair(owner, *where, "always")

    kept, made = changed.findall("meta_attributes")
    assert kept is ruled
    assert made.id == "r-meta-0", "the other set has the usual id"
    for find in (pair_in, only_pair, lasting_pair_in):
        found = find(changed, "meta_attributes", "n")
        assert found is not None
        assert (found.value, found.set_id) == ("always", "r-meta-0")
    assert with_pair(changed, *where, None) == owner
    assert with_pair(owner, *where, None) is owner
    assert lasting_pair_in(owner, "meta_attributes", "n") is None
    seen = only_pair(owner, "meta_attributes", "n")
    assert seen is not None
    assert seen.value == "by night", "to look at it is no change"
    named = with_pair(owner, *where, "later", which=Which(pair_id="p"))
    (same,) = named.findall("meta_attributes")
    assert [p.get("value") for p in same.findall("nvpair")] == ["later"]


def test_a_new_pair_goes_where_the_tools_of_pacemaker_put_it() -> None:
    sets = (
        Element("meta_attributes", {"id": "mine"}),
        Element("meta_attributes", {"id": "r-meta"}),
    )
    owner = Element("primitive", {"id": "r"}, sets)

    changed = with_pair(owner, "meta_attributes", "r-meta", "n", "1")

    found = pair_in(changed, "meta_attributes", "n")
    assert found is not None
    assert found.set_id == "r-meta"


def test_a_device_is_renamed_in_its_level_whatever_blanks_are_there() -> None:
    level = rename(CIB, "f2", "second").find_id("l")

    assert level is not None
    assert level.get("devices") == "f1,second"
