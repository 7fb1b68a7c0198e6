"""cibadmin: queries by section and XPath, and changes by XML."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from lxml import etree
from tools.fakes import CIB, FakeCluster

from crmsh_py.cib.diff import diff
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.patch import Patch
from crmsh_py.cib.version import Version
from crmsh_py.clusters.file import FileCluster
from crmsh_py.tools import cibadmin
from crmsh_py.tools.common import ToolUsageError
from crmsh_py.tools.xpath import select

Capture = pytest.CaptureFixture[str]


def run(cluster: FakeCluster, *words: str) -> int:
    return cibadmin.main(words, door=cluster)


def test_the_whole_document_reads_back(cluster: FakeCluster, capsys: Capture) -> None:
    assert run(cluster, "-Q") == 0
    assert Cib.parse(capsys.readouterr().out) == cluster.cib


def test_what_makes_no_difference_here_is_taken(cluster: FakeCluster) -> None:
    assert run(cluster, "-Q", "-t", "30", "-N", "pacemaker02", "-l", "-s") == 0


def test_a_section(cluster: FakeCluster, capsys: Capture) -> None:
    assert run(cluster, "-Q", "-o", "constraints") == 0
    assert capsys.readouterr().out.startswith("<constraints>\n  <rsc_colocation ")
    assert run(cluster, "-Q", "-o", "constrants") == 105
    assert "did you mean constraints?" in capsys.readouterr().err


def test_an_xpath_names_one_or_many(cluster: FakeCluster, capsys: Capture) -> None:
    assert run(cluster, "-Q", "-A", "//op[@name='monitor' and @interval='30s']") == 0
    assert capsys.readouterr().out == (
        '<op id="ClusterIP-monitor-30s" name="monitor" interval="30s"/>\n'
    )
    assert run(cluster, "-Q", "-n", "--xpath", "/cib/configuration/resources/primitive") == 0
    lines = capsys.readouterr().out.splitlines()
    assert (lines[0], len(lines), lines[-1]) == ("<xpath-query>", 4, "</xpath-query>")
    assert lines[1].startswith('  <primitive id="ClusterIP" ')
    assert run(cluster, "-Q", "-A", "//primitive[@id='no']") == 105
    assert run(cluster, "-Q", "-A", "//primitive[count(op)>1]") == 64


def test_create_puts_an_element_into_its_section(cluster: FakeCluster) -> None:
    xml = '<primitive id="d1" class="ocf" provider="pacemaker" type="Dummy"/>'
    assert run(cluster, "-C", "-o", "resources", "-X", xml) == 0
    resources = cluster.cib.section("resources").findall()
    assert [element.id for element in resources] == ["ClusterIP", "WebSite", "d1"]
    assert run(cluster, "-C", "-X", xml) == 108


def test_modify_merges_and_creates_only_when_allowed(cluster: FakeCluster) -> None:
    xml = '<primitive id="WebSite" description="shop"><operations/></primitive>'
    assert run(cluster, "-M", "-X", xml) == 0
    assert cluster.find("WebSite").get("description") == "shop"
    assert cluster.find("WebSite").get("type") == "apache"
    new = '<primitive id="d1" class="ocf" provider="pacemaker" type="Dummy"/>'
    assert run(cluster, "-M", "-X", new) == 105
    assert run(cluster, "-M", "-c", "-X", new) == 0
    assert cluster.find("d1").get("type") == "Dummy"


def test_replace_a_section_from_a_file(cluster: FakeCluster, tmp_path: Path) -> None:
    file = tmp_path / "c.xml"
    file.write_text("<constraints/>")
    assert run(cluster, "-R", "-o", "constraints", "-x", str(file)) == 0
    assert cluster.cib.section("constraints").children == ()


def test_delete_is_content_when_it_is_gone(cluster: FakeCluster) -> None:
    assert run(cluster, "-D", "-X", '<rsc_order id="apache-after-ip"/>') == 0
    assert cluster.cib.find_id("apache-after-ip") is None
    assert run(cluster, "-D", "-o", "constraints", "-X", '<rsc_order id="apache-after-ip"/>') == 0
    assert run(cluster, "-D", "--xpath", "//rsc_colocation") == 0
    assert cluster.cib.find_id("website-with-ip") is None


def test_a_section_that_is_the_scope_stands_for_what_is_in_it(cluster: FakeCluster) -> None:
    inside = '<rsc_order id="apache-after-ip"/><rsc_colocation id="website-with-ip"/>'
    assert run(cluster, "-D", "-o", "constraints", "-X", "<constraints/>") == 0
    assert len(cluster.cib.section("constraints").findall()) == 2
    assert (
        run(cluster, "-D", "-o", "constraints", "-X", f"<constraints>{inside}</constraints>") == 0
    )
    assert not cluster.cib.section("constraints").findall()


def test_a_section_without_a_scope_is_meant_itself(cluster: FakeCluster, capsys: Capture) -> None:
    defaults = '<rsc_defaults><meta_attributes id="rd"/></rsc_defaults>'
    assert run(cluster, "-M", "-c", "-X", defaults) == 0
    assert run(cluster, "-D", "-X", '<rsc_defaults id="no"/>') == 0
    assert cluster.cib.find_id("rd") is not None
    assert run(cluster, "-D", "-X", "<rsc_defaults/>") == 0
    assert cluster.cib.configuration.find("rsc_defaults") is None
    assert (
        run(cluster, "-D", "-X", '<constraints><rsc_order id="apache-after-ip"/></constraints>')
        == 78
    )
    assert "say --scope constraints" in capsys.readouterr().err
    assert run(cluster, "-D", "-X", "<status/>") == 0
    assert not cluster.cib.status.findall()


@pytest.mark.parametrize("command", ["-M", "-C"])
def test_a_whole_document_is_merged(cluster: FakeCluster, command: str) -> None:
    inside = '<resources><primitive id="WebSite" description="shop"/></resources>'
    state = '<node_state id="2" uname="pacemaker02" crmd="offline"/>'
    text = f"<cib><configuration>{inside}</configuration><status>{state}</status></cib>"
    assert run(cluster, command, "-X", text) == 0
    assert cluster.find("WebSite").attrs["description"] == "shop"
    assert cluster.find("WebSite").attrs["type"] == "apache"
    assert [s.get("crmd") for s in cluster.cib.status.findall("node_state")] == [
        "online",
        "offline",
    ]
    assert run(cluster, command, "-X", text.replace("<cib>", '<cib epoch="3">')) == 103
    assert run(cluster, command, "-X", '<cib admin_epoch="5" dc-uuid="9"/>') == 0
    assert cluster.cib.version == Version(5, 7, 3)
    assert cluster.cib.root.get("dc-uuid") == "1"
    assert run(cluster, command, "-X", "<cib><resources/></cib>") == 78


def test_what_is_erased_is_gone_everywhere(cluster: FakeCluster) -> None:
    """A lab's nodes keep the status themselves."""
    before = cluster.cib
    assert run(cluster, "-E", "--force") == 0
    assert not cluster.cib.section("resources").findall()
    assert cluster.cib.status == before.status
    assert cluster.cib.version.admin_epoch == 1
    cluster.cib, cluster.kind = before, "file"
    assert run(cluster, "-E", "--force") == 0
    assert not cluster.cib.status.findall()


