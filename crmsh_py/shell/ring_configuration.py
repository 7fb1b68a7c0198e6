"""Where the cluster's corosync.conf is, and how it is changed.

With a host (``--host``, ``CRM_HOST``) it is that host's, read and written by ssh: whatever the
machine has where the person sits is another cluster's. A lab has one of its own, which every node
is started with. Otherwise it is the file that ``COROSYNC_MAIN_CONFIG_FILE`` names (as for corosync
itself), else /etc/corosync/corosync.conf.
"""

from __future__ import annotations

from crmsh_py import corosync_conf
from crmsh_py.clusters.kinds import ClusterKind
from crmsh_py.corosync_conf import CorosyncConf
from crmsh_py.errors import ClusterUnreachable, ConfigError, CrmError, NotFound
from crmsh_py.shell import files
from crmsh_py.shell.session import Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.clusters.pacemaker_programs import Programs

NODE_PATH = "/etc/corosync/corosync.conf"


def path(session: Session) -> str:
    """The file's path; that of a lab is inside the lab's own directory."""
    if host := host_of(session):
        return f"{host}:{NODE_PATH}"
    if named := session.environ.get("COROSYNC_MAIN_CONFIG_FILE"):
        return named
    lab = _lab(session)
    return lab.place.conf if lab is not None else NODE_PATH


def read(session: Session) -> str:
    """The text. Raises CrmError where there is none."""
    if not (host := host_of(session)):
        return files.read_text(path(session))
    from crmsh_py.shell import on_nodes

    data = on_nodes.read_by(_programs(session, host), host, NODE_PATH)
    if data is None:
        raise NotFound(f"{host} has no {NODE_PATH}")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ConfigError(f"{path(session)}: this is no text (UTF-8)") from None


def write(session: Session, text: str) -> None:
    """Put another text in its place; raises what is wrong with it, and changes nothing then."""
    conf = judge(session, text)
    known = _known(session)
    for warning in conf.warnings:
        if warning.message not in known:
            session.console.warning(warning.render())
    if host := host_of(session):
        from crmsh_py.shell import on_nodes

        on_nodes.write_by(_programs(session, host), host, NODE_PATH, text.encode())
        return
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


def host_of(session: Session) -> str:
    """The host whose file is meant, '' for this machine's or a lab's.

    Also with a shadow or a CIB in a file: these say nothing of corosync.conf, and the host does.
    Raises UsageError where a host and a lab are both named.
    """
    options, environ = session.options, session.environ
    if options.host:
        return options.host
    host = environ.get("CRM_HOST", "")
    if not host or options.cluster in (ClusterKind.LOCAL, ClusterKind.FILE):
        return ""
    lab_is_named = environ.get("CRM_LAB") or environ.get("CRM_NODE")
    if lab_is_named and options.cluster != ClusterKind.PACEMAKER:
        session.cluster  # noqa: B018 - it raises, unless a file is meant rather than either
        return ""
    return host


def is_real(session: Session) -> bool:
    """Whether a real cluster is meant, not a lab (which may be off and has its file all the same).

    Raises CrmError where both run and nothing says which one is meant.
    """
    if session.options.cluster == ClusterKind.PACEMAKER or host_of(session):
        return True
    try:
        return session.cluster.kind is ClusterKind.PACEMAKER
    except ClusterUnreachable:
        return False


def _programs(session: Session, host: str) -> Programs:
    from crmsh_py.clusters.pacemaker_programs import Programs

    return Programs(session.environ, host=host)


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

    if is_real(session):
        return None
    try:
        lab = Lab(environ=session.environ)
    except CrmError:
        return None
    return lab if lab.place.exists() else None
