"""The ``cibstatus`` level: a status made up, and what the pending configuration would do with it.

Nodes, results of operations, tickets and quorum can be changed for a simulation. Nothing here
reaches a cluster.
"""

from __future__ import annotations

from crmsh_py.cib.booleans import is_true
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.xml import to_xml
from crmsh_py.clusters.shadow import Shadows
from crmsh_py.errors import ConfigError, UsageError
from crmsh_py.lang.ast import CommandCall
from crmsh_py.shell import files, loading
from crmsh_py.shell.pretended import LIVE, NODE_STATES, TICKET_STATES, Operation, Pretended
from crmsh_py.shell.session import Session
from crmsh_py.tools.common import local_now
from crmsh_py.views.records import Text, Value

_SHADOW = "shadow:"


# ---- where it is from ----------------------------------------------------------------------------


def load(session: Session, call: CommandCall) -> int:
    """Take the status from a file, a shadow or the cluster; what was changed is forgotten."""
    session.only_for_its_time("cibstatus")
    name = call.get("FILE_NAME") or LIVE
    if name == LIVE:
        session.pretended = Pretended()
        return 0
    session.pretended = Pretended(name, _status_of(session, name))
    return 0


def _status_of(session: Session, name: str) -> Element:
    if name.startswith(_SHADOW):
        return _shadows(session).open(name.removeprefix(_SHADOW)).read_cib().status
    root = loading.parse_xml(files.read_text(name), name)
    status = root if root.tag == "status" else root.find("status")
    if status is None:
        raise ConfigError(f"{name}: there is no <status> in it")
    return status


def save(session: Session, call: CommandCall) -> int:
    """Write the configuration with the changed status to a file or a shadow."""
    name = call.get("FILE_NAME") or session.pretended.origin
    if name == LIVE:
        raise UsageError("the status of the cluster itself is not written", hint="save FILE")
    cib = _cib(session)
    if name.startswith(_SHADOW):
        _shadows(session).create(name.removeprefix(_SHADOW), cib, force=True)
    else:
        files.write_text(name, cib.to_xml())
    return 0


def origin(session: Session, call: CommandCall) -> int:
    """Say where the status is from."""
    name = session.pretended.origin
    session.show(name, lambda: Value("cibstatus", "status", "origin", name))
    return 0


def show(session: Session, call: CommandCall) -> int:
    """The status section, or what was changed in it."""
    if call.has("CHANGED"):
        changes = session.pretended.changes
        session.show("\n".join(changes), lambda: Text("changed", changes))
        return 0
    text = to_xml(_cib(session).status)
    session.show(text, lambda: Text("status", tuple(text.splitlines())))
    return 0


# ---- what is made up -----------------------------------------------------------------------------


def node(session: Session, call: CommandCall) -> int:
    """Pretend that a node is online, offline or unclean."""
    state = next(state for state in NODE_STATES if call.has(state.upper()))
    name = call.get("NODE_NAME") or ""
    session.pretended = session.pretended.node(session.working.cib(), name, state, local_now())
    session.only_for_its_time("cibstatus")
    return 0


def op(session: Session, call: CommandCall) -> int:
    """Pretend that an operation ended in some way."""
    result = Operation(
        call.get("OP_NAME") or "",
        call.get("RESOURCE") or "",
        call.get("EXIT_CODE") or "",
        (call.get("OP_STATUS") or "").lower(),
        call.get("NODE_NAME") or "",
    )
    cib = session.working.cib()
    session.pretended = session.pretended.operation(cib, result, local_now())
    session.only_for_its_time("cibstatus")
    return 0


def quorum(session: Session, call: CommandCall) -> int:
    """Pretend that there is quorum, or that there is none."""
    has = is_true(call.get("BOOLEAN"))
    session.pretended = session.pretended.with_quorum(has)
    session.only_for_its_time("cibstatus")
    return 0


def ticket(session: Session, call: CommandCall) -> int:
    """Pretend that a ticket is granted, revoked, active or on standby."""
    state = next(state for state in TICKET_STATES if call.has(state.upper()))
    name = call.get("TICKET_NAME") or ""
    session.pretended = session.pretended.ticket(session.working.cib(), name, state, local_now())
    session.only_for_its_time("cibstatus")
    return 0


# ---- what follows from it ------------------------------------------------------------------------


def run(session: Session, call: CommandCall) -> int:
    """Decide what would be done."""
    return simulated(session, call, carried_out=False)


def simulate(session: Session, call: CommandCall) -> int:
    """Decide it, and carry it out on paper."""
    return simulated(session, call, carried_out=True)


def simulated(session: Session, call: CommandCall, *, carried_out: bool) -> int:
    """What ``crm_simulate`` says of the pending configuration with the made-up status."""
    from crmsh_py.tools import crm_simulate
    from crmsh_py.tools.common import parse

    words = ["-S" if carried_out and not call.has("ACTIONS") else "-R"]
    words += ["-s"] * call.has("SCORES") + ["-U"] * call.has("UTILIZATION")
    made = crm_simulate.simulate(_cib(session), parse(crm_simulate.parser(), words))
    session.show(made.text, lambda: Text("simulation", tuple(made.text.splitlines())))
    return 0 if made.complete else 1


def _cib(session: Session) -> Cib:
    return session.pretended.over(session.working.cib())


def _shadows(session: Session) -> Shadows:
    import os

    return Shadows.of_environment(session.environ, os.getuid())
