"""crm_shadow: copies of the configuration to try changes on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tools.fakes import FakeCluster

from crmsh_py.clusters.file import FileCluster
from crmsh_py.tools import crm_shadow

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the shadows are; none is in use."""
    monkeypatch.setenv("CIB_shadow_dir", str(tmp_path))
    monkeypatch.delenv("CIB_shadow", raising=False)
    return tmp_path


def run(cluster: FakeCluster, *words: str) -> int:
    return crm_shadow.main(words, door=cluster)


def test_a_shadow_is_a_copy_of_the_cluster(
    cluster: FakeCluster, directory: Path, capsys: Capture
) -> None:
    assert run(cluster, "-b", "--create", "test") == 0
    assert capsys.readouterr().out == (
        "Setting up shadow instance\n"
        "A new shadow instance was created.  To begin using it paste the following into your"
        " shell:\n"
        "  CIB_shadow=test ; export CIB_shadow\n"
    )
    made = FileCluster(str(directory / "shadow.test")).read_cib()
    assert made.configuration == cluster.cib.configuration
    assert run(cluster, "-b", "-c", "test") == 73, "one that is there is not replaced"
    assert run(cluster, "-b", "-c", "test", "--force") == 0
    assert run(cluster, "-b", "-e", "empty", "-v", "pacemaker-2.10") == 0
    assert "Created new pacemaker-2.10 configuration\n" in capsys.readouterr().out
    assert FileCluster(str(directory / "shadow.empty")).read_cib().ids() == frozenset()


def test_the_one_in_use_is_told(
    cluster: FakeCluster, directory: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(cluster, "-b", "-c", "test") == 0
    for option in ("-w", "-p", "-F", "-d", "-E"):
        assert run(cluster, option) == 105, "none is in use"
    capsys.readouterr()
    for option, answer in (("-w", "test\n"), ("-F", f"{directory}/shadow.test\n")):
        monkeypatch.setenv("CIB_shadow", "test")
        assert run(cluster, option) == 0
        assert capsys.readouterr().out == answer
    monkeypatch.setenv("CIB_shadow", "test")
    assert run(cluster, "-p") == 0
    assert '<primitive id="WebSite"' in capsys.readouterr().out


def change(directory: Path) -> None:
    """Let the shadow be another configuration than the cluster's."""
    file = directory / "shadow.test"
    text = file.read_text("utf-8")
    new = '<rsc_ticket id="t" rsc="WebSite" ticket="site"/></constraints>'
    text = text.replace("192.168.100.100", "10.0.0.1").replace("</constraints>", new)
    file.write_text(
        text.replace('provider="heartbeat" type="apache"', 'provider="heartbeat" type="nginx"')
    )


def test_what_it_changes_is_told_in_lines(
    cluster: FakeCluster, directory: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(cluster, "-b", "-c", "test") == 0
    monkeypatch.setenv("CIB_shadow", "test")
    assert run(cluster, "-d") == 0
    change(directory)
    capsys.readouterr()
    monkeypatch.setenv("CIB_shadow", "test")
    assert run(cluster, "-d") == 1
    assert capsys.readouterr().out == (
        "Diff: --- 0.7.3 2\n"
        "Diff: +++ 0.7.3 (null)\n"
        "+  /cib/configuration/resources/primitive[@id='ClusterIP']/instance_attributes"
        "[@id='ClusterIP-instance_attributes']/nvpair[@id='ClusterIP-instance_attributes-ip']:"
        "  @value=10.0.0.1\n"
        "+  /cib/configuration/resources/primitive[@id='WebSite']:  @type=nginx\n"
        '++ /cib/configuration/constraints:  <rsc_ticket id="t" rsc="WebSite" ticket="site"/>\n'
    )


def test_a_commit_and_a_deletion_are_said_twice(
    cluster: FakeCluster, directory: Path, capsys: Capture
) -> None:
    assert run(cluster, "-b", "-c", "test") == 0
    change(directory)
    assert run(cluster, "-C", "test") == 64
    assert cluster.done == []
    assert run(cluster, "-C", "test", "-f") == 0
    assert cluster.done == [("commit", "crm_shadow")]
    assert cluster.find("WebSite").get("type") == "nginx"
    assert capsys.readouterr().out.endswith("  unset CIB_shadow\n")
    assert run(cluster, "-D", "test") == 64
    assert run(cluster, "-D", "test", "-f") == 0
    assert os.listdir(directory) == []
    for option in ("-C", "-D", "-r", "-s"):
        assert run(cluster, option, "test", "-f", "-b") == 105, "there is no such shadow"


def test_a_reset_copies_the_cluster_anew(cluster: FakeCluster, directory: Path) -> None:
    assert run(cluster, "-b", "-c", "test") == 0
    change(directory)
    assert run(cluster, "-b", "-r", "test") == 0
    made = FileCluster(str(directory / "shadow.test")).read_cib()
    assert made.configuration == cluster.cib.configuration


def test_without_batch_a_shell_uses_it(
    cluster: FakeCluster, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[tuple[list[str], str]] = []

    def instead(_path: str, words: list[str], environment: dict[str, str]) -> None:
        started.append((words, environment["CIB_shadow"]))
        raise OSError(2, "No such file or directory")

    monkeypatch.setattr(os, "execvpe", instead)
    monkeypatch.setenv("SHELL", "/bin/bash")
    assert run(cluster, "-c", "test") == 1
    assert started == [(["/bin/bash", "--norc", "--noprofile"], "test")]


def test_an_editor_changes_it(
    cluster: FakeCluster, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(cluster, "-b", "-c", "test") == 0
    for editor, code in (("sed -i s/apache/nginx/", 0), ("false", 1), ("/nowhere/vi", 1)):
        monkeypatch.setenv("CIB_shadow", "test")
        monkeypatch.setenv("EDITOR", editor)
        assert run(cluster, "-E") == code
    assert "nginx" in (directory / "shadow.test").read_text("utf-8")
