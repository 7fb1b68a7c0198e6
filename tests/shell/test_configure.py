"""The commands of the configure level, one by one, on a configuration in a file."""

from __future__ import annotations

import json

import pytest
from shell.person import CIB, Person

from crmsh_py.shell.options import Options

WRONG = [
    # what is typed, what is said
    ("primitve x Dummy", "did you mean primitive?"),
    ("primitive x ocf:heartbeat:Dumy", "did you mean Dummy"),
    ("primitive x ocf:hartbeat:Dummy", "hartbeat"),
    ("primitive x ocf:heartbeat:IPaddr2", "ip"),
    ("primitive x ocf:heartbeat:IPaddr2 params ip=1.2.3.4 nick=eth0", "did you mean nic?"),
    ("primitive vip Dummy", "the id vip is taken"),
    ("primitive 9 Dummy", "cannot"),
    ("primitive x Dummy op monitor interval=soon", "soon"),
    ("primitive x Dummy meta priority=high", "high"),
    ("primitive x Dummy op monitor interval=10s timeout=5s interval=20s", "is given twice"),
    ("group g nosuch", "nosuch"),
    ("group g one", "one belongs to site already"),
    ("colocation c INFINTY: vip site", "did you mean INFINITY?"),
    ("colocation c 1x: vip site", "“1x” is not a score"),
    ("colocation c inf: vip sit", "there is no resource sit"),
    ("order o mandatory: vip nosuch", "there is no resource nosuch"),
    ("location l vip 1x: alpha", "1x"),
    ("xml '<primitive id=x'", "XML"),
    ("xml '<!DOCTYPE a><primitive/>'", "not allowed"),
    ("rsc_defaults", "nothing to set"),
    ("user bob role:x", "has no users"),
    ("colocation by-attribute pingd: vip site", "since schema 3.0"),
    ("order together a b", "there is a colocation with it"),
    ("property no-quorum-policy=perhaps", "perhaps"),
    ("property no-quorum-policy=", "for example: no-quorum-policy=stop"),
    ("rsc_defaults resource-stickiness=", "for example: resource-stickiness=0"),
    ("show changd", "did you mean changed?"),
    ("show type:primitves", "did you mean primitive?"),
    ("show type:xyzzy", "type:location"),
    ("show tag:xyzzy", "tag xyzzy does not exist"),
    ("validate-all xyzzy", "there are one, site, two, vip"),
    ("template new mine xyzzy", "there are filesystem, ping, promotable, virtual-ip, website"),
    ("primitive x xyzzy:Dummy", "there are lsb, ocf"),
    ("set vip.ipp 1", "did you mean ip?"),
    ("set vip.monitr.interval 1", "it has monitor.30s"),
    ("set nosuch.ip 1", "object nosuch does not exist"),
    ("set vi.ip 1", "did you mean vip?"),
    ("set vip.monitor.timeoot 1", "did you mean timeout?"),
    ("set vip.monitor.20s.timeout 1", "it has monitor.30s"),
    ("set one.state 1", "one has no values to be changed"),
    ("set cib-bootstrap-options.no-quorum-policy stop", "property no-quorum-policy=stop"),
    ("set alpha.standby on", "node alpha attributes standby=on"),
    ("modgroup site add nosuch", "nosuch"),
    ("delete --force", "an object's id"),
    ("revisions 1.5", "a whole number"),
    ("filter ''", "expected: a program"),
    ("primitive x ocf:pacemaker:Dummy state=\udcff", "the byte 0xff is no text"),
    ("load update http://127.0.0.1:9/x", "cannot be read: Connection refused;"),
    ("modgroup site remove vip", "vip"),
    ("delete nosuch", "nosuch"),
    ("rename vip site", "site"),
    ("rename vip 'a b'", "cannot be an id"),
    ("get-property no-qurum-policy", "did you mean no-quorum-policy?"),
    ("schema pacemaker-99", "not supported"),
    ("graph svg", "to which file?"),
    ("graph jpg", "graph does not know “jpg”"),
    ("show nosuch", "nosuch"),
    ("load update /nowhere/at.all", "cannot be read"),
    ("save /nowhere/at.all", "cannot be written"),
    ("graph dot /nowhere/at.all", "cannot be written"),
    ("diff 0.99", "0.99 was not seen"),
    ("rollback 12", "0.12 was not seen"),
    ("filter 'exit 3'", "exit code 3"),
    ("filter 'echo primtive'", "cannot stand here"),
    ("edit", "load update FILE"),
]


