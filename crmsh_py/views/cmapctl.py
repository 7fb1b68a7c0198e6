"""``corosync-cmapctl``: keys of the configuration and state map, as text.

Input: typed keys; output: one line per key, ``name (type) = value``.
"""

from __future__ import annotations

from collections.abc import Iterable

from crmsh_py.views.text import legible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.wire.control import CmapKey


def key_lines(keys: Iterable[CmapKey]) -> str:
    """All keys in the order given; '' for none."""
    return "".join(f"{legible(f'{key.name} ({key.type}) = {key.value}')}\n" for key in keys)
