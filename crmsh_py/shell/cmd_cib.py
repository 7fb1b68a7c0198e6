"""The ``cib`` level: shadow configurations, to try changes on before the cluster gets them."""

from __future__ import annotations

import os

from crmsh_py import lang
from crmsh_py.cib.diff import diff as compare
from crmsh_py.cib.document import Cib
from crmsh_py.cib.xml import to_xml
from crmsh_py.clusters.choose import choose
from crmsh_py.clusters.kinds import ClusterKind
from crmsh_py.clusters.port import Cluster
from crmsh_py.clusters.shadow import Shadows
from crmsh_py.errors import CrmError, UsageError
from crmsh_py.lang.ast import CommandCall
from crmsh_py.shell import files, loading
from crmsh_py.shell.session import Session
from crmsh_py.views.records import Names, Text

TEMPORARY = "@tmp@"
CLIENT = "crm_shadow"
_LIVE = "commands work on the cluster where there is neither -c nor CIB_shadow"


def new(session: Session, call: CommandCall) -> int:
    """Make a shadow (of the live configuration, or empty) and work on it."""
    _require_no_changes(session)
    name = call.get("SHADOW") or TEMPORARY
    cib = Cib.new() if call.has("EMPTY") else _source(session, call)
    force = call.has("FORCE") or session.options.force or name == TEMPORARY
    _shadows(session).create(name, cib, force=force)
    return _use(session, name)


def use(session: Session, call: CommandCall) -> int:
    """Work on a shadow, or (``live``, or nothing) on the cluster."""
    return _use(session, call.get("SHADOW") or "")


def diff(session: Session, call: CommandCall) -> int:
    """What the shadow changes."""
    shadow, live = session.working.cib(), _live(session).read_cib()
    _require_shadow(session)
    changed = lang.difference(live, shadow)
    session.show("\n".join(changed), lambda: Text(session.shadow, changed))
    return 0


def commit(session: Session, call: CommandCall) -> int:
    """Make the live configuration what a shadow is, as one patch."""
    name = call.get("SHADOW") or session.shadow
    if not name:
        raise UsageError("no shadow is in use", hint="crm cib commit NAME")
    shadow = _shadows(session).open(name).read_cib()
    forced = call.has("FORCE") or session.options.force
    cluster = _live(session)
    live = cluster.read_cib()
    wanted = live.with_root(
        live.root.map_children(
            lambda child: shadow.configuration if child.tag == "configuration" else child
        )
    ).with_attributes({"validate-with": shadow.schema})
    patch = compare(live, wanted)
    if not patch:
        session.console.info("the live configuration is just that already")
        return 0
    if session.interactive and not forced and not _agreed(session, name, cluster, live, wanted):
        return 1
    cluster.commit(patch, client=CLIENT, force_no_quorum=session.options.force_no_quorum)
    session.console.info(f"committed '{name}' to the live cluster")
    return 0


def _agreed(session: Session, name: str, cluster: Cluster, live: Cib, wanted: Cib) -> bool:
    """Show what it would do to the cluster, and ask."""
    question = f"The live configuration becomes what {name} is. Do it"
    if cluster.kind is not ClusterKind.FILE:
        from crmsh_py.shell.agreement import previewed

        if interrupted := previewed(session, live, live, wanted):
            question = f"{interrupted}. {question}"
    return session.console.ask(question)


def import_(session: Session, call: CommandCall) -> int:
    """Make a shadow from a file and work on it."""
    _require_no_changes(session)
    source = call.get("FILE_NAME") or ""
    name = call.get("SHADOW") or os.path.basename(source).removesuffix(".xml")
    root = loading.parse_xml(files.read_text(source), source)
    cib = Cib.parse(to_xml(root, indent=None))
    _shadows(session).create(name, cib, force=session.options.force)
    return _use(session, name)


def list(session: Session, call: CommandCall) -> int:
    """The names of this user's shadows."""
    names = _shadows(session).names()
    session.show("\n".join(names), lambda: Names(tuple(names)))
    return 0


def delete(session: Session, call: CommandCall) -> int:
    """Delete a shadow that is not in use."""
    name = call.get("SHADOW") or ""
    if name == session.shadow:
        raise CrmError(f"{name} is in use", hint="cib use live, or leave out -c and CIB_shadow")
    _shadows(session).delete(name)
    return 0


def reset(session: Session, call: CommandCall) -> int:
    """Make a shadow what the live configuration is now."""
    name = call.get("SHADOW") or ""
    if name == session.shadow:
        _require_no_changes(session)
    shadows = _shadows(session)
    shadows.open(name)
    shadows.create(name, _live(session).read_cib(), force=True)
    if name == session.shadow:
        session.working.refresh()
    return 0


def _shadows(session: Session) -> Shadows:
    return Shadows.of_environment(session.environ, os.getuid())


def _live(session: Session) -> Cluster:
    """The cluster behind the shadow."""
    environ = {k: v for k, v in session.environ.items() if k != "CIB_shadow"}
    options = session.options
    return choose(environ, kind=options.cluster or None, host=options.host or None)


def _source(session: Session, call: CommandCall) -> Cib:
    cib = _live(session).read_cib()
    return cib if call.has("WITHSTATUS") else cib.with_status(Cib.new().status)


def _use(session: Session, name: str) -> int:
    _require_no_changes(session)
    if name:
        _shadows(session).open(name)
    session.use_shadow(name)
    if session.options.words and not session.interactive:
        word = f"work on it with: crm -c {name} …" if name else _LIVE
        session.console.info(word)
    return 0


def _require_shadow(session: Session) -> None:
    if not session.shadow:
        raise UsageError("no shadow is in use", hint="crm cib use NAME")


def _require_no_changes(session: Session) -> None:
    if session.working.pending:
        raise UsageError("there are uncommitted changes", hint="commit or refresh them first")
