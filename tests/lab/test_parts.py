"""The parts of a lab that need no namespaces."""

from __future__ import annotations

import importlib
import os
import shutil
import stat
import subprocess
import sys
import threading
import tomllib
from pathlib import Path

import pytest

from crmsh_py.errors import CrmError, NotPermitted, TimedOut, UsageError
from crmsh_py.lab import boot, commands, disk, isolation, nodespec, processes, tail
from crmsh_py.lab import place as place_module
from crmsh_py.lab.boot import BootSpec
from crmsh_py.lab.client import Lab
from crmsh_py.lab.isolation import Attempt, IdRange, Isolation
from crmsh_py.lab.place import Place, hosted, locked, own_directory, place_of
from crmsh_py.wire import settings as wire_settings

ROOT = Path(__file__).resolve().parents[2]


# ---- user ids --------------------------------------------------------------------------------


def test_the_largest_range_of_ids_of_a_user_is_found(tmp_path: Path) -> None:
    file = tmp_path / "subuid"
    file.write_text("joe:1:2\n4242:100000:10\n4242:200000:65536\n# x\nbroken:a:b\n4242:9\n")
    assert isolation.id_range(str(file), 4242) == IdRange(200000, 65536)
    assert isolation.id_range(str(file), 4243) is None
    assert isolation.id_range(str(tmp_path / "none"), 4242) is None


def test_root_is_tried_as_root_first_and_plain_processes_are_the_last() -> None:
    assert isolation.candidates(0)[0] is Isolation.ROOT
    assert Isolation.ROOT not in isolation.candidates(4242)
    assert isolation.candidates(4242)[-1] is Isolation.NONE


def test_there_is_always_advice() -> None:
    assert isolation.advice(0)
    assert isolation.advice(1000)


# ---- directories and locks -------------------------------------------------------------------


def test_a_directory_of_ours_is_for_us_alone(tmp_path: Path) -> None:
    wanted = tmp_path / "a" / "b"
    own_directory(str(wanted))
    assert wanted.stat().st_mode & 0o777 == 0o700
    wanted.chmod(0o777)
    own_directory(str(wanted))
    assert wanted.stat().st_mode & 0o777 == 0o700


def test_a_link_in_the_place_of_a_directory_is_refused(tmp_path: Path) -> None:
    """Somebody may have made it below /tmp before us."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(NotPermitted, match="not a directory of yours"):
        own_directory(str(tmp_path / "link"))
    (tmp_path / "file").write_text("")
    with pytest.raises(NotPermitted):
        own_directory(str(tmp_path / "file"))


def test_a_directory_that_others_can_exchange_is_refused(tmp_path: Path) -> None:
    """Who may write to the parent may rename ours away, and put his own in its place."""
    parent = tmp_path / "open"
    parent.mkdir()
    parent.chmod(0o777)
    with pytest.raises(NotPermitted, match="can exchange what is in the directory"):
        own_directory(str(parent / "mine"))
    assert not (parent / "mine").exists()
    parent.chmod(0o1777)  # as /tmp: only its owner renames a directory
    own_directory(str(parent / "mine"))
    parent.chmod(0o775)  # as a home is with a group for every user
    own_directory(str(parent / "mine"))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give a directory away")
def test_a_directory_in_that_of_another_user_is_refused(tmp_path: Path) -> None:
    """A local user who makes /tmp/crm-0 before root does."""
    parent = tmp_path / "his"
    parent.mkdir(mode=0o700)
    os.chown(parent, 4711, 4711)
    with pytest.raises(NotPermitted, match="can exchange"):
        own_directory(str(parent / "mine"))
    assert not (parent / "mine").exists()
    os.chown(parent, 0, 4711)
    parent.chmod(0o770)
    with pytest.raises(NotPermitted, match="can exchange"):
        own_directory(str(parent / "mine"))


def test_a_lab_has_one_supervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the first one's socket is gone: a second would start nodes on the same disks."""
    monkeypatch.setattr(place_module, "_HOSTED_TIMEOUT_S", 0.0)
    environ = {"CRM_STATE_DIR": str(tmp_path / "s"), "CRM_RUNTIME_DIR": str(tmp_path / "r")}
    place = place_of(environ, os.getuid(), "t")
    place.make_directories()
    refused = pytest.raises(TimedOut, match="another supervisor of lab 't'")
    with hosted(place), refused, hosted(place):
        pass
    with hosted(place):
        pass


