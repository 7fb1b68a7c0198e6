"""Orders about the node that is asked, which no message between nodes stands for."""

from __future__ import annotations

from crmsh_py.value import frozen


@frozen
class ReopenLogs:
    """Open the log files anew, somebody has moved them: ``corosync-cfgtool -L``."""


@frozen
class ShutDown:
    """Leave the membership: ``corosync-cfgtool -H``. With ``force`` whoever needs it."""

    force: bool = False


@frozen
class DropDevice:
    """Do without the quorum device: ``corosync-quorumtool -f``."""


NodeOrder = ReopenLogs | ShutDown | DropDevice