def test_a_patch_is_applied(cluster: FakeCluster) -> None:
    old = cluster.cib
    new = old.with_section("constraints", old.section("constraints").with_children(()))
    assert run(cluster, "-P", "-X", diff(old, new).to_xml()) == 0
    assert cluster.cib.section("constraints").children == ()


def test_a_patch_that_names_no_version_is_applied_to_what_is_there(cluster: FakeCluster) -> None:
    """So crmsh and pcs make them: ``crm_diff --no-version``."""
    old = cluster.cib
    new = old.with_section("constraints", old.section("constraints").with_children(()))
    patch = re.sub(r"(?s)<version>.*</version>", "", diff(old, new).to_xml())
    assert "version" not in patch
    assert run(cluster, "-p", "-P", "-X", patch) == 0
    assert cluster.cib.section("constraints").children == ()
    assert run(cluster, "-P", "-X", patch) != 0  # what it would delete is gone


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["-C", "-X", "<primitive"], 78),
        (["-C", "-X", "<!DOCTYPE x [<!ENTITY a 'b'>]><primitive id='&a;'/>"], 78),
        (["-C", "-X", "<what id='x'/>"], 105),
        (["-M", "-X", "<nvpair name='site' value='south'/>"], 105),
        (["-R", "-o", "tags", "-X", "<cib><configuration/></cib>"], 105),
        (["-C", "-o", "nosuch", "-X", "<primitive id='x'/>"], 105),
        (["-C", "-x", "/nonexistent/file"], 66),
        (["-C"], 64),
        (["-E"], 107),
        ([], 64),
        (["-D", "--xpath", "/cib"], 1),
    ],
)
def test_bad_input_changes_nothing(
    cluster: FakeCluster, words: list[str], code: int, capsys: Capture
) -> None:
    before = cluster.cib
    assert cibadmin.main(words, door=cluster) == code
    assert cluster.cib is before
    assert capsys.readouterr().err.startswith("cibadmin: ")


