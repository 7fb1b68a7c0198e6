"""``edit`` and ``filter``: a shown configuration through another program and back."""

from __future__ import annotations

import pytest
from shell.person import CIB, Person

from crmsh_py.shell.options import Options


def test_a_filter_may_change_a_part_and_the_rest_stays(person: Person) -> None:
    person.types("configure filter 'sed s/30s/10s/' vip")
    assert "interval=10s" in person.types("configure show vip")
    person.types("configure filter 'sed s/10s/20s/' xml vip")
    assert "interval=20s" in person.types("configure show vip")
    assert person.has("site")
    assert person.has("together")
    person.types("configure filter 'grep -v together'")
    assert not person.has("together")


def test_a_filter_may_remove_a_property(person: Person) -> None:
    person.types("configure property no-quorum-policy=ignore")
    person.types("configure filter 'sed s/no-quorum-policy=ignore//'")
    assert person.code == 0
    assert "no-quorum-policy" not in person.types("configure show")
    assert "stonith-enabled=false" in person.types("configure show")
    person.types("configure rsc_defaults resource-stickiness=1 priority=2")
    person.types("configure filter 'sed s/resource-stickiness=1//' type:rsc_defaults")
    assert "priority=2" in person.types("configure show type:rsc_defaults")
    assert "resource-stickiness" not in person.types("configure show")
    assert "stonith-enabled=false" in person.types("configure show")


def test_a_filter_adds_to_the_properties_that_it_was_not_shown(person: Person) -> None:
    person.types("configure filter 'cat; echo property no-quorum-policy=ignore' vip")
    assert "no-quorum-policy=ignore" in person.types("configure show")
    assert "stonith-enabled=false" in person.types("configure show")


def test_a_filter_leaves_a_reference_to_properties_or_takes_it_out(person: Person) -> None:
    person.types("configure property more: batch-limit=4")
    person.types("configure property $id-ref=more")
    for _ in range(2):
        person.types("configure filter 'sed s/30s/20s/'")
        assert person.types("configure show type:property").count("$id-ref=more") == 1
    person.types("configure filter 'grep -v id-ref'")
    assert person.code == 0
    shown = person.types("configure show type:property")
    assert "$id-ref" not in shown
    assert "batch-limit=4" in shown
    assert "stonith-enabled=false" in shown


def test_a_filter_may_rename_a_group_and_a_clone_around_it(person: Person) -> None:
    person.types("configure clone copies site meta interleave=true")
    person.types("configure delete together")
    person.types("configure location near copies 5: alpha")
    person.types("configure filter 'sed \"s/site/place/;s/copies/all/\"'")
    assert person.code == 0
    shown = person.types("configure show")
    assert "group place one two\n" in shown
    assert "clone all place" in shown
    assert "location near all 5: alpha" in shown
    assert shown.count("primitive one ") == 1
    person.types("configure filter 'sed s/all/every/'")
    assert "clone every place" in person.types("configure show")


def test_what_goes_with_an_id_that_a_filter_renames_is_told(person: Person) -> None:
    said = person.types("configure filter 'sed s/vip/address/' vip")
    assert "INFO: hanging colocation:together deleted" in said
    assert person.has("address")
    assert not person.has("together")


AS_XML = [
    # what is configured, and what is then shown as XML
    ('<node id="2" uname="beta"/>', '<node id="2" uname="beta" score="5"/>', "xml <node"),
    (
        "</resources><constraints>",
        '<primitive id="power" class="stonith" type="fence_dummy"/></resources><fencing-topology>'
        '<fencing-level id="f" index="4" target="alpha" devices="power"/></fencing-topology>'
        "<constraints>",
        "fencing-",
    ),
]


@pytest.mark.parametrize(("before", "after", "pattern"), AS_XML, ids=["node", "topology"])
def test_a_filter_may_leave_out_what_is_shown_as_xml(
    person: Person, before: str, after: str, pattern: str
) -> None:
    text = CIB.replace("</resources>\n    <constraints>", "</resources><constraints>")
    person.file.write_text(text.replace(before, after), encoding="utf-8")
    assert pattern in person.types("configure show")
    person.types(f"configure filter 'grep -v \"{pattern}\"'")
    assert person.code == 0
    assert pattern not in person.types("configure show")


@pytest.mark.parametrize("line", ["'sed s/site/place/' site", "'grep -v ^group'"])
def test_a_filter_leaves_no_clone_without_its_group(person: Person, line: str) -> None:
    person.types("configure clone copies site")
    before = person.types("configure show")
    assert "site is left out, but copies contains it" in person.types(f"configure filter {line}")
    assert person.code == 1
    assert person.types("configure show") == before


def test_a_filter_may_rename_a_group_in_a_clone(person: Person) -> None:
    person.types("configure clone copies site")
    person.types("configure filter 'sed s/site/place/'")
    assert "clone copies place" in person.types("configure show copies")
    assert person.types("configure show place") == "group place one two\n"
    assert not person.has("site")


def test_what_names_a_group_that_a_filter_left_out_goes_with_it(person: Person) -> None:
    person.types("configure filter 'grep -v ^group'")
    assert person.code == 0
    assert not person.has("site")
    assert not person.has("together")
    assert person.has("one")


