"""The ``configure`` level: the pending configuration and what is done with it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence

from crmsh_py import lang
from crmsh_py.cib import edit as edit_cib
from crmsh_py.cib.diff import diff as compare
from crmsh_py.cib.document import Cib
from crmsh_py.cib.options import CLUSTER_OPTIONS
from crmsh_py.errors import ConfigError, CrmError, UsageError
from crmsh_py.lang.ast import CommandCall
from crmsh_py.lang.listing import objects
from crmsh_py.shell import commits, files, loading
from crmsh_py.shell.cmd_configure_look import FILTERS
from crmsh_py.shell.session import Session
from crmsh_py.shell.working import Typed
from crmsh_py.tools import edits
from crmsh_py.views.records import Names

_MERGED = ("property", "rsc_defaults", "op_defaults", "node")
_NAMED = 20  # objects of which a message gives the names


# ---- elements ------------------------------------------------------------------------------------


def element(session: Session, call: CommandCall) -> int:
    """An element that was typed: it joins the pending configuration if it can be right."""
    assert call.element is not None
    assert session.line is not None
    working = session.working
    cib = working.cib()
    if call.name in _MERGED and not _has_content(call.element):
        if call.name == "property":
            known = tuple(sorted(CLUSTER_OPTIONS))
            session.show("\n".join(known), lambda: Names(known))
            return 0
        raise UsageError(f"{call.name}: nothing to set", hint=f"crm configure help {call.name}")
    changed = lang.apply(
        cib, call.element, typed=True, catalogue=session.catalogue, line=session.line
    )
    origin, line = session.origin, session.line.line
    names = commits.changed_names(cib, changed)
    typed = {name: Typed(session.line.text, origin, line) for name in names}
    commits.refuse_wrong(session, changed, typed)
    working.edit(changed, typed.items())
    return 0


def _has_content(parsed: object) -> bool:
    content = [getattr(parsed, name, None) for name in ("items", "sets", "id_ref")]
    return any(content) or not hasattr(parsed, "items")


# ---- looking -------------------------------------------------------------------------------------


def verify(session: Session, call: CommandCall) -> int:
    """All checks over the whole configuration; silent when there is nothing to say."""
    cib = session.working.cib()
    findings = commits.findings(session, cib, None)
    if session.form != "text":
        from crmsh_py.views.verify import verdict

        session.show("", lambda: verdict(findings))
        return int(any(finding.is_error for finding in findings))
    return 1 if commits.report(session, findings) else 0


# ---- changing ------------------------------------------------------------------------------------


def set(session: Session, call: CommandCall) -> int:
    """``set ID.NAME VALUE``: one value that exists already, or an operation's."""
    from crmsh_py.cib import single_values

    path, value = call.get("SET_PATH") or "", call.get("VALUE") or ""
    session.working.edit(single_values.with_value(session.working.cib(), path, value))
    return 0


def modgroup(session: Session, call: CommandCall) -> int:
    """Members of a group come and go."""
    group = call.get("OBJECT") or ""
    members = call.all("CHILD")
    place = "before" if call.has("BEFORE") else "after" if call.has("AFTER") else ""
    cib = session.working.cib()
    if call.has("ADD"):
        anchor = members[1] if len(members) > 1 else ""
        changed = edit_cib.add_to_group(cib, group, members[0], place=place, anchor=anchor)
    else:
        changed = edit_cib.remove_from_group(cib, group, members[0])
    session.working.edit(changed)
    return 0


def delete(session: Session, call: CommandCall) -> int:
    """Elements go, with the constraints that would name nothing; running ones do not."""
    ids = call.all("OBJECT")
    cib = session.working.cib()
    changed, notes = edit_cib.delete(cib, ids)
    forced = call.has("FORCE_OPTION", "FORCE_SHORT") or session.options.force
    running = [] if forced else commits.running(cib, ids)
    if running:
        raise CrmError(
            f"resource {running[0]} is running, can't delete it",
            hint=f"crm resource stop {running[0]}, or delete --force",
        )
    _take(session, changed, notes)
    return 0


def rename(session: Session, call: CommandCall) -> int:
    """A new id; references follow."""
    old = call.get("OBJECT") or ""
    new = call.get("NEW_ID") or ""
    cib = session.working.cib()
    if commits.running(cib, (old,)):
        raise CrmError(f"cannot rename a running resource ({old})", hint=f"crm resource stop {old}")
    session.working.edit(edit_cib.rename(cib, old, new))
    return 0


