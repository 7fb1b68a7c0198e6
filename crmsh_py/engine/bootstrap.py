"""What the cluster manager itself writes into the configuration.

The first DC with quorum makes the configuration of a new cluster: which software and which
infrastructure it is, and whether there is a watchdog. Later DCs add a ``<node>`` for every member
that has none yet, and correct a version, a name or an id that has changed.

A remote node is listed once it is connected: when all members have begun anew, nobody else knows
that there is one that may run something. Its entry goes when its connection has been deleted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from crmsh_py import __version__
from crmsh_py.cib.agent_name import is_remote_connection
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.ids import PROPERTY_SET

AUTHOR = "hacluster"  # as Pacemaker's daemons sign what they write
CLIENT = "crmd"


def pristine() -> Cib:
    """What a node with an empty disk holds: the same on every node, older than anything else."""
    return Cib.new(cluster_infrastructure="corosync", dc_version=__version__)


def missing_facts(
    config: Cib,
    names: Mapping[int, str],
    *,
    cluster_name: str = "",
    watchdog: bool = False,
    connected: Collection[str] = (),
    gone: Collection[str] = (),
) -> Cib | None:
    """The configuration with what the DC has to add to it; None when nothing is missing.

    ``watchdog``: nodes that get lost are reset by theirs, as the configuration asks for.
    ``connected``: the remote nodes and guests that a member is connected with; ``gone``: remote
    nodes that need not be listed any more.
    """
    changed = _with_properties(config, cluster_name, watchdog=watchdog)
    nodes = changed.section("nodes")
    known = {node.id: node for node in nodes.findall("node")}
    former = _former(nodes, names)
    children = [child for child in nodes.children if child not in former.values()]
    for node_id, name in sorted(names.items()):
        present = known.get(str(node_id))
        if present is None:
            entry = former.get(name) or Element("node", {})
            children.append(entry.with_attributes({"id": str(node_id), "uname": name}))
        elif present.get("uname") != name:
            renamed = present.with_attributes({"uname": name})
            children[children.index(present)] = renamed
    children = [e for e in children if e.get("type") != "remote" or e.get("uname") not in gone]
    for name in unlisted(config, connected):
        children.append(Element("node", {"id": name, "uname": name, "type": "remote"}))
    if tuple(children) != nodes.children:
        changed = changed.with_section("nodes", nodes.with_children(tuple(children)))
    return None if changed is config else changed


def _former(nodes: Element, names: Mapping[int, str]) -> dict[str, Element]:
    """What is listed under a member's name and an id that no member has: its entry of before.

    The machine of that name has started anew with another address. Left alone, the entry would be
    a lost node, and who fences that by its name hits the member, again and again.
    """
    members, present = set(map(str, names)), set(names.values())
    return {
        node.get("uname"): node
        for node in nodes.findall("node")
        if node.id not in members and node.get("uname") in present and node.get("type") != "remote"
    }


def unlisted(config: Cib, connected: Collection[str]) -> list[str]:
    """Which of these are remote nodes that the configuration does not list yet.

    A guest is none of them: whether its machine runs can be found out on the members.
    """
    if not connected:
        return []
    listed = {node.get("uname") for node in config.section("nodes").findall("node")}
    return sorted(set(connected) & _connections(config) - listed)


def is_listed_remote(config: Cib, name: str) -> bool:
    """Whether this is a remote node that has been connected once, as far as anybody knows."""
    return any(
        node.get("uname") == name and node.get("type") == "remote"
        for node in config.section("nodes").findall("node")
    )


def _connections(config: Cib) -> set[str]:
    primitives = config.section("resources").iter("primitive")
    return {primitive.id for primitive in primitives if is_remote_connection(primitive)}


def left_over(config: Cib) -> list[str]:
    """Remote nodes that are listed, and nothing connects with them any more.

    Into whose entry somebody has written something is none of them.
    """
    entries = config.section("nodes").findall("node")
    bare = {e.get("uname") for e in entries if e.get("type") == "remote" and not e.children}
    return sorted(bare - _connections(config)) if bare else []


def _with_properties(config: Cib, cluster_name: str, *, watchdog: bool) -> Cib:
    wanted = {"have-watchdog": "true" if watchdog else "false", "dc-version": __version__}
    wanted["cluster-infrastructure"] = "corosync"
    section = config.section("crm_config")
    options = next((s for s in section.children if s.id == PROPERTY_SET), None)
    new = options or Element("cluster_property_set", {"id": PROPERTY_SET})
    present = {pair.get("name"): pair for pair in new.findall("nvpair")}
    if cluster_name and "cluster-name" not in present:
        wanted["cluster-name"] = cluster_name
    pairs = list(new.children)
    for name, value in wanted.items():
        old = present.get(name)
        if old is None:
            identity = {"id": f"{PROPERTY_SET}-{name}", "name": name, "value": value}
            pairs.append(Element("nvpair", identity))
        elif old.get("value") != value:
            pairs[pairs.index(old)] = old.with_attributes({"value": value})
    if tuple(pairs) == new.children:
        return config
    changed = new.with_children(tuple(pairs))
    others = tuple(s for s in section.children if s.id != PROPERTY_SET)
    return config.with_section("crm_config", section.with_children((changed, *others)))
