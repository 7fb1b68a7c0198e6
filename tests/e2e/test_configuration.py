"""Checks, configuration and agents of a running cluster (steps 3, 4 and the bad input)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from e2e.harness import NODES, Lab, close_lab, make_lab, users

pytestmark = pytest.mark.e2e

NO_FENCING = """\
   error: unpack_resources: Resource start-up disabled since no STONITH resources have been defined
   error: unpack_resources: Either configure some or disable STONITH with the stonith-enabled option
   error: unpack_resources: NOTE: Clusters with shared data need STONITH to ensure data integrity
Errors found during check: config not valid
"""


@pytest.fixture(scope="module", params=users())
def cluster(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """One running cluster without any resource, shared by this module."""
    lab = make_lab(request.param, f"c{request.param}-{__name__.rsplit('_', 1)[-1][:6]}")
    try:
        lab.crm("lab", "create", "--config", "examples/corosync.conf")
        lab.crm("lab", "start")
        lab.wait("all online", lambda: lab.online(*NODES))
        yield lab
    finally:
        close_lab(lab)


def test_a_fresh_cluster_has_the_tutorials_status_and_the_four_lines_about_fencing(
    cluster: Lab,
) -> None:
    """crm_mon -1 in the tutorial's layout; crm_verify complains until fencing is decided."""
    text = cluster.mon()
    assert re.fullmatch(
        r"Last updated: \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\n"
        r"Last change: \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4} via crmd on pacemaker0\d\n"
        r"Stack: corosync\n"
        r"Current DC: pacemaker0\d \(108477748\d\) - partition with quorum\n"
        r"Version: \S+\n"
        r"3 Nodes configured\n"
        r"0 Resources configured\n\n"
        r"Online: \[ pacemaker01 pacemaker02 pacemaker03 \]\n+",
        text,
    ), text

    verify = cluster.run("crm_verify", "-L", "-V", check=False)
    assert verify.returncode != 0
    printed = verify.stdout + verify.stderr
    assert re.sub(r" +", " ", printed) == re.sub(r" +", " ", NO_FENCING)

    done = cluster.run("crm", "configure", "property", "stonith-enabled=false")
    assert done.returncode == 0
    silent = cluster.run("crm_verify", "-L", "-V")
    assert (silent.stdout, silent.stderr) == ("", "")


def test_the_configuration_shows_as_text_and_as_xml_live_and_from_a_file(cluster: Lab) -> None:
    """`configure show`, `show xml`, and both with CIB_file and no cluster at all."""
    text = cluster.crm("configure", "show")
    assert "node 1084777482: pacemaker01\n" in text
    assert "property cib-bootstrap-options: \\\n\tdc-version=" in text
    xml = cluster.crm("configure", "show", "xml")
    assert xml.startswith('<?xml version="1.0" ?>\n<cib ')
    assert '<node id="1084777482" uname="pacemaker01"/>' in xml
    assert "<status" not in xml

    saved = cluster.home / "cib.xml"
    saved.write_text(xml)
    saved.chmod(0o644)
    offline = cluster.run("crm", "configure", "show", CIB_file=str(saved), CRM_LAB="")
    assert offline.stdout == text


def test_the_agents_are_listed_and_described(cluster: Lab) -> None:
    """`crm ra classes`, `list` and `info`: installed ones and the catalogue."""
    classes = cluster.crm("ra", "classes").splitlines()
    assert "ocf / heartbeat pacemaker redhat" in [re.sub(r" +", " ", c) for c in classes]
    assert {"lsb", "service", "stonith"} <= set(classes)
    heartbeat = cluster.crm("ra", "list", "ocf", "heartbeat").split()
    assert {"AoEtarget", "IPaddr2", "apache", "vmware", "Xinetd"} <= set(heartbeat)
    assert {"controld", "ping", "Stateful"} <= set(
        cluster.crm("ra", "list", "ocf", "pacemaker").split()
    )
    assert "ip.sh" in cluster.crm("ra", "list", "ocf", "redhat").split()
    info = cluster.crm("ra", "info", "ocf:heartbeat:IPaddr2")
    assert "(ocf:heartbeat:IPaddr2)" in info
    assert re.search(r"^ip\* \(string.*\): ", info, re.MULTILINE), info
    assert re.search(r"^lvs_support \(boolean, \[false\]\): ", info, re.MULTILINE), info
    assert "Operations' defaults (advisory minimum):" in info
    assert "configfile" in cluster.crm("ra", "info", "ocf:heartbeat:apache")


