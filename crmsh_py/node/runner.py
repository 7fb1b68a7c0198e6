"""Runs agents: real OCF processes with their environment, their time limit and their result.

An operation becomes ``OCF_ROOT/resource.d/PROVIDER/TYPE ACTION`` in an environment that holds
what the OCF resource agent API and Pacemaker promise, and nothing of the daemon's own. Results
are Pacemaker's: an exit code of OCF and a status (``crm_common/results``): done 0, cancelled 1,
timed out 2, error 4, not installed 7.

Where the agent cannot run here, a stand-in may run in its place (see ``agent_choice``), as
``python -m crmsh_py.standins SPEC ACTION`` in the same environment; its results are marked.

Fence agents are told on stdin what to do (see ``fence_agents``).

Sources: OCF resource agent API 1.1; Pacemaker Administration, "Resource Agents" (environment,
exit reasons, return codes).
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from crmsh_py import resources
from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.cib.durations import readable_ms
from crmsh_py.engine.api import (
    AgentFacts,
    CancelOperation,
    OperationFinished,
    RunAlert,
    RunOperation,
)
from crmsh_py.errors import CrmError
from crmsh_py.node import fence_agents, secrets
from crmsh_py.node.agent_choice import AgentChooser, Choice
from crmsh_py.node.agent_facts import FactsReader, MakeFacts, facts_of_machine
from crmsh_py.node.ports import LogLine, Report
from crmsh_py.node.process import ChildProcess, Ended
from crmsh_py.wire.settings import NodeSettings

OCF_ERR_GENERIC = 1
OCF_ERR_PERM = 4
OCF_ERR_INSTALLED = 5
OCF_ACTIVE = (0, 8)  # running, running as promoted
# What these write down decides later between a reload and a restart.
NEEDS_FACTS = frozenset({"start", "reload", "reload-agent"})

DONE, CANCELLED, TIMED_OUT, ERROR, NOT_INSTALLED, NO_SECRETS = 0, 1, 2, 4, 7, 11

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
EXIT_REASON_PREFIX = "ocf-exit-reason:"
EXIT_REASON_LIMIT = 1024  # characters, as in Pacemaker
LOGGED_LINES = 20  # of what an agent writes to stderr in one operation
MIN_TIMEOUT_MS = 100
MAX_ALERTS = 100  # that run at the same time

LAB_GUEST = AgentSpec("ocf", "lab", "guest")
_GUEST_COMMAND = (sys.executable, "-P", "-m", "crmsh_py.lab.guest")

# What an agent may take over from the daemon's environment: where its helper commands find us.
_INHERITED = (
    *("CRM_LAB", "CRM_NODE", "CRM_RUNTIME_DIR", "CRM_STATE_DIR", "XDG_RUNTIME_DIR"),
    # Where agents look for the helper commands, and the mark by which a lab finds strays.
    *("HA_SBIN_DIR", "CRM_LAB_INSIDE"),
    *("HOME", "USER", "LOGNAME", "TZ"),
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class _Running:
    operation: RunOperation
    spec: AgentSpec
    process: ChildProcess
    started_at: float
    facts: asyncio.Future[AgentFacts]
    standin: bool


class AgentRunner:
    """Implements ``ports.Agents``."""

    def __init__(
        self,
        settings: NodeSettings,
        *,
        report: Report,
        log: LogLine,
        environ: Mapping[str, str] = os.environ,
        has_standin: Callable[[AgentSpec], bool] | None = None,
        standin_command: tuple[str, ...] = (sys.executable, "-P", "-m", "crmsh_py.standins"),
        make_facts: MakeFacts | None = None,
    ) -> None:
        self._settings = settings
        self._report = report
        self._log = log
        self._standin_command = standin_command
        self._base = base_environment(settings, environ)
        self._chooser = AgentChooser(
            settings,
            ocf_root=self._base["OCF_ROOT"],
            search_path=self._base["PATH"],
            has_standin=has_standin
            or (any_standin if settings.agents == "stand-ins" else known_standin),
            log=log,
        )
        self._facts = FactsReader(make_facts or facts_of_machine({**environ, **self._base}))
        self._secrets = secrets.directory(settings.store)
        self._running: dict[int, _Running] = {}
        self._alerts: set[ChildProcess] = set()
        os.makedirs(self._base["HA_RSCTMP"], exist_ok=True)

    def run(self, operation: RunOperation) -> None:
        """Begin an operation; its end is reported as ``OperationFinished``."""
        assert operation.call_id not in self._running, f"call {operation.call_id} runs already"
        if secrets.IN_FILE in operation.parameters.values():
            try:
                values = secrets.filled(operation.parameters, operation.resource, self._secrets)
                operation = replace(operation, parameters=values)
            except CrmError as error:
                if operation.action != "stop":  # what runs must be able to end without them
                    self._refuse(operation, OCF_ERR_GENERIC, NO_SECRETS, error.message)
                    return
        spec = AgentSpec(operation.standard, operation.provider, operation.type)
        if spec.standard == "stonith":
            self._start_fence_agent(operation, spec)
            return
        if spec == LAB_GUEST:  # ours, as the device stonith:lab is
            self._start(operation, spec, standin=False, command=_GUEST_COMMAND)
            return
        choice = self._chooser.choose(spec, operation.parameters)
        if choice is Choice.NOTHING:
            reason = f"The agent {spec} is not installed"
            self._refuse(operation, OCF_ERR_INSTALLED, NOT_INSTALLED, reason)
        else:
            self._start(operation, spec, standin=choice is Choice.STANDIN)

    def cancel(self, cancel: CancelOperation) -> None:
        """Kill an operation if it still runs."""
        running = self._running.get(cancel.call_id)
        if running is not None:
            running.process.cancel()

    def alert(self, alert: RunAlert) -> None:
        """Run the program of an alert; what becomes of it is logged, and nobody waits."""
        if len(self._alerts) >= MAX_ALERTS:
            self._log("error", "CRMD", f"Alert {alert.alert} is left out: too many are running")
            return
        environment = {n: v for n, v in self._base.items() if not n.startswith(("OCF_", "HA_"))}
        for name, value in alert.environment.items():
            if _VARIABLE.fullmatch(name):
                environment[name] = value.replace("\0", "")
        try:
            process = ChildProcess(
                [alert.path],
                environment,
                timeout_s=max(alert.timeout_ms, MIN_TIMEOUT_MS) / 1000,
                on_end=lambda ended: self._alerted(alert, process, ended),
            )
        except (OSError, ValueError) as error:
            self._log("error", "CRMD", f"Alert {alert.alert}: {alert.path}: {error}")
            return
        self._alerts.add(process)

    def _alerted(self, alert: RunAlert, process: ChildProcess, ended: Ended) -> None:
        self._alerts.discard(process)
        if ended.timed_out:
            limit = readable_ms(alert.timeout_ms)
            self._log("warning", "CRMD", f"Alert {alert.alert} did not end within {limit}")
        elif ended.rc:
            self._log("warning", "CRMD", f"Alert {alert.alert} ended with {ended.rc}")

    def close(self) -> None:
        """Kill everything that still runs; what it would have reported is nobody's any more."""
        for process in (*self._alerts, *(r.process for r in self._running.values())):
            process.cancel()
        self._running.clear()

    # ---- inside ----------------------------------------------------------------------------

    def _start(
        self,
        operation: RunOperation,
        spec: AgentSpec,
        *,
        standin: bool,
        command: Sequence[str] = (),
    ) -> None:
        environment = operation_environment(self._base, operation)
        path = self._chooser.agent_path(spec)
        # Asked while the operation runs, so that nobody waits for the answer.
        facts = self._facts.ask(spec, "" if standin else path)
        if command:
            command = [*command, operation.action]
            environment["PYTHONPATH"] = fence_agents.python_path()
        elif standin:
            command = [*self._standin_command, str(spec), operation.action]
            # A bare checkout is found by its directory, which no agent needs to know.
            environment["PYTHONPATH"] = str(resources.package_directory().parent)
        else:
            command = [path, operation.action]
        call_id = operation.call_id
        try:
            process = ChildProcess(
                command,
                environment,
                timeout_s=max(operation.timeout_ms, MIN_TIMEOUT_MS) / 1000,
                on_end=lambda ended: self._ended(call_id, ended),
            )
        except (OSError, ValueError) as error:
            self._could_not_start(operation, error)
            return
        self._running[call_id] = _Running(operation, spec, process, time.time(), facts, standin)

    def _start_fence_agent(self, operation: RunOperation, spec: AgentSpec) -> None:
        agent = fence_agents.acting(spec.type, self._settings)
        command = fence_agents.command_of(agent, self._settings)
        if not command:
            self._refuse(
                operation, OCF_ERR_INSTALLED, NOT_INSTALLED, f"The agent {spec} is not installed"
            )
            return
        call_id = operation.call_id
        try:
            process = ChildProcess(
                command,
                fence_agents.environment_of(agent, self._base),
                timeout_s=max(operation.timeout_ms, MIN_TIMEOUT_MS) / 1000,
                on_end=lambda ended: self._ended(call_id, ended),
                text=fence_agents.input_of(operation.parameters),
            )
        except (OSError, ValueError) as error:
            self._could_not_start(operation, error)
            return
        facts: asyncio.Future[AgentFacts] = asyncio.get_running_loop().create_future()
        facts.set_result(AgentFacts())
        self._running[call_id] = _Running(operation, spec, process, time.time(), facts, False)

    def _could_not_start(self, operation: RunOperation, error: OSError | ValueError) -> None:
        reason = (error.strerror if isinstance(error, OSError) else "") or str(error)
        code = error.errno if isinstance(error, OSError) else 0
        text = f"The agent of {operation.resource} cannot be run: {reason}"
        if code == errno.ENOENT:
            self._refuse(operation, OCF_ERR_INSTALLED, NOT_INSTALLED, text)
        elif code in (errno.EACCES, errno.EPERM):
            self._refuse(operation, OCF_ERR_PERM, ERROR, text)
        else:
            self._refuse(operation, OCF_ERR_GENERIC, ERROR, text)

    def _refuse(self, operation: RunOperation, rc: int, status: int, reason: str) -> None:
        self._log("error", "LRMD", reason)
        self._report(
            OperationFinished(
                call_id=operation.call_id,
                rc=rc,
                status=status,
                exit_reason=reason[:EXIT_REASON_LIMIT],
                started_at=time.time(),
            )
        )

    def _ended(self, call_id: int, ended: Ended) -> None:
        running = self._running.pop(call_id, None)
        if running is None:
            return  # closed meanwhile
        operation, spec = running.operation, running.spec
        self._log_output(operation, ended)
        rc, status, reason = outcome(operation, ended)
        if spec.standard == "stonith":
            reason = reason or (fence_agents.reason_of(ended.errors) if rc else "")
        elif not running.standin and status == DONE:
            if rc in OCF_ACTIVE and operation.action != "stop":
                self._chooser.was_active(spec)
            elif (
                rc == OCF_ERR_INSTALLED
                and spec != LAB_GUEST
                and self._chooser.turns_out_missing(spec)
            ):
                self._start(operation, spec, standin=True)
                return
        finished = OperationFinished(
            call_id=call_id,
            rc=rc,
            status=status,
            exit_reason=reason,
            output=ended.output,
            started_at=running.started_at,
            exec_ms=ended.exec_ms,
            standin=running.standin,
        )
        if running.facts.done() or operation.action not in NEEDS_FACTS:
            self._tell(finished, running.facts)
        else:
            running.facts.add_done_callback(lambda facts: self._tell(finished, facts))

    def _tell(self, finished: OperationFinished, facts: asyncio.Future[AgentFacts]) -> None:
        known = None
        if facts.done() and not facts.cancelled() and facts.exception() is None:
            known = facts.result()
        self._report(replace(finished, facts=known))

    def _log_output(self, operation: RunOperation, ended: Ended) -> None:
        name = f"{operation.resource} {operation.action}"
        lines = [line for line in ended.errors.splitlines() if line.strip()]
        for line in lines[-LOGGED_LINES:]:
            if not line.startswith(EXIT_REASON_PREFIX):
                self._log("notice", "LRMD", f"{name}: {line}")


