"""The agent ``ocf:lab:guest``: a virtual machine of the lab, which is one of its hosts.

    python -P -m crmsh_py.lab.guest ACTION

Starting it switches the host on and says that it is on this node: from now on the supervisor lets
it share the node's fate, as a machine's guests do. What a hypervisor knows is asked of the
supervisor each time; the agent keeps no state of its own. OCF resource agent API 1.1.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping

from crmsh_py.errors import CrmError
from crmsh_py.lab.config import GUEST
from crmsh_py.lab.contact import ask
from crmsh_py.lab.place import place_of
from crmsh_py.wire import lab as wire

OK, ERROR, BAD_ARGUMENT, UNIMPLEMENTED, NOT_CONFIGURED, NOT_RUNNING = 0, 1, 2, 3, 6, 7
_TIMEOUT_S = 15.0
_POLL_S = 0.05


def main(action: str, environ: Mapping[str, str]) -> int:
    """Do it; the exit code is OCF's."""
    if action == "meta-data":
        from crmsh_py.resources import ra_metadata_directory

        path = ra_metadata_directory() / "ocf" / "lab" / "guest.xml"
        print(path.read_text(encoding="utf-8"))
        return OK
    try:
        return _Guest(environ).act(action)
    except CrmError as error:
        return _fail(error.message, ERROR)


def _fail(reason: str, code: int) -> int:
    print(f"ocf-exit-reason:{reason}", file=sys.stderr)
    return code


class _Guest:
    """One guest as this node sees it."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._place = place_of(environ, os.geteuid())
        self._name = environ.get("OCF_RESKEY_host", "")
        self._node = environ.get("CRM_NODE", "")

    def act(self, action: str) -> int:
        """Carry out an action of the cluster."""
        host = self._look()
        if host is None:
            return _fail(f"the lab has no guest '{self._name}'", NOT_CONFIGURED)
        here = host.state is wire.Power.ON and host.holder == self._node
        match action:
            case "monitor" | "status":
                return OK if here else NOT_RUNNING
            case "start" if here:
                return OK
            case "start" if host.state is wire.Power.ON:
                return _fail(f"it runs on {host.holder or 'no node'}", ERROR)
            case "start":
                return self._start()
            case "stop" if host.holder == self._node and host.pid:
                self._switch("off")
                return OK
            case "stop":
                return OK  # it is off, or another node's by now
            case "migrate_to":
                return OK if here else _fail("it does not run here", ERROR)
            case "migrate_from" if host.state is wire.Power.ON:
                self._switch("hold")
                return OK
            case "migrate_from":
                return _fail("it is off", ERROR)
            case "validate-all":
                return OK
        return UNIMPLEMENTED

    def _start(self) -> int:
        self._switch("on")
        while True:  # until the timeout of the operation
            host = self._look()
            if host is not None and host.state is wire.Power.ON:
                return OK
            if host is not None and host.state is wire.Power.DIED:
                return _fail(host.reason or "it did not start", ERROR)
            time.sleep(_POLL_S)

    def _switch(self, action: str) -> None:
        request = wire.SwitchPower(nodes=[self._name], action=action, holder=self._node)
        ask(self._place, request, timeout_s=_TIMEOUT_S)

    def _look(self) -> wire.NodeState | None:
        reply = ask(self._place, wire.ReadLab(), timeout_s=_TIMEOUT_S)
        assert isinstance(reply, wire.LabState)
        nodes = (node for node in reply.nodes if node.kind == GUEST)
        return next((node for node in nodes if node.name == self._name), None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "", os.environ))
