"""``attrd_updater``: transient node attributes, which live until the node's manager stops.

The way that agents take is in ``briefly``, all of it in ``transient``.
"""

from __future__ import annotations

from crmsh_py.tools.briefly import main_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from crmsh_py.tools.common import Door

TOOL = "attrd_updater"


def main(argv: Sequence[str] | None = None, *, door: Door | None = None) -> int:
    """Do what the arguments say (default: the process's own)."""
    return main_of(TOOL, argv, "transient", door)