def known_standin(spec: AgentSpec) -> bool:
    """Whether an agent that we know can be stood in for; an invented name never is."""
    from crmsh_py.agents.catalogue import Catalogue
    from crmsh_py.agents.standins import standin_for

    return standin_for(spec) is not None and Catalogue.of_machine().knows(spec)


def any_standin(spec: AgentSpec) -> bool:
    """Whether an agent can be stood in for at all: what a copied cluster has exists somewhere."""
    from crmsh_py.agents.standins import standin_for

    return standin_for(spec) is not None


def base_environment(settings: NodeSettings, environ: Mapping[str, str]) -> dict[str, str]:
    """What is the same for all operations of a node."""
    environment = {name: environ[name] for name in _INHERITED if name in environ}
    environment.setdefault("HOME", "/root")
    environment |= {
        "CRM_LAB": settings.lab,
        "CRM_NODE": settings.node,
        "PATH": settings.path or DEFAULT_PATH,
        "LC_ALL": "C",
        "OCF_ROOT": environ.get("OCF_ROOT") or "/usr/lib/ocf",
        "OCF_RA_VERSION_MAJOR": "1",
        "OCF_RA_VERSION_MINOR": "1",
        "HA_RSCTMP": f"{settings.run_directory}/resource-agents",
        # Nodes have no syslog; the agents' own words go where the node's are.
        "HA_LOGFACILITY": "none",
        "HA_LOGFILE": settings.log,
        "HA_debug": "0",
        "HA_cluster_type": "corosync",
        "PCMK_logfacility": "none",
        "PCMK_logfile": settings.log,
    }
    if settings.run_directory != "/run":
        environment["HA_VARRUN"] = f"{settings.run_directory}/"
    base, lab, socket = settings.control_socket.rsplit("/", 2)
    if (lab, socket) == (settings.lab, f"{settings.node}.sock"):
        environment["CRM_RUNTIME_DIR"] = base
    return environment


