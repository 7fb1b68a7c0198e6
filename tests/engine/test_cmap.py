"""The key map: every key of the tutorial's listing, with its type, and counters that count."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from sim.ring import TUTORIAL, Lab

from crmsh_py.corosync_conf import parse
from crmsh_py.engine.api import LinkFacts, PeerFacts
from crmsh_py.engine.cmap import CPG_MULTICAST, CmapSource, Connection, read
from crmsh_py.engine.quorum import QuorumRules, Voter, changed, initial
from crmsh_py.wire.control import CmapKey

ROOT = Path(__file__).resolve().parents[2]
TUTORIAL_TEXT = ROOT.parent / "shared" / "tutorial.txt"
REAL_STATS = ROOT.parent / "shared/realcluster/samples/10-corosync-cmapctl-stats.txt"
CONF = parse((ROOT / "examples" / "corosync.conf").read_text(encoding="utf-8"))


def source(lab: Lab, **more: object) -> CmapSource:
    """What node 1 of a lab knows."""
    totem = lab.totem(1)
    quorum = initial(QuorumRules.of(CONF), 1)
    return CmapSource(
        conf=CONF,
        node_id=1,
        address="10.0.0.1",
        counters=totem.counters,
        members=totem.member_records,
        quorum=changed(quorum, {each: Voter() for each in totem.members}),
        **more,  # type: ignore[arg-type]
    )


def values(keys: list[CmapKey]) -> dict[str, str]:
    return {key.name: key.value for key in keys}


@pytest.fixture
def lab() -> Lab:
    made = Lab(3, settings=TUTORIAL)
    made.start()
    made.form()
    return made


def test_every_key_of_the_tutorial_is_there_with_its_type(lab: Lab) -> None:
    if not TUTORIAL_TEXT.exists():
        pytest.skip("../shared/tutorial.txt is not here to compare with")
    line = re.compile(r"^([a-z_]+\.[^ ]+) \((str|u8|u16|u32|u64)\) = ", re.MULTILINE)
    shown = line.findall(TUTORIAL_TEXT.read_text(encoding="utf-8"))
    assert len(shown) > 150
    ours = {key.name: key.type for key in read(source(lab))}
    for name, key_type in shown:
        if "runtime.connections." in name and ":" in name:
            continue  # the clients of that day
        if name.startswith("uidgid."):
            continue  # from a file of the distribution's packages, not from corosync.conf
        own = re.sub(r"members\.10847774(\d\d)", lambda m: f"members.{int(m[1]) - 81}", name)
        assert ours.get(own) == key_type, name


def name_and_type(text: str) -> set[tuple[str, str]]:
    """Keys without what differs from run to run: ids of nodes, processes and handles."""
    found = re.findall(r"^([a-z_]\S*) \((\w+)\) = ", text, re.MULTILINE)
    return {
        (re.sub(r"service\d+\.\d+\.0x[0-9a-f]+|node\d+", "N", name), key_type)
        for name, key_type in found
    }


def test_every_key_of_a_real_corosyncs_stats_is_there_with_its_type(lab: Lab) -> None:
    if not REAL_STATS.exists():
        pytest.skip("../shared/realcluster/samples is not here to compare with")
    knet = parse("totem {\nversion: 2\ntransport: knet\n}\n")
    client = Connection(name="corosync-cmapctl", pid=42, handle=0xAB, service_id=0)
    peers = tuple(PeerFacts(address=f"10.0.0.{each}", rx_packets=each) for each in (2, 3))
    made = source(
        lab,
        connections=(client,),
        links=(LinkFacts(address="10.0.0.1", sent=7, overhead=42, peers=peers),),
        now=lab.now,
    )
    keys = read(replace(made, conf=knet), map_name="stats")
    ours = name_and_type("".join(f"{key.name} ({key.type}) = {key.value}\n" for key in keys))

    assert name_and_type(REAL_STATS.read_text(encoding="utf-8")) - ours == set()
    assert values(keys)["stats.knet.node3.link0.rx_data_packets"] == "3"
    assert values(keys)["stats.knet.node3.link0.connected"] == "1"
    assert values(keys)["stats.knet.handle.tx_crypt_byte_overhead"] == "294"


def test_keys_are_sorted_and_can_be_asked_for_by_their_beginning(lab: Lab) -> None:
    keys = read(source(lab))
    assert [key.name for key in keys] == sorted(key.name for key in keys)
    some = read(source(lab), prefix="runtime.votequorum.")
    assert values(some) == {
        "runtime.votequorum.ev_barrier": "3",
        "runtime.votequorum.highest_node_id": "3",
        "runtime.votequorum.lowest_node_id": "1",
        "runtime.votequorum.this_node_id": "1",
        "runtime.votequorum.two_node": "0",
    }
    assert read(source(lab), map_name="nothing") == []


def test_counters_are_live(lab: Lab) -> None:
    srp = "runtime.totem.pg.mrp.srp"
    before = values(read(source(lab)))
    lab.network.run(for_s=5.0)
    later = values(read(source(lab)))
    assert int(later[f"{srp}.orf_token_rx"]) > int(before[f"{srp}.orf_token_rx"])
    assert later[f"{srp}.members.2.status"] == "joined"
    lab.crash(2)
    lab.form(1, 3, within_s=10)
    after = values(read(source(lab)))
    assert int(after[f"{srp}.commit_entered"]) > int(later[f"{srp}.commit_entered"])
    assert after[f"{srp}.members.2.status"] == "left"
    assert after[f"{srp}.members.2.ip"] == "r(0) ip(10.0.0.2)"
    lab.start(2)
    lab.form(1, 2, 3)
    assert values(read(source(lab)))[f"{srp}.members.2.join_count"] == "2"


def test_the_token_loss_is_counted_by_who_lost_it_first(lab: Lab) -> None:
    lab.crash(2)
    lab.form(1, 3, within_s=10)
    lost = [lab.totem(each).counters.operational_token_lost for each in (1, 3)]
    assert sum(lost) >= 1


def test_traffic_and_clients(lab: Lab) -> None:
    client = Connection(name="corosync-cmapctl", pid=42, handle=0xAB, service_id=0, requests=3)
    with_client = source(
        lab, traffic={CPG_MULTICAST: (5, 9)}, connections=(client,), connections_closed=2
    )
    keys = values(read(with_client))
    assert (keys["runtime.services.cpg.3.tx"], keys["runtime.services.cpg.3.rx"]) == ("5", "9")
    assert keys["runtime.connections.active"] == "1"
    assert keys["runtime.connections.closed"] == "2"
    assert keys["runtime.connections.corosync-cmapct:42:0xab.requests"] == "3"
    assert keys["runtime.connections.corosync-cmapct:42:0xab.client_pid"] == "42"
    stats = values(read(with_client, map_name="stats"))
    assert stats["stats.ipcs.service0.42.0xab.procname"] == "corosync-cmapct"
    assert stats["stats.srp.commit_entered"] == keys["runtime.totem.pg.mrp.srp.commit_entered"]


def test_the_place_in_the_nodelist() -> None:
    conf = parse(
        "nodelist {\nnode {\nring0_addr: 10.0.0.2\n}\nnode {\nring0_addr: 10.0.0.1\n}\n}\n"
    )
    lab = Lab(1)
    lab.start(1)
    totem = lab.totem(1)
    keys = read(
        CmapSource(
            conf=conf,
            node_id=1,
            address="10.0.0.1",
            counters=totem.counters,
            members=totem.member_records,
            quorum=initial(QuorumRules(), 1),
        )
    )
    assert values(keys)["nodelist.local_node_pos"] == "1"
    assert values(keys)["nodelist.node.1.ring0_addr"] == "10.0.0.1"
