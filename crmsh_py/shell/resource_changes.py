"""What the commands about resources share: which are meant, and their meta attributes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase

from crmsh_py.cib.booleans import is_true
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.errors import ConfigError, NotFound
from crmsh_py.shell.changes import change
from crmsh_py.shell.session import Session
from crmsh_py.tools import edits

CLIENT = "crm_resource"
_KINDS = ("primitive", "group", "clone", "master", "bundle")


def resources(session: Session, names: Sequence[str]) -> tuple[str, ...]:
    """The resources that are meant: ids as they are, tags and patterns (``web-*``) opened.

    Raises NotFound for a name that no resource and no tag has, and a pattern that fits nothing.
    """
    cib = session.working.cib()
    known = [e.id for e in cib.section("resources").iter(*_KINDS)]
    tags = {t.id: [r.id for r in t.findall("obj_ref")] for t in cib.section("tags").findall("tag")}
    found: list[str] = []
    for name in names:
        if name in known:
            found.append(name)
        elif name in tags:
            found += [member for member in tags[name] if member in known]
        elif any(character in name for character in "*?["):
            fitting = [one for one in known if fnmatchcase(one, name)]
            if not fitting:
                raise NotFound(f"no resource is called like {name}")
            found += _outermost(cib, fitting)
        else:
            raise NotFound(
                f"there is no resource '{name}'", name=name, possibilities=[*known, *tags]
            )
    return tuple(dict.fromkeys(found))


def _outermost(cib: Cib, names: Collection[str]) -> list[str]:
    """Those that are not inside another one of them."""
    inside = {
        inner.id
        for element in cib.section("resources").iter(*_KINDS)
        if element.id in names
        for inner in element.iter(*_KINDS)
        if inner is not element
    }
    return [name for name in names if name not in inside]


def set_meta(session: Session, names: Sequence[str], name: str, value: str | None) -> int:
    """Set (or delete) a meta attribute of resources, in one change.

    Members that have a value of their own keep it unless ``manage-children`` (or the answer to a
    question) says otherwise: theirs counts more than their container's.
    """
    along: list[str] = []
    if stubborn := members_with_their_own(session.working.cib(), names, name, value):
        along = _along(session, stubborn, name, value)

    def edit(cib: Cib) -> Cib:
        for resource in names:
            cib = with_meta(cib, resource, name, value)
        for resource in along:
            cib = with_meta(cib, resource, name, None)
        return cib

    change(session, edit, client=CLIENT)
    return 0


def members_with_their_own(
    cib: Cib, names: Sequence[str], name: str, value: str | None
) -> list[str]:
    """Members of these resources that set the meta attribute themselves, to another value."""
    return [
        inner.id
        for resource in names
        for inner in edits.find_resource(cib, resource).iter(*_KINDS)
        if inner.id not in names
        and (pair := edits.pair_in(inner, "meta_attributes", name)) is not None
        and pair.value != value
    ]


def _along(session: Session, members: list[str], name: str, value: str | None) -> list[str]:
    rule = session.preferences.get("core.manage_children")
    listed = " ".join(members)
    sets, self_, it = ("set", "themselves", "them")
    if len(members) == 1:
        sets, self_, it = ("sets", "itself", "it")
    if rule == "always":
        return members
    if rule == "ask" and session.interactive:
        question = f"{listed} {sets} {name} {self_}. Take that away, so that {value} counts"
        return members if session.console.ask(question) else []
    session.console.warning(
        f"{listed} {sets} {name} {self_}, and that counts for {it}"
        f"\n  crm resource meta {members[0]} delete {name}"
    )
    return []


def with_meta(cib: Cib, resource: str, name: str, value: str | None) -> Cib:
    """The CIB with a meta attribute of a resource set, or deleted (None)."""
    set_id = f"{resource}-meta_attributes"
    return edits.with_resource(
        cib, resource, lambda owner: edits.with_pair(owner, "meta_attributes", set_id, name, value)
    )


def meta_of(cib: Cib, resource: str, name: str) -> str | None:
    """A meta attribute that a resource has itself."""
    pair = edits.pair_in(edits.find_resource(cib, resource), "meta_attributes", name)
    return pair.value if pair else None


def is_promotable(owner: Element) -> bool:
    """Whether it is a clone whose instances can be promoted."""
    pair = edits.pair_in(owner, "meta_attributes", "promotable")
    flagged = pair is not None and is_true(pair.value)
    return owner.tag == "master" or (owner.tag == "clone" and flagged)


def require_promotable(cib: Cib, name: str) -> None:
    """Raise ConfigError for what has no instances that could be promoted, NotFound for nothing."""
    owner = edits.find_resource(cib, name)
    if is_promotable(owner):
        return
    clones = cib.section("resources").iter("clone", "master")
    clone = next((one for one in clones if any(inner.id == name for inner in one.iter())), None)
    if clone is None:
        hint = (
            f"a clone of it could be: crm configure clone {name}-clone {name} meta promotable=true"
        )
    elif is_promotable(clone):
        hint = f"its clone is: {clone.id}"
    else:
        hint = f"a clone is made promotable by: crm resource meta {clone.id} set promotable true"
    raise ConfigError(f"{name} is not a promotable resource", hint=hint)


def exit_meaning(code: int) -> str:
    """What the exit code of an agent means."""
    from crmsh_py.views.text import exit_text

    return exit_text(code).lower()
