"""Completion as a person sees it: this text, these candidates. No terminal, no cluster."""

from __future__ import annotations

import time

import pytest
from shell.clusters import CIB, HARD, ROOT, STATUS, example_lines, large
from yardstick import slowness

from crmsh_py.agents.catalogue import Catalogue
from crmsh_py.cib.document import Cib
from crmsh_py.lang.tables import LEVELS as GRAMMAR_LEVELS
from crmsh_py.shell.candidates import MOST, Offer, offer
from crmsh_py.shell.declarations import LEVELS
from crmsh_py.shell.snapshot import Fact, names_of, states_from, with_states
from crmsh_py.shell.sources import Candidate, Sources


@pytest.fixture(scope="module")
def sources(catalogue: Catalogue) -> Sources:
    """A cluster whose state is known."""
    snapshot = with_states(names_of(Cib.parse(CIB)), STATUS)
    return Sources(snapshot, catalogue, lambda: ("website",), lambda: ("mine",))


def complete(sources: Sources, text: str, level: str = "root") -> list[str]:
    """The texts that completion offers at the end of a line."""
    return [candidate.text for candidate in offer(sources, text, level).candidates]


# Level, text before the cursor, what must be offered, what must not.
CASES: list[tuple[str, str, set[str], set[str]]] = [
    # levels and commands
    ("root", "conf", {"configure"}, {"resource"}),
    ("root", "resource mo", {"move"}, {"mode"}),
    ("root", "", {"configure", "resource", "status", "quit"}, {"?", "bye", "assist"}),
    ("configure", "", {"primitive", "commit", "template", "up"}, {"ms", "master", "rm", "end"}),
    ("configure", "mas", {"master"}, {"ms"}),
    ("configure", "prmtv", {"primitive"}, {"property"}),
    # resources that the command can do something with
    ("resource", "start ", {"vip", "power", "mail"}, {"spare", "web", "site"}),
    ("resource", "stop ", {"spare", "web", "site", "main"}, {"vip", "power"}),
    ("resource", "stop sp", {"spare"}, {"vip"}),
    ("resource", "start spare", {"spare"}, set()),
    ("resource", "start vip ", {"power"}, {"vip"}),
    ("resource", "promote ", {"main"}, {"db", "vip", "site"}),
    ("resource", "demote ", {"main"}, {"vip"}),
    ("resource", "manage ", {"power"}, {"vip"}),
    ("resource", "unmanage ", {"vip"}, {"power"}),
    ("resource", "clear ", {"web"}, {"vip"}),
    ("root", "resource move ", {"spare", "site"}, {"vip", "web"}),
    ("root", "resource move site ", {"alpha", "beta", "force", "PT10M"}, {"vip"}),
    ("resource", "param vip set ", {"ip", "cidr_netmask"}, {"ip=", "target-role"}),
    ("resource", "meta main set ", {"clone-max", "target-role"}, {"ip"}),
    ("resource", "meta main set target-role ", {"Started", "Stopped"}, set()),
    ("resource", "utilization spare set ", {"cpu"}, set()),
    ("resource", "failcount web ", {"set", "delete", "show"}, {"web"}),
    # nodes
    ("root", "node standby ", {"alpha", "gamma", "--all"}, {"beta"}),
    ("node", "online ", {"beta"}, {"alpha"}),
    ("node", "delete ", {"gamma"}, {"alpha"}),
    ("node", "attribute alpha set ", {"rack"}, set()),
    ("lab", "exec ", {"alpha", "host"}, set()),
    ("lab", "kill ", {"alpha", "beta"}, {"gamma", "host"}),
    # agents
    ("configure", "primitive x ", {"ocf:", "stonith:"}, {"ocf:heartbeat:IPaddr2"}),
    ("configure", "primitive x ocf:", {"ocf:heartbeat:", "ocf:pacemaker:"}, set()),
    ("configure", "primitive x ocf:heartbeat:IPa", {"ocf:heartbeat:IPaddr2"}, set()),
    ("configure", "primitive x IPad", {"ocf:heartbeat:IPaddr2"}, {"ocf:heartbeat:apache"}),
    ("configure", "primitive x stonith:", {"stonith:fence_dummy", "stonith:lab"}, set()),
    ("configure", "primitive x @", {"@tmpl"}, set()),
    ("ra", "list ", {"ocf", "stonith"}, set()),
    ("ra", "list ocf ", {"heartbeat", "pacemaker"}, set()),
    ("ra", "info Sta", {"ocf:pacemaker:Stateful"}, set()),
    # parameters, operations, meta attributes
    ("configure", "primitive x ocf:heartbeat:IPaddr2 ", {"ip=", "op", "meta", "params"}, {"ip"}),
    ("configure", "primitive x @tmpl params ", {"ip="}, set()),
    ("configure", "primitive x ocf:heartbeat:IPaddr2 params cidr", {"cidr_netmask="}, {"ip="}),
    ("configure", "primitive x ocf:heartbeat:IPaddr2 op ", {"monitor", "start"}, {"promote"}),
    ("configure", "primitive x ocf:pacemaker:Stateful op ", {"promote", "demote"}, set()),
    ("configure", "primitive x ocf:heartbeat:IPaddr2 op monitor ", {"interval=", "role="}, {"ip="}),
    ("configure", "primitive x ocf:heartbeat:IPaddr2 op monitor interval=",
     {"interval=10s"}, set()),
    ("configure", "primitive x ocf:pacemaker:Dummy meta target-role=",
     {"target-role=Started", "target-role=Stopped"}, set()),
    ("configure", "primitive x ocf:pacemaker:Dummy meta target-role=sto",
     {"target-role=Stopped"}, {"target-role=Started"}),
    ("configure", "primitive p stonith:fence_dummy params ", {"pcmk_host_list="}, set()),
    ("configure", "primitive p stonith:fence_dummy params pcmk_host_list=",
     {"pcmk_host_list=alpha"}, set()),
    ("configure", "clone c spare meta ", {"clone-max=", "interleave="}, {"ip="}),
    ("configure", "group g spare meta ", {"target-role="}, {"clone-max="}),
    ("configure", "rsc_defaults ", {"resource-stickiness="}, {"interval="}),
    ("configure", "op_defaults ", {"timeout="}, {"resource-stickiness="}),
    ("configure", "property no-quorum-pol", {"no-quorum-policy="}, set()),
    ("configure", "property stonith-enabled=", {"stonith-enabled=true", "stonith-enabled=false"},
     set()),
    ("configure", "node alpha attributes ", {"standby=", "rack="}, set()),
    # containers and their members
    ("configure", "group g ", {"vip", "spare"}, {"web", "site", "db", "tmpl"}),
    ("configure", "group g vip ", {"spare", "meta"}, {"vip"}),
    ("configure", "clone c ", {"spare", "site"}, {"web", "main"}),
    ("configure", "modgroup ", {"site"}, {"main", "vip"}),
    ("configure", "modgroup site add ", {"spare"}, {"web"}),
    ("configure", "modgroup site remove ", {"web", "mail"}, {"spare"}),
    ("configure", "modgroup site add spare before ", {"web", "mail"}, {"spare"}),
    ("configure", "bundle b ", {"docker", "podman", "network"}, {"rkt"}),
    ("configure", "bundle b podman ", {"image="}, set()),
    # constraints
    ("configure", "location l ", {"vip", "site", "tmpl", "both"}, {"web", "loc"}),
    ("configure", "location l vip ", {"INFINITY:", "rule"}, set()),
    ("configure", "location l vip 100: ", {"alpha", "beta"}, set()),
    ("configure", "location l vip rule ", {"#uname", "date", "defined"}, set()),
    ("configure", "location l vip rule #uname ", {"eq", "ne"}, {"alpha"}),
    ("configure", "location l vip rule #uname eq ", {"alpha"}, set()),
    ("configure", "location l vip rule defined ", {"rack"}, set()),
    ("configure", "location l vip rule date spec ", {"hours=", "weekdays="}, set()),
    ("configure", "colocation c ", {"INFINITY:", "-INFINITY:"}, set()),
    ("configure", "colocation c INFINITY: ", {"vip", "site", "tmpl", "("}, {"web"}),
    ("configure", "colocation c INFINITY: main:", {"main:Promoted"}, set()),
    ("configure", "order o ", {"Mandatory:", "vip"}, {"INFINITY:"}),
    ("configure", "order o man", {"Mandatory:"}, set()),
    ("configure", "order o main:pro", {"main:promote"}, set()),
    ("configure", "fencing_topology ", {"alpha:", "power"}, {"vip"}),
    ("configure", "fencing_topology alpha: ", {"power"}, {"spare"}),
    ("configure", "tag t: ", {"vip", "loc"}, {"alpha"}),
    ("configure", "tag t: alp", set(), {"alpha"}),
    # access control, alerts
    ("configure", "acl_target bob ", {"watcher"}, {"vip"}),
    ("configure", "role r ", {"read", "write", "deny"}, set()),
    ("configure", "role r read ", {"cib", "xpath:", "meta:", "params:", "location:"}, {"meta:vip"}),
    ("configure", "role r read meta:", {"meta:vip"}, {"meta:alpha"}),
    ("configure", "role r read node:", {"node:alpha"}, {"node:vip"}),
    ("configure", "role r read property:st", {"property:stonith-enabled"}, set()),
    ("configure", "alert a /x.sh select ", {"nodes", "fencing"}, set()),
    # commands on objects
    ("configure", "delete lo", {"loc"}, {"vip"}),
    ("configure", "delete loc ", {"vip", "site"}, {"loc"}),
    ("configure", "show ", {"vip", "tmpl", "loc", "xml", "changed", "alpha"}, set()),
    ("configure", "show type:", {"type:primitive", "type:location"}, {"vip", "tag:"}),
    ("configure", "show type:pri", {"type:primitive"}, {"type:group"}),
    ("configure", "edit tag:", {"tag:both"}, {"tag:vip"}),
    ("configure", "show vip or related:v", {"related:vip"}, {"related:web"}),
    ("configure", "default-timeouts ", {"vip", "web", "tmpl"}, {"site", "loc"}),
    # what has values, and the values that are there: no others can be set
    ("configure", "set ", {"vip.", "alpha.", "tmpl."}, {"spare.", "beta.", "1."}),
    ("configure", "set vip.", {"vip.target-role"}, {"vip.ip", "vip.is-managed"}),
    ("configure", "set vip.target-role ", {"Started", "Stopped"}, set()),
    ("configure", "set alpha.", {"alpha.rack"}, {"alpha.standby"}),
    ("configure", "set tmpl.", {"tmpl.start.", "tmpl.monitor.10s."}, {"tmpl.ip"}),
    ("configure", "set tmpl.start.", {"tmpl.start.timeout"}, {"tmpl.start.id"}),
    ("configure", "set tmpl.monitor.10s.on", {"tmpl.monitor.10s.on-fail"}, set()),
    ("configure", "set tmpl.monitor.10s.on-fail ", {"restart", "block"}, set()),
    ("configure", "diff ", {"live", "pending"}, set()),
    ("configure", "template new ", {"website"}, {"mine"}),
    ("configure", "template load ", {"mine"}, {"website"}),
    ("root", "help ", {"resource", "status"}, set()),
    ("root", "help resource ", {"move"}, {"primitive"}),
    ("root", "cd ", {"configure", ".."}, set()),
    ("root", "why ", {"vip", "web"}, set()),
    ("corosync", "get totem.", {"totem.token"}, set()),
    ("configure", "load update examples/w", {"examples/website.crm"}, set()),
    ("lab", "create --", {"--nodes", "--config"}, set()),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[f"{c[0]}: {c[1]}" for c in CASES])
