"""Stand-ins that keep a state and nothing else: Dummy, Stateful, Delay, and any other agent.

The state is a file that lasts until the node's next start, as a real service would. It holds
``started`` or ``promoted``. A clone's and a promotable's actions work as well.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time

from crmsh_py.standins.ocf import AgentError, Call, Rc, read_text, remove, write_text

_STARTED, _PROMOTED = "started", "promoted"
_UNPROMOTED_SCORE, _PROMOTED_SCORE = 5, 10  # as ocf:pacemaker:Stateful sets them
_SCORE_TIMEOUT_S = 10.0
_NO_CHANGE = frozenset({"notify", "reload", "reload-agent"})


def run(call: Call, action: str) -> Rc:
    """An action of an agent of which only the state is kept."""
    path = _file(call)
    match action:
        case "start" | "migrate_from":
            _pause(call)
            write_text(path, _STARTED)
        case "stop" | "migrate_to":
            _pause(call)
            remove(path)
        case "monitor" | "status":
            return _monitor(path)
        case "promote":
            _needs_start(path)
            write_text(path, _PROMOTED)
        case "demote":
            _needs_start(path)
            write_text(path, _STARTED)
        case "validate-all":
            call.number("op_sleep", 0.0)
        case _ if action not in _NO_CHANGE:
            raise AgentError(Rc.UNIMPLEMENTED, f"{call.spec} has no action '{action}'")
    return Rc.OK


def run_stateful(call: Call, action: str) -> Rc:
    """The same, and the node learns how much it wants to be promoted."""
    code = run(call, action)
    if action in ("start", "demote"):
        _want_promotion(call, _UNPROMOTED_SCORE)
    elif action == "promote":
        _want_promotion(call, _PROMOTED_SCORE)
    elif action == "stop":
        _want_promotion(call, None)
    return code


def run_delay(call: Call, action: str) -> Rc:
    """The same, taking its time: startdelay, stopdelay, mondelay (s)."""
    try:
        start_s = call.number("startdelay", 20.0, wrong=Rc.ARGS)
        stop_s = call.number("stopdelay", start_s, wrong=Rc.ARGS)
        monitor_s = call.number("mondelay", start_s, wrong=Rc.ARGS)
    except AgentError:
        if action != "stop":
            raise
        start_s = stop_s = monitor_s = 0.0  # a stop may fail for nothing that can be helped
    runs = _monitor(_file(call)) is Rc.OK
    if action == "start":
        time.sleep(start_s)
    elif action == "stop" and runs:
        time.sleep(stop_s)
    elif action in ("monitor", "status") and runs:
        # A probe of what does not run is quick, or no start could ever be in time.
        time.sleep(monitor_s)
    return run(call, action)


def _file(call: Call) -> str:
    """The file of the state; the agent's own ``state`` parameter where it is given and safe."""
    given = call.parameter("state")
    if given.startswith("/") and not call.plain and os.path.isdir(os.path.dirname(given)):
        return given
    return call.state_file("state")


def _monitor(path: str) -> Rc:
    state = read_text(path)
    if not state and not os.path.exists(path):
        return Rc.NOT_RUNNING
    return Rc.PROMOTED if state.strip() == _PROMOTED else Rc.OK


def _needs_start(path: str) -> None:
    if _monitor(path) is Rc.NOT_RUNNING:
        raise AgentError(Rc.NOT_RUNNING, "it is not running")


def _pause(call: Call) -> None:
    """``op_sleep``, where it is a number; the agent's own sleep fails and it goes on."""
    try:
        time.sleep(call.number("op_sleep", 0.0))
    except AgentError:
        pass


def _want_promotion(call: Call, score: int | None) -> None:
    """Set the promotion score by the same helper command that real agents call."""
    program = shutil.which("crm_master", path=call.environ.get("PATH"))
    if program is None:
        return
    change = ["-D"] if score is None else ["-v", str(score)]
    try:
        subprocess.run(
            [program, "-l", "reboot", *change],
            env=dict(call.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            timeout=_SCORE_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise AgentError(Rc.GENERIC, "crm_master did not end in time") from None
