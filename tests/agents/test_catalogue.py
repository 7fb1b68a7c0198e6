"""The catalogue knows the tutorial's agents on a bare machine, and prefers those installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from crmsh_py.agents.catalogue import Catalogue
from crmsh_py.agents.installed import InstalledAgents, Places
from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.cib.checks import check
from crmsh_py.cib.document import Cib
from crmsh_py.errors import NotFound
from crmsh_py.resources import ra_metadata_directory
from crmsh_py.views.ra import info

# Some of what the tutorial's listings show; all of them are in ra_metadata/names.txt.
TUTORIAL = {
    "heartbeat": ["AoEtarget", "CTDB", "IPaddr2", "Pure-FTPd", "Xinetd", "apache", "drbd",
                  "iSCSITarget", "mysql-proxy", "nginx", "vmware"],
    "pacemaker": ["ClusterMon", "Dummy", "HealthCPU", "HealthSMART", "Stateful", "SysInfo",
                  "SystemHealth", "controld", "o2cb", "ping", "pingd"],
    "redhat": ["SAPDatabase", "apache.sh", "clusterfs.sh", "ip.sh", "vm.sh"],
}  # fmt: skip
DESCRIBED = sorted(
    path.relative_to(ra_metadata_directory()).with_suffix("").as_posix()
    for pattern in ("ocf/*/*.xml", "stonith/*.xml")
    for path in ra_metadata_directory().glob(pattern)
)


def catalogue_of(root: Path) -> Catalogue:
    places = Places(
        ocf_root=root / "ocf",
        fence=(root / "sbin",),
        lsb=root / "init.d",
        units=(root / "units",),
        systemd=root / "systemd",
    )
    return Catalogue(InstalledAgents(places))


@pytest.fixture
def bare(tmp_path: Path) -> Catalogue:
    """The catalogue of a machine without any agent."""
    return catalogue_of(tmp_path)


def test_the_classes_of_the_tutorial(bare: Catalogue, tmp_path: Path) -> None:
    names = ["lsb", "ocf / heartbeat pacemaker redhat", "service", "stonith", "upstart"]
    assert [str(agent_class) for agent_class in bare.classes()] == names
    (tmp_path / "systemd").mkdir()
    assert "systemd" in [agent_class.name for agent_class in bare.classes()]


def test_the_listings_of_the_tutorial(bare: Catalogue) -> None:
    for provider, names in TUTORIAL.items():
        listed = bare.list("ocf", provider)
        assert set(names) <= set(listed)
        assert list(listed) == sorted(listed)
    assert len(bare.list("ocf", "heartbeat")) >= 72
    assert set(bare.list("ocf")) >= {"IPaddr2", "ping", "vm.sh"}
    assert bare.list("stonith") == ("fence_dummy", "lab")
    assert bare.providers("Dummy") == ("heartbeat", "pacemaker")


@pytest.mark.parametrize("name", DESCRIBED)
def test_every_description_can_be_shown(bare: Catalogue, name: str) -> None:
    spec = AgentSpec.parse(name.replace("/", ":"))
    metadata = bare.metadata(spec)
    assert metadata.origin == "catalogue"
    assert metadata.name == spec.type
    assert metadata.shortdesc
    assert metadata.longdesc
    assert {"start", "stop", "monitor"} <= {action.name for action in metadata.operations}
    for parameter in metadata.parameters:
        assert parameter.shortdesc, parameter.name
        assert parameter.longdesc, parameter.name
    for action in metadata.actions:
        assert action.timeout_ms, action.name
    lines = info(spec, metadata).splitlines()
    assert max(map(len, lines)) <= 120


def test_what_the_tutorial_reads_about_its_address(bare: Catalogue) -> None:
    spec = bare.resolve("ocf:heartbeat:IPaddr2")
    text = info(spec, bare.metadata(spec))
    assert "(ocf:heartbeat:IPaddr2)" in text.splitlines()[0]
    assert "\n\nParameters (* denotes required, [] the default):\n\nip* (string): " in text
    for start in (
        *("nic (string): ", "cidr_netmask (string): ", "lvs_support (boolean, [false]): "),
        *("clusterip_hash (string, [sourceip-sourceport]): ", "arp_count (integer, [5]): "),
        *("arp_mac (string, [ffffffffffff]): ", "flush_routes (boolean, [false]): "),
    ):
        assert f"\n\n{start}" in text
    assert text.rstrip().endswith(
        "\n\nOperations' defaults (advisory minimum):\n\n"
        "    start         timeout=20s\n"
        "    stop          timeout=20s\n"
        "    status        timeout=20s interval=10s\n"
        "    monitor       timeout=20s interval=10s"
    )


def test_a_bare_type_is_looked_up_as_crmsh_does(bare: Catalogue) -> None:
    assert str(bare.resolve("IPaddr2")) == "ocf:heartbeat:IPaddr2"
    assert str(bare.resolve("Dummy")) == "ocf:heartbeat:Dummy"
    assert str(bare.resolve("ping")) == "ocf:pacemaker:ping"
    assert str(bare.resolve("ocf:ping")) == "ocf:pacemaker:ping"
    assert str(bare.resolve("lab")) == "stonith:lab"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("ocf:heartbeat:IPadr2", "did you mean IPaddr2"),
        ("ocf:hartbeat:IPaddr2", "did you mean ocf:heartbeat:IPaddr2?"),
        ("stonith:lab2", "did you mean lab?"),
        ("Qwertyuiop", "crm ra list ocf shows them all"),
    ],
)
def test_an_unknown_agent_has_a_hint(bare: Catalogue, name: str, hint: str) -> None:
    with pytest.raises(NotFound) as caught:
        bare.resolve(name)
    assert caught.value.hint is not None
    assert hint in caught.value.hint


def test_unknown_classes_and_providers_have_one_too(bare: Catalogue) -> None:
    with pytest.raises(NotFound, match="no class of agents “ofc”"):
        bare.list("ofc")
    with pytest.raises(NotFound, match="no provider “hartbeat”"):
        bare.list("ocf", "hartbeat")


def test_an_agent_known_by_name_only_says_so(bare: Catalogue) -> None:
    xen = bare.resolve("Xen")
    assert bare.find(xen) is None
    assert not bare.is_installed(xen)
    with pytest.raises(NotFound, match="nothing is known about it but its name"):
        bare.metadata(xen)


def test_an_installed_agent_speaks_for_itself(tmp_path: Path) -> None:
    program = tmp_path / "ocf/resource.d/heartbeat/IPaddr2"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho '<resource-agent name=\"mine\"/>'\n")
    program.chmod(0o755)
    catalogue = catalogue_of(tmp_path)
    spec = catalogue.resolve("IPaddr2")
    assert catalogue.is_installed(spec)
    assert catalogue.metadata(spec).name == "mine"
    assert catalogue.metadata(spec).origin == "installed"


def test_where_an_installed_agent_fails_our_own_description_helps(tmp_path: Path) -> None:
    program = tmp_path / "ocf/resource.d/heartbeat/IPaddr2"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    catalogue = catalogue_of(tmp_path)
    assert catalogue.metadata(catalogue.resolve("IPaddr2")).origin == "catalogue"


def test_the_catalogue_serves_the_checks(bare: Catalogue) -> None:
    primitive = (
        '<primitive id="ip" class="ocf" provider="heartbeat" type="{}"><instance_attributes id="i">'
        '<nvpair id="n" name="ipp" value="1"/></instance_attributes></primitive>'
    )
    frame = (
        '<cib><configuration><crm_config><cluster_property_set id="s">'
        '<nvpair id="f" name="stonith-enabled" value="false"/></cluster_property_set></crm_config>'
        "<nodes/><resources>{}</resources><constraints/></configuration></cib>"
    )

    def messages(agent_type: str) -> list[str]:
        cib = Cib.parse(frame.format(primitive.format(agent_type)))
        return [finding.message for finding in check(cib, agents=bare)]

    assert messages("IPaddr2")[:2] == [
        "ocf:heartbeat:IPaddr2 has no parameter ipp",
        "the parameter ip is required",
    ]
    assert messages("IPadr2") == ["there is no agent ocf:heartbeat:IPadr2"]
    assert messages("Xen") == [
        "ocf:heartbeat:Xen is not installed here: its parameters cannot be checked"
    ]


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("<resource-agent name='a'><longdesc>x</longdesc>\n<shortdesc lang='en'>Does\n it"
         "</shortdesc><parameters><parameter><shortdesc>no</shortdesc>", "Does it"),
        ("<resource-agent name='a'><parameters><parameter><shortdesc>no</shortdesc>", ""),
        ('<resource-agent name="a" shortdesc="Fences">', "Fences"),
        ("docs[\"shortdesc\"] = 'Fence agent for x'", "Fence agent for x"),
        ("<resource-agent><shortdesc>${NAME} agent</shortdesc>", ""),
        ("#!/bin/sh\nexit 3\n", ""),
    ],
)  # fmt: skip
def test_what_an_agent_is_for_is_read_without_running_it(
    tmp_path: Path, text: str, short: str
) -> None:
    agent = tmp_path / "ocf" / "resource.d" / "mine" / "agent"
    agent.parent.mkdir(parents=True)
    agent.write_text(f"#!/bin/sh\ntouch {tmp_path}/was-run\n{text}\n", encoding="utf-8")
    agent.chmod(0o755)
    assert catalogue_of(tmp_path).brief(AgentSpec("ocf", "mine", "agent")) == short
    assert not (tmp_path / "was-run").exists()


def test_what_only_labs_have_is_no_agent_of_a_real_cluster(tmp_path: Path) -> None:
    places = Places(
        ocf_root=tmp_path, fence=(tmp_path,), lsb=tmp_path, units=(), systemd=tmp_path / "none"
    )
    real = Catalogue(InstalledAgents(places), labs=False)

    assert "lab" not in real.list("stonith")
    assert "lab" not in real.ocf_providers()
    with pytest.raises(NotFound, match="there is no agent stonith:lab"):
        real.resolve("stonith:lab")
    assert Catalogue(InstalledAgents(places)).resolve("stonith:lab").type == "lab"
