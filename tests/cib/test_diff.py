"""A patch leads from one document to the other, and merges with what it does not touch."""

from __future__ import annotations

import contextlib
import itertools
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmsh_py.cib.diff import Operation, Patch, apply, diff
from crmsh_py.cib.document import Cib
from crmsh_py.cib.version import Version
from crmsh_py.errors import ConfigError, Conflict, SyntaxProblem
from tests.cib.trees import cibs

INPUTS = Path(__file__).parents[3] / "shared" / "conformance" / "scheduler" / "xml"


def cib(resources: str = "", constraints: str = "", version: str = "0.1.0") -> Cib:
    admin, epoch, updates = version.split(".")
    return Cib.parse(
        f'<cib admin_epoch="{admin}" epoch="{epoch}" num_updates="{updates}"><configuration>'
        f"<crm_config/><nodes/><resources>{resources}</resources>"
        f"<constraints>{constraints}</constraints></configuration><status/></cib>"
    )


def names(document: Cib) -> list[str]:
    return [child.id or child.tag for child in document.section("resources").children]


A, B, C = (f'<primitive id="{name}" type="Dummy"/>' for name in "abc")


# ---- there and back ----------------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(cibs(), cibs())
def test_applying_the_difference_gives_the_other_document(old: Cib, new: Cib) -> None:
    patch = diff(old, new)
    assert apply(old, patch) == new
    assert apply(old, Patch.from_xml(patch.to_xml())) == new


@settings(max_examples=200, deadline=None)
@given(cibs(), cibs())
def test_the_inverse_takes_a_patch_back(old: Cib, new: Cib) -> None:
    patch = Patch.from_xml(diff(old, new).to_xml())
    back = Patch.from_xml(patch.inverse().to_xml())
    assert apply(new, back) == old
    assert apply(old, back.inverse()) == new


@settings(max_examples=100, deadline=None)
@given(cibs())
def test_a_document_does_not_differ_from_its_copy(document: Cib) -> None:
    copy = Cib.parse(document.to_xml())
    assert not diff(document, copy)
    assert not diff(document, document)
    assert apply(document, diff(document, copy)).root is document.root


@settings(max_examples=100, deadline=None)
@given(st.permutations("abcdefg"), st.lists(st.sampled_from("abcdefghij"), unique=True))
def test_any_new_order_with_additions_and_removals_is_reached(
    before: list[str], after: list[str]
) -> None:
    old = cib("".join(f'<primitive id="{name}"/>' for name in before))
    new = cib("".join(f'<primitive id="{name}"/>' for name in after))
    patch = diff(old, new)
    assert apply(old, patch) == new
    assert apply(new, patch.inverse()) == old


def test_pairs_of_public_inputs_lead_to_each_other() -> None:
    if not INPUTS.is_dir():
        pytest.skip(f"{INPUTS} is not there")
    documents = [Cib.parse(path.read_bytes()) for path in sorted(INPUTS.glob("*.xml"))[::6]]
    assert len(documents) > 100
    for old, new in itertools.pairwise(documents):
        assert apply(old, Patch.from_xml(diff(old, new).to_xml())) == new


# ---- the form of a patch -----------------------------------------------------------------------


def test_a_patch_has_the_form_that_cibadmin_takes() -> None:
    old = cib(A, version="0.4.2")
    new = cib(A + B).with_version(Version(0, 5, 0))
    changed = new.with_section(
        "resources", new.section("resources").map_children(lambda r: r.with_attrs(description="x"))
    )
    assert diff(old, changed).to_xml(indent="  ") == (
        '<diff format="2">\n'
        "  <version>\n"
        '    <source admin_epoch="0" epoch="4" num_updates="2"/>\n'
        '    <target admin_epoch="0" epoch="5" num_updates="0"/>\n'
        "  </version>\n"
        '  <change operation="modify" path="/cib">\n'
        "    <change-list>\n"
        '      <change-attr name="epoch" operation="set" value="5" crm-old="4"/>\n'
        '      <change-attr name="num_updates" operation="set" value="0" crm-old="2"/>\n'
        "    </change-list>\n"
        "    <change-result>\n"
        '      <cib admin_epoch="0" epoch="5" num_updates="0"/>\n'
        "    </change-result>\n"
        "  </change>\n"
        '  <change operation="modify"'
        " path=\"/cib/configuration/resources/primitive[@id='a']\">\n"
        "    <change-list>\n"
        '      <change-attr name="description" operation="set" value="x" crm-absent="true"/>\n'
        "    </change-list>\n"
        "    <change-result>\n"
        '      <primitive id="a" type="Dummy" description="x"/>\n'
        "    </change-result>\n"
        "  </change>\n"
        '  <change operation="create" path="/cib/configuration/resources" position="1">\n'
        '    <primitive id="b" type="Dummy" description="x"/>\n'
        "  </change>\n"
        "</diff>\n"
    )


