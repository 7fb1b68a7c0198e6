"""A patch as Pacemaker takes it: against a version, in its words, on what is there by now.

Pacemaker compares the versions of a patch with its own. What matters are admin_epoch and epoch,
which count changes of the configuration; num_updates counts changes of the state and moves all the
time. Up to 3.0.1 a patch need not name it, and is taken whatever the state does. Since 3.0.2 it
must, so there the same patch is sent with the newest number until it meets it.
"""

from __future__ import annotations

from crmsh_py.cib.apply import apply
from crmsh_py.cib.booleans import parse_boolean
from crmsh_py.cib.document import Cib
from crmsh_py.cib.patch import ROOT, AttributeChange, Change, Operation, Patch
from crmsh_py.cib.version import ATTRIBUTES, Version
from crmsh_py.clusters.dialect import in_words_of
from crmsh_py.errors import ConfigError, Conflict, NoQuorum
from crmsh_py.value import replace
from crmsh_py.whole_numbers import is_number

_LAST_LENIENT = (3, 20, 1)


def same_configuration(one: Version, other: Version) -> bool:
    """Whether two versions differ in their state at most."""
    return (one.admin_epoch, one.epoch) == (other.admin_epoch, other.epoch)


def check(base: Cib, *, force_no_quorum: bool) -> None:
    """Refuse what Pacemaker would take and should not. Raises ConfigError, NoQuorum."""
    from crmsh_py.cib.upgrade import known_schemas

    if base.schema != "none" and base.schema not in known_schemas():
        raise ConfigError(
            f"the cluster's schema {base.schema} is not known here; nothing was changed",
            hint=f"{known_schemas()[-1]} is the newest one that this version can write",
        )
    if not force_no_quorum and parse_boolean(base.root.get("have-quorum")) is False:
        raise NoQuorum(
            "this partition has no quorum: a change made here may be lost, or meet another one",
            hint="after a disaster: crm --force-no-quorum …",
        )


def target(patch: Patch) -> Version:
    """The version of the configuration that the patch makes."""
    if patch.target.admin_epoch > patch.source.admin_epoch:
        return Version(patch.target.admin_epoch, patch.target.epoch, 0)
    return patch.source.next_epoch()


def counts_updates(cib: Cib) -> bool:
    """Whether this cluster wants a patch to name the number of changes of the state.

    The feature set is that of the DC, whose Pacemaker compares: 3.20.1 is 3.0.1, 3.20.5 is 3.0.2.
    """
    numbers = cib.root.get("crm_feature_set").split(".")
    if not all(is_number(number) for number in numbers):
        return True  # every version takes a patch that names it
    return tuple(map(int, numbers)) > _LAST_LENIENT


def text(base: Cib, patch: Patch) -> str:
    """What is sent to a cluster whose CIB is ``base``."""
    named = replace(in_words_of(base, patch), source=base.version, target=target(patch))
    if _of_root(patch) or (counts_updates(base) and _only_moves(patch)):
        named = replace(named, changes=_counted(base, named))
    return named.to_xml(updates=names_updates(base, patch))


def names_updates(base: Cib, patch: Patch) -> bool:
    """Whether what is sent names the number of changes of the state, and so may come too late."""
    return _of_root(patch) or counts_updates(base)


def _of_root(patch: Patch) -> bool:
    return any(change.path == ROOT for change in patch.changes)


def _only_moves(patch: Patch) -> bool:
    """Whether nothing but the order of elements changes."""
    return all(change.operation is Operation.MOVE for change in patch.changes)


def _counted(base: Cib, patch: Patch) -> tuple[Change, ...]:
    """The changes, and that of the version among them, as in Pacemaker's own patches.

    Without it Pacemaker changes attributes of the root (the schema), and 3.0.2 moves elements, but
    the version stays, and nobody looks at the change (seen).
    """
    root = base.root.with_children(())
    old = {name: base.root.get(name) for name in root.attrs}
    wanted: dict[str, str | None] = {**patch.target.attributes()}
    for change in patch.changes:
        if change.path == ROOT and change.operation is Operation.MODIFY:
            wanted |= {a.name: a.new for a in change.attributes if a.name not in ATTRIBUTES}
    attributes = tuple(
        AttributeChange(name, old.get(name), value)
        for name, value in wanted.items()
        if old.get(name) != value
    )
    counting = Change(
        operation=Operation.MODIFY,
        path=ROOT,
        element=root.with_attributes(wanted),
        attributes=attributes,
    )
    return (counting, *(change for change in patch.changes if change.path != ROOT))


def on_top(newest: Cib, patch: Patch) -> Patch:
    """The same change on the newest configuration.

    Raises Conflict also where the changes do not touch and still do not fit: one deletes what the
    other refers to.
    """
    from crmsh_py.cib.checks import broken_by
    from crmsh_py.cib.diff import diff

    changed = apply(newest, patch)
    if findings := broken_by(newest, changed):
        problem = findings[0]
        raise Conflict(f"after what was changed meanwhile: {problem}", hint=problem.hint)
    again = diff(newest, changed.with_status(newest.status))
    admin_epoch = patch.target.admin_epoch
    if admin_epoch > max(patch.source.admin_epoch, newest.version.admin_epoch):
        return replace(again, target=Version(admin_epoch, newest.version.epoch, 0))
    return again
