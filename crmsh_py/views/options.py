"""``crm options show``: a user's preferences, as text and as a record."""

from __future__ import annotations

from crmsh_py.value import frozen


@frozen(kw_only=True)
class OptionRecord:
    """A preference: its value, and whether the user has chosen it."""

    name: str
    value: str
    default: str
    chosen: bool
    help: str


@frozen(kw_only=True)
class Options:
    """Preferences."""

    options: tuple[OptionRecord, ...]


def text(found: Options) -> str:
    """One line per preference; * is what the user has chosen."""
    width = max(len(one.name) for one in found.options)
    values = max(len(one.value) for one in found.options)
    return "\n".join(
        f"{'*' if one.chosen else ' '} {one.name:<{width}} = {one.value:<{values}}  # {one.help}"
        for one in found.options
    )
