"""``crm_attribute``: read and set cluster properties, defaults and node attributes.

The way that agents take is in ``briefly``, all of it in ``attributes``.
"""

from __future__ import annotations

from crmsh_py.tools.briefly import main_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from crmsh_py.tools.common import Door

TOOL = "crm_attribute"


def main(argv: Sequence[str] | None = None, *, door: Door | None = None, tool: str = TOOL) -> int:
    """Do what the arguments say (default: the process's own)."""
    return main_of(TOOL, argv, "attributes", door, tool=tool)
