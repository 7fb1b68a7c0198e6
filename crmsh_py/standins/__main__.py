"""``python -m crmsh_py.standins SPEC ACTION``: one action of a stand-in, as an OCF agent's.

SPEC is the agent that is stood in for, ``ocf:heartbeat:IPaddr2``; which of our small agents that
means is known to ``crmsh_py.agents.standins``. The exit code is OCF's.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

from crmsh_py.agents.standins import StandIn, standin_for
from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.errors import CrmError
from crmsh_py.standins.metadata import describe
from crmsh_py.standins.ocf import AgentError, Call, Rc, complain

_USAGE = "usage: python -m crmsh_py.standins ocf:PROVIDER:TYPE ACTION"


def main(arguments: Sequence[str]) -> int:
    """Do one action; returns OCF's exit code."""
    if len(arguments) != 2:
        print(_USAGE, file=sys.stderr)
        return Rc.ARGS
    name, action = arguments
    try:
        spec = AgentSpec.parse(name)
        kind = standin_for(spec)
        if kind is None:
            complain(f"nothing stands in for {spec}")
            return Rc.INSTALLED
        if action == "meta-data":
            print(describe(spec), end="")
            return Rc.OK
        return _program(kind)(Call(spec, os.environ), action)
    except AgentError as failure:
        complain(failure.reason)
        return failure.rc
    except CrmError as error:
        complain(error.message)
        return Rc.ARGS
    except PermissionError as error:
        complain(f"{error.filename or 'the system'}: {error.strerror}")
        return Rc.PERM
    except OSError as error:
        complain(f"{error.filename or 'the system'}: {error.strerror or error}")
        return Rc.GENERIC


def _program(kind: StandIn) -> Callable[[Call, str], Rc]:
    """The small agent of a kind; only its own module is loaded."""
    if kind is StandIn.ADDRESS:
        from crmsh_py.standins import address

        return address.run
    if kind is StandIn.WEB_SERVER:
        from crmsh_py.standins import website

        return website.run
    from crmsh_py.standins import state

    return {
        StandIn.STATEFUL: state.run_stateful,
        StandIn.DELAY: state.run_delay,
    }.get(kind, state.run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
