"""Nodes that were members and are gone, of which nobody knows that they are off."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib


def lost_nodes(cib: Cib) -> list[str]:
    """Their names, by the status: they may still run what they ran."""
    return [
        state.get("uname")
        for state in cib.status.findall("node_state")
        if state.get("expected") == "member" and state.get("in_ccm") in ("false", "0")
    ]
