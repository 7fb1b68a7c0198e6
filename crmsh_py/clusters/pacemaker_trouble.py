"""What an exit code of Pacemaker's programs means, as an error that says what to do.

Source: the exit codes are Pacemaker's (``crm_error --exit --list``). A program that cannot connect
says the same whether nothing runs, or something runs that the user may not talk to, so then it is
looked what runs, and who asks.
"""

from __future__ import annotations

from crmsh_py.clusters.pacemaker_answers import Processes
from crmsh_py.clusters.pacemaker_programs import TOO_LATE, Answer, Programs
from crmsh_py.errors import (
    ClusterUnreachable,
    ConfigError,
    CrmError,
    NoQuorum,
    NotFound,
    NotPermitted,
    TimedOut,
)

FORBIDDEN = (4, 77)
INVALID = 78
DISCONNECTED = 102
NO_SUCH = 105
WITHOUT_QUORUM = 106
GROUP = "haclient"
_LOOK_TIMEOUT_S = 10.0


def refusal(programs: Programs, program: str, answer: Answer) -> CrmError:
    """The error that an answer with an exit code other than 0 stands for."""
    said = answer.complaint or f"exit code {answer.code}"
    if answer.code == DISCONNECTED or "not connected" in said or "Connection refused" in said:
        return unreachable(programs, answer)
    if answer.code in FORBIDDEN:
        return NotPermitted(
            "the cluster does not permit this to you; nothing was changed",
            hint=f"root and the cluster's ACLs decide (crm configure show type:acl_target): {said}",
        )
    if answer.code == INVALID:
        return ConfigError(f"Pacemaker refuses the change, and nothing was changed: {said}")
    if answer.code == NO_SUCH:
        return NotFound(said)
    if answer.code == WITHOUT_QUORUM:
        return NoQuorum(said)
    if answer.code == TOO_LATE:
        return TimedOut(f"{program}: {said}")
    return CrmError(f"{program}: {said}")


def unreachable(programs: Programs, answer: Answer) -> CrmError:
    """Why nobody answers on the machine."""
    where = programs.host or "this machine"
    seen = processes(programs)
    if not seen.pid("pacemaker-based"):
        corosync = seen.pid("corosync")
        if not corosync and not seen.pid("pacemakerd"):
            text = f"neither Corosync nor Pacemaker runs on {where}"
        elif corosync:
            text = f"Corosync runs on {where}, but Pacemaker does not"
        else:
            text = f"Pacemaker on {where} has no Corosync to talk to"
        return ClusterUnreachable(text, hint="systemctl start pacemaker, as root")
    groups = programs.run("id", "-Gn", timeout_s=_LOOK_TIMEOUT_S).out.split()
    user = programs.run("id", "-un", timeout_s=_LOOK_TIMEOUT_S).out.strip()
    if user != "root" and GROUP not in groups:
        return NotPermitted(
            f"{user} may not talk to Pacemaker on {where}: only root and the group {GROUP} may",
            hint=f"usermod -aG {GROUP} {user}, then log in again",
        )
    return ClusterUnreachable(
        f"Pacemaker on {where} does not answer: it is starting or stopping",
        hint=f"try again in some seconds ({answer.complaint})",
    )


def processes(programs: Programs) -> Processes:
    """What runs on the machine."""
    answer = programs.run("ps", "-e", "-o", "pid=,comm=", timeout_s=_LOOK_TIMEOUT_S)
    return Processes.of(answer.out)
