"""Access control lists: what is hidden and what may be changed, beside Pacemaker's own answers."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from crmsh_py.cib import xml
from crmsh_py.cib.acl import Access
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.errors import NotPermitted

ROLES = {
    "reader": [("read", "xpath", "/cib"), ("deny", "xpath", "//nvpair[@name='passwd']")],
    "operator": [("write", "xpath", "//meta_attributes"), ("read", "object-type", "constraints")],
    "mixed": [
        ("write", "xpath", "//resources"),
        ("read", "xpath", "//primitive[@id='A']"),
        ("deny", "xpath", "//primitive[@id='B']"),
    ],
    "exception": [("deny", "xpath", "//resources"), ("read", "reference", "A")],
    "contradiction": [("deny", "reference", "A"), ("write", "xpath", "//primitive[@id='A']")],
    "typed": [("write", "object-type", "nvpair"), ("read", "reference", "loc")],
    "broken": [("read", "xpath", "/cib"), ("deny", "xpath", "//nvpair[")],
    "valued": [
        ("read", "xpath", "/cib"),
        ("deny", "xpath", "//nvpair[@name='passwd']/@value"),
        ("deny", "xpath", "//rsc_location/@node/.."),
    ],
    "sealed": [("read", "reference", "A"), ("deny", "xpath", "/")],
    "rooted": [("read", "xpath", "/")],
    "counting": [("read", "xpath", "/cib"), ("deny", "xpath", "count(//nvpair)")],
    "all": [("write", "xpath", "/cib")],
    "nothing": [],
}


def document(enable: str = "true") -> str:
    acls = (
        "".join(f'<acl_target id="{user}"><role id="r-{user}"/></acl_target>' for user in ROLES)
        + '<acl_group id="staff"><role id="r-reader"/></acl_group>'
    )
    for user, permissions in ROLES.items():
        inner = "".join(
            f"<acl_permission id='{user}-{n}' kind='{kind}' {how}=\"{what}\"/>"
            for n, (kind, how, what) in enumerate(permissions)
        )
        acls += f'<acl_role id="r-{user}">{inner}</acl_role>'
    return f"""<cib crm_feature_set="3.16.2" validate-with="pacemaker-3.9" epoch="5"
 num_updates="0" admin_epoch="0" have-quorum="1" dc-uuid="1"><configuration>
<crm_config><cluster_property_set id="cpo">
 <nvpair id="p1" name="enable-acl" value="{enable}"/></cluster_property_set></crm_config>
<nodes><node id="1" uname="n1"/></nodes>
<resources>
<primitive id="A" class="ocf" provider="pacemaker" type="Dummy"><instance_attributes id="Ai">
 <nvpair id="Ap" name="passwd" value="secret"/><nvpair id="As" name="state" value="x"/>
 </instance_attributes><meta_attributes id="Am">
 <nvpair id="Amt" name="target-role" value="Started"/></meta_attributes></primitive>
