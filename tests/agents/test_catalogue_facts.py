"""Our descriptions state the same facts as the agents themselves, where these are installed.

Agents change from version to version; the comparison is with Debian 12's. With CRM_COMPARE_AGENTS=1
it is made with whatever is installed: to see what a refresh would have to change.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from crmsh_py.agents.catalogue import Catalogue
from crmsh_py.agents.installed import InstalledAgents, Places
from crmsh_py.agents.metadata import AgentMetadata
from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.resources import ra_metadata_directory

NOWHERE = Path("/nonexistent")
INSTALLED = InstalledAgents(Places.of(os.environ))
OURS = Catalogue(InstalledAgents(Places(NOWHERE, (), NOWHERE, (), NOWHERE)))
# What only labs have (ocf:lab) is ours alone: there is nothing to compare it with.
DESCRIBED = sorted(
    path for path in ra_metadata_directory().glob("ocf/*/*.xml") if path.parent.name != "lab"
)
# Parameters that older agents have, and defaults that depend on the machine.
OLDER = {("IPaddr2", "arp_mac")}
OF_THE_MACHINE = {"state", "pidfile", "htmlfile", "httpd", "testregex", "config", "configfile"}
OTHER_DEFAULTS = {("IPaddr2", "arp_bg")}  # the tutorial's version


COMPARED = {
    "heartbeat": ("resource-agents", "4.12."),
    "pacemaker": ("pacemaker-resource-agents", "2.1.5"),
}


def _is_compared_version(provider: str) -> bool:
    package, version = COMPARED[provider]
    if not shutil.which("dpkg-query"):
        return False
    done = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Version}", package],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    return done.stdout.partition(":")[2].startswith(version) or done.stdout.startswith(version)


@pytest.mark.parametrize("path", DESCRIBED, ids=lambda path: f"{path.parent.name}:{path.stem}")
def test_names_types_defaults_and_times(path: Path) -> None:
    spec = AgentSpec("ocf", path.parent.name, path.stem)
    real = INSTALLED.metadata(spec)
    if real is None:
        pytest.skip(f"{spec} is not installed")
    if not os.environ.get("CRM_COMPARE_AGENTS") and not _is_compared_version(spec.provider):
        pytest.skip(f"the {spec} installed here is not the version that ours was compared with")
    ours = OURS.metadata(spec)
    assert _parameters(ours) == _parameters(real)
    assert _advice(ours) == _advice(real)


def _parameters(metadata: AgentMetadata) -> dict[str, tuple[str, str, bool]]:
    return {
        parameter.name: (parameter.type, _default(metadata, parameter.name), parameter.required)
        for parameter in metadata.parameters
        if (metadata.name, parameter.name) not in OLDER
    }


def _default(metadata: AgentMetadata, name: str) -> str:
    if name in OF_THE_MACHINE or (metadata.name, name) in OTHER_DEFAULTS:
        return "(not compared)"
    found = metadata.parameter(name)
    return (found.default or "") if found else ""


def _advice(metadata: AgentMetadata) -> set[tuple[str, int | None, int | None]]:
    return {(a.name, a.timeout_ms, a.interval_ms or None) for a in metadata.operations}