@pytest.mark.parametrize(("line", "wanted"), WRONG, ids=[line for line, _ in WRONG])
def test_a_mistake_is_told_and_changes_nothing(person: Person, line: str, wanted: str) -> None:
    said = person.types(f"configure {line}")
    assert person.code != 0
    assert "ERROR: " in said
    assert wanted in said
    assert person.file.read_text() == CIB


def test_set_changes_one_value(person: Person) -> None:
    person.types("configure set vip.ip 10.0.0.7")
    person.types("configure set vip.monitor.interval 10s")
    assert person.types("configure show vip") == (
        "primitive vip IPaddr2 \\\n\tparams ip=10.0.0.7 \\\n\top monitor interval=10s\n"
    )


def test_set_changes_values_of_templates_nodes_sets_and_alerts(person: Person) -> None:
    for line in (
        "rsc_template t ocf:pacemaker:Dummy params state=/a op monitor interval=10s",
        "node alpha attributes standby=off utilization cpu=1",
        "rsc_defaults $id=own resource-stickiness=1",
        "alert a /bin/true meta timeout=3s",
        "set t.state /b",
        "set t.monitor.interval 20s",
        "set alpha.standby on",
        "set 1.cpu 2",
        "set own.resource-stickiness 5",
        "set cib-bootstrap-options.stonith-enabled no",
        "set a.timeout 4s",
    ):
        assert person.types(f"configure {line}") == "", line
    shown = person.types("configure show")
    assert 'params state="/b" \\\n\top monitor interval=20s' in shown
    assert "attributes standby=on \\\n\tutilization cpu=2" in shown
    assert "rsc_defaults own: \\\n\tresource-stickiness=5" in shown
    assert "stonith-enabled=no" in shown
    assert "meta timeout=4s" in shown
    said = person.types("configure set own.priority 5")
    assert "rsc_defaults own: priority=5" in said


def test_set_takes_an_object_with_dots_in_its_name(person: Person) -> None:
    person.types("configure node alpha.example.com attributes rack=a")
    person.types("configure set alpha.example.com.rack b")
    assert "rack=b" in person.types("configure show alpha.example.com")


def test_set_of_a_container_leaves_its_members_alone(person: Person) -> None:
    person.types("configure delete one")
    person.types("configure primitive one ocf:pacemaker:Dummy params state=/a")
    person.types("configure modgroup site add one")
    assert "Attribute not found" in person.types("configure set site.state /b")


def test_members_of_a_group_come_and_go(person: Person) -> None:
    person.types("configure primitive three ocf:pacemaker:Dummy")
    person.types("configure modgroup site add three before two")
    assert person.types("configure show site") == "group site one three two\n"
    person.types("configure modgroup site remove one")
    assert person.types("configure show site") == "group site three two\n"


def test_what_is_wrong_with_an_element_as_a_whole_is_marked_at_its_name(person: Person) -> None:
    said = person.types("configure primitive ip2 IPaddr2")
    _, line, caret, *_ = said.splitlines()
    assert caret.index("~") == line.index("ip2")


def test_a_description_that_stands_too_late_is_told_where_it_belongs(person: Person) -> None:
    said = person.types("configure primitive x ocf:pacemaker:Dummy params fake=1 description=z")
    assert "stands before params: ocf:pacemaker:Dummy description=…" in said


def test_who_is_a_member_already_is_told_of_which_group(person: Person) -> None:
    said = person.types("configure modgroup site add one")
    assert "one is a member of site already" in said
    person.types("configure primitive three ocf:pacemaker:Dummy")
    person.types("configure group other three")
    said = person.types("configure modgroup other add one")
    assert "one is in the group site: it cannot join other, too" in said


def test_delete_takes_hanging_constraints_along_and_says_so(person: Person) -> None:
    assert "together deleted" in person.types("configure delete vip")
    assert not person.has("together")