<primitive id="B" class="ocf" provider="pacemaker" type="Dummy"/>
</resources>
<constraints><rsc_location id="loc" rsc="A" node="n1" score="100"/></constraints>
<acls>{acls}</acls></configuration><status/></cib>"""


ROOT = xml.parse(document())


def access(user: str, groups: tuple[str, ...] = ()) -> Access:
    found = Access.of(ROOT, user, groups)
    assert found is not None
    return found


def changed(old: str, new: str) -> Element:
    text = xml.to_xml(ROOT, indent=None)
    assert text.count(old) == 1, (old, text.count(old))
    return xml.parse(text.replace(old, new))


def may(user: str, old: str, new: str) -> bool:
    try:
        access(user).check(ROOT, changed(old, new))
    except NotPermitted:
        return False
    return True


ROLE = '<nvpair id="Amt" name="target-role" value="Started"/>'
STATE = '<nvpair id="As" name="state" value="x"/>'
B = '<primitive id="B" class="ocf" provider="pacemaker" type="Dummy"/>'


@pytest.mark.parametrize("user", ["root", "hacluster", ""])
def test_root_and_the_cluster_are_exempt(user: str) -> None:
    assert Access.of(ROOT, user) is None


def test_without_the_property_nobody_is_limited() -> None:
    assert Access.of(xml.parse(document("false")), "reader") is None


def test_what_is_denied_is_left_out_and_what_is_above_something_readable_has_its_id_alone() -> None:
    seen = access("reader").readable(ROOT)
    assert 'value="secret"' not in xml.to_xml(seen)
    assert xml.to_xml(seen).count("<nvpair") == xml.to_xml(ROOT).count("<nvpair") - 1

    seen = access("operator").readable(ROOT)
    resources = seen.find("configuration", "resources")
    assert resources is not None
    (primitive,) = resources.findall()
    assert dict(primitive.attrs) == {"id": "A"}
    assert [child.tag for child in primitive.children] == ["meta_attributes"]
    assert seen.get("epoch") == "5"
    assert Cib.parse(xml.to_xml(seen)).version.epoch == 5


@pytest.mark.parametrize("user", ["nothing", "unknown"])
def test_who_has_no_permission_reads_nothing(user: str) -> None:
    with pytest.raises(NotPermitted, match="may read nothing"):
        access(user).readable(ROOT)


def test_a_group_gives_its_roles_to_its_members() -> None:
    assert access("somebody", ("staff", "users")).readable(ROOT).find("configuration", "nodes")


@pytest.mark.parametrize(
    ("sets", "limited"),
    [
        ([("a", "", "false"), ("cib-bootstrap-options", "", "true")], True),
        ([("a", "", "true"), ("cib-bootstrap-options", "", "false")], False),
        ([("a", "", "false"), ("b", "score='5'", "true")], True),
        ([("a", "", " true ")], True),
        ([("a", "", "")], False),
    ],
)
def test_the_property_that_counts_for_the_cluster_counts_here(
    sets: list[tuple[str, str, str]], limited: bool
) -> None:
    inner = "".join(
        f"<cluster_property_set id='{name}' {score}>"
        f"<nvpair id='{name}-acl' name='enable-acl' value='{value}'/></cluster_property_set>"
        for name, score, value in sets
    )
    text = re.sub(r"<crm_config>.*</crm_config>", f"<crm_config>{inner}</crm_config>", document(),
                  flags=re.DOTALL)  # fmt: skip
    assert (Access.of(xml.parse(text), "nothing") is not None) is limited


def test_a_set_whose_rule_may_not_pass_switches_nothing_off() -> None:
    never = (
        "<rule id='r' score='1'><date_expression id='e' operation='lt' end='2001-01-01'/></rule>"
    )
    off = '<nvpair id="p0" name="enable-acl" value="false"/>'
    text = document().replace(
        "<crm_config>",
        f"<crm_config><cluster_property_set id='s'>{never}{off}</cluster_property_set>",
    )
    assert Access.of(xml.parse(text), "nothing") is not None
    only = document("true").replace(
        '<cluster_property_set id="cpo">', f'<cluster_property_set id="cpo">{never}'
    )
    assert Access.of(xml.parse(only), "nothing") is not None


@pytest.mark.parametrize(
    "section", ["<constraints>", "<crm_config>", "<acls>", '<primitive id="A"']
)
def test_nothing_is_hidden_behind_a_second_one_of_its_kind(section: str) -> None:
    """Readers take the first of two sections: the change must not be compared with the second."""
    evil = {
        "<constraints>": "<constraints><rsc_order id='e' first='A' then='B'/></constraints>",
        "<crm_config>": "<crm_config><cluster_property_set id='e'/></crm_config>",
        "<acls>": "<acls><acl_target id='operator'><role id='r-all'/></acl_target></acls>",
        '<primitive id="A"': "<primitive id='A' class='ocf' provider='evil' type='Dummy'/>",
    }[section]
    for user in ("operator", "reader"):
        with pytest.raises(NotPermitted):
            access(user).check(ROOT, changed(section, evil + section))


def test_a_comment_belongs_to_what_it_stands_in() -> None:
    assert may("mixed", "<resources>", "<resources><!-- ours -->")
    assert not may("operator", "<resources>", "<resources><!-- not ours -->")


def test_a_broken_xpath_shows_nothing_that_it_was_to_hide() -> None:
    with pytest.raises(NotPermitted):
        access("broken").readable(ROOT)


@pytest.mark.parametrize(
    ("user", "old", "new", "allowed"),
    [
        ("reader", ROLE, ROLE.replace("Started", "Stopped"), False),
        ("operator", ROLE, ROLE.replace("Started", "Stopped"), True),
        ("operator", ROLE, "", True),
        ("operator", STATE, STATE.replace("x", "y"), False),
        ("operator", STATE, "", False),
        # A container that holds nothing but what may be written may be made around it.
        ("operator", B, B[:-2] + f"><meta_attributes id='Bm'>{ROLE.replace('Amt', 'Bmt')}"
         "</meta_attributes></primitive>", True),
        ("operator", B, B + B.replace('"B"', '"C"'), False),
        ("mixed", STATE, STATE.replace("x", "y"), True),  # read takes nothing from a write above
        ("mixed", B, B.replace("Dummy", "Stateful"), False),
        ("mixed", B, "", False),
        ("mixed", B, B + B.replace('"B"', '"C"'), True),
        ("exception", STATE, "", False),
        ("contradiction", STATE, "", False),
        ("typed", STATE, STATE.replace("x", "y"), True),
        ("typed", STATE, STATE + STATE.replace("As", "As2").replace("state", "s2"), True),
        ("typed", B, "", False),
        ("all", B, "", True),
        ("nothing", B, "", False),
    ],
)  # fmt: skip
def test_changes(user: str, old: str, new: str, allowed: bool) -> None:
    assert may(user, old, new) == allowed


def test_what_hides_something_denied_cannot_be_deleted() -> None:
    text = xml.to_xml(ROOT, indent=None)
    start = text.index("<resources>")
    end = text.index("</resources>")
    without = xml.parse(text[:start] + "<resources>" + text[end:])

    with pytest.raises(NotPermitted, match="may not delete"):
        access("mixed").check(ROOT, without)


def test_nobody_gives_himself_a_permission() -> None:
    own = "<acl_permission id='operator-9' kind='write' xpath='/cib'/>"
    role = '<acl_role id="r-operator">'
    with pytest.raises(NotPermitted, match="may not create acl_permission operator-9"):
        access("operator").check(ROOT, changed(role, role + own))


def test_the_refusal_says_who_what_and_where_to_look() -> None:
    with pytest.raises(NotPermitted) as caught:
        access("operator").check(ROOT, changed(STATE, ""))
    assert caught.value.message == (
        "operator may not delete nvpair As: access control lists forbid it"
    )
    assert "crm configure show" in str(caught.value.hint)


# ---- beside Pacemaker -------------------------------------------------------------------------

_MARK = re.compile(r"vvv---\[ (.*?) \]---vvv")
_START = re.compile(r"<([A-Za-z_]+)[^>]*?( id=\"([^\"]*)\")?")


def pacemaker_sees(user: str, file: Path) -> dict[str, tuple[bool, bool]]:
    """What ``cibadmin --show-access`` says of every element with an id: read, write."""
    done = subprocess.run(
        ["cibadmin", "-Q", "-U", user, "--show-access=text"],
        env={"CIB_file": str(file), "PATH": "/usr/sbin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    if done.returncode != 0:
        pytest.skip(f"this cibadmin shows no access: {done.stderr}")
    meanings = {"READABLE": (True, False), "WRITABLE": (True, True), "~DENIED~": (False, False)}
    found: dict[str, tuple[bool, bool]] = {}
    stack: list[tuple[bool, bool]] = [(False, False)]
    mark: tuple[bool, bool] | None = None
    for line in done.stdout.splitlines():
        if match := _MARK.search(line):
            mark = meanings[match[1]]
        elif line.strip().startswith("</"):
            stack.pop()
        elif line.strip().startswith("<") and not line.strip().startswith("<!--"):
            own = mark if mark is not None else stack[-1]
            mark = None
            if match := re.search(r' id="([^"]*)"', line):
                found[f"{line.strip()[1:].split()[0]} {match[1]}"] = own
            if not line.rstrip().endswith("/>"):
                stack.append(own)
    return found


@pytest.mark.parametrize("user", [*ROLES, "unknown"])
def test_rights_are_pacemakers(user: str, tmp_path: Path) -> None:
    if shutil.which("cibadmin", path="/usr/sbin") is None:
        pytest.skip("Pacemaker's cibadmin is not installed")
    if user in ("broken", "counting"):
        pytest.skip("Pacemaker ignores a deny that cannot be read; we do not")
    file = tmp_path / "cib.xml"
    file.write_text(document())
    tree = access(user).rights(ROOT)
    ours = {
        f"{element.tag} {element.id}": (tree.at(place).read, tree.at(place).write)
        for place, element in enumerate(tree.elements)
        if element.id
    }

    assert pacemaker_sees(user, file) == ours