def test_a_new_order_is_a_move_and_not_a_new_element() -> None:
    patch = diff(cib(A + B + C), cib(C + A + B))
    assert [(c.operation, c.position) for c in patch.changes] == [(Operation.MOVE, 0)]


def test_untouched_branches_are_the_same_objects() -> None:
    old = cib(A + B, '<rsc_location id="l" rsc="a"/>')
    new = apply(old, diff(old, cib(A + C, '<rsc_location id="l" rsc="a"/>')))
    assert new.section("constraints") is old.section("constraints")
    assert new.section("resources").children[0] is old.section("resources").children[0]


def test_a_patch_of_pacemakers_own_is_understood() -> None:
    patch = Patch.from_xml(
        '<diff format="2"><version><source admin_epoch="0" epoch="1" num_updates="0"/>'
        '<target admin_epoch="0" epoch="2" num_updates="0"/></version>'
        '<change operation="delete" path="/cib/configuration/resources/primitive[@id=\'a\']"/>'
        '<change operation="modify" path="/cib"><change-list>'
        '<change-attr name="epoch" operation="set" value="2"/></change-list>'
        '<change-result><cib epoch="2" num_updates="0" admin_epoch="0"/></change-result></change>'
        '<change operation="create" path="/cib/configuration/resources" position="0">'
        '<primitive id="c"/></change></diff>'
    )
    result = apply(cib(A + B), patch)
    assert names(result) == ["c", "b"]
    assert result.version == Version(0, 2, 0)
    with pytest.raises(ConfigError, match="cannot be taken back"):
        patch.inverse()


@pytest.mark.parametrize("name", ["", "1x", 'a b"<', "xmlns", "x:y", "é"])
def test_an_attribute_has_a_name_that_can_be_written(name: str) -> None:
    with pytest.raises(ConfigError, match="a patch changes an attribute"):
        Patch.from_xml(
            '<diff format="2"><version><source epoch="1"/><target epoch="2"/></version>'
            '<change operation="modify" path="/cib/configuration"><change-list>'
            f'<change-attr name={quoteattr(name)} operation="set" value="2"/></change-list>'
            "<change-result><configuration/></change-result></change></diff>"
        )


def test_the_order_in_which_changes_are_listed_does_not_matter() -> None:
    patch = Patch.from_xml(
        '<diff format="2"><version><source epoch="1"/><target epoch="1"/></version>'
        '<change operation="create" path="/cib/configuration/resources" position="2">'
        '<primitive id="d"/></change>'
        '<change operation="move" path="/cib/configuration/resources/primitive[@id=\'c\']"'
        ' position="0"/>'
        '<change operation="delete" path="/cib/configuration/resources/primitive[@id=\'a\']"/>'
        "</diff>"
    )
    assert names(apply(cib(A + B + C), patch)) == ["c", "b", "d"]


def test_touches_says_where_a_patch_works() -> None:
    patch = diff(cib(A), cib(B))
    assert patch.touches("/cib/configuration")
    assert not patch.touches("/cib/status")
    assert not patch.touches("/cib/config")


# ---- merging -----------------------------------------------------------------------------------


def test_two_people_who_change_different_things_both_succeed() -> None:
    base = cib(A + B)
    mine = diff(base, cib(A.replace("/>", ' description="mine"/>') + B))
    theirs = cib(A + B.replace("/>", ' description="theirs"/>') + C, version="0.2.0")
    merged = apply(theirs, mine)
    assert [r.get("description") for r in merged.section("resources").children] == [
        "mine",
        "theirs",
        "",
    ]
    assert merged.version == Version(0, 2, 0), "who merges makes the new version"


