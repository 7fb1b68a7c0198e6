"""crm_ticket: what booth asks and says, and what people look at."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from tools.fakes import CIB, FakeCluster

from crmsh_py.cib.document import Cib
from crmsh_py.cib.tickets import with_ticket
from crmsh_py.cib.xml import parse
from crmsh_py.tools import crm_ticket

Capture = pytest.CaptureFixture[str]
CONSTRAINT = '<rsc_ticket id="dep" ticket="T" rsc="WebSite" loss-policy="stop"/>'


class Site(FakeCluster):
    """A cluster that keeps its tickets."""

    def set_ticket(self, name: str, attributes: Mapping[str, str | None] | None) -> None:
        self.cib = self.cib.with_status(with_ticket(self.cib.status, name, attributes))


@pytest.fixture
def site() -> Site:
    """One ticket is known, by a constraint alone."""
    return Site(cib=Cib.parse(CIB.replace("</constraints>", f"{CONSTRAINT}</constraints>")))


def run(site: Site, *words: str) -> int:
    return crm_ticket.main(words, door=site)


def value(site: Site, name: str, capsys: Capture) -> str:
    """An attribute as booth asks for it."""
    assert run(site, "-t", "T", "-G", name, "--quiet") == 0
    return capsys.readouterr().out.rstrip("\n")


def test_booth_grants_with_what_it_wants_to_remember(site: Site, capsys: Capture) -> None:
    words = ("-S", "owner", "--attr-value=-1", "-S", "term", "-v", "7")
    assert run(site, "-t", "T", "-g", "--force", *words) == 0
    assert value(site, "granted", capsys) == "true"
    assert value(site, "owner", capsys) == "-1"
    assert value(site, "term", capsys) == "7"
    since = value(site, "last-granted", capsys)
    assert run(site, "-t", "T", "-r", "--force", "-D", "owner") == 0
    assert value(site, "granted", capsys) == "false"
    assert value(site, "last-granted", capsys) == since
    assert run(site, "-t", "T", "-G", "owner") == 105
    assert run(site, "-t", "T", "-G", "owner", "-d", "nobody") == 0
    assert capsys.readouterr().out == "nobody\n"


@pytest.mark.parametrize(
    "words",
    [["-g"], ["-r"], ["-S", "granted", "-v", "true"], ["-D", "granted"], ["--cleanup"]],
)
def test_giving_and_taking_is_said_twice(site: Site, capsys: Capture, words: list[str]) -> None:
    assert run(site, "-t", "T", "-g", "--force") == 0
    before = site.cib
    assert run(site, "-t", "T", *words) == 4
    assert "--force" in capsys.readouterr().err
    assert site.cib == before


def test_standby_and_forgetting(site: Site, capsys: Capture) -> None:
    assert run(site, "-t", "T", "--standby") == 0
    assert run(site, "--info") == 0
    assert capsys.readouterr().out == "T\trevoked [standby]\n"
    assert run(site, "-t", "T", "--activate") == 0
    assert run(site, "-L", "-t", "T") == 0
    assert capsys.readouterr().out == "T\trevoked\t(standby=false)\n"
    assert run(site, "-t", "T", "-C") == 0
    assert run(site, "-l") == 0
    assert capsys.readouterr().out == "Cleaned up T\nT\trevoked\n"
    assert run(site, "-t", "U", "-C") == 105


def test_a_granted_one_is_shown_since_when(site: Site, capsys: Capture) -> None:
    run(site, "-t", "T", "-g", "-f")
    assert run(site, "-l") == 0
    assert capsys.readouterr().out.startswith('T\tgranted last-granted="')
    assert run(site, "-L") == 0
    assert capsys.readouterr().out.startswith("T\tgranted\t(granted=true, last-granted=")
    assert run(site, "-w") == 0
    assert capsys.readouterr().out == "T\n"
    assert run(site, "-q", "-t", "T") == 0
    assert capsys.readouterr().out.startswith('State XML:\n\n<ticket_state id="T" granted="true"')


def test_what_depends_on_a_ticket(site: Site, capsys: Capture) -> None:
    assert run(site, "-c", "-t", "T") == 0
    shown = capsys.readouterr().out
    assert shown.startswith('Constraints XML:\n\n<rsc_ticket id="dep"')
    assert shown.count("\n") == 3
    assert run(site, "-c", "-t", "U") == 105


def test_answers_in_xml(site: Site, capsys: Capture) -> None:
    run(site, "-t", "T", "-s")
    assert run(site, "-L", "--output-as=xml") == 0
    ticket = parse(capsys.readouterr().out).find("tickets", "ticket")
    assert ticket is not None
    assert ticket.attrs == {"id": "T", "status": "revoked", "standby": "true"}
    assert run(site, "-c", "--output-as=xml") == 0
    assert '<rsc_ticket id="dep"' in capsys.readouterr().out
    assert run(site, "-t", "T", "-G", "standby", "--output-as=xml") == 0
    assert '<attribute name="standby" value="true"/>' in capsys.readouterr().out
    assert run(site, "-t", "T", "-a", "--output-as=xml") == 0
    assert '<status code="0" message="OK"/>' in capsys.readouterr().out
    assert run(site, "-l", "-t", "U", "--output-as=xml") == 105
    assert "No such ticket 'U'" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words", [[], ["-t", "T"], ["-g", "-f"], ["-t", "T", "-S", "a"], ["-t", "T", "-v", "1"]]
)
def test_a_bad_command_line_changes_nothing(site: Site, words: list[str]) -> None:
    before = site.cib
    assert run(site, *words) == 64
    assert site.cib == before
