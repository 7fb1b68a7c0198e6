"""Agents are found where they are, asked once, and never believed more than they deserve."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from crmsh_py.agents.cache import MetadataCache
from crmsh_py.agents.installed import InstalledAgents, Places
from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.errors import ConfigError, CrmError, TimedOut

LAMP = AgentSpec("ocf", "home", "Lamp")
GOOD = """#!/bin/sh
echo called >>"{log}"
echo '<resource-agent name="Lamp">'
echo "<shortdesc>$1 $OCF_RESOURCE_PROVIDER</shortdesc></resource-agent>"
"""


class Machine:
    """A machine with nothing but what a test puts there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.log = root / "log"
        self.cache_directory = root / "cache" / "agents"
        self.places = Places(
            ocf_root=root / "ocf",
            fence=(root / "sbin",),
            lsb=root / "init.d",
            units=(root / "units",),
            systemd=root / "systemd",
        )

    def agents(self, *, timeout_s: float = 5.0) -> InstalledAgents:
        return InstalledAgents(self.places, MetadataCache(self.cache_directory), timeout_s)

    def put(self, path: str, text: str, mode: int = 0o755) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace("{log}", str(self.log)))
        file.chmod(mode)
        return file

    @property
    def calls(self) -> int:
        return len(self.log.read_text().splitlines()) if self.log.exists() else 0


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


LAMP_PATH = "ocf/resource.d/home/Lamp"


def test_an_agent_is_asked_once_until_its_file_changes(machine: Machine) -> None:
    file = machine.put(LAMP_PATH, GOOD)
    for _ in range(3):
        metadata = machine.agents().metadata(LAMP)
        assert metadata is not None
        assert metadata.shortdesc == "meta-data home"
    assert machine.calls == 1
    os.utime(file, (1, 1))
    machine.agents().metadata(LAMP)
    assert machine.calls == 2


def test_only_programs_are_agents(machine: Machine) -> None:
    machine.put(LAMP_PATH, GOOD)
    machine.put("ocf/resource.d/home/README", "text", 0o644)
    machine.put("ocf/resource.d/home/.shellfuncs", GOOD)
    machine.put("ocf/resource.d/.git/x", GOOD)
    assert machine.agents().providers() == ("home",)
    assert machine.agents().types("ocf", "home") == ("Lamp",)
    assert machine.agents().types("ocf", "nobody") == ()
    assert machine.agents().metadata(AgentSpec("ocf", "home", "README")) is None