def test_delete_takes_what_has_all_the_given_attributes(cluster: FakeCluster) -> None:
    before = cluster.cib
    assert run(cluster, "-D", "-X", '<primitive id="WebSite" type="Dummy"/>') == 0
    assert cluster.cib == before, "there is no such element, and no other was meant"
    assert run(cluster, "-D", "-X", '<primitive type="apache"/>') == 0
    assert [each.id for each in cluster.cib.section("resources").findall()] == ["ClusterIP"]


def test_delete_asks_which_of_several_is_meant(cluster: FakeCluster, capsys: Capture) -> None:
    before = cluster.cib
    assert run(cluster, "-D", "-o", "resources", "-X", '<primitive class="ocf"/>') != 0
    assert "2 elements are such a <primitive>" in capsys.readouterr().err
    assert cluster.cib == before


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["-M", "-A", "//primitive[@id='ClusterIP']", "-X", "<op/>"], 1),
        (["-R", "-A", "//primitive[@id='nosuch']", "-X", "<primitive/>"], 105),
        (["-C", "-A", "//resources", "-X", '<primitive id="WebSite"/>'], 108),
        (["-P", "-A", "//resources", "-X", "<diff/>"], 64),
        (["-d", "-A", "//op"], 107),
        (["-d", "-f"], 64),
        (["-u"], 107),
        (["-M", "-A", "/cib", "-X", "<cib/>"], 1),
    ],
)
def test_an_xpath_is_not_passed_over(cluster: FakeCluster, words: list[str], code: int) -> None:
    before = cluster.cib
    assert run(cluster, *words) == code
    assert cluster.cib == before


def test_a_change_may_name_its_place_by_a_path(cluster: FakeCluster) -> None:
    at = "//primitive[@id='WebSite']"
    words = ("-X", '<primitive id="WebSite" description="a site"/>')
    assert run(cluster, "-M", "-A", at, *words) == 0
    assert cluster.find("WebSite").attrs["type"] == "apache"
    assert cluster.find("WebSite").attrs["description"] == "a site"
    whole = '<primitive id="WebSite" class="ocf" provider="pacemaker" type="Dummy"/>'
    assert run(cluster, "-R", "-A", at, "-X", whole) == 0
    assert "description" not in cluster.find("WebSite").attrs
    operations = '<operations><op id="o1" name="start" interval="0"/></operations>'
    assert run(cluster, "-C", "-A", at, "-X", operations) == 0
    assert cluster.find("o1").get("name") == "start"
    assert run(cluster, "-d", "-f", "-A", "//op") == 0
    assert not list(cluster.cib.section("resources").iter("op"))


