"""How our programs begin, and end: the functions that the installed commands call.

A process that has shown its answer has nothing left to do but to take a few thousand objects to
pieces one by one: ``leave`` ends it without, 2 ms earlier. Where somebody still waits for the
end (``atexit``, threads) it ends as usual.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn


def leave(code: int) -> NoReturn:
    """End the process."""
    import atexit

    threads = sys.modules.get("threading")
    if atexit._ncallbacks() or (threads is not None and threads.active_count() > 1):
        sys.exit(code)
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):  # nobody reads it any more, or it is closed
        sys.exit(code)
    os._exit(code)


def at_home(lab: str, state: str, runtime: str) -> None:
    """For the commands of a lab: give its environment back to who has lost it.

    ``su -``, ``sudo`` and cron clear it, and agents use them; the node is the one whose name the
    machine has. On the machine itself, outside of the nodes, nothing is known that way.
    """
    if "CRM_LAB" in os.environ:
        return
    try:
        with open("/etc/crmsh-py/settings.json", "rb"), open("/etc/hostname", "rb") as name:
            node = name.read(256).decode("ascii", "replace").strip()
    except OSError:
        return
    os.environ.update(CRM_LAB=lab, CRM_NODE=node, CRM_LAB_INSIDE="1")
    os.environ.update(CRM_STATE_DIR=state, CRM_RUNTIME_DIR=runtime)


def _open_what_is_closed() -> None:
    """Somebody started us without standard input or output (``>&-``): then there is nothing."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
            if opened != number:
                os.dup2(opened, number)
            setattr(sys, name, open(number, mode, encoding="utf-8"))  # noqa: SIM115


def _program(module: str) -> Callable[[], NoReturn]:
    def main() -> NoReturn:
        if None in (sys.stdin, sys.stdout, sys.stderr):
            _open_what_is_closed()
        leave(__import__(module, fromlist=["main"]).main())

    return main


crm = _program("crmsh_py.shell.main")
crm_mon = _program("crmsh_py.tools.crm_mon")
crm_verify = _program("crmsh_py.tools.crm_verify")
crm_simulate = _program("crmsh_py.tools.crm_simulate")
crm_resource = _program("crmsh_py.tools.crm_resource")
crm_attribute = _program("crmsh_py.tools.crm_attribute")
crm_master = _program("crmsh_py.tools.crm_master")
crm_node = _program("crmsh_py.tools.crm_node")
crm_failcount = _program("crmsh_py.tools.crm_failcount")
crm_standby = _program("crmsh_py.tools.crm_standby")
crm_ticket = _program("crmsh_py.tools.crm_ticket")
crm_diff = _program("crmsh_py.tools.crm_diff")
crm_rule = _program("crmsh_py.tools.crm_rule")
crm_shadow = _program("crmsh_py.tools.crm_shadow")
crm_error = _program("crmsh_py.tools.crm_error")
crmadmin = _program("crmsh_py.tools.crmadmin")
attrd_updater = _program("crmsh_py.tools.attrd_updater")
cibadmin = _program("crmsh_py.tools.cibadmin")
stonith_admin = _program("crmsh_py.tools.stonith_admin")
corosync_cfgtool = _program("crmsh_py.tools.corosync_cfgtool")
corosync_cmapctl = _program("crmsh_py.tools.corosync_cmapctl")
corosync_keygen = _program("crmsh_py.tools.corosync_keygen")
corosync_quorumtool = _program("crmsh_py.tools.corosync_quorumtool")