def test_an_agent_that_hangs_is_killed_with_its_children(machine: Machine) -> None:
    pids = machine.root / "pids"
    machine.put(LAMP_PATH, f"#!/bin/sh\nsleep 1000 & echo $! >{pids}\nwait\n")
    begun = time.monotonic()
    with pytest.raises(TimedOut, match="does not answer"):
        machine.agents(timeout_s=0.3).metadata(LAMP)
    assert time.monotonic() - begun < 5
    child = int(pids.read_text())
    deadline = time.monotonic() + 30
    while _alive(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _alive(child)


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_an_agent_that_prints_without_end_is_stopped(machine: Machine) -> None:
    machine.put(LAMP_PATH, "#!/bin/sh\nyes\n")
    with pytest.raises(CrmError, match="prints without end"):
        machine.agents().metadata(LAMP)


@pytest.mark.parametrize("text", ["#!/bin/sh\necho usage\n", "#!/nonexistent\n", "#!/bin/sh\n"])
def test_an_answer_that_cannot_be_read_is_not_remembered(machine: Machine, text: str) -> None:
    machine.put(LAMP_PATH, text)
    with pytest.raises(CrmError):
        machine.agents().metadata(LAMP)
    assert not list(machine.cache_directory.glob("*"))


def test_a_cache_that_others_can_write_is_not_used(machine: Machine) -> None:
    machine.put(LAMP_PATH, GOOD)
    machine.cache_directory.mkdir(parents=True)
    machine.cache_directory.chmod(0o777)
    for _ in range(2):
        machine.agents().metadata(LAMP)
    assert machine.calls == 2
    assert not list(machine.cache_directory.iterdir())


def test_an_entry_that_others_can_write_or_that_is_a_link_is_not_used(machine: Machine) -> None:
    machine.put(LAMP_PATH, GOOD)
    machine.agents().metadata(LAMP)
    (entry,) = machine.cache_directory.iterdir()
    assert entry.stat().st_mode & 0o777 == 0o600
    assert entry.parent.stat().st_mode & 0o777 == 0o700
    entry.chmod(0o622)
    machine.agents().metadata(LAMP)
    assert machine.calls == 2
    forged = machine.put("forged", '<resource-agent name="forged"/>', 0o600)
    entry.unlink()
    entry.symlink_to(forged)
    metadata = machine.agents().metadata(LAMP)
    assert metadata is not None
    assert metadata.name == "Lamp"


def test_without_a_home_nothing_is_remembered(machine: Machine) -> None:
    for environ in ({}, {"HOME": "relative"}, {"XDG_CACHE_HOME": "relative"}):
        cache = MetadataCache.of_user(environ)
        cache.write(machine.put(LAMP_PATH, GOOD), b"x")
        assert cache.read(machine.root / LAMP_PATH) is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may enter every directory")
def test_a_home_that_may_not_be_entered_is_as_good_as_none(machine: Machine) -> None:
    closed = machine.root / "closed"
    closed.mkdir(mode=0)
    cache = MetadataCache.of_user({"HOME": str(closed / "home")})
    cache.write(machine.put(LAMP_PATH, GOOD), b"x")
    assert cache.read(machine.root / LAMP_PATH) is None


def test_fence_agents_are_asked_in_their_own_way(machine: Machine) -> None:
    machine.put("sbin/fence_lamp", GOOD.replace("$1", "$1 $2"))
    machine.put("sbin/other", GOOD)
    assert machine.agents().types("stonith") == ("fence_lamp",)
    metadata = machine.agents().metadata(AgentSpec("stonith", "", "fence_lamp"))
    assert metadata is not None
    assert metadata.shortdesc == "-o metadata"
    assert machine.agents().path(AgentSpec("stonith", "", "other")) is None


def test_services_of_the_system_are_described_by_their_class(machine: Machine) -> None:
    machine.put("init.d/lampd", "#!/bin/sh\n# Short-Description: Lights the lamp\n")
    machine.put("units/lampd.service", "[Unit]\n", 0o644)
    agents = machine.agents()
    assert agents.types("lsb") == ("lampd",)
    assert agents.types("systemd") == (), "systemd does not run here"
    machine.places.systemd.mkdir()
    assert agents.types("systemd") == ("lampd",)
    assert agents.types("service") == ("lampd",)
    lsb = agents.metadata(AgentSpec("lsb", "", "lampd"))
    assert lsb is not None
    assert lsb.shortdesc == "Lights the lamp"
    systemd = agents.metadata(AgentSpec("systemd", "", "lampd"))
    assert systemd is not None
    start = systemd.action("start")
    assert start is not None
    assert start.timeout_ms == 100_000


def test_the_places_come_from_the_environment() -> None:
    assert Places.of({"OCF_ROOT": "/opt/ocf"}).ocf_root == Path("/opt/ocf")
    assert Places.of({}).ocf_root == Path("/usr/lib/ocf")


def test_a_parse_failure_is_a_config_error(machine: Machine) -> None:
    machine.put(LAMP_PATH, "#!/bin/sh\necho '<html/>'\n")
    with pytest.raises(ConfigError, match="is not the meta-data of an agent"):
        machine.agents().metadata(LAMP)


def test_a_home_that_is_no_directory_remembers_nothing(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    cache = MetadataCache.of_user({"HOME": str(tmp_path / "home")})
    cache.write(Path("/bin/sh"), b"<resource-agent/>")
    assert cache.read(Path("/bin/sh")) is None