def test_where_something_is_can_be_asked(cluster: FakeCluster, capsys: Capture) -> None:
    assert run(cluster, "-Q", "-e", "-A", "//op") == 0
    assert capsys.readouterr().out == (
        "/cib/configuration/resources/primitive[@id='ClusterIP']/operations"
        "/op[@id='ClusterIP-monitor-30s']\n"
    )


def test_an_empty_configuration_and_the_latest_schema(
    cluster: FakeCluster, capsys: Capture
) -> None:
    assert run(cluster, "-a", "pacemaker-3.0") == 0
    empty = Cib.parse(capsys.readouterr().out)
    assert empty.schema == "pacemaker-3.0"
    assert not empty.section("crm_config").findall()
    assert run(cluster, "--empty") == 0
    cluster.cib = Cib.parse(CIB.replace("pacemaker-3.9", "pacemaker-2.10"))
    assert run(cluster, "--upgrade", "--force") == 0
    assert cluster.cib.schema.startswith("pacemaker-3")


@pytest.mark.parametrize(
    "path",
    [
        *("//nvpair", "/cib/configuration/nodes/node", "//primitive[1]", "//nvpair[last()]"),
        *("//nvpair[@name='ip' or @name='site']", "//*[@id='p1']", "//op/@id", "//@uname"),
        *("//nvpair[contains(@name,'fail')]", '//nvpair[starts-with(@id, "status-")][2]'),
        *("//primitive[not(operations)]", "//primitive[operations/op[@interval='30s']]"),
        *("//node|//op", "//*[not(@id) and not(@name)]"),
        *("//nvpair[@value!='false']", "//primitive[(@id='WebSite' or @id='x') and @class]"),
        *("//lrm_resource[lrm_rsc_op/@call-id]", "//primitive[instance_attributes//nvpair]"),
        "//nvpair[@name=']']",
        *("//op/..", "//nvpair/../..", "/cib/../cib/status", "//op/parent::*", "//op/parent::x"),
        *("//op/ancestor::primitive/@id", "//nvpair/ancestor::*[1]", "//nvpair/ancestor::*[2]"),
        *("/cib/descendant::op", "//resources/descendant::*[2]", "//*[../@id='nodes-2']"),
        *("//nvpair[ancestor::node_state]", "//nvpair[ancestor::node/@uname='pacemaker02']"),
        *("//primitive[position()=2]", "//nvpair[position()<last()]", "//node[position()!=1]"),
        *("//nvpair[@value>2]", "//nvpair[@value=2]", "//nvpair[@value!=2]", "//node[@id<=1]"),
        *("//nvpair[@value='2']", "//nvpair[@value>='1000']", "//nvpair[@value>-1.5]"),
        *("//primitive[operations/op/@interval!='30s']", "//node/self::node", "//node/child::*"),
        "//primitive[not(position()=1) and @class='ocf']",
    ],
)
def test_paths_are_understood_as_libxml2_understands_them(path: str) -> None:
    found = select(Cib.parse(CIB).root, path)
    named = etree.fromstring(CIB).xpath(path)
    assert isinstance(named, list)
    owners = [each.getparent() if hasattr(each, "attrname") else each for each in named]
    assert [(e.tag, dict(e.attrib)) for e in owners] == [(e.tag, dict(e.attrs)) for e in found]


