"""The fence agent ``stonith:lab``: its power switch is the lab's supervisor.

    python -P -m crmsh_py.lab.fence          parameters as NAME=VALUE lines on stdin

Speaks as fence agents do (fence-agents API): ``action`` is off, on, reboot, status, list, monitor,
validate-all or metadata; ``port`` names the node. The exit code is 0 when it is done; ``status``
answers 0 for on and 2 for off.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping

from crmsh_py.errors import CrmError
from crmsh_py.lab.contact import ask
from crmsh_py.lab.place import place_of
from crmsh_py.wire import lab as wire

FAILED, OFF = 1, 2
_TIMEOUT_S = 25.0  # the lab does one thing at a time, and a node that hangs at its start takes 20 s
_SWITCHES = ("off", "on", "reboot")


def main() -> int:
    """Do what stdin says."""
    try:
        return _act(read_parameters(sys.stdin.read(64 * 1024)))
    except CrmError as error:
        print(f"stonith:lab: {error.message}", file=sys.stderr)
        return FAILED


def read_parameters(text: str) -> dict[str, str]:
    """``NAME=VALUE`` lines; what is no such line, or a comment, is left out."""
    found = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            found[name.strip()] = value.strip()
    return found


def _act(parameters: Mapping[str, str]) -> int:
    action = parameters.get("action", "reboot")
    if action in ("metadata", "meta-data"):
        from crmsh_py.resources import ra_metadata_directory

        path = ra_metadata_directory() / "stonith" / "lab.xml"
        print(path.read_text(encoding="utf-8"))
        return 0
    place = place_of(os.environ, os.geteuid())
    reply = ask(place, wire.ReadLab(), timeout_s=_TIMEOUT_S)
    assert isinstance(reply, wire.LabState)
    states = {node.name: node.state for node in reply.nodes}
    wanted = parameters.get("hostlist", "").replace(",", " ").split()
    known = [name for name in states if not wanted or name in wanted]
    if action in ("monitor", "validate-all"):
        return 0
    if action == "list":
        print("\n".join(f"{name}," for name in known))
        return 0
    # A device of another kind, which this one stands for, may know the node by another name.
    names = [parameters.get(name, "") for name in ("port", "nodename")]
    node = next((name for name in names if name in known), names[0] or names[1])
    if node not in known:
        raise CrmError(f"{node or 'a node without a name'} is none of {', '.join(known)}")
    if action == "status":
        return 0 if states[node] is wire.Power.ON else OFF
    if action not in _SWITCHES:
        raise CrmError(f"there is no action {action}")
    delay = parameters.get("delay", "")
    is_number = delay.isascii() and delay.replace(".", "", 1).isdigit()
    time.sleep(min(float(delay), 3600.0) if is_number else 0.0)
    ask(place, wire.SwitchPower(nodes=[node], action=action), timeout_s=_TIMEOUT_S)
    return 0


if __name__ == "__main__":
    sys.exit(main())