def erase(session: Session, call: CommandCall) -> int:
    """Everything goes but the nodes (and those too with ``nodes``); it says what, and asks."""
    cib = session.working.cib()
    ids = [e.id for e in cib.section("resources").findall() if e.id]
    if running := commits.running(cib, ids):
        raise CrmError(
            f"CIB erase aborted (nothing was deleted): {', '.join(running)} running",
            hint=f"crm resource stop {' '.join(running)}",
        )
    changed = edit_cib.erase(cib, nodes=call.has("NODES"))
    gone = _gone(cib, changed)
    if not gone:
        session.console.info("there is nothing to erase")
        return 0
    session.console.info(f"this removes {gone}")
    if session.interactive and not session.console.ask("Erase all of it"):
        return 1
    session.working.edit(changed)
    return 0


def _gone(old: Cib, new: Cib) -> str:
    """The objects that only the old configuration has, counted by kind and named; '' for none."""
    left = {(one.kind, one.name) for one in objects(new)}
    gone = [one for one in objects(old) if (one.kind, one.name) not in left]
    kinds = Counter(one.kind for one in gone)
    names = [one.name for one in gone]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    counted = ", ".join(f"{kind} ({number})" for kind, number in kinds.items())
    return f"{counted}: {' '.join(names[:_NAMED])}{more}" if gone else ""


def default_timeouts(session: Session, call: CommandCall) -> int:
    """Operations get the timeouts that their agents advise, where theirs are shorter."""
    cib = session.working.cib()
    for name in call.all("OBJECT"):
        cib = commits.advise_timeouts(session, cib, name)
    session.working.edit(cib)
    return 0


def refresh(session: Session, call: CommandCall) -> int:
    """Drop what is pending."""
    working = session.working
    question = "All changes will be dropped. Do you want to proceed"
    if working.pending and session.interactive and not session.console.ask(question):
        return 0
    working.refresh()
    return 0


def commit(session: Session, call: CommandCall) -> int:
    """Check what is pending and carry it out."""
    return commits.commit(session, force=call.has("FORCE"), replace=call.has("REPLACE"))


def simulate(session: Session, call: CommandCall) -> int:
    """Carry the pending configuration out on paper, with the status that cibstatus made up."""
    from crmsh_py.shell.cmd_cibstatus import simulated

    return simulated(session, call, carried_out=True)


def upgrade(session: Session, call: CommandCall) -> int:
    """The newest schema that this program knows."""
    from crmsh_py.cib.upgrade import upgrade as upgraded

    cib = session.working.cib()
    newest = upgraded(cib)
    if newest.schema == cib.schema:
        session.console.info(f"the configuration follows {cib.schema} already")
    session.working.edit(newest)
    return 0


def validate_all(session: Session, call: CommandCall) -> int:
    """The parameters of a resource against its agent."""
    from crmsh_py.shell import cmd_ra, parameters

    cib = session.working.cib()
    target = edits.find_resource(cib, call.get("OBJECT") or "")
    spec = parameters.agent_of(cib, target)
    found = [f for f in commits.findings(session, cib, None) if f.element == target.id]
    if commits.report(session, found):
        return 1
    return cmd_ra.ask_agent(session, spec, parameters.of(cib, target), target.id)


# ---- files ---------------------------------------------------------------------------------------


def load(session: Session, call: CommandCall) -> int:
    """Take a configuration from a file: everything of it, or (on any mistake) nothing."""
    name = call.get("FILE_NAME") or ""
    text = files.read_text(name)
    working = session.working
    cib = working.cib()
    how = "replace" if call.has("REPLACE") else "push" if call.has("PUSH") else "update"
    typed: dict[str, Typed] = {}
    as_xml = call.has("XML")
    if how != "update" and not session.options.force and loading.says_nothing(text, as_xml=as_xml):
        found = "has no elements" if text.strip() else "is empty"
        raise ConfigError(
            f"{name} {found}: to load it would remove everything; nothing was changed",
            hint="if that is what you want: erase",
        )
    if as_xml:
        changed = loading.load_xml(cib, text, how=how, origin=name)
    else:
        changed, typed = loading.load_text(
            cib, text, how=how, origin=name, catalogue=session.catalogue
        )
        commits.refuse_wrong(session, changed, typed)
    _refuse_lost(session, cib, changed)
    working.edit(changed, typed.items())
    return 0


def save(session: Session, call: CommandCall) -> int:
    """Write the configuration (or some elements) to a file, or to ``-``."""
    *ids, name = call.all("FILE_NAME")
    cib = session.working.cib()
    text = lang.show(cib, tuple(ids), xml=call.has("XML"), obscure=())
    if not text.endswith("\n"):
        text += "\n"
    if name == "-":
        session.console.out(text.rstrip("\n"))
        return 0
    files.write_text(name, text)
    return 0