@pytest.mark.parametrize(
    "path",
    [
        *("", "/", "//", "//a[", "//a[]", "//a[@]", "//a[@b=c]", "//a]", "//a[count(b)>1]", "a b"),
        *("//a[" + "not(" * 50 + "@b" + ")" * 50 + "]", "//a[0x]", "//a[@b='c", "a" * 5000),
        *("//a/@b/c", "//a[position()]", "//following::a", "//a['x']", "//a/parent::", "//a[@b<c]"),
        *("//node_state[.//x]/..", "//a/...", "//a[position()='1']", "//a[@b>]", "//..[1]"),
    ],
)
def test_what_is_no_path_is_refused_where_it_ends_to_be_one(path: str) -> None:
    with pytest.raises(ToolUsageError, match="not understood"):
        select(Element("cib"), path)


def test_nothing_is_no_new_configuration(cluster: FakeCluster, capsys: Capture) -> None:
    before = cluster.cib
    assert run(cluster, "-R", "-X", "<cib/>") != 0
    assert "would remove everything" in capsys.readouterr().err
    assert cluster.cib == before


def test_output_that_cannot_be_written_is_told(cluster: FakeCluster, tmp_path: Path) -> None:
    file = tmp_path / "cib.xml"
    file.write_text(cluster.cib.to_xml(), encoding="utf-8")
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", "from crmsh_py.start import cibadmin as run; run()", "-Q"],
            env={"CIB_file": str(file), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (
        1,
        "cibadmin: standard output cannot be written: No space left on device\n",
    )


def test_a_whole_cib_replaces_only_what_it_knew(cluster: FakeCluster, capsys: Capture) -> None:
    """Equal is not older, as with Pacemaker's; a higher admin_epoch wins, and is kept."""
    read = cluster.cib
    emptied = read.with_section("constraints", Element("constraints"))
    for version in (Version(0, 6, 9), Version(0, 7, 2)):
        assert run(cluster, "-R", "-X", emptied.with_version(version).to_xml()) == 103
    assert "0.7.2, and the configuration of 0.7.3 already" in capsys.readouterr().err
    assert cluster.cib is read
    assert run(cluster, "-R", "-X", emptied.to_xml()) == 0
    assert cluster.cib.section("constraints").children == ()
    assert run(cluster, "-R", "-X", read.with_version(Version(1, 0, 0)).to_xml()) == 0
    assert cluster.cib.section("constraints").children != ()
    assert cluster.cib.version.admin_epoch == 1


def test_a_scope_takes_its_part_of_a_whole_cib(cluster: FakeCluster) -> None:
    read = cluster.cib
    emptied = read.with_section("constraints", Element("constraints"))
    both = emptied.with_section("resources", Element("resources")).with_version(Version())
    assert run(cluster, "-R", "-o", "constraints", "-X", both.to_xml()) == 0
    assert cluster.cib == emptied


def test_any_element_is_found_by_its_id(cluster: FakeCluster) -> None:
    assert run(cluster, "-M", "-X", '<nvpair id="nodes-2-site" value="south"/>') == 0
    assert cluster.find("nodes-2-site").get("value") == "south"
    assert cluster.find("nodes-2-site").get("name") == "site"
    assert run(cluster, "-D", "-X", '<nvpair id="nodes-2-site"/>') == 0
    assert cluster.cib.find_id("nodes-2-site") is None
    assert run(cluster, "-D", "-X", '<nvpair id="nodes-2-site"/>') == 0
    assert run(cluster, "-M", "-X", '<nvpair id="nodes-2-site" value="x"/>') == 105


def test_what_breaks_the_schema_is_a_bad_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "cib.xml"
    file.write_text(CIB)
    monkeypatch.setenv("CIB_file", str(file))
    assert cibadmin.main(["-M", "-X", '<primitive id="WebSite" bogus="x"/>']) == 78
    assert cibadmin.main(["-D", "-X", '<primitive id="WebSite"/>']) == 78, "constraints name it"


def test_what_the_output_cannot_show_is_written_as_a_number(tmp_path: Path) -> None:
    """A terminal or a pipe of an old encoding is no reason for a traceback."""
    file = tmp_path / "cib.xml"
    file.write_text(CIB.replace("north", "h\u00f6her \u2603"), encoding="utf-8")
    environ = {"CIB_file": str(file), "PYTHONIOENCODING": "latin-1"}
    program = "from crmsh_py.tools.cibadmin import main; raise SystemExit(main())"
    done = subprocess.run(
        [sys.executable, "-c", program, "-Q", "-A", "//nvpair[@id='nodes-2-site']"],
        env=environ,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b'value="h\xf6her \\u2603"' in done.stdout


DIGESTS = {  # what Pacemaker 2.1.5 tells of each: as it is stored, and as nodes compare it
    "<cib/>": ("9da2e159fcd5d580a06068e4ba442380", "9da2e159fcd5d580a06068e4ba442380"),
    '<cib crm_feature_set="3.16.2" epoch="3" num_updates="4" admin_epoch="1"><configuration>'
    '<b id="1"  z="2" a="&lt;3"/></configuration></cib>': (
        "8920cc500d3ae2d7af7b2af86bbdf1f2",
        "779a68d1760c91c85f7c5f0f68dd7754",
    ),
    '<cib crm_feature_set="3.16.2" cib-last-written="x" update-origin="n" update-client="c" '
    'update-user="u" crm-debug-origin="d" have-quorum="1" dc-uuid="2" num_updates="4" '
    'admin_epoch="1"/>': ("69d5ab9de23f108bc1c1e89b25e35a30", "9464913e911f5955a6092981efcd9c15"),
}


@pytest.mark.parametrize("xml", DIGESTS)
def test_digests_are_pacemakers(cluster: FakeCluster, xml: str, capsys: Capture) -> None:
    """The words before them are for people, and not on the standard output."""
    assert [run(cluster, option, "-X", xml) for option in ("-5", "-6")] == [0, 0]
    told = capsys.readouterr()
    assert tuple(told.out.split()) == DIGESTS[xml]
    assert told.err.startswith("Digest: Versioned (")


def test_without_input_a_digest_is_of_the_clusters(cluster: FakeCluster, capsys: Capture) -> None:
    assert run(cluster, "-5") == 0
    assert run(cluster, "-5", "-X", cluster.cib.to_xml()) == 0
    assert run(cluster, "-5", "-X", CIB.replace("WebSite", "Another")) == 0
    of_cluster, of_same, of_other = capsys.readouterr().out.split()
    assert of_cluster == of_same != of_other


@pytest.mark.parametrize(
    ("xml", "path", "told"),
    [
        ('<cib admin_epoch="admin_epoch++"/>', "/cib", 'admin_epoch="1"'),
        ('<cib admin_epoch="admin_epoch+=10"/>', "/cib", 'admin_epoch="10"'),
        ('<rsc_colocation id="c" score="score++"/>', "//rsc_colocation", 'score="6"'),
        ('<rsc_colocation id="c" score="score+=INFINITY"/>', "//*[@id='c']", 'score="INFINITY"'),
        ('<nvpair id="n" value="value++"/>', "//nvpair[@id='n']", 'value="1"'),
        ('<nvpair id="n" value="name++"/>', "//nvpair[@id='n']", 'value="name++"'),
    ],
)
def test_modify_can_count(
    cluster: FakeCluster, xml: str, path: str, told: str, capsys: Capture
) -> None:
    """``score++`` and ``score+=5`` are sums with what is there; what is no number counts as 0."""
    assert run(cluster, "-D", "-X", '<rsc_colocation id="website-with-ip"/>') == 0
    for part in (
        '<rsc_colocation id="c" rsc="WebSite" with-rsc="ClusterIP" score="5"/>',
        '<primitive id="p" class="ocf" provider="pacemaker" type="Dummy">'
        '<meta_attributes id="m"><nvpair id="n" name="x" value="none"/></meta_attributes>'
        "</primitive>",
    ):
        assert run(cluster, "-C", "-X", part) == 0
    assert run(cluster, "-M", "-X", xml) == 0
    capsys.readouterr()
    assert run(cluster, "-Q", "-n", "-A", path) == 0
    assert f" {told}" in capsys.readouterr().out


def test_the_version_of_a_file_can_be_counted_up(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "cib.xml"
    file.write_text(CIB, encoding="utf-8")
    cluster = FileCluster(str(file))
    assert cibadmin.main(["-B"], door=lambda: cluster) == 0
    assert cibadmin.main(["-M", "-X", '<cib epoch="epoch++"/>'], door=lambda: cluster) == 0
    assert cluster.read_cib().version == Version(0, 9, 0)


def test_where_only_changes_count_that_is_said(cluster: FakeCluster, capsys: Capture) -> None:
    class Lab(FakeCluster):
        def commit(self, patch: Patch, *, client: str, force_no_quorum: bool = False) -> Version:
            return self.cib.version

    assert cibadmin.main(["--bump"], door=Lab()) == 76
    assert "admin_epoch++" in capsys.readouterr().err


ACL = """<acls><acl_role id="r"><acl_permission id="r1" kind="read" xpath="/cib"/>
<acl_permission id="r2" kind="write" reference="WebSite"/>
<acl_permission id="r3" kind="deny" xpath="//acls"/></acl_role>
<acl_target id="nobody"><role id="r"/></acl_target></acls>"""


def limited(cluster: FakeCluster) -> None:
    text = CIB.replace("</constraints>", f"</constraints>{ACL}")
    on = '<nvpair id="p0" name="enable-acl" value="true"/>'
    cluster.cib = Cib.parse(text.replace('<nvpair id="p1"', f'{on}<nvpair id="p1"'))


def test_what_a_user_may_do_is_marked(cluster: FakeCluster, capsys: Capture) -> None:
    limited(cluster)
    assert run(cluster, "-Q", "-S", "-U", "nobody", "-o", "resources") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "<!-- ACLs as evaluated for user nobody -->",
        "vvv---[ READABLE ]---vvv",
        "<resources>",
    ]
    assert lines[-4:] == [
        "  ",
        "  vvv---[ WRITABLE ]---vvv",
        '  <primitive id="WebSite" class="ocf" provider="heartbeat" type="apache"/>',
        "</resources>",
    ]


def test_what_a_user_may_do_has_a_colour_or_a_namespace(
    cluster: FakeCluster, capsys: Capture
) -> None:
    limited(cluster)
    show = ["-Q", "-U", "nobody", "-o", "configuration"]
    assert run(cluster, *show, "--show-access=color") == 0
    told = capsys.readouterr().out
    assert '\n    \x1b[32m<primitive id="WebSite"' in told
    assert "\n  \x1b[31m<acls>\n" in told
    assert told.endswith("\x1b[34m</configuration>\x1b[0m\n")
    assert run(cluster, *show, "--show-access=namespace") == 0
    told = capsys.readouterr().out
    assert '<pcmk-access-writable:primitive id="WebSite"' in told
    assert 'xmlns:pcmk-access-denied="http://clusterlabs.org/ns/pacemaker/access/denied"' in told


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["-Q", "-S"], 64),
        (["-S", "text", "-U", "nobody", "-B"], 64),
        (["-Q", "-S", "-U", "root"], 78),
        (["-Q", "--show-access=loud", "-U", "nobody"], 64),
    ],
)
def test_access_is_of_somebody_whom_lists_limit(
    cluster: FakeCluster, words: list[str], code: int
) -> None:
    limited(cluster)
    assert run(cluster, *words) == code


def test_somebody_else_may_be_acted_for(
    cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The door is opened for that user: the node that answers checks what he may."""
    monkeypatch.setenv("CIB_user", "")
    seen: list[str] = []

    def door() -> FakeCluster:
        seen.append(os.environ["CIB_user"])  # noqa: SIM112  (its name)
        return cluster

    assert cibadmin.main(["-Q", "--user=nobody"], door=door) == 0
    assert seen == ["nobody"]
