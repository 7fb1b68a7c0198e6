"""What to say when two people have changed the same thing: who was first, with what, and when.

Input: the patch that does not fit, and the revisions that this node remembers. Output: the same
``Conflict``, with the revisions made since the patch's source that touch what it touches; where
none can be named (one deletes what the other refers to), all that were made since then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from crmsh_py.cib.patch import ROOT, Change, Operation, Patch, step
from crmsh_py.errors import Conflict
from crmsh_py.wire.stream import Step

MOST_NAMED = 3  # revisions in one message, the newest ones
_LOOKED_AT = 50  # revisions, from the newest back
_NAMED = re.compile(r"/([^/\[\]]+)\[@id='((?:[^']|'')*)'\]")


def explained(error: Conflict, patch: Patch, recent: Sequence[Step]) -> Conflict:
    """The error with what was changed meanwhile, by whom and when, as far as that is known."""
    later = [
        (each, made)
        for each in list(recent)[-_LOOKED_AT:]
        if (made := Patch.from_xml(each.patch)).target.tuple[:2] > patch.source.tuple[:2]
    ]
    touching = [(each, path) for each, made in later if (path := _common(patch, made))]
    named = [_sentence(each, _name(path)) for each, path in touching]
    named = named or [_sentence(each, "the configuration") for each, _ in later]
    if not named:
        return error
    return Conflict(f"{error.message}; {', '.join(named[-MOST_NAMED:])}", hint=error.hint)


def _sentence(made: Step, what: str) -> str:
    who = made.author or "somebody"
    tool = f" with {made.client}" if made.client else ""
    where = f" on {made.origin}" if made.origin else ""
    return f"{who} changed {what}{tool}{where} at {written_text(made.time)}"


def _paths(patch: Patch) -> Iterator[str]:
    for change in patch.changes:
        if change.path != ROOT:  # every revision changes the attributes of the root
            yield _path(change)


def _path(change: Change) -> str:
    if change.operation is Operation.CREATE and change.element is not None:
        return change.path + step(change.element)
    return change.path


def _common(one: Patch, other: Patch) -> str:
    """The path of the first thing in ``one`` that ``other`` touches too; '' where there is none."""
    theirs = tuple(_paths(other))
    for mine in _paths(one):
        for path in theirs:
            if f"{mine}/".startswith(f"{path}/") or f"{path}/".startswith(f"{mine}/"):
                return max(mine, path, key=len)
    return ""


def _name(path: str) -> str:
    """The object that a path is in, as people call it: the first with an id."""
    found = _NAMED.search(path)
    if found is None:
        return path.rpartition("/")[2]
    return f"{found[1]} {found[2].replace(chr(39) * 2, chr(39))}"


def written_text(wall_time: float) -> str:
    """A time as ``cib-last-written`` has it, in local time: ``Mon Jul 28 20:22:21 2014``."""
    moment = datetime.fromtimestamp(wall_time)
    return moment.strftime("%a %b ") + f"{moment.day:2d}" + moment.strftime(" %H:%M:%S %Y")