@pytest.mark.parametrize("line", ["delete --force vip", "delete vip -f", "rm vip --force one"])
def test_delete_takes_its_option_anywhere(person: Person, line: str) -> None:
    person.types(f"configure {line}")
    assert person.code == 0
    assert not person.has("vip")


def test_rename_follows_references(person: Person) -> None:
    person.types("configure rename vip address")
    assert "inf: site address" in person.types("configure show together")


def test_erase_keeps_the_nodes(person: Person) -> None:
    person.types("configure erase")
    assert not person.has("vip")
    assert "node 1: alpha" in person.types("configure show")


def test_what_is_saved_can_be_loaded(person: Person) -> None:
    text = person.types("configure show")
    for xml in ("", "xml "):
        name = person.directory / f"saved{xml.strip()}"
        person.types(f"configure save {xml}{name}")
        person.types("configure erase")
        person.types(f"configure load {xml}replace {name}")
        assert person.types("configure show") == text


@pytest.mark.parametrize("how", ["update", "replace", "push"])
def test_a_broken_file_changes_nothing(person: Person, how: str) -> None:
    """Every mistake has its line; the good elements are not taken either."""
    name = person.directory / "new.crm"
    name.write_text("primitive good Dummy\n\nprimitive bad Dumy\n")
    said = person.types(f"configure load {how} {name}")
    assert f"ERROR: {name}:3: bad: there is no agent" in said
    assert person.file.read_text() == CIB


def test_xml_where_text_is_expected_is_one_error(person: Person) -> None:
    said = person.types(f"configure load update {person.file}")
    assert "this is XML" in said
    assert f"load xml update {person.file}" in said


def test_text_where_xml_is_expected_is_told_how_it_is_loaded(person: Person) -> None:
    name = person.directory / "new.crm"
    name.write_text("# mine\nprimitive good Dummy\n")
    said = person.types(f"configure load xml update {name}")
    assert "this is no XML" in said
    assert f"load update {name}" in said


def test_bad_xml_is_told_with_its_line(person: Person) -> None:
    name = person.directory / "new.xml"
    name.write_text("<cib>\n<configuration></cib>\n")
    assert f"ERROR: {name}:2: not well-formed XML" in person.types(
        f"configure load xml update {name}"
    )
    assert person.file.read_text() == CIB


def load_xml(person: Person, text: str, how: str = "update") -> str:
    name = person.directory / "new.xml"
    name.write_text(text, encoding="utf-8")
    return person.types(f"configure load xml {how} {name}")


ONE = """<primitive id="one" class="ocf" provider="pacemaker" type="Dummy" description="new"/>"""
TWO = """<primitive id="two" class="ocf" provider="pacemaker" type="Dummy"/>"""


@pytest.mark.parametrize(
    "text", [ONE, f"<configuration><resources>{ONE}</resources></configuration>"]
)
def test_a_resource_that_is_updated_by_xml_stays_in_its_group_and_clone(
    person: Person, text: str
) -> None:
    person.types("configure clone copies site")
    load_xml(person, text)
    assert person.code == 0
    assert "description=new" in person.types("configure show one")
    assert person.types("configure show site") == "group site one two\n"
    assert "clone copies site" in person.types("configure show copies")


def test_a_group_as_xml_frees_and_takes_members(person: Person) -> None:
    load_xml(person, f'<resources><group id="site">{TWO}</group>{ONE}</resources>')
    assert person.code == 0
    assert person.types("configure show site") == "group site two\n"
    assert "description=new" in person.types("configure show one")
    load_xml(person, f'<clone id="all">{ONE}</clone>')
    assert person.code == 0
    assert "clone all one" in person.types("configure show all")


def test_properties_and_defaults_as_xml_join_their_sets(person: Person) -> None:
    pair = '<nvpair id="{0}" name="{0}" value="{1}"/>'
    options = '<cluster_property_set id="cib-bootstrap-options">{}</cluster_property_set>'
    crm_config = f"<crm_config>{options.format(pair.format('batch-limit', 4))}</crm_config>"
    load_xml(person, f"<cib><configuration>{crm_config}</configuration></cib>")
    assert person.code == 0
    assert "batch-limit=4" in person.types("configure show")
    assert "stonith-enabled=false" in person.types("configure show")
    for name, value in (("priority", 1), ("resource-stickiness", 2), ("priority", 3)):
        inner = f'<meta_attributes id="d">{pair.format(name, value)}</meta_attributes>'
        load_xml(person, f"<rsc_defaults>{inner}</rsc_defaults>")
        assert person.code == 0
    shown = person.types("configure show type:rsc_defaults")
    assert "priority=3" in shown
    assert "resource-stickiness=2" in shown
    assert "priority=1" not in shown


