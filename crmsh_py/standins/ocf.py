"""What every stand-in shares: the exit codes of OCF, its environment, and its words.

Input: the environment that a node gives its agents (OCF resource agent API 1.1). Output: an exit
code, and ``ocf-exit-reason:`` lines on stderr.
"""

from __future__ import annotations

import enum
import os
import re
import sys
from collections.abc import Mapping

from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.value import frozen

HELD = "address"  # the kind of state file that holds an address (nodes without a network)
_NODE_RUN = "/run/resource-agents"  # HA_RSCTMP in a node with a file system of its own


class Rc(enum.IntEnum):
    """Exit codes of an agent (OCF resource agent API 1.1, Pacemaker for the promoted ones)."""

    OK = 0
    GENERIC = 1
    ARGS = 2
    UNIMPLEMENTED = 3
    PERM = 4
    INSTALLED = 5
    CONFIGURED = 6
    NOT_RUNNING = 7
    PROMOTED = 8


class AgentError(Exception):
    """An action failed; the text is its exit reason."""

    def __init__(self, rc: Rc, reason: str) -> None:
        super().__init__(reason)
        self.rc = rc
        self.reason = reason


@frozen
class Call:
    """One call of a stand-in: which agent, and the environment that it was given."""

    spec: AgentSpec
    environ: Mapping[str, str]

    def parameter(self, name: str, default: str = "") -> str:
        """An instance parameter."""
        return self.environ.get(f"OCF_RESKEY_{name}", "") or default

    def number(
        self, name: str, default: float, *, most: float = 86_400.0, wrong: Rc = Rc.CONFIGURED
    ) -> float:
        """A parameter that is a number, perhaps with a unit of seconds.

        Raises AgentError with the code ``wrong`` for any other.
        """
        text = self.parameter(name)
        if not text:
            return default
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|sec|m|min)?", text.strip().lower())
        if match is None:
            raise AgentError(wrong, f"{name} is no number: {text[:60]}")
        unit = {"ms": 0.001, "m": 60.0, "min": 60.0}.get(match[2] or "s", 1.0)
        return min(float(match[1]) * unit, most)

    @property
    def instance(self) -> str:
        """The resource, as the name of a file."""
        name = self.environ.get("OCF_RESOURCE_INSTANCE", "default")
        return re.sub(r"[^A-Za-z0-9_.:-]", "_", name)[:100]

    @property
    def directory(self) -> str:
        """Where agents keep their state until the node's next start."""
        return self.environ.get("HA_RSCTMP") or _NODE_RUN

    @property
    def plain(self) -> bool:
        """Whether the node is a plain process on the machine itself, without a network of its own.

        Then its directory of states lies on its disk, not under /run.
        """
        return self.directory != _NODE_RUN

    @property
    def root(self) -> str:
        """The directory that is the node's ``/``: '' but for a plain process."""
        return os.path.dirname(os.path.dirname(self.directory)) if self.plain else ""

    def state_file(self, kind: str) -> str:
        """A file of this resource in the directory of states."""
        os.makedirs(self.directory, exist_ok=True)
        return f"{self.directory}/standin-{self.instance}.{kind}"


def held_addresses(directory: str) -> set[str]:
    """The addresses that the stand-ins of a node without a network of its own hold now."""
    try:
        names = [n for n in os.listdir(directory) if n.endswith(f".{HELD}")]
    except OSError:
        return set()
    return {read_text(f"{directory}/{name}").strip() for name in names} - {""}


def complain(reason: str) -> None:
    """Tell the cluster why an action failed: a line that Pacemaker looks for on stderr."""
    print(f"ocf-exit-reason:{reason}", file=sys.stderr, flush=True)


def read_text(path: str) -> str:
    """The content of a small file; '' when there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(65536)
    except OSError:
        return ""


def write_text(path: str, text: str) -> None:
    """Replace a small file whole."""
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(f"{path}.new", path)


def remove(path: str) -> None:
    """Remove a file that may be gone."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
