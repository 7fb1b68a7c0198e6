"""What real root in a node, or on the host of a lab, must not do to the machine.

For a node's own processes and for commands that enter it alike; it is imported by what must be up
in milliseconds.
"""

from __future__ import annotations

from crmsh_py.lab import linux

USUAL_UMASK = 0o022  # of a machine's services and logins
# Load modules, touch the machine's devices and memory, set its clock.
_NEVER = (linux.CAP_SYS_MODULE, linux.CAP_SYS_RAWIO, linux.CAP_SYS_TIME)


def forbidden(*, own_pids: bool) -> tuple[int, ...]:
    """The capabilities to take away; ``own_pids``: in a pid namespace of the node's own.

    A reboot in a pid namespace ends that namespace, so a node may reboot; elsewhere it would be
    the machine's.
    """
    return _NEVER if own_pids else (*_NEVER, linux.CAP_SYS_BOOT)


def drop(*, own_pids: bool) -> None:
    """Take them from all programs that are started from here on."""
    linux.drop_capabilities(forbidden(own_pids=own_pids))
