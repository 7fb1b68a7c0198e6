"""The ``corosync`` level: what the membership layer runs with, and how it is.

``show``, ``set``, ``edit``, ``add-node`` and ``del-node`` are about the file (with ``--host`` that
of the host); ``get`` and ``status`` ask the running node. What was changed in the file counts after
``push`` and ``reload``.
"""

from __future__ import annotations

import difflib
import sys

from crmsh_py.corosync_conf import editing
from crmsh_py.errors import ClusterUnreachable, CrmError, NotFound, UsageError
from crmsh_py.lang.ast import CommandCall
from crmsh_py.shell import ring_configuration as ring
from crmsh_py.shell.session import Session
from crmsh_py.tools.common import local_now
from crmsh_py.views import membership
from crmsh_py.views.records import Text

_KINDS = ("ring", "quorum", "qdevice", "qnetd", "cpg")


def show(session: Session, call: CommandCall) -> int:
    """The file as it is written."""
    text = ring.read(session)
    session.show(text, lambda: Text(ring.path(session), tuple(text.splitlines())))
    return 0


def get(session: Session, call: CommandCall) -> int:
    """The value of one key, or of the keys below it: what runs, else what the file says."""
    wanted = call.get("COROSYNC_KEY") or ""
    keys = _keys(session)
    exact = [key for key in keys if key.name == wanted]
    below = [key for key in keys if key.name.startswith(wanted + ".")]
    if not exact and not below:
        raise NotFound(
            f"there is no key {wanted}", name=wanted, possibilities=[key.name for key in keys]
        )
    lines = [key.value for key in exact] or [f"{key.name}={key.value}" for key in below]
    session.show("\n".join(lines), lambda: membership.Keys(keys=tuple(exact or below)))
    return 0


def _keys(session: Session) -> tuple[membership.Key, ...]:
    try:
        return membership.keys(session.cluster.cmap()).keys
    except (ClusterUnreachable, CrmError):
        text = ring.read(session)
        return tuple(
            membership.Key(name=path, type="str", value=editing.value_of(text, path) or "")
            for path in editing.paths(text)
        )


def set(session: Session, call: CommandCall) -> int:
    """Change one key of the file; comments and everything else stay."""
    path, value = call.get("COROSYNC_KEY") or "", call.get("VALUE") or ""
    if number := call.get("COUNT"):  # crmsh's INDEX: which of several sections
        section, _, key = path.rpartition(".")
        path = f"{section}.{number}.{key}"
    ring.write(session, editing.with_value(ring.read(session), path, value))
    _what_next(session)
    return 0


def edit(session: Session, call: CommandCall) -> int:
    """Change the file with $EDITOR; of a bad one nothing is taken, and it can be edited again."""
    if not sys.stdin.isatty():
        raise UsageError("edit not allowed in batch mode", hint="corosync set KEY VALUE")
    from crmsh_py.shell.editing import Editor

    before = text = ring.read(session)
    with Editor(session.environ, ".conf") as editor:
        while True:
            text = editor.edit(text)
            if text == before:
                session.console.info("nothing was changed")
                return 0
            try:
                ring.write(session, text)
            except CrmError as error:
                if not editor.wants_again(session.console, error):
                    return 1
                continue
            _what_next(session)
            return 0


def add_node(session: Session, call: CommandCall) -> int:
    """A node more in the nodelist, with the next nodeid; expected_votes follow."""
    address, name = call.get("NETWORK_ADDRESS") or "", call.get("NEW_ID") or ""
    ring.write(session, editing.with_node(ring.read(session), address, name))
    _what_next(session)
    return 0


def del_node(session: Session, call: CommandCall) -> int:
    """A node less in the nodelist."""
    ring.write(session, editing.without_node(ring.read(session), call.get("NODE_NAME") or ""))
    _what_next(session)
    return 0


def _what_next(session: Session) -> None:
    session.console.info(
        "corosync.conf was changed; crm corosync reload lets the running nodes know"
    )


