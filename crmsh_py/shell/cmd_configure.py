"""The ``configure`` level: the pending configuration and what is done with it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from crmsh_py import lang
from crmsh_py.cib import edit as edit_cib
from crmsh_py.cib.diff import diff as compare
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.errors import ConfigError, CrmError, NotFound, UsageError
from crmsh_py.lang.ast import CommandCall
from crmsh_py.shell import commits, loading
from crmsh_py.shell.session import Session
from crmsh_py.shell.working import Typed
from crmsh_py.tools import edits
from crmsh_py.tools.common import local_now

_MAX_FILE = 64 * 1024 * 1024
_MERGED = ("property", "rsc_defaults", "op_defaults", "node")


# ---- elements ------------------------------------------------------------------------------------


def element(session: Session, call: CommandCall) -> int:
    """An element that was typed: it joins the pending configuration if it can be right."""
    assert call.element is not None
    assert session.line is not None
    working = session.working
    cib = working.cib()
    if call.name in _MERGED and not _has_content(call.element):
        raise UsageError(f"{call.name}: nothing to set", hint=f"crm configure help {call.name}")
    changed = lang.apply(
        cib, call.element, typed=True, catalogue=session.catalogue, line=session.line
    )
    origin, line = session.origin, session.line.line
    names = commits.changed_names(cib, changed)
    typed = {name: Typed(session.line.text, origin, line) for name in names}
    commits.check_typed(session, changed, typed)
    working.edit(changed, typed.items())
    return 0


def _has_content(parsed: object) -> bool:
    content = [getattr(parsed, name, None) for name in ("items", "sets", "id_ref")]
    return any(content) or not hasattr(parsed, "items")


# ---- looking -------------------------------------------------------------------------------------


def show(session: Session, call: CommandCall) -> int:
    """The configuration as text or XML, whole or in part."""
    working = session.working
    cib = working.cib()
    if call.has("CHANGED"):
        return _show_changed(session, cib)
    filters = call.all("OBJECT") + call.all("FILTER")
    obscure = tuple(word.partition(":")[2] for word in call.all("OBSCURE"))
    text = lang.show(cib, filters, xml=call.has("XML"), obscure=obscure or None)
    session.console.out(text.rstrip("\n"))
    return 0


def _show_changed(session: Session, cib: Cib) -> int:
    import difflib

    before, after = lang.show(session.working.base), lang.show(cib)
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2)
    changed = list(lines)[2:]
    session.console.out("\n".join(changed))
    if not changed:
        session.console.info("nothing has changed")
    return 0


def verify(session: Session, call: CommandCall) -> int:
    """All checks over the whole configuration; silent when there is nothing to say."""
    cib = session.working.cib()
    findings = commits.findings(session, cib, None)
    return 1 if commits.report(session, findings) else 0


def schema(session: Session, call: CommandCall) -> int:
    """The schema's name, or a change of it."""
    name = call.get("SCHEMA_NAME")
    cib = session.working.cib()
    if not name:
        session.console.out(cib.schema)
        return 0
    from crmsh_py.cib.schema import known_schemas

    if name not in known_schemas():
        raise NotFound(f"schema {name} is not supported", name=name, possibilities=known_schemas())
    session.working.edit(cib.with_attributes({"validate-with": name}))
    return 0


def get_property(session: Session, call: CommandCall) -> int:
    """The effective value of properties: what is set, else the default."""
    from crmsh_py.cib.options import CLUSTER_OPTIONS

    values = session.working.cib().properties()
    names = call.all("PROPERTY_NAME")
    if not names:
        session.console.out("\n".join(sorted(CLUSTER_OPTIONS)))
        return 0
    for name in names:
        option = CLUSTER_OPTIONS.get(name)
        value = values.get(name, option.default if option else None)
        if value is None:
            raise NotFound(f"there is no property {name}", name=name, possibilities=CLUSTER_OPTIONS)
        if call.has("TRUE_OPTION", "TRUE_SHORT"):
            value = "true" if value.lower() in ("true", "yes", "on", "1") else "false"
        session.console.out(value)
    return 0


def graph(session: Session, call: CommandCall) -> int:
    """The constraints as Graphviz text, or as text for people."""
    from crmsh_py.views import constraint_graph

    words = call.all("COMMAND_WORD")
    cib = session.working.cib()
    if words[:1] == ("dot",):
        text = constraint_graph.dot(cib)
        if len(words) > 1:
            Path(words[1]).write_text(text, encoding="utf-8")
        else:
            session.console.out(text.rstrip("\n"))
    else:
        session.console.out(constraint_graph.text(cib).rstrip("\n"))
    return 0


# ---- changing ------------------------------------------------------------------------------------


def set(session: Session, call: CommandCall) -> int:
    """``set ID.NAME VALUE``: one value that exists already, or an operation's."""
    path, value = call.get("SET_PATH") or "", call.get("VALUE") or ""
    cib = session.working.cib()
    session.working.edit(commits.set_value(cib, path, value))
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
    for note in notes:
        session.console.info(note)
    session.working.edit(changed)
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
    """Everything goes but the nodes (and those too with ``nodes``); it says what."""
    cib = session.working.cib()
    ids = [e.id for e in cib.section("resources").findall() if e.id]
    if running := commits.running(cib, ids):
        raise CrmError(
            f"CIB erase aborted (nothing was deleted): {', '.join(running)} running",
            hint="crm resource stop them first",
        )
    changed = edit_cib.erase(cib, nodes=call.has("NODES"))
    gone = sorted(cib.ids() - changed.ids())
    session.console.info(f"commit will remove {len(gone)} elements; refresh keeps them")
    session.working.edit(changed)
    return 0


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
    return commits.commit(session, force=call.has("FORCE"))


