"""Copies of the configuration that have gone bad in memory: what is acknowledged meanwhile, and
who mends them. (One bad copy under commits is in ``test_replication.py``.)
"""

from __future__ import annotations

import pytest
from sim.checkers import has
from sim.cluster import Cluster, add_mark, remove_mark
from sim.scenes import committed, started

from crmsh_py.cib.diff import diff
from crmsh_py.cib.version import Version
from crmsh_py.wire.control import Commit, Refused


def go_bad(cluster: Cluster, number: int, *, ghost: str = "", lost: str = "") -> None:
    """Put a mark into a node's copy, or take one away, at the same version; on its disk, too."""
    node = cluster.node(number)
    assert node.core is not None
    replica = node.core.replica
    change = add_mark(ghost) if ghost else remove_mark(lost)
    replica.config = node.disk.config = change(replica.config)


def mended(cluster: Cluster) -> bool:
    phases = {node.core._views.active for node in cluster.up if node.core is not None}
    return phases == {True} and len(set(cluster.digests().values())) == 1


@pytest.mark.parametrize("bad", [(1, 2), (1, 3), (2, 3)])
def test_two_copies_that_are_bad_at_once_are_mended(bad: tuple[int, int]) -> None:
    """Whoever would answer first has to ask itself."""
    cluster = started()
    committed(cluster, 1, "m1")
    for number in bad:
        go_bad(cluster, number, ghost=f"ghost{number}")
    cluster.commit(3, add_mark("m2"))
    cluster.until(lambda: has(cluster.cib(3), "m2") and mended(cluster), 2, "mended")
    committed(cluster, 1, "m3")


def test_a_commit_that_only_a_bad_copy_could_make_is_not_acknowledged() -> None:
    """The others have refused it, and then store another change of the same version."""
    cluster = started()
    committed(cluster, 1, "m1")
    cluster.run(0.1)  # all have told what they have stored
    go_bad(cluster, 2, lost="m1")
    cib = cluster.cib(2)
    made = add_mark("m1")(cib)
    pairs = made.section("crm_config").map_children(
        lambda s: s.with_attrs(score="5") if s.id == "m1" else s
    )
    patch = diff(cib, made.with_section("crm_config", pairs)).to_xml()
    ticket = cluster.ask(2, Commit(patch=patch))
    committed(cluster, 1, "m2")
    replies = cluster.node(2).replies
    cluster.until(lambda: ticket in replies and mended(cluster), 5, "answered")
    assert isinstance(replies[ticket][0], Refused), replies[ticket]
    assert replies[ticket][0].kind == "Conflict"
    assert any("is not the others'" in line for line in cluster.node(2).log)
    assert has(cluster.cib(2), "m2")


def test_a_copy_that_has_another_version_is_found_too() -> None:
    """It could not make a change that the others have made, and is one behind from then on."""
    cluster = started()
    committed(cluster, 1, "m1")
    cluster.run(0.1)  # all have told what they have stored
    go_bad(cluster, 2, lost="m1")
    assert cluster.cib(2).version == cluster.cib(1).version
    ticket = cluster.commit(1, remove_mark("m1"))
    cluster.until(lambda: ticket in cluster.node(1).replies, 5, "answered")
    cluster.until(lambda: mended(cluster), 1, "mended")
    assert cluster.cib(2).version >= Version(0, 3, 0)
