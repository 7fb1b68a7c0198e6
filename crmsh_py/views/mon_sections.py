"""The sections of crm_mon's output, and what ``--include`` and ``--exclude`` make of them.

Input: the sections that are shown without them, and what was said, in order. Output: the sections
to show. Names and groups are those of Pacemaker's crm_mon.
"""

from __future__ import annotations

from collections.abc import Sequence

from crmsh_py.errors import UsageError
from crmsh_py.value import frozen

SUMMARY = frozenset({"stack", "dc", "times", "counts", "options", "maint-mode"})
FENCING = frozenset({"fencing-failed", "fencing-pending", "fencing-succeeded"})
_LISTS = frozenset(
    {
        *("attributes", "bans", "failcounts", "failures", "nodes", "operations", "resources"),
        "tickets",
    }
)
ALL = SUMMARY | FENCING | _LISTS
# Fencing that has failed or goes on is shown by itself, as --fence-history=1.
USUAL = SUMMARY | {"nodes", "resources", "failures", "fencing-failed", "fencing-pending"}
_GROUPS = {"all": ALL, "none": frozenset[str](), "summary": SUMMARY, "fencing": FENCING}
_BANS = "bans:"  # with the prefix of the ids to list


@frozen
class Step:
    """One ``--include`` or ``--exclude`` with its sections, by commas."""

    include: bool
    sections: str


def chosen(
    steps: Sequence[Step], *, shown: frozenset[str], usual: frozenset[str]
) -> tuple[frozenset[str], str]:
    """The sections to show, and the prefix of the bans to list ('' for all).

    ``shown`` is what is there before the first step, ``usual`` what "default" means. Raises
    UsageError for a section that there is not; its hint lists those there are.
    """
    prefix = ""
    for step in steps:
        for name in step.sections.split(","):
            if step.include and name.startswith(_BANS):
                name, prefix = "bans", name.removeprefix(_BANS)
            shown = _after(shown, name, step, usual)
    return shown, prefix


def _after(shown: frozenset[str], name: str, step: Step, usual: frozenset[str]) -> frozenset[str]:
    if step.include and name in ("all", "none"):
        return _GROUPS[name]
    if not step.include and name in ("all", "none"):
        return ALL - _GROUPS[name]
    if step.include and name == "default":
        return usual
    meant = _GROUPS.get(name) or ALL & {name}
    if not meant:
        raise _unknown(name, step)
    return shown | meant if step.include else shown - meant


def _unknown(name: str, step: Step) -> UsageError:
    names = sorted({*ALL, *_GROUPS, *(("bans:PREFIX", "default") if step.include else ())})
    option = "--include" if step.include else "--exclude"
    if name == "list":
        return UsageError(f"{option} takes {', '.join(names)}")
    return UsageError(f"{option}: there is no section '{name}'", hint=f"it is {', '.join(names)}")
