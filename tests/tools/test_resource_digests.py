"""crm_resource --digests: by which a change of a resource's parameters is noticed.

The digests are those that Pacemaker 2.1.5 tells of the same configurations.
"""

from __future__ import annotations

import pytest
from tools.fakes import CIB, FakeCluster

from crmsh_py.cib.document import Cib
from crmsh_py.tools import crm_resource

Capture = pytest.CaptureFixture[str]
IP = "88d1496c0f87398079ee7e40aeb84e77"
NOTHING = "f2317cad3d54cec5d7d7aa7d0bf35cf8"


def run(cluster: FakeCluster, *words: str) -> int:
    return crm_resource.main(["--digests", *words], door=cluster)


@pytest.mark.parametrize(
    ("words", "everything", "public"),
    [
        (("ClusterIP", "-N", "pacemaker01"), IP, IP),
        (("WebSite", "-N", "pacemaker01"), NOTHING, NOTHING),
        (("ClusterIP", "-N", "pacemaker01", "ip=1.2.3.4"), "25592e0f3bb3c04962b3df826824cfb5", ""),
        (
            ("ClusterIP", "-N", "pacemaker02", "passwd=x", "user=y", "password=z"),
            "3df25bf301b9ff997ae4215329645d9c",
            IP,
        ),
        (
            ("ClusterIP", "-N", "pacemaker01", "CRM_meta_interval=10000"),
            "62ba951c7c5ea97fd85b0dd8ed3ddba8",  # a recurring operation, and its timeout
            IP,
        ),
    ],
)
def test_digests_are_pacemakers(
    cluster: FakeCluster, words: tuple[str, ...], everything: str, public: str, capsys: Capture
) -> None:
    assert run(cluster, "-r", *words) == 0
    assert capsys.readouterr().out == (
        f"{everything} (all parameters)\n{public or everything} (non-private parameters)\n"
    )


def test_the_history_says_what_is_private_and_what_needs_a_restart(
    cluster: FakeCluster, capsys: Capture
) -> None:
    marks = 'op-force-restart=" ip " op-restart-digest="d" op-secure-params=" passwd nic "'
    text = CIB.replace('last-rc-change="1406578900"', f'last-rc-change="1406578900" {marks}')
    more = '<nvpair id="i1" name="nic" value="eth0"/><nvpair id="i2" name="cidr_netmask"'
    cluster.cib = Cib.parse(
        text.replace(
            "</instance_attributes>\n    <operations>",
            f'{more} value="24"/></instance_attributes><operations>',
        )
    )
    assert run(cluster, "-r", "ClusterIP", "-N", "pacemaker01") == 0
    assert capsys.readouterr().out == (
        "9dd591c62007916edb9b20fa7d44148a (all parameters)\n"
        "877814599b784382fed70c3cd00e4afb (non-private parameters)\n"
        f"{IP} (non-reloadable parameters)\n"
    )


def test_as_xml_the_parameters_are_told_too(cluster: FakeCluster, capsys: Capture) -> None:
    assert run(cluster, "-r", "ClusterIP", "-N", "pacemaker01", "--output-as=xml") == 0
    assert (
        '  <digests resource="ClusterIP" node="pacemaker01" task="start" interval="0ms">\n'
        f'    <digest type="all" hash="{IP}">\n'
        '      <parameters ip="192.168.100.100"/>\n'
        "    </digest>\n"
    ) in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("-r", "ClusterIP"), 64),
        (("-N", "pacemaker01"), 64),
        (("-r", "ClusterIP", "-N", "pacemaker01", "ip"), 64),
        (("-r", "ClusterIP", "-N", "pacemaker09"), 105),
        (("-r", "ClusterIPP", "-N", "pacemaker01"), 105),
        (("-r", "both", "-N", "pacemaker01"), 3),
    ],
)
def test_what_cannot_be_told(cluster: FakeCluster, words: tuple[str, ...], code: int) -> None:
    group = '<group id="both"><primitive id="a" class="ocf" provider="pacemaker" type="Dummy"/>'
    cluster.cib = Cib.parse(CIB.replace("</resources>", f"{group}</group></resources>", 1))
    assert run(cluster, *words) == code


def test_a_parameter_belongs_to_what_takes_one(cluster: FakeCluster, capsys: Capture) -> None:
    assert crm_resource.main(["-L", "ip=1"], door=cluster) == 64
    assert "'ip=1' belongs to no option" in capsys.readouterr().err