def status(session: Session, call: CommandCall) -> int:
    """Ring and quorum."""
    from crmsh_py.views import cfgtool, quorumtool

    what = call.get("COROSYNC_KEY") or ""
    if what in ("qdevice", "qnetd", "cpg"):
        raise CrmError(
            f"there is no {what} here: a lab votes by its nodes alone",
            hint="a real cluster tells it by corosync-cpgtool and corosync-qdevice-tool",
        )
    if what not in ("", "ring", "quorum"):
        raise NotFound(f"there is no status of {what}", name=what, possibilities=_KINDS)
    seen = session.cluster.membership()
    text = cfgtool.ring_status(seen) if what != "quorum" else ""
    text += quorumtool.quorum_status(seen, now=local_now()) if what != "ring" else ""
    session.show(text, lambda: membership.membership(seen))
    return 0


def log(session: Session, call: CommandCall) -> int:
    """The logs of nodes, as ``crm lab log`` prints them; a real cluster's are its system's."""
    from crmsh_py.shell import cmd_lab

    if ring.is_real(session):
        raise CrmError(
            "the logs of a real cluster are its system's to show",
            hint="crm cluster run 'journalctl -u corosync -n 100'",
        )
    return cmd_lab.log(session, call)


def push(session: Session, call: CommandCall) -> int:
    """Copy the file to nodes; it counts there after a reload or a restart."""
    return 1 if _pushed(session, call) else 0


def _pushed(session: Session, call: CommandCall) -> list[str]:
    """Copy the file to nodes; those that have not taken it, after a word about each."""
    from crmsh_py.shell import on_nodes

    data = ring.read(session).encode()
    failed = []
    for node in on_nodes.names(session, call.all("NODE_NAME")):
        try:
            on_nodes.write_file(session, node, ring.NODE_PATH, data)
            session.console.info(f"corosync.conf is on {node}")
        except CrmError as error:
            failed.append(node)
            session.console.error(error)
    return failed


def pull(session: Session, call: CommandCall) -> int:
    """Take the file of a node."""
    from crmsh_py.shell import on_nodes

    (node,) = on_nodes.names(session, call.all("NODE_NAME"))
    data = on_nodes.read_file(session, node, ring.NODE_PATH)
    if data is None:
        raise NotFound(f"{node} has no {ring.NODE_PATH}")
    ring.write(session, data.decode(errors="replace"))
    _what_next(session)
    return 0


def diff(session: Session, call: CommandCall) -> int:
    """Where the nodes' files differ from the cluster's; 1 if any does."""
    from crmsh_py.shell import on_nodes

    own = ring.read(session).splitlines()
    lines: list[str] = []
    silent = 0
    for node in on_nodes.names(session, call.all("NODE_NAME")):
        try:
            data = on_nodes.read_file(session, node, ring.NODE_PATH)
        except CrmError as error:
            silent += 1
            session.console.error(error)
            continue
        theirs = (data or b"").decode(errors="replace").splitlines()
        if call.has("CHECKSUM"):
            if theirs != own:
                lines.append(f"{node}: differs")
        else:
            lines += difflib.unified_diff(
                own, theirs, "corosync.conf of the cluster", f"of {node}", lineterm="", n=2
            )
    session.show("\n".join(lines), lambda: Text("corosync.conf", tuple(lines)))
    if not lines and not silent:
        session.console.info("all nodes have the same corosync.conf")
    return 1 if lines or silent else 0


def reload(session: Session, call: CommandCall) -> int:
    """All nodes read the file again, after it was copied to each of them.

    One that is off gets it by a push when it is back. A member that has not taken it keeps all
    from reading it: they would run with different settings.
    """
    from crmsh_py.wire.control import ReloadConf

    failed = _pushed(session, call)
    if failed:
        members = {member.name for member in session.cluster.membership().members}
        if running := [node for node in failed if node in members]:
            raise CrmError(
                f"{', '.join(running)} would go on with the old corosync.conf, so no node"
                " reads the new one",
                hint="crm corosync push says why it is not there",
            )
    session.cluster.administer(ReloadConf())
    if not failed:
        session.console.info("all nodes have read corosync.conf again")
        return 0
    session.console.warning(
        f"the nodes that run have read corosync.conf again; not {', '.join(failed)}"
        f"\n  when it is back: crm corosync push {' '.join(failed)}"
    )
    return 1
