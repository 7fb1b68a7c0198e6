"""A lab that is a copy of a cluster, to try things on, and the way back.

``crm lab import`` makes a lab with the nodes and the configuration of a live cluster or of a saved
CIB. No agent of the machine runs in it: services are stand-ins, and what a fence device does, it
does to nodes of the lab. Remote nodes and guests get hosts, under the lab's addresses
(``lab_hosts``); what cannot be had is named. What was imported is kept beside the lab.

``crm plan --apply-to TARGET`` compares that with what the lab has by now, makes a patch of the
difference, says what it would do to the target, and after a yes commits it there. What the target
has changed meanwhile is merged, or refused as a conflict, as with any commit.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterable

from crmsh_py import lang
from crmsh_py.cib.diff import apply, diff
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.ids import PROPERTY_SET
from crmsh_py.cib.patch import Patch
from crmsh_py.cib.upgrade import known_schemas, needs_upgrade, upgrade
from crmsh_py.clusters.choose import choose
from crmsh_py.clusters.file import parsed
from crmsh_py.clusters.kinds import ClusterKind
from crmsh_py.clusters.port import Cluster
from crmsh_py.errors import (
    ClusterUnreachable,
    ConfigError,
    CrmError,
    NotFound,
    TimedOut,
    UsageError,
)
from crmsh_py.lab.client import Lab
from crmsh_py.lang.ast import CommandCall
from crmsh_py.shell import files
from crmsh_py.shell.ended import by_exception
from crmsh_py.shell.lab_hosts import as_it_was, for_lab, hosts_of, nodes_as_they_were
from crmsh_py.shell.session import Session
from crmsh_py.tools.common import local_now

IMPORTED = "imported.xml"  # in the lab's directory: what it began with
READY_S = 20.0
_LOOK_AGAIN_S = 0.1
_CLIENT = "cibadmin"
# What a cluster says about itself: a lab is another one, and takes none of it back.
_OWN = ("dc-version", "cluster-infrastructure", "cluster-name", "have-watchdog")
_OTHERS = ("remote", "ping")  # types of nodes that are no members


def import_(session: Session, call: CommandCall) -> int:
    """Make a lab from the live cluster or from a file, start it and give it the configuration."""
    source = call.get("FILE_NAME") or ""
    cib = _parsed(source) if source else _of_cluster(session)
    _require_known(cib)
    copy = upgrade(cib.without_status())
    members = _members(copy)
    hosts = hosts_of(copy, tuple(node.get("uname") for node in members))
    lab = Lab(environ=session.environ, say=session.console.out)
    with tempfile.NamedTemporaryFile("w", suffix=".conf", encoding="utf-8") as conf:
        conf.write(_corosync_conf(members))
        conf.flush()
        lab.create(
            conf_file=conf.name, remotes=hosts.remotes, guests=hosts.guests, agents="stand-ins"
        )
    with by_exception():
        try:
            files.write_text(f"{lab.place.state}/{IMPORTED}", cib.without_status().to_xml())
            lab.start()
            cluster = _cluster_of(session, lab)
            _await_quorum(cluster)
            _fill(cluster, for_lab(copy, hosts))
        except BaseException:
            lab.destroy()  # nothing is left half done
            raise
    session.console.out(f"it has the configuration {cib.version}; services run as stand-ins")
    if hosts.names:
        session.console.info("connections to remote nodes and guests lead to hosts of the lab")
    for sentence in hosts.left_out:
        session.console.warning(f"left out: {sentence}")
    return 0


def _of_cluster(session: Session) -> Cib:
    try:
        return session.cluster.read_cib()
    except ClusterUnreachable as error:
        raise ClusterUnreachable(
            f"there is no cluster to make a lab of: {error.message}",
            hint="crm --host root@NODE lab import, or from a saved CIB: crm lab import FILE",
        ) from None


def apply_to(session: Session, target: str) -> int:
    """Say what the lab's changes would do to a target, and commit them there after a yes."""
    lab = Lab(environ=session.environ)
    path = f"{lab.place.state}/{IMPORTED}"
    if not os.path.exists(path):
        raise UsageError(
            f"lab '{lab.name}' was not imported from a cluster",
            hint="crm lab import makes a lab that can be taken back",
        )
    patch = changes(_parsed(path), _cluster_of(session, lab).read_cib())
    if not patch:
        session.console.info("nothing was changed in the lab's configuration")
        return 0
    cluster = _target(session, target)
    before = _read(cluster, target)
    after = apply(before, patch)
    _show(session, before, after)
    if not session.console.ask(f"This is committed to {cluster.label}. Do it"):
        session.console.info("nothing was committed; -F answers yes")
        return 1
    again = diff(before, after)
    cluster.commit(again, client=_CLIENT, force_no_quorum=session.options.force_no_quorum)
    session.console.info(f"committed to {cluster.label}")
    return 0


