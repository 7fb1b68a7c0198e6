"""crm_mon and crm_verify as commands: options, layouts, formats, exit codes, files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tools.fakes import CIB, FakeCluster

from crmsh_py import __version__
from crmsh_py.cib.document import Cib
from crmsh_py.cib.xml import parse
from crmsh_py.errors import ClusterUnreachable
from crmsh_py.tools import crm_mon, crm_verify

Capture = pytest.CaptureFixture[str]
WITHOUT_FENCING = CIB.replace('value="false"', 'value="true"', 1)


def test_once_in_the_classic_layout(cluster: FakeCluster, capsys: Capture) -> None:
    assert crm_mon.main(["-1"], door=cluster) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:] == [
        "Last change: Mon Jul 28 20:22:21 2014 via cibadmin on pacemaker01",
        "Stack: corosync",
        "Current DC: pacemaker01 (1) - partition with quorum",
        "Version: 1.1.10-42f2063",
        "2 Nodes configured",
        "2 Resources configured",
        "",
        "Online: [ pacemaker01 pacemaker02 ]",
        "",
        "ClusterIP      (ocf::heartbeat:IPaddr2):       Started pacemaker01",
    ]


def test_the_layout_is_chosen_by_option_or_environment(
    cluster: FakeCluster, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert crm_mon.main(["-1", "-r", "--layout", "modern"], door=cluster) == 0
    by_option = capsys.readouterr().out
    assert "  * ClusterIP\t(ocf:heartbeat:IPaddr2):\t Started pacemaker01\n" in by_option
    monkeypatch.setenv("CRM_LAYOUT", "modern")
    assert crm_mon.main(["-1r"], door=cluster) == 0
    assert capsys.readouterr().out.splitlines()[4:] == by_option.splitlines()[4:]
    assert crm_mon.main(["-1r", "--layout", "classic"], door=cluster) == 0
    assert "Full list of resources:" in capsys.readouterr().out


def test_other_formats(cluster: FakeCluster, capsys: Capture, tmp_path: Path) -> None:
    assert crm_mon.main(["--output-as", "json"], door=cluster) == 0
    assert json.loads(capsys.readouterr().out)["nodes"][0]["name"] == "pacemaker01"
    assert crm_mon.main(["--output-as=xml"], door=cluster) == 0
    xml = capsys.readouterr().out
    assert xml.startswith('<?xml version="1.0" ?>\n<pacemaker-result ')
    assert 'request="crm_mon --output-as=xml"' in xml
    page = tmp_path / "state.html"
    title = ["--html-title", "A & B"]
    assert crm_mon.main(["--output-as=html", "--output-to", str(page), *title], door=cluster) == 0
    text = page.read_text("utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert "<title>A &amp; B</title>" in text
    assert crm_mon.main(["-1", "--output-to", str(tmp_path)], door=cluster) == 1


@pytest.mark.parametrize("option", ["-X", "--as-xml"])
def test_the_old_option_for_xml_has_the_old_frame(
    cluster: FakeCluster, option: str, capsys: Capture
) -> None:
    assert crm_mon.main([option], door=cluster) == 0
    root = parse(capsys.readouterr().out)
    assert (root.tag, dict(root.attrs)) == ("crm_mon", {"version": __version__})
    assert [part.tag for part in root.findall()][:3] == ["summary", "nodes", "resources"]
    assert root.find("status") is None


def test_what_makes_no_difference_here_is_taken_by_all_its_names(cluster: FakeCluster) -> None:
    long = ["--verbose", "--quiet", "--disable-ncurses", "--watch-fencing"]
    assert crm_mon.main(["-1NVQW", *long, "--interval=2min"], door=cluster) == 0


def test_an_interval_is_a_duration_also_where_nothing_waits(
    cluster: FakeCluster, capsys: Capture
) -> None:
    for text in ("soon", "-3", ""):
        assert crm_mon.main(["-1", f"--interval={text}"], door=cluster) == 64
        assert capsys.readouterr().err.startswith("crm_mon: --interval ")


def test_one_line_for_a_monitoring_system(cluster: FakeCluster, capsys: Capture) -> None:
    assert crm_mon.main(["-s"], door=cluster) == 0
    assert capsys.readouterr().out == (
        "CLUSTER OK: 2 nodes online, 2 resource instances configured\n"
    )


@pytest.mark.parametrize("state", ["standby", "maintenance"])
def test_what_is_planned_is_no_trouble(state: str, capsys: Capture) -> None:
    begin = '<instance_attributes id="nodes-2">'
    assert begin in CIB
    planned = f'{begin}<nvpair id="x" name="{state}" value="true"/>'
    cluster = FakeCluster(Cib.parse(CIB.replace(begin, planned)))
    assert crm_mon.main(["-s"], door=lambda: cluster) == 0
    assert capsys.readouterr().out == (
        f"CLUSTER OK: 1 node online, 1 {state} node, 2 resource instances configured\n"
    )


def test_a_daemons_files_are_where_it_was_called(tmp_path: Path) -> None:
    (tmp_path / "cib.xml").write_text(CIB, encoding="utf-8")
    program = (
        "import sys; from crmsh_py.tools import crm_mon; sys.exit(crm_mon.main("
        "['-d', '-i', '1', '-p', 'mon.pid', '--output-as', 'html', '--output-to', 'mon.html']))"
    )
    environ = {"CIB_file": "cib.xml", "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environ, check=False, timeout=60,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0
    pid = int((tmp_path / "mon.pid").read_text("utf-8"))
    try:
        page = tmp_path / "mon.html"
        page.unlink()
        deadline = time.monotonic() + 30
        while not page.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert page.exists(), "written again, from the file that was meant"
    finally:
        os.kill(pid, signal.SIGTERM)


def test_fail_counts_and_one_node_only(cluster: FakeCluster, capsys: Capture) -> None:
    assert crm_mon.main(["-1", "-f", "--node", "pacemaker01", "-D"], door=cluster) == 0
    text = capsys.readouterr().out
    assert "Online: [ pacemaker01 ]" in text
    assert "   ClusterIP: migration-threshold=1000000 fail-count=2" in text


def test_trouble_has_pacemakers_exit_codes(capsys: Capture) -> None:
    def door() -> FakeCluster:
        raise ClusterUnreachable("no cluster runs here", hint="crm lab create makes one")

    assert crm_mon.main(["-1"], door=door) == 102
    assert crm_mon.main(["--nosuch"], door=door) == 64
    assert capsys.readouterr().err.startswith(
        "crm_mon: no cluster runs here\n  crm lab create makes one\n"
    )


def test_verify_is_silent_about_a_good_configuration(cluster: FakeCluster, capsys: Capture) -> None:
    assert crm_verify.main(["-L", "-V"], door=cluster) == 0
    assert capsys.readouterr() == ("", "")


def test_verify_finds_the_missing_fencing(capsys: Capture, tmp_path: Path) -> None:
    file = tmp_path / "cib.xml"
    file.write_text(WITHOUT_FENCING)
    assert crm_verify.main(["-x", str(file), "-V"]) == 78
    assert capsys.readouterr().err == (
        "   error: unpack_resources:     "
        "Resource start-up disabled since no STONITH resources have been defined\n"
        "   error: unpack_resources:     "
        "Either configure some or disable STONITH with the stonith-enabled option\n"
        "   error: unpack_resources:     "
        "NOTE: Clusters with shared data need STONITH to ensure data integrity\n"
        "Errors found during check: config not valid\n"
    )
    assert crm_verify.main(["-X", WITHOUT_FENCING]) == 78
    assert "-V may provide more details" in capsys.readouterr().err


def test_verify_tells_what_it_cannot_read(capsys: Capture, tmp_path: Path) -> None:
    assert crm_verify.main(["-x", str(tmp_path / "none.xml")]) == 66
    assert crm_verify.main(["-X", "<cib"]) == 1
    assert crm_verify.main([]) == 64
    assert "Traceback" not in capsys.readouterr().err


def test_verify_saves_what_it_has_read(cluster: FakeCluster, tmp_path: Path) -> None:
    saved = tmp_path / "saved.xml"
    assert crm_verify.main(["-L", "-S", str(saved)], door=cluster) == 0
    assert Cib.parse(saved.read_bytes()) == cluster.cib


def test_verify_answers_programs_as_pacemakers_does(capsys: Capture, tmp_path: Path) -> None:
    file = tmp_path / "cib.xml"
    file.write_text(WITHOUT_FENCING)
    words = ["-x", str(file), "--output-as=xml"]
    assert crm_verify.main(words) == 78
    told = capsys.readouterr()
    assert told.err == ""
    status = parse(told.out).find("status")
    assert status is not None
    assert status.attrs == {"code": "78", "message": "Invalid configuration"}
    errors = [error.text for error in status.findall()[0].findall()]
    assert errors[0].startswith("error: Resource start-up disabled since no fencing resources")
    assert errors[-2:] == ["error: CIB did not pass schema validation", "Configuration invalid"]
    assert crm_verify.main([*words, "-q"]) == 78
    assert "Configuration invalid<" not in capsys.readouterr().out
    file.write_text(CIB)
    assert crm_verify.main(words) == 0
    assert '<status code="0" message="OK"/>' in capsys.readouterr().out
    assert crm_verify.main(["-x", f"{file}.gone", "--output-as=xml"]) == 66
    assert 'message="Input file not available"' in capsys.readouterr().out
