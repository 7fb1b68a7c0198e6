"""Which program runs an agent on this node: the agent itself, a stand-in, or none.

Decided once for every agent (standard, provider and type) and kept, so that a resource which a
stand-in started is never stopped by the real agent, nor the other way round. The rules, first
match wins:

1. Where only stand-ins may run (``agents: stand-ins``, as in a copy of a real cluster, or a node
   that is a plain process), the stand-in.
2. An agent that is not installed: the stand-in.
3. An agent whose program is known (``_PROGRAMS``) and is not installed: the stand-in; the same
   where the program changes its user and the node has one user id only.
4. An agent whose program we do not know is tried. If it says "not installed" before it was ever
   seen active, it becomes the stand-in then; once it was active, it stays what it is.

Where a stand-in is forbidden (``agents: real``) or there is none, the agent itself runs if it is
installed, and nothing if it is not. No choice of a stand-in is silent.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.node.ports import LogLine
from crmsh_py.wire.settings import NodeSettings

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]*")  # of a provider or type: no way out of a path

# Programs of agents for which an "installed" agent says little: any one of a tuple is enough.
# The parameter that names the program itself makes the question the agent's own.
_PROGRAMS: Mapping[tuple[str, str], tuple[tuple[str, ...], str]] = {
    ("heartbeat", "apache"): (("apache2", "httpd", "httpd2"), "httpd"),
    ("heartbeat", "IPaddr2"): (("ip",), ""),
    ("heartbeat", "IPaddr"): (("ip", "ifconfig"), ""),
    ("heartbeat", "nginx"): (("nginx",), "httpd"),
}
_CHANGES_USER = frozenset({("heartbeat", "apache"), ("heartbeat", "nginx")})


class Choice(Enum):
    """What runs."""

    AGENT = "agent"
    STANDIN = "stand-in"
    NOTHING = "nothing"


@dataclass(slots=True)
class _Decision:
    choice: Choice
    final: bool = True  # False: an installed agent that may yet turn out not to work


class AgentChooser:
    """Remembers what runs every agent of this node."""

    def __init__(
        self,
        settings: NodeSettings,
        *,
        ocf_root: str,
        search_path: str,
        has_standin: Callable[[AgentSpec], bool],
        log: LogLine,
    ) -> None:
        self._settings = settings
        self._ocf_root = ocf_root
        self._search_path = search_path
        self._has_standin = has_standin
        self._log = log
        self._decisions: dict[AgentSpec, _Decision] = {}

    def agent_path(self, spec: AgentSpec) -> str:
        """Where the agent's program is; '' when it is not installed or is no OCF agent."""
        if spec.standard != "ocf":
            return ""
        if not _NAME.fullmatch(spec.provider) or not _NAME.fullmatch(spec.type):
            return ""
        path = f"{self._ocf_root}/resource.d/{spec.provider}/{spec.type}"
        return path if os.path.isfile(path) and os.access(path, os.X_OK) else ""

    def choose(self, spec: AgentSpec, parameters: Mapping[str, str]) -> Choice:
        """What runs this agent, here and from now on."""
        decision = self._decisions.get(spec)
        if decision is None or decision.choice is Choice.NOTHING:
            # "Nothing" may change when somebody installs the agent; the others are kept.
            before = decision
            decision = self._decisions[spec] = self._decide(spec, parameters)
            if before is not None and decision.choice is not Choice.NOTHING:
                self._log("notice", "LRMD", f"The agent {spec} is there now")
        return decision.choice

    def was_active(self, spec: AgentSpec) -> None:
        """The agent itself has been seen to work: it stays what it is."""
        if spec in self._decisions:
            self._decisions[spec].final = True

    def turns_out_missing(self, spec: AgentSpec) -> bool:
        """The agent itself says that it is not installed; return whether a stand-in takes over."""
        decision = self._decisions[spec]
        if decision.final or not self._standin_allowed(spec):
            return False
        self._decisions[spec] = self._standin(spec, "it says that its program is not installed")
        return True

    # ---- inside ----------------------------------------------------------------------------

    def _decide(self, spec: AgentSpec, parameters: Mapping[str, str]) -> _Decision:
        allowed = self._standin_allowed(spec)
        installed = self.agent_path(spec) != ""
        if self._settings.agents == "stand-ins":
            # A copy of a real cluster must not touch what the real one works on.
            if allowed:
                return self._standin(spec, "this lab is a copy of a cluster")
            return _Decision(Choice.NOTHING)
        if not self._settings.isolated:
            # Real agents on the machine itself would change the machine.
            if allowed:
                return self._standin(spec, "this node is a plain process")
            return _Decision(Choice.NOTHING)
        if not installed:
            return (
                self._standin(spec, "it is not installed") if allowed else _Decision(Choice.NOTHING)
            )
        name = (spec.provider, spec.type)
        if allowed and self._settings.one_user and name in _CHANGES_USER:
            return self._standin(spec, "it changes its user, and this node has one user id only")
        if name not in _PROGRAMS:
            return _Decision(Choice.AGENT, final=False)
        programs, parameter = _PROGRAMS[name]
        if allowed and not parameters.get(parameter) and not self._finds(programs):
            return self._standin(spec, f"{' or '.join(programs)} is not installed")
        return _Decision(Choice.AGENT)

    def _standin(self, spec: AgentSpec, reason: str) -> _Decision:
        self._log("warning", "LRMD", f"A stand-in runs in place of the agent {spec}: {reason}")
        return _Decision(Choice.STANDIN)

    def _standin_allowed(self, spec: AgentSpec) -> bool:
        return self._settings.agents != "real" and self._has_standin(spec)

    def _finds(self, programs: tuple[str, ...]) -> bool:
        return any(shutil.which(program, path=self._search_path) for program in programs)