def test_a_set_of_defaults_as_xml_is_an_element_like_any_other(person: Person) -> None:
    pair = '<nvpair id="{0}" name="{0}" value="1"/>'
    for name, kind in (("priority", "rsc_defaults"), ("timeout", "op_defaults")):
        load_xml(person, f'<meta_attributes id="{kind}">{pair.format(name)}</meta_attributes>')
        assert person.code == 0
        assert f"{name}=1" in person.types(f"configure show type:{kind}")


@pytest.mark.parametrize(
    ("text", "how", "wanted"),
    [
        ("<rsc_defaults/>", "replace", "is only a section"),
        ("<status/>", "update", "is no element of a configuration"),
        (ONE.replace('"one"', '"site"'), "update", "the id site is taken: there is a group"),
        (ONE.replace('id="one"', ""), "update", "has no id"),
    ],
)
def test_xml_that_cannot_join_changes_nothing(
    person: Person, text: str, how: str, wanted: str
) -> None:
    assert wanted in load_xml(person, text, how)
    assert person.code == 1
    assert person.file.read_text() == CIB


def test_a_mark_of_the_encoding_is_no_part_of_a_text(person: Person) -> None:
    name = person.directory / "new.crm"
    name.write_text("primitive more ocf:pacemaker:Dummy\n", encoding="utf-8-sig")
    person.types(f"configure load update {name}")
    assert person.code == 0
    assert person.has("more")


def test_load_update_changes_what_it_names(person: Person) -> None:
    name = person.directory / "new.crm"
    name.write_text("primitive vip IPaddr2 params ip=10.9.9.9\nprimitive more Dummy\n")
    person.types(f"configure load update {name}")
    assert "ip=10.9.9.9" in person.types("configure show vip")
    assert person.has("more")
    assert person.has("one")


def test_get_property_knows_defaults(person: Person) -> None:
    assert person.types("configure get-property no-quorum-policy stonith-enabled") == (
        "stop\nfalse\n"
    )
    assert person.types("configure get-property -t stonith-enabled") == "false\n"


def test_default_timeouts_are_what_the_agent_advises(person: Person) -> None:
    person.types("configure default-timeouts vip")
    assert "timeout=20s" in person.types("configure show vip")


def test_a_parameter_that_the_agent_does_not_have_is_refused_everywhere(person: Person) -> None:
    for line in ("resource param vip set ipp 1", "resource meta vip set priority much"):
        person.types(line)
        assert person.code == 1
    assert person.file.read_text() == CIB


def test_what_was_wrong_before_does_not_stop_other_changes(person: Person) -> None:
    Person(person.directory, options=Options(force=True)).types(
        "configure primitive odd ocf:heartbeat:IPaddr2 params ipp=1"
    )
    person.types("resource meta odd set priority 3")
    assert person.code == 0


def test_deleting_the_last_value_leaves_no_empty_set(person: Person) -> None:
    assert "not a whole number" in person.types("resource utilization vip set cpu four")
    assert "not a whole number" in person.types("node utilization alpha set cpu four")
    assert "cpu" not in person.file.read_text()
    person.types("resource utilization vip set cpu 2")
    assert "utilization cpu=2" in person.types("configure show vip")
    person.types("resource utilization vip delete cpu")
    assert "utilization" not in person.types("configure show vip")


def test_an_unknown_node_is_told_and_taken(person: Person) -> None:
    """It may still join."""
    said = person.types("configure location l vip 1: gamma")
    assert "WARNING: " in said
    assert "gamma" in said
    assert person.has("l")


def test_a_file_has_no_history_but_knows_where_it_is(person: Person) -> None:
    assert person.types("configure diff 0.5") == ""
    assert "is just that already" in person.types("configure rollback 5")


