"""Single pairs set and read at a node: what crm_attribute asks for, without reading the CIB."""

from __future__ import annotations

import pytest
from sim.cluster import Cluster

from crmsh_py.cib.pairs import SECTIONS, find_pair
from crmsh_py.wire.control import Committed, PairReply, ReadPair, Refused, Reply, SetPair


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    made = Cluster(3, 3)
    made.start()
    made.settle()
    return made


def put(cluster: Cluster, number: int, section: str, value: str | None, name: str = "x") -> Reply:
    """Set a pair at a node, of that node where it is a node's."""
    return cluster.answer(number, SetPair(section=section, name=name, value=value, client="t"))


@pytest.mark.parametrize("section", SECTIONS)
def test_a_pair_is_made_changed_and_removed_on_all_nodes(cluster: Cluster, section: str) -> None:
    for value in ("1", "<&\"'>", None):
        reply = put(cluster, 2, section, value)
        assert isinstance(reply, Committed), reply
        assert reply.version == cluster.cib(2).version.tuple
        cluster.settle()
        for number in (1, 2, 3):
            found = find_pair(cluster.cib(number), section, "node2", "x")
            assert (found.value if found else None) == value
        told = cluster.answer(3, ReadPair(section=section, node="node2", name="x"))
        assert told == PairReply(value=value)
    assert cluster.cib(2).root.get("update-client") == "t"
    assert len(set(cluster.digests().values())) == 1


def test_what_is_set_already_makes_no_revision(cluster: Cluster) -> None:
    first = put(cluster, 1, "crm_config", "7", "same")
    assert put(cluster, 3, "crm_config", "7", "same") == first


def test_many_at_once_are_all_made_and_none_is_in_anothers_way(cluster: Cluster) -> None:
    requests = {
        cluster.ask(number, SetPair(section="crm_config", name=f"n{number}-{n}", value="1")): number
        for number in (1, 2, 3)
        for n in range(10)
    }
    cluster.until(
        lambda: all(ticket in cluster.node(n).replies for ticket, n in requests.items()),
        5,
        "all answered",
    )
    for ticket, number in requests.items():
        assert isinstance(cluster.node(number).replies[ticket][0], Committed)
    cluster.settle()
    assert sum(name[0] == "n" and "-" in name for name in cluster.cib(1).properties()) >= 30


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        (SetPair(section="nosuch", name="x", value="1"), "UsageError"),
        (SetPair(section="nodes", node="nosuch", name="x", value="1"), "NotFound"),
        (ReadPair(section="resources", name="x"), "UsageError"),
        (SetPair(section="crm_config", name="x", value="bell \a"), "ConfigError"),
    ],
)
def test_what_cannot_be_is_refused(
    cluster: Cluster, request_: SetPair | ReadPair, kind: str
) -> None:
    before = cluster.cib(1).version
    reply = cluster.answer(1, request_)
    assert isinstance(reply, Refused), reply
    assert reply.kind == kind
    assert cluster.cib(1).version == before


def test_a_side_without_quorum_sets_nothing() -> None:
    cluster = Cluster(3, 4)
    cluster.start()
    cluster.settle()
    cluster.partition([1], [2, 3])
    cluster.until(lambda: not cluster.nodes[1].core.primary, 10, "alone")  # type: ignore[union-attr]
    reply = put(cluster, 1, "crm_config", "1")
    assert isinstance(reply, Refused)
    assert reply.kind == "NoQuorum"
