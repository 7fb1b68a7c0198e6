"""Fence agents: which program one is, and what its result means.

They are no OCF agents: parameters come on stdin, one ``NAME=VALUE`` a line, so that no password is
seen in a list of processes; the exit code is 0 or it has failed (``status``: 2 means off).
``stonith:lab`` is our own, see ``lab.fence``; ``fence_*`` are programs of the machine.

A node that is a plain process may use ``stonith:lab`` only: what others switch off is outside of
every lab, and a node without walls of its own is too near to that.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping

from crmsh_py import resources
from crmsh_py.wire.settings import NodeSettings

LAB = "lab"
_PLACES = ("/usr/sbin", "/usr/bin", "/sbin", "/bin")
_NAME = re.compile(r"fence_[A-Za-z0-9_.+-]+")
REASON_LIMIT = 512
_STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ [A-Z]+: (Failed: )?")


def acting(agent: str, settings: NodeSettings) -> str:
    """The agent that acts: in the copy of a real cluster always the lab's own.

    What is configured there would switch off nodes of the real one.
    """
    return LAB if settings.agents == "stand-ins" else agent


def command_of(agent: str, settings: NodeSettings) -> list[str]:
    """The command line of an agent; empty where it is not installed, or may not be used."""
    if agent == LAB:
        return [sys.executable, "-P", "-m", "crmsh_py.lab.fence"]
    if not settings.isolated or not _NAME.fullmatch(agent):
        return []
    paths = (f"{place}/{agent}" for place in _PLACES)
    return next(([path] for path in paths if os.access(path, os.X_OK)), [])


def environment_of(agent: str, base: Mapping[str, str]) -> dict[str, str]:
    """The environment of an agent: the node's, without anything of OCF."""
    found = {name: value for name, value in base.items() if not name.startswith(("OCF_", "HA_"))}
    if agent == LAB:
        found["PYTHONPATH"] = python_path()
    return found


def python_path() -> str:
    """Where an agent that is a part of this program finds it: a bare checkout by its directory."""
    libraries = [entry for entry in sys.path if entry.endswith(("site-packages", "dist-packages"))]
    return ":".join([str(resources.package_directory().parent), *libraries])


def input_of(parameters: Mapping[str, str]) -> str:
    """What the agent reads; a value cannot begin a new line."""
    lines = [
        f"{name}={value}".replace("\n", " ").replace("\0", "") for name, value in parameters.items()
    ]
    return "\n".join([*lines, ""])


def reason_of(errors: str) -> str:
    """The last line that an agent wrote to stderr; '' where it wrote none.

    Those of the fence-agents project end with how to ask for help, and begin with the time.
    """
    lines = [_STAMP.sub("", line.strip()) for line in errors.splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith("Please use '-h'")]
    if not told:
        return ""
    return "".join(c if c.isprintable() else " " for c in told[-1])[:REASON_LIMIT]
