"""One precedence decides which cluster is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from crmsh_py.cib.document import Cib
from crmsh_py.clusters import choose as choose_module
from crmsh_py.clusters.choose import choose
from crmsh_py.clusters.port import Cluster
from crmsh_py.clusters.shadow import Shadows
from crmsh_py.errors import ClusterUnreachable, CrmError, NotFound, UsageError


class Machine:
    """An environment with labs that seem to run, and maybe a Pacemaker."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.environ = {
            "CRM_STATE_DIR": str(directory / "state" / "labs"),
            "CRM_RUNTIME_DIR": str(directory / "run"),
        }
        self.pacemaker = False

    def lab(self, name: str, *nodes: str) -> None:
        runtime = self.directory / "run" / name
        runtime.mkdir(parents=True)
        for node in nodes:
            (runtime / f"{node}.sock").touch()

    def choose(self, kind: str | None = None, shadow: str | None = None) -> Cluster:
        return choose(self.environ, kind=kind, shadow=shadow, has_pacemaker=lambda: self.pacemaker)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_nothing_runs(machine: Machine) -> None:
    with pytest.raises(ClusterUnreachable) as caught:
        machine.choose()

    assert "crm lab create" in caught.value.format_message()
    assert caught.value.exit_code == 102


def test_a_file_wins_over_a_running_lab(machine: Machine) -> None:
    machine.lab("default", "n1")
    machine.environ |= {"CIB_file": "/tmp/x.xml", "CRM_NODE": "n1"}

    assert machine.choose().kind == "file"


def test_the_command_line_wins_over_a_file(machine: Machine) -> None:
    machine.lab("default", "n1")
    machine.environ |= {"CIB_file": "/tmp/x.xml"}

    assert machine.choose(kind="local").kind == "local"


def test_a_shadow_of_the_command_line_wins_over_a_file(machine: Machine) -> None:
    Shadows.of_environment(machine.environ, 0).create(
        "trial", Cib.new(cluster_infrastructure="corosync", dc_version="1")
    )
    machine.environ |= {"CIB_file": "/tmp/x.xml"}

    assert machine.choose(shadow="trial").label == "trial"
    del machine.environ["CIB_file"]
    machine.environ["CIB_shadow"] = "trial"
    assert machine.choose().label == "trial"


def test_an_unknown_shadow_is_an_error_and_not_the_live_cluster(machine: Machine) -> None:
    machine.lab("default", "n1")

    with pytest.raises(NotFound):
        machine.choose(shadow="trial")


def test_a_running_lab_is_taken(machine: Machine) -> None:
    machine.lab("default", "n1")

    assert machine.choose().kind == "local"


def test_both_running_is_an_error_that_names_the_choices(machine: Machine) -> None:
    machine.lab("default", "n1")
    machine.pacemaker = True

    with pytest.raises(CrmError) as caught:
        machine.choose()

    message = caught.value.format_message()
    assert "--cluster local" in message
    assert "--cluster pacemaker" in message


@pytest.mark.parametrize("variable", [{"CRM_LAB": "default"}, {"CRM_NODE": "n1"}])
def test_naming_the_lab_decides_between_both(machine: Machine, variable: dict[str, str]) -> None:
    machine.lab("default", "n1")
    machine.pacemaker = True
    machine.environ |= variable

    assert machine.choose().kind == "local"


def test_another_lab_that_runs_is_named(machine: Machine) -> None:
    machine.lab("two", "n1")

    with pytest.raises(ClusterUnreachable) as caught:
        machine.choose()

    assert "CRM_LAB=two" in caught.value.format_message()


def test_a_lab_that_does_not_run_is_named(machine: Machine) -> None:
    machine.environ["CRM_LAB"] = "two"

    with pytest.raises(ClusterUnreachable, match="two"):
        machine.choose()


def test_a_kind_that_is_none_has_a_hint(machine: Machine) -> None:
    with pytest.raises(UsageError) as caught:
        machine.choose(kind="locall")

    assert caught.value.hint == "did you mean local?"


def test_the_nodes_of_a_lab_are_listed(machine: Machine) -> None:
    machine.lab("default", "n2", "n1", "lab")

    assert choose_module.running_nodes(machine.environ) == ["n1", "n2"]


def test_a_host_is_named_by_option_or_environment(machine: Machine) -> None:
    machine.lab("default", "n1")
    machine.environ["CRM_HOST"] = "root@far"
    chosen = machine.choose()
    assert (chosen.kind, chosen.label) == ("pacemaker", "pacemaker/root@far")

    option = choose(machine.environ | {"CRM_LAB": "default"}, host="other")
    assert option.label == "pacemaker/other"


def test_a_lab_and_a_host_both_named_are_an_error(machine: Machine) -> None:
    machine.lab("default", "n1")
    machine.environ |= {"CRM_HOST": "far", "CRM_LAB": "default"}

    with pytest.raises(UsageError, match="both named"):
        machine.choose()
    assert machine.choose(kind="local").kind == "local"
    assert machine.choose(kind="pacemaker").label == "pacemaker/far"


def test_a_host_has_no_cluster_of_another_kind(machine: Machine) -> None:
    with pytest.raises(UsageError, match="not one of the kind local"):
        choose(machine.environ, kind="local", host="far")


@pytest.mark.parametrize("host", ["-oProxyCommand=x", "a b", "user@", "@node", "a;b", "$(x)"])
def test_what_is_no_host_is_not_given_to_ssh(machine: Machine, host: str) -> None:
    with pytest.raises(UsageError, match="is no host"):
        choose(machine.environ, host=host)


@pytest.mark.parametrize(
    ("line", "runs"),
    [
        ("0: 2 0 10000 1 1 16 @cib_rw@@@@@@@@@@", True),
        ("0: 2 0 10000 1 1 16 /run/cib_rw", True),
        ("0: 2 0 10000 1 1 16 @cib_rw_event@@", False),
        ("0: 2 0 10000 1 1 16 /run/user/0/mycib_rwx", False),
    ],
)
def test_pacemaker_is_found_by_its_socket(line: str, runs: bool) -> None:
    found = choose_module._CIB_SOCKET.search(f"Num RefCount\n{line}\n")
    assert bool(found) == runs