def changes(imported: Cib, lab: Cib) -> Patch:
    """What was changed in the lab, as a patch of what was imported.

    Raises ConfigError where the two are written in different schemas.
    """
    if needs_upgrade(imported):
        raise ConfigError(
            f"the cluster's configuration follows {imported.schema}, the lab's a newer schema",
            hint="upgrade the cluster's first: crm configure upgrade",
        )
    facts = {name: imported.properties().get(name) for name in _OWN}
    hosts = hosts_of(imported, tuple(node.get("uname") for node in _members(imported)))
    made = for_lab(imported, hosts)
    options = lab.section("crm_config").map_children(lambda s: _with_facts(s, facts))
    tried = lab.with_section("crm_config", options)
    resources = as_it_was(lab.section("resources"), imported=imported, made=made)
    tried = tried.with_section("resources", resources)
    nodes = nodes_as_they_were(lab.section("nodes"), imported=imported)
    tried = tried.with_section("nodes", nodes)
    document = imported.with_section("configuration", tried.configuration)
    return diff(imported, document)


def _with_facts(properties: Element, facts: dict[str, str | None]) -> Element:
    if properties.id != PROPERTY_SET:
        return properties

    def original(pair: Element) -> Element | None:
        name = pair.get("name")
        if name not in facts:
            return pair
        value = facts[name]
        return None if value is None else pair.with_attributes({"value": value})

    return properties.map_children(original)


# ---- making ------------------------------------------------------------------------------------


def _parsed(source: str) -> Cib:
    return parsed(files.read_text(source), source)


def _require_known(cib: Cib) -> None:
    if cib.schema not in (*known_schemas(), "none"):
        raise ConfigError(
            f"the schema {cib.schema} is not known here; no lab was made",
            hint=f"{known_schemas()[-1]} is the newest one that this version knows",
        )


def _members(cib: Cib) -> list[Element]:
    nodes = cib.section("nodes").findall("node")
    members = [node for node in nodes if node.get("type") not in _OTHERS]
    if not members:
        raise NotFound("there are no nodes in this configuration", hint="crm lab create makes some")
    return members


def _corosync_conf(members: Iterable[Element]) -> str:
    """Nodes with the names and ids of the cluster, at addresses of a lab."""
    from crmsh_py.corosync_conf import new_nodes, render
    from crmsh_py.lab.design import DEFAULT_NETWORK

    nodes = list(members)
    listed = list(new_nodes([node.get("uname") for node in nodes], DEFAULT_NETWORK))
    text = render(listed, DEFAULT_NETWORK)
    for node in nodes:
        if node.id.isdigit():
            line = f"        name: {node.get('uname')}\n"
            text = text.replace(line, f"{line}        nodeid: {node.id}\n", 1)
    return text


def _cluster_of(session: Session, lab: Lab) -> Cluster:
    return choose(dict(session.environ, CRM_LAB=lab.name, CIB_file=""), kind=ClusterKind.LOCAL)


def _await_quorum(cluster: Cluster) -> None:
    deadline = time.monotonic() + READY_S
    while True:
        try:
            seen = cluster.membership()
            if seen.quorate and seen.dc:
                return
        except CrmError:
            pass  # it is starting
        if time.monotonic() > deadline:
            raise TimedOut("the lab's nodes do not find together", hint="crm lab log")
        time.sleep(_LOOK_AGAIN_S)


def _fill(cluster: Cluster, copy: Cib) -> None:
    """Give the lab the configuration; the DC corrects what it says about itself."""
    fresh = cluster.read_cib()
    schema = {"validate-with": copy.schema}
    wanted = fresh.with_section("configuration", copy.configuration).with_attributes(schema)
    cluster.commit(diff(fresh, wanted), client=_CLIENT)


# ---- the way back ------------------------------------------------------------------------------


def _target(session: Session, target: str) -> Cluster:
    """``pacemaker`` is this machine's cluster; a file that is there is that; else it is a host."""
    environ = {k: v for k, v in session.environ.items() if k not in ("CRM_LAB", "CRM_NODE")}
    if target == "pacemaker":
        return choose(environ, kind=ClusterKind.PACEMAKER)
    if "/" in target or os.path.exists(target):
        return choose(dict(environ, CIB_file=target), kind=ClusterKind.FILE)
    return choose(environ, host=target)


def _read(cluster: Cluster, target: str) -> Cib:
    try:
        return cluster.read_cib()
    except CrmError as error:
        if target == "pacemaker" or "/" in target or os.path.exists(target):
            raise
        hint = f"there is no file {target} here: it was taken for the name of a host"
        raise ClusterUnreachable(
            error.message, hint=f"{error.hint}\n  {hint}" if error.hint else hint
        ) from None


def _show(session: Session, before: Cib, after: Cib) -> None:
    import difflib

    from crmsh_py.scheduler.plan import plan
    from crmsh_py.views.plan import render

    console = session.console
    old, new = (lang.show(cib, obscure=("*passw*",)) for cib in (before, after))
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=2)
    console.out("\n".join([*lines][2:]))
    if not after.status.children:
        return  # a saved configuration: nobody acts on it
    made = plan(after, now=local_now())
    console.out(render(made, colour=console.colour(console.out_stream)))
