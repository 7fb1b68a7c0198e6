"""``crm_node``: names, ids and membership of nodes.

The way that agents take is in ``briefly``, all of it in ``nodes``.
"""

from __future__ import annotations

from crmsh_py.tools.briefly import main_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from crmsh_py.tools.common import Door

TOOL = "crm_node"


def main(argv: Sequence[str] | None = None, *, door: Door | None = None) -> int:
    """Do what the arguments say (default: the process's own)."""
    return main_of(TOOL, argv, "nodes", door)
