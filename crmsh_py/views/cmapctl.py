"""``corosync-cmapctl``: keys of the configuration and state map, as text.

Input: typed keys; output: one line per key, ``name (type) = value``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from crmsh_py.views.text import legible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.wire.control import CmapKey


def key_lines(keys: Iterable[CmapKey], *, quiet: bool = False) -> str:
    """All keys in the order given, or their values alone; '' for none."""
    return "".join(f"{_line(key, quiet=quiet)}\n" for key in keys)


def _line(key: CmapKey, *, quiet: bool) -> str:
    return legible(key.value if quiet else f"{key.name} ({key.type}) = {key.value}")


def change_lines(
    before: Mapping[str, CmapKey], after: Mapping[str, CmapKey], *, quiet: bool = False
) -> str:
    """What has become of keys, a line for each that was made, changed or deleted."""
    lines = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        kind = "create" if old is None else "modify" if new is not None else "delete"
        key = new if new is not None else old
        assert key is not None
        lines.append(f"{kind}> {_line(key, quiet=quiet)}\n")
    return "".join(lines)