def test_who_names_a_lab_that_there_is_not_is_told_of_those_that_there_are(tmp_path: Path) -> None:
    environ = {"CRM_STATE_DIR": str(tmp_path / "s"), "CRM_RUNTIME_DIR": str(tmp_path / "r")}
    missing = place_of(environ, os.getuid(), "default")
    with pytest.raises(CrmError) as caught:
        missing.load()
    assert caught.value.hint == "make one: crm lab create"
    for name in ("site-b", "site-a"):
        Lab(environ=environ, lab=name).create(nodes=["a", "b"])
    place_of(environ, os.getuid(), "taken-away").make_directories()
    with pytest.raises(CrmError, match="there is no lab 'default'") as caught:
        missing.load()
    assert "there are site-a, site-b: CRM_LAB=site-a crm" in (caught.value.hint or "")


def test_one_command_waits_for_another(tmp_path: Path) -> None:
    environ = {"CRM_STATE_DIR": str(tmp_path / "s"), "CRM_RUNTIME_DIR": str(tmp_path / "r")}
    place = place_of(environ, os.getuid(), "t")
    with pytest.raises(CrmError, match="there is no lab"), locked(place):
        pass
    place.make_directories()
    held, order = threading.Event(), []

    def first() -> None:
        with locked(place):
            held.set()
            order.append("first")
            release.wait(10)
            order.append("first done")

    release = threading.Event()
    thread = threading.Thread(target=first)
    thread.start()
    assert held.wait(10)
    with pytest.raises(TimedOut), locked(place, timeout_s=0.05):
        pass
    release.set()
    with locked(place):
        order.append("second")
    thread.join()
    assert order == ["first", "first done", "second"]


def test_a_socket_path_that_is_too_long_is_said_before_anything_is_made(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 60) / ("y" * 60)
    environ = {"CRM_STATE_DIR": str(tmp_path / "s"), "CRM_RUNTIME_DIR": str(deep)}
    with pytest.raises(CrmError, match="longer than"):
        Lab(environ=environ, lab="t").create()
    assert not (tmp_path / "s" / "t" / "lab.json").exists()


def test_inside_a_node_there_is_no_lab_to_command(tmp_path: Path) -> None:
    environ = {"CRM_STATE_DIR": str(tmp_path), "CRM_LAB_INSIDE": "1", "CRM_NODE": "pacemaker01"}
    with pytest.raises(UsageError, match="this is pacemaker01"):
        Lab(environ=environ)


# ---- disks -----------------------------------------------------------------------------------


def test_a_new_disk_has_all_of_etc_and_what_is_the_nodes_own(tmp_path: Path) -> None:
    where = str(tmp_path / "disk")
    disk.prepare(where, {"/etc/corosync/authkey": "k", "/etc/x": "1"}, {"/etc/hosts": "h"})
    assert {e for e in os.listdir("/etc") if not e.startswith(".")} <= set(
        os.listdir(f"{where}/etc")
    ) | {"hostname", "resolv.conf"}, "only what the lab writes itself is missing yet"
    assert os.readlink(f"{where}/etc/passwd") == "/run/host/etc/passwd"
    assert Path(f"{where}/etc/hosts").read_text() == "h"
    assert Path(f"{where}/etc/corosync/authkey").stat().st_mode & 0o777 == 0o400
    assert not os.path.islink(f"{where}/var/log")
    usual = os.stat("/var/lib").st_uid
    for name in os.listdir("/var/lib"):
        theirs, ours = os.lstat(f"/var/lib/{name}"), f"{where}/var/lib/{name}"
        if stat.S_ISDIR(theirs.st_mode) and theirs.st_uid != usual and name != "pacemaker":
            assert not os.path.islink(ours), f"a service of the node may write its {name}"
            assert not os.listdir(ours), f"{name} holds nothing of the machine's"


