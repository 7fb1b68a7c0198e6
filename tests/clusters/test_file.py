"""A CIB in a file: read, committed to, never half written."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from crmsh_py.cib.diff import diff
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.clusters import operations
from crmsh_py.clusters.file import FileCluster
from crmsh_py.clusters.shadow import Shadows
from crmsh_py.errors import ConfigError, Conflict, CrmError, NotFound, SyntaxProblem

START = """<cib admin_epoch="0" epoch="5" num_updates="3" validate-with="pacemaker-3.9">
  <configuration>
    <crm_config/>
    <nodes><node id="1" uname="n1"/></nodes>
    <resources>
      <primitive id="a" class="ocf" provider="pacemaker" type="Dummy"/>
      <primitive id="b" class="ocf" provider="pacemaker" type="Dummy"/>
    </resources>
    <constraints/>
  </configuration>
  <status/>
</cib>"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "cib.xml"
    path.write_text(START)
    return path


def stop(cluster: FileCluster, resource: str, role: str = "Stopped") -> None:
    cib = cluster.read_cib()
    cluster.commit(diff(cib, operations.target_role(cib, resource, role)), client="test")


def test_a_commit_is_in_the_file_with_the_next_epoch_and_its_author(path: Path) -> None:
    cluster = FileCluster(str(path))

    stop(cluster, "a")

    cib = Cib.parse(path.read_bytes())
    assert str(cib.version) == "0.6.0"
    assert cib.root.get("update-client") == "test"
    assert cib.find_id("a-meta_attributes-target-role") is not None


def test_a_commit_of_nothing_writes_nothing(path: Path) -> None:
    cluster = FileCluster(str(path))
    before = path.stat()
    cib = cluster.read_cib()

    version = cluster.commit(diff(cib, cib), client="test")

    assert str(version) == "0.5.3"
    assert path.stat() == before


def test_mode_and_link_stay(path: Path, tmp_path: Path) -> None:
    path.chmod(0o640)
    link = tmp_path / "link.xml"
    link.symlink_to(path)

    stop(FileCluster(str(link)), "a")

    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert "Stopped" in path.read_text()


def test_a_cib_may_come_through_a_pipe_without_a_name() -> None:
    """Agents write ``CIB_file=<(cibadmin -Q | sed …) crm_mon``; their shell names it /dev/fd/N."""
    reading, writing = os.pipe()
    os.write(writing, START.encode())
    os.close(writing)
    try:
        assert FileCluster(f"/dev/fd/{reading}").read_cib().version.epoch == 5
    finally:
        os.close(reading)


def test_nothing_is_left_beside_the_file(path: Path) -> None:
    stop(FileCluster(str(path)), "a")

    assert os.listdir(path.parent) == ["cib.xml"]


def test_two_changes_of_different_things_both_succeed(path: Path) -> None:
    cluster = FileCluster(str(path))
    seen = cluster.read_cib()
    stop(cluster, "a")

    cluster.commit(diff(seen, operations.target_role(seen, "b", "Stopped")), client="test")

    cib = cluster.read_cib()
    assert cib.find_id("a-meta_attributes-target-role") is not None
    assert cib.find_id("b-meta_attributes-target-role") is not None
    assert str(cib.version) == "0.7.0"


def test_two_changes_of_one_thing_are_a_conflict(path: Path) -> None:
    cluster = FileCluster(str(path))
    stop(cluster, "a")
    seen = cluster.read_cib()
    stop(cluster, "a", "Started")

    with pytest.raises(Conflict):
        cluster.commit(diff(seen, operations.target_role(seen, "a", "Unpromoted")), client="test")

    assert "Started" in path.read_text()


def test_what_no_cluster_would_take_is_refused(path: Path) -> None:
    cluster = FileCluster(str(path))
    cib = cluster.read_cib()
    twice = Element("primitive", {"id": "a", "class": "ocf", "provider": "p", "type": "Dummy"})
    new = cib.with_section("resources", cib.section("resources").append(twice))

    with pytest.raises(ConfigError):
        cluster.commit(diff(cib, new), client="test")

    assert path.read_text() == START


