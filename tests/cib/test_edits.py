"""Small changes of a document: a pair set and removed, an element with another id."""

from __future__ import annotations

import pytest

from crmsh_py.cib.document import Cib
from crmsh_py.cib.edit import rename
from crmsh_py.cib.pairs import Which, find_pair, set_pair, set_section_pair
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


def test_a_device_is_renamed_in_its_level_whatever_blanks_are_there() -> None:
    level = rename(CIB, "f2", "second").find_id("l")

    assert level is not None
    assert level.get("devices") == "f1,second"
