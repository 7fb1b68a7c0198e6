"""A commit that meets somebody else's change of the same thing: what was, what each has made of it.

Input: the configuration that the transaction began with, what it has become here, what the cluster
has by now, and the conflict that the cluster has answered with. Output: the same conflict, told as
three texts of the configure language for every element that both have changed.

Whether there is a conflict is not decided here: the patch decides, at the cluster (``cib.apply``).
Here only the elements are found that it is about: those whose text both sides have changed, and of
these the ones that cannot be merged by themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from crmsh_py.cib.diff import apply, diff
from crmsh_py.cib.document import Cib
from crmsh_py.cib.patch import Change, split_path
from crmsh_py.errors import ConfigError, Conflict
from crmsh_py.lang.listing import SECRETS, objects, texts
from crmsh_py.value import replace

SHOWN = 10  # elements in full; the others by name
_ABSENT = "(it is not there)"
_NOT_TOGETHER = "change what is pending so that it fits (edit, delete), or drop it: refresh"


def explained(base: Cib, mine: Cib, theirs: Cib, conflict: Conflict) -> Conflict:
    """The conflict with the three versions of everything that it is about."""
    before, ours, now = _texts(base), _texts(mine), _texts(theirs)
    both = [
        name
        for name in dict.fromkeys((*before, *ours, *now))
        if before.get(name) != ours.get(name) != now.get(name) != before.get(name)
    ]
    names = _unmergeable(base, mine, theirs, both) or both
    author = _author(theirs)
    lines = [f"{conflict.message}; nothing was committed"]
    for name in names[:SHOWN]:
        lines += [f"  {name}, before ({base.version}):", *_indented(before, name)]
        lines += ["  yours:", *_indented(ours, name)]
        lines += [f"  theirs ({theirs.version}{author}):", *_indented(now, name)]
    if len(names) > SHOWN:
        lines.append(f"  and {', '.join(names[SHOWN:])}")
    if not names:
        lines.append(f"  they changed ({theirs.version}{author}):")
        lines += [f"    {name}" for name in sorted(now) if before.get(name) != now[name]]
        lines += [f"    {name} (deleted)" for name in sorted(before) if name not in now]
    return Conflict("\n".join(lines), hint=_what_to_do(names) if names else _NOT_TOGETHER)


def _what_to_do(names: Iterable[str]) -> str:
    mine = " ".join(names)
    return (
        f"to keep theirs: refresh. To put yours in its place: save FILE {mine}".rstrip()
        + ", refresh, load update FILE, commit"
    )


def _texts(cib: Cib) -> Mapping[str, str]:
    """The text of every object by its name, secrets hidden."""
    found: dict[str, str] = {}
    for one in objects(cib):
        found[one.name] = "\n".join(texts(cib, [one], SECRETS))
    return found


def _indented(found: Mapping[str, str], name: str) -> Iterator[str]:
    for line in found.get(name, _ABSENT).splitlines():
        yield f"    {line}".replace("\t", "    ")


def _author(cib: Cib) -> str:
    user, origin = cib.root.get("update-user"), cib.root.get("update-origin")
    if not user:
        return ""
    return f", {user} on {origin}" if origin else f", {user}"


def _unmergeable(base: Cib, mine: Cib, theirs: Cib, both: list[str]) -> list[str]:
    """Those of these objects that one of the changes, made alone, cannot be merged into."""
    if len(both) < 2:
        return both
    names = {one.element.id: one.name for one in objects(mine)}
    names |= {one.element.id: one.name for one in objects(base)}
    patch = diff(base, mine.with_status(base.status))
    found: set[str] = set()
    for change in patch.changes:
        owner = _owner(change, names)
        if owner not in both or owner in found:
            continue
        try:
            apply(theirs, replace(patch, changes=(change,)))
        except (Conflict, ConfigError):
            found.add(owner)
    return [name for name in both if name in found]


def _owner(change: Change, names: Mapping[str, str]) -> str:
    """The innermost object that a change is in."""
    ids = [name for _, name in split_path(change.path) if name]
    if change.element is not None and change.element.id:
        ids.append(change.element.id)
    return next((names[name] for name in reversed(ids) if name in names), "")