def test_writers_at_the_same_time_lose_nothing(path: Path) -> None:
    def work(name: str) -> None:
        cluster = FileCluster(str(path))
        for number in range(10):
            cib = cluster.read_cib()
            change = operations.set_meta(cib, name, f"m{number}", "1")
            cluster.commit(diff(cib, change), client="test")

    threads = [threading.Thread(target=work, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert str(FileCluster(str(path)).read_cib().version) == "0.25.0"
    assert path.read_text().count("<nvpair") == 20


def test_a_writer_that_is_killed_leaves_a_whole_file(path: Path) -> None:
    """SIGKILL at the worst place, between writing and renaming: the old file is whole."""
    program = f"""
import os, signal
from crmsh_py.clusters import file
from crmsh_py.clusters.file import FileCluster
from crmsh_py.clusters import operations
from crmsh_py.cib.diff import diff
os.rename = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
cluster = FileCluster({str(path)!r})
cib = cluster.read_cib()
cluster.commit(diff(cib, operations.target_role(cib, "a", "Stopped")), client="test")
"""
    subprocess.run([sys.executable, "-c", program], check=False, timeout=30)

    assert path.read_text() == START
    stop(FileCluster(str(path)), "b")


def test_transient_attributes_count_updates(path: Path) -> None:
    cluster = FileCluster(str(path))

    cluster.set_attribute("n1", "pingd", "100")

    cib = cluster.read_cib()
    assert str(cib.version) == "0.5.4"
    assert cib.find_id("status-1-pingd") is not None


def test_what_has_not_failed_is_not_cleaned_up_but_refreshed(path: Path) -> None:
    text = path.read_text().replace(
        "<status/>",
        '<status><node_state id="1" uname="n1"><lrm id="1"><lrm_resources><lrm_resource id="a"/>'
        "</lrm_resources></lrm></node_state></status>",
    )
    path.write_text(text)
    cluster = FileCluster(str(path))

    cluster.clean_resource("a", "", all_history=False)

    assert path.read_text() == text
    cluster.clean_resource("a", "", all_history=True)

    assert list(cluster.read_cib().status.iter("lrm_resource")) == []


def test_only_where_an_operation_has_failed_it_is_cleaned_up(path: Path) -> None:
    count = '<nvpair id="f" name="fail-count-a#start_0" value="1"/>'
    path.write_text(
        path.read_text().replace(
            "<status/>",
            '<status><node_state id="1" uname="n1"><lrm id="1"><lrm_resources>'
            '<lrm_resource id="a"/></lrm_resources></lrm><transient_attributes id="1">'
            f'<instance_attributes id="status-1">{count}</instance_attributes>'
            "</transient_attributes></node_state></status>",
        )
    )
    cluster = FileCluster(str(path))

    cluster.clean_resource("a", "", all_history=False, operation="monitor_0")
    assert list(cluster.read_cib().status.iter("lrm_resource")) != []

    cluster.clean_resource("a", "", all_history=False, operation="start_0")
    assert list(cluster.read_cib().status.iter("lrm_resource")) == []


def test_a_file_has_no_membership_and_says_so(path: Path) -> None:
    with pytest.raises(CrmError, match=r"cib\.xml is a file"):
        FileCluster(str(path)).membership()


def test_a_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no file"):
        FileCluster(str(tmp_path / "no.xml")).read_cib()


def test_bad_xml_is_a_crm_error(path: Path) -> None:
    path.write_text("<cib><configuration>")

    with pytest.raises(SyntaxProblem, match="<configuration> is never closed"):
        FileCluster(str(path)).read_cib()


def test_a_shadow_is_made_listed_used_and_deleted(tmp_path: Path) -> None:
    shadows = Shadows.of_environment({"CRM_STATE_DIR": str(tmp_path / "labs")}, os.getuid())
    shadows.create("trial", Cib.parse(START))

    assert shadows.names() == ["trial"]
    cluster = shadows.open("trial")
    assert cluster.label == "trial"
    stop(cluster, "a")
    with pytest.raises(ConfigError):
        shadows.create("trial", Cib.parse(START))
    shadows.delete("trial")
    with pytest.raises(NotFound):
        shadows.open("trial")


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".x", "x" * 80])
def test_a_shadow_stays_in_its_directory(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError):
        Shadows(str(tmp_path)).open(name)


def test_what_the_schema_refuses_is_refused(path: Path) -> None:
    """As a cluster does; otherwise the next commit of somebody else would be told of it."""
    cluster = FileCluster(str(path))
    old = cluster.read_cib()
    new = old.with_section("resources", Element("resources", {}, (Element("foo", {"id": "x"}),)))
    with pytest.raises(ConfigError, match="foo"):
        cluster.commit(diff(old, new), client="test")
    assert cluster.read_cib() == old