BAD = {
    "a wrong command": (["configure", "primitve", "x", "ocf:pacemaker:Dummy"], "primitive"),
    "an unknown agent": (["configure", "primitive", "x", "ocf:heartbeat:IPadr2"], "IPaddr2"),
    "a missing parameter": (["configure", "primitive", "x", "ocf:heartbeat:IPaddr2"], "ip"),
    "a misspelled parameter": (
        [
            "configure",
            "primitive",
            "x",
            "ocf:heartbeat:IPaddr2",
            "params",
            "ip=192.168.100.9",
            "cidr_netmsk=24",
        ],
        "cidr_netmask",
    ),
    "a reference to nothing": (
        ["configure", "location", "l", "nosuch", "5:", "pacemaker01"],
        "nosuch",
    ),
    "a bad score": (["configure", "location", "l", "nosuch", "12x4:", "pacemaker01"], "12x4"),
    "bad XML": (["configure", "xml", "<primitive id='x' clas='ocf'>"], ""),
    "no such level": (["cofigure", "show"], "configure"),
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_bad_input_is_one_clear_error_and_changes_nothing(cluster: Lab, case: str) -> None:
    """Exit code not 0, the place or the name is in the message, nothing is changed."""
    words, named = BAD[case]
    before = cluster.crm("configure", "show", "xml")
    refused = cluster.run("crm", *words, check=False)
    assert refused.returncode != 0, refused.stdout
    assert "Traceback" not in refused.stderr
    assert refused.stderr.startswith("ERROR: ")
    assert refused.stderr.count("ERROR") == 1
    assert named in refused.stderr
    assert cluster.crm("configure", "show", "xml") == before


def test_a_duplicate_id_is_refused(cluster: Lab) -> None:
    """The second definition of an id changes nothing."""
    cluster.crm("configure", "primitive", "twice", "ocf:pacemaker:Dummy")
    again = cluster.run(
        "crm", "configure", "primitive", "twice", "ocf:pacemaker:Stateful", check=False
    )
    assert again.returncode == 1
    assert "twice" in again.stderr
    assert "Dummy" in cluster.crm("configure", "show", "twice")
    cluster.wait("it is started", lambda: cluster.where("twice"))
    cluster.crm("resource", "stop", "twice")
    cluster.wait("it is stopped", lambda: not cluster.where("twice"))
    cluster.crm("configure", "delete", "twice")


def test_an_unknown_property_warns_and_is_taken(cluster: Lab) -> None:
    """Newer clusters may know it."""
    done = cluster.run("crm", "configure", "property", "no-such-property=1")
    assert "WARNING" in done.stderr
    assert "no-such-property=1" in cluster.crm("configure", "show")


def test_a_script_names_file_and_line_goes_on_and_exits_1(cluster: Lab) -> None:
    """`crm -f` does not stop at a bad line."""
    script = cluster.home / "bad.crm"
    script.write_text(
        "configure\nprimitive good1 ocf:pacemaker:Dummy\nprimtive oops Dummy\n"
        "primitive good2 ocf:pacemaker:Dummy\ncommit\n"
    )
    script.chmod(0o644)
    ran = cluster.run("crm", "-f", str(script), check=False)
    assert ran.returncode == 1
    assert "bad.crm:3" in ran.stderr
    shown = cluster.crm("configure", "show")
    assert "primitive good1" in shown
    assert "primitive good2" in shown
    assert "oops" not in shown
