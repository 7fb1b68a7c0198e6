"""Where the cluster's corosync.conf is, and how it is changed.

A lab has one of its own, which every node is started with. Otherwise it is the file that
``COROSYNC_MAIN_CONFIG_FILE`` names (as for corosync itself), else /etc/corosync/corosync.conf.
"""

from __future__ import annotations

from crmsh_py import corosync_conf
from crmsh_py.corosync_conf import CorosyncConf
from crmsh_py.errors import CrmError
from crmsh_py.shell import files
from crmsh_py.shell.session import Session

NODE_PATH = "/etc/corosync/corosync.conf"


def path(session: Session) -> str:
    """The file's path; that of a lab is inside the lab's own directory."""
    if named := session.environ.get("COROSYNC_MAIN_CONFIG_FILE"):
        return named
    lab = _lab(session)
    return lab.place.conf if lab is not None else NODE_PATH


def read(session: Session) -> str:
    """The text. Raises CrmError where there is none."""
    return files.read_text(path(session))


def write(session: Session, text: str) -> None:
    """Put another text in its place; raises what is wrong with it, and changes nothing then."""
    conf = judge(session, text)
    known = _known(session)
    for warning in conf.warnings:
        if warning.message not in known:
            session.console.warning(warning.render())
    if session.environ.get("COROSYNC_MAIN_CONFIG_FILE"):
        files.write_text(path(session), text)
        return
    lab = _lab(session)
    if lab is None:
        files.write_text(NODE_PATH, text)
        return
    from crmsh_py.lab import members

    members.write_conf(lab, text)


def judge(session: Session, text: str) -> CorosyncConf:
    """What a text for this file means. Raises ConfigError where it is wrong."""
    return corosync_conf.parse(text, path(session))


def _known(session: Session) -> set[str]:
    """What a person has been warned of before; nothing where the file is not there or damaged,
    which is what it is changed for.
    """
    try:
        return {warning.message for warning in corosync_conf.parse(read(session)).warnings}
    except CrmError:
        return set()


def _lab(session: Session):  # type: ignore[no-untyped-def]  # Lab | None, imported lazily
    """The lab that is meant, running or not; None on a real cluster."""
    from crmsh_py.lab.client import Lab

    kind = session.options.cluster
    if kind == "pacemaker":
        return None
    try:
        lab = Lab(environ=session.environ)
    except CrmError:
        return None
    return lab if lab.place.exists() else None