def test_a_later_start_keeps_what_the_node_changed(tmp_path: Path) -> None:
    where = str(tmp_path / "disk")
    disk.prepare(where, {"/etc/x": "1"}, {"/etc/hosts": "h"})
    Path(f"{where}/etc/hosts").write_text("mine")
    Path(f"{where}/etc/x").write_text("mine")
    os.unlink(f"{where}/etc/passwd")
    Path(f"{where}/etc/passwd").write_text("mine")
    os.symlink("/run/host/etc/gone", f"{where}/etc/gone")
    machine = Path(f"{where}/etc/machine-id").read_text()
    disk.prepare(where, {"/etc/x": "2"}, {"/etc/hosts": "h"})
    assert Path(f"{where}/etc/hosts").read_text() == "mine"
    assert Path(f"{where}/etc/passwd").read_text() == "mine"
    assert Path(f"{where}/etc/x").read_text() == "2", "the lab's own files are written anew"
    assert Path(f"{where}/etc/machine-id").read_text() == machine
    assert not os.path.lexists(f"{where}/etc/gone")


def test_a_directory_that_the_node_has_moved_does_not_hinder_its_start(tmp_path: Path) -> None:
    """In the node it leads to a shared disk that is not mounted yet."""
    where = str(tmp_path / "disk")
    page = {"/var/www/html/index.html": "new"}
    disk.prepare(where, {"/etc/x": "1"}, page)
    shutil.rmtree(f"{where}/var/www/html")
    os.symlink("/mnt/shared/html", f"{where}/var/www/html")
    os.symlink("/mnt/shared/x", f"{where}/etc/x.new")
    disk.prepare(where, {"/etc/x": "2"}, page)
    assert os.readlink(f"{where}/var/www/html") == "/mnt/shared/html"
    assert Path(f"{where}/etc/x").read_text() == "2"


@pytest.mark.parametrize(
    "moved",
    ["root", "var/tmp", "var/www", "var/www/html", "var/lib", "etc/crmsh-py", "etc/corosync"],
)
def test_no_link_of_a_node_leads_its_start_out_of_its_disk(tmp_path: Path, moved: str) -> None:
    where, outside = str(tmp_path / "disk"), tmp_path / "outside"
    ours = {"/etc/crmsh-py/settings.json": "{}"}
    first = {"/var/www/html/index.html": "page", "/etc/corosync/authkey": "key"}
    disk.prepare(where, ours, first)
    outside.mkdir()
    outside.chmod(0o751)
    shutil.rmtree(f"{where}/{moved}")
    os.symlink(outside, f"{where}/{moved}")
    disk.prepare(where, ours, first)
    assert not list(outside.iterdir())
    assert stat.S_IMODE(outside.stat().st_mode) == 0o751
    assert Path(f"{where}/etc/crmsh-py/settings.json").read_text() == "{}"
    assert Path(f"{where}/etc/crmsh-py").resolve() == Path(f"{where}/etc/crmsh-py")


# ---- the specification of a node -------------------------------------------------------------


def test_a_node_without_namespaces_gets_loopback_and_paths_of_its_own(tmp_path: Path) -> None:
    environ = {"CRM_STATE_DIR": str(tmp_path / "s"), "CRM_RUNTIME_DIR": str(tmp_path / "r")}
    lab = Lab(environ=environ, lab="t")
    made = lab.create()
    attempt = Attempt(Isolation.NONE, own_pids=False, one_user=True)
    spec = nodespec.node_spec(made, lab.place, made.nodes[0], attempt=attempt, manager=False)
    told = wire_settings.load(spec.files[nodespec.NODE_SETTINGS].encode())
    assert (told.isolated, told.multicast, told.manager, told.one_user) == (
        False,
        False,
        False,
        True,
    )
    assert told.address == "127.168.100.10"
    assert told.peers["127.168.100.12"] == "pacemaker03"
    assert told.store.startswith(f"{tmp_path}/s/t/nodes/pacemaker01/")
    assert BootSpec.from_line(spec.to_line()) == spec