# ---- nothing is lost by a slip -------------------------------------------------------------------


def test_erase_says_what_it_removes(person: Person) -> None:
    said = person.types("configure erase")
    assert "this removes primitive (3), group (1), colocation (1), property (1)" in said
    assert "vip" in said
    assert "together" in said
    assert "property" not in person.types("configure show")
    assert "nothing to erase" in person.types("configure erase")


def test_erase_asks_a_person_first(sitting: Person) -> None:
    sitting.types("configure")
    sitting.console.answers = [False, True]
    sitting.types("erase")
    assert "vip" in sitting.types("show")
    sitting.types("erase")
    assert "vip" not in sitting.types("show")
    assert sitting.has("vip")


@pytest.mark.parametrize("how", ["replace", "push", "xml replace"])
@pytest.mark.parametrize(
    ("text", "wanted"), [("\n  \n", "is empty"), ("# only\n\n# comments\n", "has no elements")]
)
def test_a_file_without_elements_replaces_nothing(
    person: Person, how: str, text: str, wanted: str
) -> None:
    if "xml" in how and text.strip():
        text = "<configuration><nodes/><resources/></configuration>"
    name = person.directory / "empty"
    name.write_text(text, encoding="utf-8")
    said = person.types(f"configure load {how} {name}")
    assert wanted in said
    assert "erase" in said
    assert person.code == 1
    assert person.has("vip")


REPLACING = """<configuration><crm_config/><nodes>{}</nodes><resources><primitive id="new"
class="ocf" provider="pacemaker" type="Dummy"/></resources><constraints/></configuration>"""


def test_xml_that_replaces_keeps_the_nodes_that_it_does_not_name(person: Person) -> None:
    load_xml(person, REPLACING.format(""), "replace")
    assert [n.get("uname") for n in person.saved().section("nodes").findall()] == ["alpha", "beta"]
    assert person.has("new")
    assert not person.has("vip")
    load_xml(person, REPLACING.format('<node id="9" uname="beta"/>'), "replace")
    assert [n.id for n in person.saved().section("nodes").findall()] == ["1", "9"]
    load_xml(person, REPLACING.format('<node id="9" uname="beta"/>'), "push")
    assert [n.id for n in person.saved().section("nodes").findall()] == ["9"]


def test_delete_touches_only_what_names_what_is_gone(person: Person) -> None:
    """A tag may name nodes and constraints, and a level a device that is not there yet."""
    person.types("configure tag all vip together 1")
    person.types("configure fencing_topology alpha: later,vip")
    person.types("configure delete one")
    assert "tag all vip together 1" in person.types("configure show")
    assert "alpha: later,vip" in person.types("configure show")
    person.types("configure delete vip")
    assert "tag all 1\n" in person.types("configure show")
    assert "alpha: later" in person.types("configure show")


def test_the_clone_of_a_deleted_group_goes_with_it(person: Person) -> None:
    """A clone has one member, so it cannot take those of the group."""
    person.types("configure clone copies site")
    person.types("configure location near copies 5: alpha")
    said = person.types("configure delete site")
    assert "clone:copies of site deleted" in said
    assert "near deleted" in said
    assert person.code == 0
    assert person.types("configure show two").startswith("primitive two ")
    assert not person.has("copies")


def test_an_empty_fencing_topology_is_deleted(person: Person) -> None:
    person.file.write_text(CIB.replace("</configuration>", "<fencing-topology/></configuration>"))
    assert "fencing_topology" in person.types("configure show"), "as crmsh has it"
    person.types("configure delete fencing_topology")
    assert person.code == 0
    assert "fencing_topology" not in person.types("configure show")
    assert "fencing-topology" not in person.file.read_text()


def test_a_used_template_is_not_deleted_alone(person: Person) -> None:
    person.types("configure rsc_template tmpl ocf:pacemaker:Dummy")
    person.types("configure primitive user @tmpl")
    said = person.types("configure delete tmpl")
    assert "is used by user" in said
    assert "delete tmpl user" in said
    person.types("configure delete tmpl user")
    assert not person.has("tmpl")