def operation_environment(base: Mapping[str, str], operation: RunOperation) -> dict[str, str]:
    """The environment of one operation; names that no environment can hold are left out."""
    environment = dict(base)
    for name, value in operation.environment.items():
        if _VARIABLE.fullmatch(name):
            environment[name] = value.replace("\0", "")
    for name, value in operation.parameters.items():
        if name and "=" not in name and "\0" not in name:
            environment[f"OCF_RESKEY_{name}"] = value.replace("\0", "")
    environment["OCF_RESOURCE_INSTANCE"] = operation.resource
    environment["OCF_RESOURCE_TYPE"] = operation.type
    if operation.provider:
        environment["OCF_RESOURCE_PROVIDER"] = operation.provider
    return environment


def outcome(operation: RunOperation, ended: Ended) -> tuple[int, int, str]:
    """Exit code, status and exit reason of an operation that ended so."""
    if ended.cancelled:
        return OCF_ERR_GENERIC, CANCELLED, ""
    if ended.timed_out:
        within = readable_ms(operation.timeout_ms)
        return OCF_ERR_GENERIC, TIMED_OUT, f"Resource agent did not complete within {within}"
    if ended.rc < 0:
        return OCF_ERR_GENERIC, ERROR, f"Resource agent was killed by signal {-ended.rc}"
    return ended.rc, DONE, exit_reason(ended.errors)


def exit_reason(errors: str) -> str:
    """The last reason that the agent gave on stderr; '' when it gave none."""
    _, found, rest = errors.rpartition(EXIT_REASON_PREFIX)
    if not found:
        return ""
    line = rest.split("\n", 1)[0].strip()
    return "".join(c if c.isprintable() else " " for c in line)[:EXIT_REASON_LIMIT]