def upgrade(session: Session, call: CommandCall) -> int:
    """The newest schema that this program knows."""
    from crmsh_py.cib.upgrade import upgrade as upgraded

    session.working.edit(upgraded(session.working.cib()))
    return 0


def validate_all(session: Session, call: CommandCall) -> int:
    """The parameters of a resource against its agent."""
    cib = session.working.cib()
    target = edits.find_resource(cib, call.get("OBJECT") or "")
    found = [f for f in commits.findings(session, cib, None) if f.element == target.id]
    return 1 if commits.report(session, found) else 0


# ---- files ---------------------------------------------------------------------------------------


def load(session: Session, call: CommandCall) -> int:
    """Take a configuration from a file: everything of it, or (on any mistake) nothing."""
    name = call.get("FILE_NAME") or ""
    text = _read(name)
    working = session.working
    cib = working.cib()
    how = "replace" if call.has("REPLACE") else "push" if call.has("PUSH") else "update"
    if call.has("XML"):
        changed = loading.load_xml(cib, text, how=how)
    else:
        changed = lang.load(cib, text, how=how, origin=name, catalogue=session.catalogue)
    lost = [e for e in commits.running(cib, [e.id for e in cib.section("resources").iter()])
            if changed.find_id(e) is None]  # fmt: skip
    if lost and not session.options.force:
        raise CrmError(
            f"Cannot delete running resources: {', '.join(lost)}",
            hint="stop them first, or use -F",
        )
    working.edit(changed)
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
    try:
        with open(name, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise CrmError(f"{name} cannot be written: {error.strerror}") from None
    return 0


def edit(session: Session, call: CommandCall) -> int:
    """The configuration in $EDITOR; on mistakes edit again, or discard."""
    if not sys.stdin.isatty():
        raise UsageError("edit not allowed in batch mode")
    cib = session.working.cib()
    filters, xml = call.all("OBJECT") + call.all("FILTER"), call.has("XML")
    text = lang.show(cib, filters, xml=xml, obscure=())
    suffix = ".xml" if xml else ".crm"
    with tempfile.NamedTemporaryFile("w+", suffix=suffix, encoding="utf-8") as file:
        file.write(text)
        file.flush()
        while True:
            _run_editor(session, file.name)
            edited = Path(file.name).read_text(encoding="utf-8")
            if edited == text:
                return 0
            try:
                session.working.edit(
                    loading.replace_text(cib, text, edited, as_xml=xml, catalogue=session.catalogue)
                )
                return 0
            except CrmError as error:
                session.console.error(error)
                if not session.console.ask("Edit or discard changes (yes to edit, no to discard)"):
                    return 1


def filter(session: Session, call: CommandCall) -> int:
    """The configuration through a program and back."""
    cib = session.working.cib()
    filters, xml = call.all("OBJECT") + call.all("FILTER"), call.has("XML")
    text = lang.show(cib, filters, xml=xml, obscure=())
    program = call.get("FILE_NAME") or ""
    try:
        # A filter is a shell command by definition: the user's own, typed by the user.
        done = subprocess.run(
            ["/bin/sh", "-c", program], input=text, capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise CrmError(f"{program}: not finished after 60 s") from None
    if done.returncode != 0:
        raise CrmError(f"{program}: exit code {done.returncode}\n{done.stderr.strip()}")
    session.working.edit(
        loading.replace_text(cib, text, done.stdout, as_xml=xml, catalogue=session.catalogue)
    )
    return 0


def _run_editor(session: Session, name: str) -> None:
    editor = session.environ.get("VISUAL") or session.environ.get("EDITOR") or "vi"
    try:
        subprocess.run([*shlex.split(editor), name], check=False)
    except OSError as error:
        raise CrmError(f"{editor}: {error.strerror}", hint="set EDITOR") from None


def _read(name: str) -> str:
    try:
        if name == "-":
            return sys.stdin.read(_MAX_FILE)
        if os.path.getsize(name) > _MAX_FILE:
            raise ConfigError(f"{name}: larger than 64 MiB")
        return Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise CrmError(f"{name} cannot be read: {error.strerror}; nothing was changed") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{name}: this is no text (UTF-8); nothing was changed") from None


# ---- history -------------------------------------------------------------------------------------


def revisions(session: Session, call: CommandCall) -> int:
    """The stored commits, newest first."""
    from crmsh_py.views import revisions as view

    stored = session.cluster.revisions(int(call.get("NUMBER") or 100))
    session.console.out(view.table(stored, now=local_now()).rstrip("\n"))
    return 0


def diff(session: Session, call: CommandCall) -> int:
    """What changed between two revisions (default: from one to what is now)."""
    import difflib

    from crmsh_py.shell import history

    names = call.all("REVISION")
    old = history.at(session, names[0])
    new = history.at(session, names[1]) if len(names) > 1 else session.working.cib()
    lines = difflib.unified_diff(
        lang.show(old).splitlines(), lang.show(new).splitlines(), lineterm="", n=2
    )
    session.console.out("\n".join([*lines][2:]))
    return 0


def rollback(session: Session, call: CommandCall) -> int:
    """Make the configuration what it was; commit carries it out as a new revision."""
    from crmsh_py.shell import history

    cib = session.working.cib()
    old = history.at(session, call.get("REVISION") or "")
    restored = cib.with_root(
        cib.root.map_children(lambda c: _configuration(old) if c.tag == "configuration" else c)
    )
    if not compare(cib, restored):
        session.console.info("the configuration is just that already")
        return 0
    session.working.edit(restored)
    return 0


def _configuration(cib: Cib) -> Element:
    return cib.configuration