def edit(session: Session, call: CommandCall) -> int:
    """The configuration in $EDITOR; on mistakes edit again, or discard."""
    if not sys.stdin.isatty():
        raise UsageError(
            "edit not allowed in batch mode",
            hint="without a terminal: set, modgroup, filter, or load update FILE",
        )
    from crmsh_py.shell import editing

    cib, xml = session.working.cib(), call.has("XML")
    shown = _chosen(session, call)
    if shown is None:
        return 0
    text = shown
    with editing.Editor(session.environ, ".xml" if xml else ".crm") as editor:
        while True:
            edited = editor.edit(text)
            if edited == shown:
                return 0
            if loading.says_nothing(edited, as_xml=xml) and not _may_empty(session, shown):
                session.console.info("nothing was changed")
                return 1
            try:
                # Against what was shown, not the attempt before: that may be no text at all.
                changed, notes, typed = loading.replace_text(
                    cib, shown, edited, as_xml=xml, catalogue=session.catalogue
                )
                typed = _judged(session, cib, changed, typed)
            except CrmError as error:
                if not editor.wants_again(session.console, error):
                    return 1
                text = edited
                continue
            _take(session, changed, notes, typed)
            return 0


def _judged(session: Session, cib: Cib, changed: Cib, typed: dict[str, Typed]) -> dict[str, Typed]:
    """Refuse what is wrong by itself, as where it is typed, or runs and would be gone; returns
    what was typed of what is different now.
    """
    names = commits.changed_names(cib, changed)
    new = {name: typed.get(name) or Typed("") for name in names}
    commits.refuse_wrong(session, changed, new, cib)
    _refuse_lost(session, cib, changed)
    return {name: one for name, one in typed.items() if name in names}


def _chosen(session: Session, call: CommandCall) -> str | None:
    """The text of what a command names; None (which is told) if nothing is like that."""
    cib, base = session.working.cib(), session.working.base
    filters = call.all(*FILTERS)
    if filters and not lang.show(cib, filters, other=base):
        found = "nothing has changed" if call.has("CHANGED") else "no object is like that"
        session.console.info(found)
        return None
    return lang.show(cib, filters, xml=call.has("XML"), obscure=(), other=base)


def _may_empty(session: Session, shown: str) -> bool:
    return not shown.strip() or session.console.ask(
        "The text has no elements any more. Do you want to delete all that it showed"
    )


def _take(
    session: Session, changed: Cib, notes: Sequence[str], typed: Mapping[str, Typed] | None = None
) -> None:
    """Make this the pending configuration, and say what had to go with what was left out."""
    for note in notes:
        session.console.info(note)
    session.working.edit(changed, (typed or {}).items())


def filter(session: Session, call: CommandCall) -> int:
    """The configuration through a program and back."""
    from crmsh_py.shell import editing

    cib, xml = session.working.cib(), call.has("XML")
    text = _chosen(session, call)
    if text is None:
        return 0
    program = call.get("PROGRAM") or ""
    output = editing.run_filter(program, text)
    if text.strip() and loading.says_nothing(output, as_xml=xml) and not session.options.force:
        # As of a program that writes to a file: what is not printed would be deleted.
        printed = "no element" if output.strip() else "nothing"
        raise ConfigError(
            f"{program} printed {printed}: all that it read would be removed; nothing was changed",
            hint="if that is what you want: delete or erase, or -F",
        )
    changed, notes, typed = loading.replace_text(
        cib,
        text,
        output,
        as_xml=xml,
        origin=f"the output of {program}",
        catalogue=session.catalogue,
    )
    _take(session, changed, notes, _judged(session, cib, changed, typed))
    return 0


def _refuse_lost(session: Session, cib: Cib, changed: Cib) -> None:
    """Raise if something that runs would be gone; -F lets it go."""
    kept = changed.ids()
    names = [e.id for e in cib.section("resources").iter() if e.id and e.id not in kept]
    lost = commits.running(cib, names) if names and not session.options.force else []
    if lost:
        raise CrmError(
            f"Cannot delete running resources: {', '.join(lost)}",
            hint="stop them first, or use -F",
        )


# ---- history -------------------------------------------------------------------------------------


def rollback(session: Session, call: CommandCall) -> int:
    """Make the configuration what it was; commit carries it out as a new revision."""
    from crmsh_py.shell import history

    cib = session.working.cib()
    old = history.at(session, call.get("REVISION") or "")
    restored = cib.with_root(
        cib.root.map_children(lambda c: old.configuration if c.tag == "configuration" else c)
    ).with_attributes({"validate-with": old.schema or None})
    if not compare(cib, restored):
        session.console.info("the configuration is just that already")
        return 0
    session.working.edit(restored)
    return 0
