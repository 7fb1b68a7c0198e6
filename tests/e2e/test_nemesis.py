"""Five real nodes under real faults, commits all the time: nothing lost, nothing twice.

A minute here, ten with ``CRM_SOAK=1``; ``CRM_SEED`` repeats the faults of a run (real processes do
not repeat exactly). The report and the history go where ``CRM_REPORT`` says, else to pytest's
temporary directory.
"""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest
from e2e.harness import close_lab, make_lab
from e2e.nemesis import History, Run

from crmsh_py.lab.client import Lab

pytestmark = pytest.mark.e2e

NODES = tuple(f"node{number}" for number in range(1, 6))
ADDRESSES = ("192.168.100.101", "192.168.100.102")
SECONDS = 600 if os.environ.get("CRM_SOAK") else 60
CLIENTS = 3
CONF = """
totem {
        version: 2
        token: 1000
        consensus: 1200
        interface {
                ringnumber: 0
                bindnetaddr: 192.168.100.0
                mcastaddr: 239.255.100.7
                mcastport: 5405
        }
}
quorum {
        provider: corosync_votequorum
        expected_votes: 5
}
nodelist {
%s
}
logging {
        to_syslog: no
}
"""
NODE = """        node {
                ring0_addr: 192.168.100.%d
                name: %s
        }"""
RESOURCES = """
primitive fence stonith:lab
primitive one IPaddr2 params ip=192.168.100.101 cidr_netmask=24 op monitor interval=2s
primitive two IPaddr2 params ip=192.168.100.102 cidr_netmask=24 op monitor interval=2s
primitive three ocf:pacemaker:Dummy op monitor interval=2s
"""


@pytest.mark.timeout(SECONDS + 240)
def test_nothing_is_lost_and_nothing_is_twice_on_five_nodes(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to look into the nodes' namespaces")
    if shutil.which("nsenter") is None:
        pytest.skip("needs nsenter of util-linux")
    seed = int(os.environ.get("CRM_SEED") or random.SystemRandom().randrange(10**6))
    chance = random.Random(seed)
    lab = make_lab("root", f"five{os.getpid()}")
    directory = Path(os.environ.get("CRM_REPORT") or tmp_path)
    directory.mkdir(parents=True, exist_ok=True)
    history = directory / "history.jsonl"
    history.unlink(missing_ok=True)
    try:
        conf = lab.home / "corosync.conf"
        conf.write_text(CONF % "\n".join(NODE % (10 + n, name) for n, name in enumerate(NODES, 1)))
        lab.crm("lab", "create", "--config", str(conf))
        lab.crm("lab", "start")
        lab.wait("all online", lambda: lab.online(*NODES))
        (lab.home / "resources.crm").write_text(RESOURCES)
        lab.crm("configure", "load", "update", str(lab.home / "resources.crm"))
        lab.wait("the addresses are up", lambda: lab.where("one") and lab.where("two"))
        run = Run(Lab(environ=lab.environment, lab=lab.name), NODES, ADDRESSES, History(history))
        for number in range(CLIENTS):
            run.begin(run.commit, number, random.Random(chance.random()))
        run.begin(run.observe)
        run.begin(run.attack, random.Random(chance.random()))
        run.stop.wait(SECONDS)
        run.end()
        run.mend()
        lab.wait("all agree", run.agree, 60)
        lab.wait("the addresses are up", lambda: lab.where("one") and lab.where("two"), 60)
        lab.run("crm_resource", "--wait", check=False)
        report = f"seed {seed}: {run.report()}"
        (directory / "report.txt").write_text(report)
        print(report)
        assert not run.failures, f"seed {seed}: {run.failures}"
        run.check()
        assert len(history.read_text().splitlines()) > 100
        assert len(run.history.values("ok")) > SECONDS / 2, report
    finally:
        close_lab(lab)
