"""cibadmin and tickets: they are in the status, which the nodes of a lab keep themselves."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from tools.fakes import CIB, FakeCluster

from crmsh_py.cib.document import Cib
from crmsh_py.cib.patch import Patch
from crmsh_py.cib.tickets import section_of, with_ticket
from crmsh_py.cib.version import Version
from crmsh_py.clusters.kinds import ClusterKind
from crmsh_py.errors import ConfigError
from crmsh_py.tools import cibadmin

Capture = pytest.CaptureFixture[str]
TICKETS = """\
<tickets>
  <ticket_state id="A" granted="true" last-granted="5"/>
  <ticket_state id="B" granted="false"/>
</tickets>
"""


class Site(FakeCluster):
    """A lab that has two tickets."""

    def commit(self, patch: Patch, *, client: str, force_no_quorum: bool = False) -> Version:
        if self.kind is ClusterKind.LOCAL and patch.touches("/cib/status"):
            raise ConfigError("a commit changes the configuration, not the status")
        return super().commit(patch, client=client, force_no_quorum=force_no_quorum)

    def set_ticket(self, name: str, attributes: Mapping[str, str | None] | None) -> None:
        super().set_ticket(name, attributes)
        self.cib = self.cib.with_status(with_ticket(self.cib.status, name, attributes))

    @property
    def tickets(self) -> dict[str, str]:
        return {each.id: each.get("granted") for each in section_of(self.cib.status).findall()}


@pytest.fixture(params=[ClusterKind.LOCAL, ClusterKind.PACEMAKER])
def site(request: pytest.FixtureRequest) -> Site:
    return Site(cib=Cib.parse(CIB.replace("</status>", f"{TICKETS}</status>")), kind=request.param)


def run(site: Site, *words: str) -> int:
    return cibadmin.main(words, door=site)


def test_tickets_are_a_section_to_look_at(site: Site, capsys: Capture) -> None:
    assert run(site, "-Q", "-o", "tickets") == 0
    assert capsys.readouterr().out == TICKETS


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (["-R", "-o", "tickets", "-X", "<tickets/>"], {}),
        (["-R", "-X", "<tickets/>"], {}),
        (["-D", "-X", "<tickets/>"], {}),
        (["-D", "-o", "tickets", "-X", '<ticket_state id="A"/>'], {"B": "false"}),
        (["-D", "-X", '<ticket_state id="A"/>'], {"B": "false"}),
        (["-D", "-A", "//ticket_state[@id='B']"], {"A": "true"}),
        (["-C", "-X", '<ticket_state id="C"/>'], {"A": "true", "B": "false", "C": ""}),
        (["-M", "-X", '<ticket_state id="B" granted="true"/>'], {"A": "true", "B": "true"}),
        (
            ["-R", "-o", "tickets", "-X", '<tickets><ticket_state id="A" granted="no"/></tickets>'],
            {"A": "no"},
        ),
    ],
)
def test_tickets_are_changed_as_everything_else(
    site: Site, words: list[str], left: dict[str, str]
) -> None:
    assert run(site, *words) == 0
    assert site.tickets == left


def test_a_ticket_that_is_replaced_keeps_nothing() -> None:
    lab = Site(cib=Cib.parse(CIB.replace("</status>", f"{TICKETS}</status>")))
    assert run(lab, "-R", "-X", '<ticket_state id="A" granted="true"/>') == 0
    assert lab.done == [("ticket", "A", {"granted": "true", "last-granted": None})]


def test_the_rest_of_the_status_is_the_nodes_own_in_a_lab(capsys: Capture) -> None:
    lab = Site(cib=Cib.parse(CIB.replace("</status>", f"{TICKETS}</status>")))
    assert run(lab, "-R", "-X", "<status/>") == 78
    assert "not the status" in capsys.readouterr().err
    assert lab.tickets == {"A": "true", "B": "false"}, "nothing is done by halves"