@pytest.mark.parametrize(
    ("mine", "theirs", "word"),
    [
        (cib(A.replace("Dummy", "x")), cib(A.replace("Dummy", "y")), "another type by now"),
        (cib(A.replace("Dummy", "x")), cib(), "is not there any more"),
        (cib(), cib(A.replace("Dummy", "y")), "is not what it was"),
        (cib(A + B), cib(A + B.replace("Dummy", "y")), "created by somebody else"),
    ],
    ids=["both change", "they delete", "I delete", "both create"],
)
def test_a_change_of_the_same_thing_is_a_conflict(mine: Cib, theirs: Cib, word: str) -> None:
    with pytest.raises(Conflict, match=word):
        apply(theirs, diff(cib(A), mine))


def test_the_same_change_made_by_both_is_no_conflict() -> None:
    wanted = cib(A.replace("Dummy", "x") + B)
    assert apply(wanted, diff(cib(A), wanted)) == wanted


def test_members_of_a_group_are_not_mixed() -> None:
    base = cib(f'<group id="g">{A}{B}</group>')
    mine = diff(base, cib(f'<group id="g">{B}{A}</group>'))
    with pytest.raises(Conflict, match="group g has other members"):
        apply(cib(f'<group id="g">{A}{B}{C}</group>'), mine)


def test_a_conflict_changes_nothing() -> None:
    base = cib(A + B)
    patch = diff(base, cib(B.replace("Dummy", "x")))
    theirs = cib(A)
    before = theirs.to_xml()
    with pytest.raises(Conflict):
        apply(theirs, patch)
    assert theirs.to_xml() == before


# ---- hostile patches ---------------------------------------------------------------------------

VERSIONS = "<version><source/><target/></version>"


@pytest.mark.parametrize(
    "text",
    [
        "<cib/>",
        '<diff format="1"/>',
        '<diff format="2"/>',
        '<diff format="2"><version><source epoch="x"/><target/></version></diff>',
        f'<diff format="2">{VERSIONS}<change operation="burn" path="/cib"/></diff>',
        f'<diff format="2">{VERSIONS}<change operation="delete" path="//cib"/></diff>',
        f'<diff format="2">{VERSIONS}<change operation="delete" path="/etc/passwd"/></diff>',
        f'<diff format="2">{VERSIONS}<change operation="create" path="/cib"/></diff>',
        f'<diff format="2">{VERSIONS}<change operation="move" path="/cib/a"/></diff>',
        f'<diff format="2">{VERSIONS}<change operation="move" path="/cib/a" position="-1"/></diff>',
        f'<diff format="2">{VERSIONS}<change operation="modify" path="/cib/a"/></diff>',
    ],
)
def test_what_is_no_patch_is_refused(text: str) -> None:
    with pytest.raises((ConfigError, SyntaxProblem)):
        Patch.from_xml(text)


@pytest.mark.parametrize("operation", ["delete", "move"])
def test_the_whole_document_cannot_go(operation: str) -> None:
    change = f'<change operation="{operation}" path="/cib" position="0"/>'
    patch = Patch.from_xml(f'<diff format="2">{VERSIONS}{change}</diff>')
    with pytest.raises(Conflict):
        apply(cib(A), patch)


def test_nothing_can_be_moved_to_two_places() -> None:
    path = "/cib/configuration/resources/primitive[@id='a']"
    move = f'<change operation="move" path="{path}" position="1"/>'
    patch = Patch.from_xml(f'<diff format="2">{VERSIONS}{move}{move}</diff>')
    with pytest.raises(Conflict, match="two places"):
        apply(cib(A + B), patch)


@settings(max_examples=100, deadline=None)
@given(cibs(), cibs(), cibs())
def test_a_patch_for_another_document_merges_or_conflicts(one: Cib, two: Cib, three: Cib) -> None:
    with contextlib.suppress(Conflict):
        merged = apply(three, diff(one, two))
        assert merged.version == (two if three.version == one.version else three).version