def test_a_filter_may_give_the_members_of_a_group_to_another(person: Person) -> None:
    person.types("configure primitive three ocf:pacemaker:Dummy")
    person.types("configure group other three")
    text = "'sed \"/^group other/d;s/site one two/site three one two/\"'"
    person.types(f"configure filter {text}")
    assert person.code == 0
    assert person.types("configure show site") == "group site three one two\n"
    assert not person.has("other")


EDITOR = """#!/bin/sh
if grep -q primtive "$1"; then sed -i s/primtive/primitive/ "$1"
else sed -i '/together/d;s/primitive vip/primtive vip/' "$1"; fi
"""


@pytest.mark.parametrize(
    ("what", "taken"),
    [("changed", "vip"), ("changed and type:group", ""), ("tag:t and one", "one")],
)
def test_a_filter_gets_what_the_words_ask_for(sitting: Person, what: str, taken: str) -> None:
    sitting.types("configure")
    sitting.types("tag t: one two")
    sitting.types("commit")
    sitting.types("set vip.ip 10.0.0.2")
    copy = sitting.directory / "copy"
    said = sitting.types(f"filter 'tee {copy}' {what}")
    if taken:
        assert copy.read_text().startswith(f"primitive {taken} ")
        assert copy.read_text().count("primitive ") == 1
    else:
        assert "nothing has changed" in said
        assert not copy.exists()


def test_what_is_edited_again_after_a_mistake_is_taken_whole(editing: Person) -> None:
    """Also what the first attempt had left out already."""
    editing.edits_by(EDITOR)
    editing.console.answers = [True]
    said = editing.types("edit")
    assert "primtive" in said
    assert editing.code == 0
    assert "together" not in editing.types("show")
    assert "primitive vip" in editing.types("show")


@pytest.mark.parametrize("xml", ["", " xml"])
def test_what_is_wrong_by_itself_can_be_mended_in_the_editor_at_once(
    editing: Person, xml: str
) -> None:
    """As where it is typed: nobody has to wait for the commit to hear of it."""
    editing.edits_by(
        '#!/bin/sh\nif grep -q Dumy "$1"; then sed -i s/Dumy/Dummy/ "$1"\n'
        'else sed -i "s/IPaddr2/Dumy/; s/ip=[^ ]*/fake=1/; s/name=.ip./name=\'fake\'/" "$1"; fi\n'
    )
    editing.console.answers = [True]
    said = editing.types(f"edit{xml}")
    assert "there is no agent ocf:heartbeat:Dumy" in said
    assert "did you mean Dummy" in said
    assert editing.code == 0
    assert "primitive vip Dummy" in editing.types("show vip")


def test_a_filter_makes_nothing_that_is_wrong_by_itself(person: Person) -> None:
    said = person.types("configure filter 'sed s/IPaddr2/IPadr2/'")
    assert "did you mean IPaddr2" in said
    assert "~~~~~^" in said  # below the agent, in the line that the filter has made
    assert person.code == 1
    assert person.file.read_text() == CIB


def test_what_was_wrong_before_keeps_nobody_from_editing_something_else(
    editing: Person,
) -> None:
    wrong = CIB.replace('provider="pacemaker" type="Dummy"', 'provider="pacemaker" type="Dumy"', 1)
    editing.file.write_text(wrong, encoding="utf-8")
    editing.edits_by('#!/bin/sh\nsed -i s/10.0.0.1/10.0.0.2/ "$1"\n')
    assert editing.types("edit") == ""
    assert "10.0.0.2" in editing.types("show vip")


@pytest.mark.parametrize("part", ["", " vip", " xml"])
def test_a_filter_that_prints_nothing_removes_nothing(person: Person, part: str) -> None:
    """Its output may have gone into a file."""
    said = person.types(f"configure filter 'cat > {person.directory}/backup'{part}")
    assert "printed nothing" in said
    assert "-F" in said
    assert person.code == 1
    assert person.file.read_text() == CIB


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("filter \"grep '^#'; echo '# nothing'\"", "printed no element"),
        ("filter 'echo \"<cib><configuration/></cib>\"' xml", "printed no element"),
    ],
)
def test_a_filter_that_prints_no_element_removes_nothing(
    person: Person, line: str, wanted: str
) -> None:
    assert wanted in person.types(f"configure {line}")
    assert person.code == 1
    assert person.file.read_text() == CIB


@pytest.mark.parametrize("text", ["", "# a comment"])
def test_an_editor_that_leaves_no_element_is_asked_about(editing: Person, text: str) -> None:
    editing.edits_by(f'#!/bin/sh\necho "{text}" > "$1"\n')
    editing.console.answers = [False, True]
    editing.types("edit together")
    assert "delete all that it showed" in editing.console.questions[0]
    assert "together" in editing.types("show")
    editing.types("edit together")
    assert "together" not in editing.types("show")
    assert "vip" in editing.types("show")


def test_force_takes_a_filter_that_prints_nothing_at_its_word(person: Person) -> None:
    forced = Person(person.directory, options=Options(force=True))
    forced.types("configure filter 'grep -v together' together")
    assert person.has("together")  # grep says by its exit code that it found nothing
    forced.types("configure filter 'sed /together/d' together")
    assert not person.has("together")
    assert person.has("vip")