def test_the_resource_in_a_deleted_bundle_stays(person: Person) -> None:
    person.types("configure primitive web ocf:pacemaker:Dummy")
    person.types("configure bundle box podman image=x primitive web")
    person.types("configure delete box")
    assert person.types("configure show web") == "primitive web ocf:pacemaker:Dummy\n"


def test_a_deleted_role_is_taken_from_its_holders(person: Person) -> None:
    person.types("configure role reader read cib")
    person.types("configure role writer write cib")
    person.types("configure acl_target bob reader writer")
    person.types("configure delete reader")
    assert person.types("configure show bob") == "acl_target bob \\\n\twriter\n"


def test_a_renamed_resource_is_renamed_in_permissions(person: Person) -> None:
    person.types("configure role reader read ref:vip")
    person.types("configure rename vip address")
    assert "ref:address" in person.types("configure show reader")


# ---- commit replace ------------------------------------------------------------------------------


def test_commit_replace_refuses_what_others_changed(sitting: Person) -> None:
    other = Person(sitting.directory)
    sitting.types("configure")
    sitting.types("delete together")
    other.types("configure property no-quorum-policy=stop")

    said = sitting.types("commit replace")

    assert "somebody else has changed" in said
    assert sitting.has("together")
    assert sitting.session.working.pending


def test_commit_force_replace_makes_it_what_is_pending(sitting: Person) -> None:
    other = Person(sitting.directory)
    sitting.types("configure")
    sitting.types("delete together")
    other.types("configure property no-quorum-policy=stop")

    sitting.types("commit force replace")

    assert not sitting.has("together")
    assert "no-quorum-policy" not in other.types("configure show")


def test_commit_replace_commits_where_nobody_else_did(sitting: Person) -> None:
    sitting.types("configure")
    sitting.types("delete together")
    sitting.types("commit replace")
    assert not sitting.has("together")


def test_property_alone_lists_what_there_is(person: Person) -> None:
    assert "no-quorum-policy\n" in person.types("configure property")


def test_letters_that_are_taken_for_a_command_are_told(person: Person) -> None:
    """``ee`` has them in order; a word that is only cut short (``sho``) goes without saying."""
    assert "INFO: “ee” is accepted as “erase”" in person.types("configure ee")
    assert "accepted" not in person.types("configure sho")


def test_a_node_is_not_renamed(person: Person) -> None:
    """It was told as done, and nothing was."""
    assert "its name is that of its machine" in person.types("configure rename alpha gamma")
    assert person.code == 1


@pytest.mark.parametrize("verb", ["maintenance", "ready", "standby", "standby reboot", "online"])
def test_a_node_has_to_be_named_where_we_are_on_none(person: Person, verb: str) -> None:
    said = person.types(f"node {verb}")
    assert person.code == 2
    assert "which node is meant" in said
    assert "alpha, beta" in said
    assert person.file.read_text() == CIB


def test_verify_has_a_record_for_programs(person: Person) -> None:
    sitting = Person(person.directory, interactive=True)
    assert sitting.types("configure verify") == ""
    assert json.loads(sitting.types("configure verify --output-as json"))["valid"] is True
    sitting.types("configure")
    sitting.types("location l nosuch 1: gamma")
    told = json.loads(sitting.types("verify --output-as json"))
    assert sitting.code == 1
    assert told["valid"] is False
    assert [(f["level"], f["where"]) for f in told["findings"]] == [
        ("error", "l"),
        ("warning", "l"),
    ]
    assert told["findings"][0]["text"] == "there is no resource nosuch"


def test_an_order_of_a_resource_with_itself_is_refused(person: Person) -> None:
    said = person.types("configure order o7 Mandatory: vip vip")
    assert person.code == 1
    assert "vip waits for its own start" in said
    assert not person.has("o7")


def test_no_topology_is_left_in_the_listing(person: Person) -> None:
    Person(person.directory, options=Options(force=True)).runs_script(
        "configure\nprimitive s stonith:lab\nfencing_topology s\ncommit\n"
    )
    assert "fencing_topology s" in person.types("configure show")
    person.types("node delete beta")
    assert "fencing_topology" in person.types("configure show")
    assert "xml" not in person.types("configure show")
    person.types("configure delete s")
    assert "fencing_topology" not in person.types("configure show")
