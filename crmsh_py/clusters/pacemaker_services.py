"""Corosync and Pacemaker as services of one machine, started and stopped by its systemd.

Pacemaker's unit requires Corosync's, so starting it starts both. They are stopped one after the
other, so that several nodes can stop Pacemaker before the first one leaves the ring: else the last
ones lose quorum while their resources still stop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmsh_py.clusters.pacemaker_programs import NOT_THERE, Answer, Programs, missing
from crmsh_py.errors import ClusterUnreachable, CrmError, NotFound, NotPermitted
from crmsh_py.value import Value, frozen

if TYPE_CHECKING:
    from crmsh_py.scheduler.result import ResourceStatus

START_TIMEOUT_S = 180.0  # systemd's own limit for a unit is 90 by default, and there are two
STOP_TIMEOUT_S = 1800.0  # resources leave first, and take their time
ASK_TIMEOUT_S = 20.0
CONF = "/etc/corosync/corosync.conf"
COROSYNC, PACEMAKER, QDEVICE = "corosync", "pacemaker", "corosync-qdevice"
_DONE = {"start": "started", "stop": "stopped", "enable": "enabled", "disable": "disabled"}
_ON = ("active", "activating", "deactivating", "reloading")
_NO_UNIT = 5  # of systemctl
_FORBIDDEN = ("authentication required", "Access denied", "Permission denied")


@frozen
class Running(Value):
    """Which of the two services run on a machine."""

    corosync: bool
    pacemaker: bool


def running(programs: Programs) -> Running:
    """Which of the two services run. Raises CrmError kinds where systemd cannot say it."""
    answer = _call(programs, "is-active", COROSYNC, PACEMAKER, limit_s=ASK_TIMEOUT_S)
    states = answer.out.split()
    if len(states) != 2:
        raise _failed(programs, "ask about", COROSYNC, answer)
    return Running(*(state in _ON for state in states))


def start(programs: Programs, *, qdevice: bool = False) -> None:
    """Start Pacemaker, and Corosync with it (and the quorum device, which does not come by itself).

    Returns when systemd says that they run. Raises CrmError kinds.
    """
    if qdevice:
        _do(programs, "start", QDEVICE, START_TIMEOUT_S)
    _do(programs, "start", PACEMAKER, START_TIMEOUT_S)


def stop(programs: Programs, service: str) -> None:
    """Stop a service; Pacemaker lets its resources leave first. Raises CrmError kinds."""
    _do(programs, "stop", service, STOP_TIMEOUT_S)


def enable(programs: Programs, *, enabled: bool, qdevice: bool = False) -> None:
    """Whether they start with the machine. Raises CrmError kinds."""
    verb = "enable" if enabled else "disable"
    for service in (PACEMAKER, QDEVICE) if qdevice else (PACEMAKER,):
        _do(programs, verb, service, ASK_TIMEOUT_S)


def something_runs(programs: Programs) -> bool:
    """Whether a resource runs anywhere, as the machine's CIB has it.

    Raises ClusterUnreachable when its Pacemaker does not answer (any more).
    """
    from datetime import datetime

    from crmsh_py.cib.document import Cib
    from crmsh_py.scheduler.status import cluster_status

    answer = programs.run("cibadmin", "-Q", timeout_s=ASK_TIMEOUT_S)
    if answer.code != 0:
        raise ClusterUnreachable(f"{_where(programs)}: {answer.complaint}")
    status = cluster_status(Cib.parse(answer.out), now=datetime.now().astimezone())
    return any(map(_runs, status.resources))


def _runs(resource: ResourceStatus) -> bool:
    return bool(resource.nodes) or any(map(_runs, resource.children))


def read_conf(programs: Programs) -> str:
    """The machine's corosync.conf, which names the nodes even where nothing runs."""
    answer = programs.output(["cat", CONF], timeout_s=ASK_TIMEOUT_S).answer
    if answer.code != 0:
        where = _where(programs)
        raise NotFound(
            f"{CONF} of {where} cannot be read: {answer.complaint}",
            hint="a node of a cluster has one, and root may read it",
        )
    return answer.out


def _do(programs: Programs, verb: str, service: str, limit_s: float) -> None:
    answer = _call(programs, verb, service, limit_s=limit_s)
    if answer.code != 0:
        raise _failed(programs, verb, service, answer)


def _call(programs: Programs, verb: str, *services: str, limit_s: float) -> Answer:
    words = ["systemctl", verb, *(f"{service}.service" for service in services)]
    answer = programs.output(words, timeout_s=limit_s).answer
    if answer.code == NOT_THERE:
        raise missing("systemctl", _where(programs))
    return answer


def _failed(programs: Programs, verb: str, service: str, answer: Answer) -> CrmError:
    where = _where(programs)
    said = answer.complaint or f"exit code {answer.code}"
    if any(words in said for words in _FORBIDDEN):
        return NotPermitted(
            f"only root may {verb} {service} on {where}",
            hint="sudo crm cluster …, or crm --host root@NODE cluster …",
        )
    if answer.code == _NO_UNIT or "could not be found" in said:
        return NotFound(
            f"{where} has no service {service}", hint=f"install the package {service} there"
        )
    done = _DONE.get(verb, "asked about")
    return CrmError(
        f"{service} could not be {done} on {where}: {said}",
        hint=f"there: journalctl -u {COROSYNC} -u {PACEMAKER}",
    )


def _where(programs: Programs) -> str:
    return programs.host or "this machine"