def test_completion_offers(
    sources: Sources,
    case: tuple[str, str, set[str], set[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    level, text, wanted, unwanted = case
    monkeypatch.chdir(ROOT)  # file names are those of the current directory
    offered = set(complete(sources, text, level))
    assert wanted <= offered
    assert not unwanted & offered


def test_used_parameters_are_not_offered_again(sources: Sources) -> None:
    text = "primitive x ocf:heartbeat:IPaddr2 params ip=1.2.3.4 "
    offered = complete(sources, text, "configure")
    assert "ip=" not in offered
    assert {"cidr_netmask=", "op", "meta"} <= set(offered)


def test_required_parameters_come_first_and_are_marked(sources: Sources) -> None:
    found = offer(sources, "primitive x ocf:heartbeat:IPaddr2 ", "configure").candidates
    assert (found[0].text, found[0].required, found[0].open) == ("ip=", True, True)
    assert found[0].about.startswith("required · ")
    assert not any(candidate.required for candidate in found[1:])


def by_text(found: Offer) -> dict[str, Candidate]:
    return {candidate.text: candidate for candidate in found.candidates}


def test_a_line_beside_each_says_what_it_is(sources: Sources) -> None:
    agents = by_text(offer(sources, "primitive x ocf:heartbeat:", "configure"))
    assert "virtual IP address" in agents["ocf:heartbeat:IPaddr2"].about
    stops = by_text(offer(sources, "resource stop "))
    assert stops["site"].about == "group of web mail, on alpha, FAILED"
    nodes = by_text(offer(sources, "node online "))
    assert nodes["beta"].about == "node, online, standby"
    values = by_text(offer(sources, "property stonith-enabled=", "configure"))
    assert values["stonith-enabled=true"].about == "the default"
    assert values["stonith-enabled=true"].label("stonith-enabled=t") == "true"
    # Without its name a value says nothing.
    parts = by_text(offer(sources, "order o ", "configure"))
    assert parts["sequential=false"].label("") == "sequential=false"
    assert offer(sources, "lab create --").candidates
    assert all(candidate.about for candidate in offer(sources, "lab create --").candidates)
    options = by_text(offer(sources, "property ", "configure"))
    assert "default true" in options["stonith-enabled="].about


def test_every_command_and_level_says_what_it_is_for(sources: Sources) -> None:
    for level in ("root", *LEVELS):
        for candidate in offer(sources, "", level).candidates:
            assert candidate.about, (level, candidate.text)


def test_without_a_state_every_name_fits(catalogue: Catalogue) -> None:
    sources = Sources(names_of(Cib.parse(CIB)), catalogue)
    assert {"vip", "spare", "web"} <= set(complete(sources, "resource start "))
    assert {"alpha", "beta"} <= set(complete(sources, "node online "))


def test_a_pending_configuration_keeps_the_states_that_are_known(sources: Sources) -> None:
    pending = Cib.parse(CIB.replace('<primitive id="spare"', '<primitive id="fresh"'))
    seen = states_from(names_of(pending), sources.snapshot)
    assert "spare" not in seen.resources
    assert seen.resources["fresh"].facts is Fact.NONE
    assert seen.resources["web"].state == "on alpha"


def test_the_kinds_that_have_no_list_are_named(sources: Sources) -> None:
    found = offer(sources, "primitive ", "configure")
    assert not found.candidates
    assert found.labels == ("a new id",)
    assert not found.can_end
    assert offer(sources, "status ").can_end


def test_nothing_is_offered_behind_a_mistake(sources: Sources) -> None:
    assert not complete(sources, "primitive x y=z ", "configure")


# ---- nothing raises ------------------------------------------------------------------------------


def test_no_prefix_of_any_example_raises(sources: Sources) -> None:
    """Every beginning of every line; words in the middle of being typed, quotes open, and so on."""
    lines = dict.fromkeys([*example_lines(), *(("configure", line) for line in HARD)])
    assert len(lines) > 100
    for level, line in lines:
        for end in range(len(line) + 1):
            offer(sources, line[:end], level)


@pytest.mark.parametrize("level", GRAMMAR_LEVELS)
def test_nothing_raises_on_rubbish(sources: Sources, level: str) -> None:
    for text in (
        '"',
        "\\",
        "= = =",
        "((((",
        "\x00\x1b[A",
        "a" * 5000,
        "é ü 漢字 ",
        "-- --",
        "@ @= $",
    ):
        offer(sources, text, level)


# ---- how long it takes ---------------------------------------------------------------------------


def test_of_very_many_names_some_are_offered(catalogue: Catalogue) -> None:
    """And what all of them begin with is not changed by it."""
    sources = Sources(large(5000), catalogue)
    found = offer(sources, "resource start rsc", "root")
    assert len(found.candidates) == MOST
    assert found.total == 5000
    assert found.candidates[0].text == "rsc-0000"
    assert found.candidates[-1].text == "rsc-4999"
    assert "4750 more" in found.candidates[-1].about


@pytest.mark.alone
def test_completion_takes_30_ms_at_most_with_5000_resources(catalogue: Catalogue) -> None:
    """99 of 100 keys, in CPU time; the first use of each table is not counted."""
    sources = Sources(large(5000), catalogue)
    lines = (
        "resource start rsc-0010",
        "resource move rsc-4999 alpha",
        "configure delete rsc-0010 rsc-0011",
        "configure primitive x ocf:heartbeat:IPaddr2 params ip=1 op monitor interval=10s",
        "configure order o Mandatory: rsc-0010 rsc-0011:start",
        "configure show zzz",  # nothing begins so: all ways to fit are tried
        "configure colocation c INFINITY: 0010 vip",
        "configure set rsc-0010.fake",
    )
    spent = []
    for _ in range(2):
        spent.clear()
        for line in lines:
            for end in range(len(line) + 1):
                begin = time.process_time()
                offer(sources, line[:end])
                spent.append(time.process_time() - begin)
    spent.sort()
    assert spent[len(spent) * 99 // 100] <= 0.030 * slowness(), spent[-10:]