def test_a_node_of_its_own_gets_the_paths_of_a_machine(tmp_path: Path) -> None:
    environ = {"CRM_STATE_DIR": str(tmp_path / "s"), "CRM_RUNTIME_DIR": str(tmp_path / "r")}
    lab = Lab(environ=environ, lab="t")
    made = lab.create(nodes=["a", "b"], network="10.1.0.0/24")
    spec = nodespec.node_spec(
        made, lab.place, made.nodes[1], attempt=Attempt(Isolation.ROOT), manager=True
    )
    told = wire_settings.load(spec.files[nodespec.NODE_SETTINGS].encode())
    assert (told.address, told.run_directory, told.isolated) == ("10.1.0.11", "/run", True)
    assert told.corosync_conf == "/etc/corosync/corosync.conf"
    assert "addr add 10.1.0.11/24 broadcast + dev eth0" in spec.commands
    assert str(lab.place.runtime) in spec.keep_writable
    assert boot.GO


def test_the_commands_are_those_that_an_installation_has() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    scripts = project["project"]["scripts"]
    shared = project["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-scripts"]
    for name, function in commands.COMMANDS.items():
        if (file := ROOT / "scripts" / name).exists():
            assert shared[f"scripts/{name}"] == name
            assert file.read_text() == f"#!python\nfrom crmsh_py.start import {name}\n\n{name}()\n"
        else:
            assert scripts[name] == function
        module, _, called = function.partition(":")
        assert callable(getattr(importlib.import_module(module), called))
    assert set(commands.COMMANDS) >= {"crm", "crm_mon", "crm_master", "corosync-quorumtool"}


def test_a_command_works_without_any_environment(tmp_path: Path) -> None:
    place = Place("x", str(tmp_path / "state"), str(tmp_path / "run"))
    commands.write(place)
    small = f"{place.last_commands}/curl"
    done = subprocess.run([small, "--version"], env={}, capture_output=True, text=True, check=False)
    assert "crmsh-py" in done.stdout


# ---- processes and files ---------------------------------------------------------------------


def test_a_tree_of_processes_is_killed_to_the_last() -> None:
    script = "sleep 100 & (sleep 100 & sleep 100 & echo ready; wait) & wait"
    root = subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True)
    assert root.stdout is not None
    assert root.stdout.readline() == "ready\n"
    below = [processes.identify(pid) for pid in processes.descendants(root.pid)]
    assert len(below) >= 4
    processes.kill_tree(root.pid)
    root.wait(10)
    root.stdout.close()
    assert processes.wait_gone([p for p in below if p is not None], 10) == []


def test_a_process_is_more_than_its_number() -> None:
    own = processes.identify(os.getpid())
    assert own is not None
    assert processes.is_alive(own)
    assert not processes.is_alive(processes.Process(own.pid, own.started + 1))
    assert processes.identify(2**22 + 1) is None


def test_programs_of_a_lab_are_known_by_their_environment() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "print('ready', flush=True); input()"],
        env={"CRM_LAB": "x y"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as marked:
        assert marked.stdout is not None
        assert marked.stdout.readline() == b"ready\n"
        assert processes.environment_has(marked.pid, ["CRM_LAB=x y"])
        assert not processes.environment_has(marked.pid, ["CRM_LAB=x"])
        marked.communicate(b"\n")


def test_the_last_lines_of_a_log(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"one\ntwo\n\xffthree\n")
    disk = str(tmp_path)
    assert tail.last_lines(disk, "/log", 2) == ["two", "\ufffdthree"]
    assert len(tail.last_lines(disk, "/log", 0)) == 3
    assert tail.last_lines(disk, "/none", 5) == []


def test_what_a_node_has_put_in_place_of_its_log_is_not_read(tmp_path: Path) -> None:
    disk, other = tmp_path / "disk", tmp_path / "other"
    disk.mkdir()
    other.mkdir()
    (other / "log").write_text("the machine's own\n")
    (disk / "file").symlink_to(other / "log")
    (disk / "folder").symlink_to(other)
    os.mkfifo(disk / "pipe")

    for path in ("/file", "/folder/log", "/pipe"):
        assert tail.last_lines(str(disk), path, 5) == []
