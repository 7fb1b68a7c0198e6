"""What lines mean, and what is said about lines that mean nothing."""

from __future__ import annotations

import pytest

from crmsh_py.errors import ConfigError, CrmError, SyntaxProblem
from crmsh_py.lang import ast, parse_command, parse_element, parse_elements
from crmsh_py.lang.words import span_of


def message(text: str, level: str = "root") -> str:
    with pytest.raises(CrmError) as caught:
        parse_command(text, level)
    return caught.value.format_message()


# ---- elements ------------------------------------------------------------------------------------


def test_a_primitive_of_the_tutorial() -> None:
    call = parse_command(
        "configure primitive ClusterIP ocf:heartbeat:IPaddr2 "
        "params ip=192.168.100.100 cidr_netmask=24 op monitor interval=30s"
    )
    assert (call.level, call.name, call.path) == ("configure", "primitive", ("configure",))
    assert call.element == ast.Primitive(
        "ClusterIP",
        "ocf:heartbeat:IPaddr2",
        parts=(
            ast.AttributeSet(
                "params",
                (ast.Nvpair("ip", "192.168.100.100"), ast.Nvpair("cidr_netmask", "24")),
            ),
            ast.Operations((ast.Operation("monitor", (ast.Nvpair("interval", "30s"),)),)),
        ),
    )


@pytest.mark.parametrize(
    ("text", "element"),
    [
        (
            "COLOCATION website-with-ip INFINITY: WebSite ClusterIP",
            ast.Colocation(
                "website-with-ip", "INFINITY", (ast.Member("WebSite"), ast.Member("ClusterIP"))
            ),
        ),
        (
            "order apache-after-ip mandatory: ClusterIP WebSite:start symmetrical=FALSE",
            ast.Order(
                "apache-after-ip",
                "Mandatory",
                (ast.Member("ClusterIP"), ast.Member("WebSite", "start")),
                symmetrical="false",
            ),
        ),
        ("order o 0: a b", ast.Order("o", "Optional", (ast.Member("a"), ast.Member("b")))),
        ("order o INF: a b", ast.Order("o", "Mandatory", (ast.Member("a"), ast.Member("b")))),
        ("tag t: a b", ast.Tag("t", ("a", "b"))),
        (
            "alert a /x(1) attributes m=foo(bar) n=[x] to {y meta o=1} to z{",
            ast.Alert(
                "a",
                "/x(1)",
                sets=(
                    ast.AttributeSet(
                        "attributes", (ast.Nvpair("m", "foo(bar)"), ast.Nvpair("n", "[x]"))
                    ),
                ),
                recipients=(
                    ast.Recipient("y", "", (ast.AttributeSet("meta", (ast.Nvpair("o", "1"),)),)),
                    ast.Recipient("z{"),
                ),
            ),
        ),
        ("primitive id=p Dummy", ast.Primitive("p", "Dummy")),
        ("node 1: n1:remote", ast.Node("n1", "1", "remote")),
        ("node n1:member", ast.Node("n1")),
        (
            'property $id="x" a= b',
            ast.PropertySet("property", "x", (ast.Nvpair("a", ""), ast.Nvpair("b"))),
        ),
        (
            "location l r rule pingd: defined pingd",
            ast.Location("l", "r", rules=(ast.Rule((ast.Defined("pingd"),), score="pingd"),)),
        ),
        (
            "location l /^r[0-9]$/ role=promoted -inf: n1",
            ast.Location(
                "l",
                pattern="^r[0-9]$",
                attributes=(ast.Nvpair("role", "Promoted"),),
                score="-INFINITY",
                node="n1",
            ),
        ),
        (
            "rsc_ticket t T: a:Promoted loss-policy=Fence",
            ast.Ticket("t", "T", (ast.Member("a", "Promoted"),), loss_policy="fence"),
        ),
        (
            "monitor p:Promoted 20s:10s",
            ast.MonitorCommand("p", "20s", "Promoted", "10s"),
        ),
        (
            "fencing_topology s1 s2,s3",
            ast.FencingTopology((ast.FencingTarget("", "", (("s1",), ("s2", "s3"))),)),
        ),
        (
            "role r write meta:p:target-role deny ref:x type:nvpair attr:y",
            ast.AclRole(
                "r",
                (
                    ast.Permission(
                        "write",
                        (
                            ast.AclSpec(
                                "xpath",
                                "//primitive[@id='p']/meta_attributes/nvpair[@name='target-role']",
                            ),
                        ),
                    ),
                    ast.Permission("deny", (ast.AclSpec("reference", "x"),)),
                    ast.Permission(
                        "deny",
                        (ast.AclSpec("attribute", "y"), ast.AclSpec("object-type", "nvpair")),
                    ),
                ),
            ),
        ),
    ],
)
def test_lines_mean_elements(text: str, element: ast.ElementNode) -> None:
    assert parse_element(text) == element


PLAIN, PARALLEL, ANY = (True, True), (False, True), (False, False)


@pytest.mark.parametrize(
    ("members", "sets"),
    [
        ("_rsc_set_ a b", [("a b", "", PLAIN)]),
        ("a b c", [("a b c", "", PLAIN)]),
        ("a ( b c ) d", [("a", "", PLAIN), ("b c", "", PARALLEL), ("d", "", PLAIN)]),
        ("[a b]c", [("a b", "", ANY), ("c", "", PLAIN)]),
        ("a(b)[c]", [("a", "", PLAIN), ("b", "", PARALLEL), ("c", "", ANY)]),
        ("( a b sequential=true )", [("a b", "", PLAIN)]),
        ("a b sequential=false c d", [("a b c d", "", PARALLEL)]),
        ("( c require-all=false d )", [("c d", "", ANY)]),
        ("[ a b sequential=true ]", [("a b", "", (True, False))]),
        ("a b:start c:start d", [("a", "", PLAIN), ("b c", "start", PLAIN), ("d", "", PLAIN)]),
    ],
)
def test_members_make_sets(members: str, sets: list[tuple[str, str, tuple[bool, bool]]]) -> None:
    element = parse_element(f"order o {members}")
    assert isinstance(element, ast.Order)
    assert element.members == ()
    assert element.sets == tuple(
        ast.ResourceSet(tuple(names.split()), suffix, *flags) for names, suffix, flags in sets
    )


def test_what_ends_a_list_of_attributes_depends_on_the_element() -> None:
    """“to” is a recipient in an alert, and a name like any other in a property."""
    assert parse_element("property to=1 select op") == ast.PropertySet(
        "property", "", (ast.Nvpair("to", "1"), ast.Nvpair("select"), ast.Nvpair("op"))
    )


def test_a_quoted_word_is_never_a_keyword() -> None:
    call = parse_command('resource move "force" force')
    assert [(a.kind, a.value) for a in call.arguments] == [
        ("RESOURCE", "force"),
        ("FORCE", "force"),
    ]


def test_everything_that_was_written_knows_its_place() -> None:
    text = "primitive p ocf:pacemaker:Dummy params state=/run/x"
    element = parse_element(text)
    assert isinstance(element, ast.Primitive)
    params = element.parts[0]
    assert isinstance(params, ast.AttributeSet)
    pair = params.items[0]
    assert isinstance(pair, ast.Nvpair)
    for word in (element.id, element.agent, pair.name, pair.value or ""):
        start, end = span_of(word) or (0, 0)
        assert text[start:end] == word


# ---- commands ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "level", "name", "arguments"),
    [
        ("resource move a n1 PT5M force", "resource", "move",
         "RESOURCE=a NODE_NAME=n1 LIFETIME=PT5M FORCE=force"),
        ("resource migrate a forever", "resource", "move", "RESOURCE=a LIFETIME=forever"),
        ("resource failcount a set n1 3 monitor 10s", "resource", "failcount",
         "RESOURCE=a SET=set NODE_NAME=n1 VALUE=3 OP_NAME=monitor INTERVAL=10s"),
        ("resource meta a set target-role Stopped", "resource", "meta",
         "RESOURCE=a SET=set META_NAME=target-role VALUE=Stopped"),
        ("node standby n1 reboot", "node", "standby", "NODE_NAME=n1 REBOOT=reboot"),
        ("ra list ocf heartbeat", "ra", "list", "AGENT_CLASS=ocf AGENT_PROVIDER=heartbeat"),
        ("ra meta IPaddr2", "ra", "info", "AGENT=IPaddr2"),
        ("cluster start --all", "cluster", "start", "ALL=--all"),
        ("cib use live withstatus", "cib", "use", "LIVE=live WITHSTATUS=withstatus"),
        ("configure show xml type:node p*", "configure", "show",
         "XML=xml FILTER=type:node OBJECT=p*"),
        ("configure load xml update -", "configure", "load", "XML=xml UPDATE=update FILE_NAME=-"),
        ("configure delete -f a b", "configure", "delete", "FORCE_SHORT=-f OBJECT=a OBJECT=b"),
        ("configure rm a", "configure", "delete", "OBJECT=a"),
        ("configure modgroup g add a before b", "configure", "modgroup",
         "OBJECT=g ADD=add CHILD=a BEFORE=before CHILD=b"),
        ("configure set p.ip 1.2.3.4", "configure", "set", "SET_PATH=p.ip VALUE=1.2.3.4"),
        ("configure diff 3 current", "configure", "diff", "REVISION=3 REVISION=current"),
        ("lab create --config f --nodes a,b --network 10.0.0.0/24", "lab", "create",
         "CONFIG_OPTION=--config FILE_NAME=f NODES_OPTION=--nodes HOST_NAME=a,b "
         "NETWORK_OPTION=--network NETWORK_CIDR=10.0.0.0/24"),
        ("lab start --corosync-only a", "lab", "start",
         "COROSYNC_ONLY=--corosync-only NODE_NAME=a"),
        ("lab exec host -- curl http://1.2.3.4", "lab", "exec",
         "HOST_NAME=host DASHDASH=-- COMMAND_WORD=curl COMMAND_WORD=http://1.2.3.4"),
        ("why r n1", "root", "why", "RESOURCE=r NODE_NAME=n1"),
        ("cd ../resource", "root", "cd", "PATH=../resource"),
        ("help configure primitive", "root", "help", "TOPIC=configure TOPIC=primitive"),
        ("configure primitive p --help", "root", "help", "TOPIC=configure TOPIC=primitive"),
    ],
)  # fmt: skip
def test_commands_have_arguments_of_kinds(text: str, level: str, name: str, arguments: str) -> None:
    call = parse_command(text)
    assert (call.level, call.name) == (level, name)
    assert " ".join(f"{a.kind}={a.value}" for a in call.arguments) == arguments


def test_a_level_alone_is_entered_and_a_line_may_walk() -> None:
    assert parse_command("configure") == ast.CommandCall(
        "configure", "enter", path=("configure",), typed="configure"
    )
    call = parse_command("ra info Dummy", "configure")
    assert (call.level, call.name, call.path) == ("ra", "info", ("ra",))
    assert call.get("AGENT") == "Dummy"
    assert call.has("AGENT", "FORCE")
    assert not call.has("FORCE")
    assert call.get("FORCE") is None
    assert call.all("AGENT") == ("Dummy",)


# ---- mistakes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "configure colocation c inf: a (b",
            """something is missing at the end of the line
  configure colocation c inf: a (b
                                  ^
  expected: a resource, sequential=… or require-all=…, )""",
        ),
        (
            'configure primitive p Dummy params a="b c',
            """no closing "
  configure primitive p Dummy params a="b c
                                       ^""",
        ),
        (
            "resource mvoe a",
            """there is no command “mvoe” at the level resource
  resource mvoe a
           ~~~^
  did you mean move or unmove?""",
        ),
        (
            "configure status",
            """there is no command “status” at the level configure
  configure status
            ~~~~~^
  status is a command of the top level: leave “configure” out""",
        ),
        (
            "configure order o x: a b",
            """“x:” is not a kind of order
  configure order o x: a b
                    ^
  one of: Mandatory, Optional, Serialize""",
        ),
        (
            "configure location l r 100 n1",
            """“100” cannot stand here
  configure location l r 100 n1
                         ~~^
  expected: a score (100:, INFINITY:), role=ROLE or resource-discovery=MODE, rule
  did you mean 100: (a score ends in a colon)?""",
        ),
        (
            "configure location l r 100: n1 resource-discovery=never",
            """“resource-discovery=never” cannot stand here
  configure location l r 100: n1 resource-discovery=never
                                 ~~~~~~~~~~~~~~~~~~~~~~~^
  expected: $role=ROLE, the end of the line
  resource-discovery= stands behind the resource, before the score""",
        ),
        (
            "resource re a",
            """there is no command “re” at the level resource
  resource re a
           ~^
  it could be refresh, reprobe, restart""",
        ),
        (
            "configure role r read attr:x",
            """attr: needs a type: beside it
  configure role r read attr:x
                             ^
  for example: type:nvpair attr:name""",
        ),
    ],
)
def test_a_mistake_is_shown_with_its_place_and_what_could_stand_there(text: str, said: str) -> None:
    got = message(text)
    assert sorted(got.replace(",", "").split()) == sorted(said.replace(",", "").split())
    assert got.splitlines()[:3] == said.splitlines()[:3]


ELSEWHERE = (
    ("configure", "site ticket grant T", "site is a command of the top level: “up” leads there"),
    ("resource", "ra info Dummy", "ra is a command of the top level: “up” leads there"),
    ("node", "ra classes", "ra is a command of the top level: “up” leads there"),
    ("corosync", "RA classes", "RA is a command of the top level: “up” leads there"),
    ("node", "status", "status is a command of the top level: “up” leads there"),
    ("configure cibstatus", "site", "site is a command of the top level: “cd /” leads there"),
    ("configure history", "set", "set is a command of the level configure: “up” leads there"),
    ("configure", "cibstatus site", "site is a command of the top level: “up” leads there"),
    ("root", "node ra classes", "ra is a command of the top level: leave “node” out"),
    ("root", "configure history set x", "set is a command of the level configure: leave “history”"),
    (
        "root",
        "configure ra lab list",
        "lab is a command of the top level: leave “configure ra” out",
    ),
    ("root", "primitive x Dummy", "it is typed with its level: configure primitive"),
    ("root", "stop web", "it is typed with its level: resource stop, cluster stop, lab stop"),
    ("root", "apply", "it is typed with its level: configure template apply"),
    ("resource", "standby a", "at the top level it is typed with its level: node standby"),
    ("root", "node locate a", "at the top level it is typed with its level: resource locate"),
    ("root", "node stop a", "at the top level that is cluster stop NODE"),
    ("lab", "unfreeze a", "here that is thaw"),
    ("root", "resource enable web", "here that is start"),
    ("configure", "undo", "here that is refresh (what is pending), rollback REVISION"),
    ("root", "stonith", "node fence NODE"),
    ("root", "show", "resource show, node show, corosync show, …"),
)


@pytest.mark.parametrize(("levels", "line", "said"), ELSEWHERE)
def test_the_name_of_a_command_above_is_no_abbreviation_of_one_here(
    levels: str, line: str, said: str
) -> None:
    *above, level = levels.split()
    with pytest.raises(SyntaxProblem, match="there is no command") as caught:
        parse_command(line, level, above=above)
    assert said in caught.value.format_message()


@pytest.mark.parametrize(
    "line",
    [
        "location l r rule a eq b and c eq d or e eq f",
        "location l r rule date in start=1",
        "colocation c inf: a",
        "colocation c inf: a:Foo b",
        "order o -inf: a b",
        "order o ( )",
        "order o ( a ( b ) )",
        "order o [ a )",
        "order o a b symmetrical=maybe",
        "rsc_ticket t T: a loss-policy=x",
        "group g a a",
        "group g",
        "bundle b docker replicas=1",
        "bundle b docker image=x 'a b=2'",
        "bundle b docker image=x xmlns=urn:y",
        "bundle b docker image=x network '#uname'",
        "bundle b docker image=x storage storage-mapping é=1",
        "bundle b docker image=x replicas",
        "bundle b docker image=x @r",
        "bundle b docker image=x $r:replicas=1",
        "location l r 1x=1 inf: n",
        "location l r id=q inf: n",
        "clone c",
        "primitive p",
        "primitive p Dummy op",
        "xml <a",
        "xml a",
        "node",
        "bogus",
        "fencing_topology n1: ,",
        "alert a",
    ],
)
def test_lines_that_mean_nothing_are_refused_with_a_caret(line: str) -> None:
    with pytest.raises(SyntaxProblem) as caught:
        parse_element(line)
    assert "^" in caught.value.format_message()


def test_all_mistakes_of_a_file_are_told_with_their_lines() -> None:
    text = "node n1\nbogus\nprimitive p Dummy \\\n\tparams a=1 \\\n\top\nnode n2\ngroup\n"
    with pytest.raises(ConfigError) as caught:
        parse_elements(text, origin="web.crm")
    said = caught.value.format_message()
    assert [d.line for d in caught.value.diagnostics] == [2, 5, 7]
    assert "web.crm:5: something is missing at the end of the line\n  op\n    ^" in said


def test_a_line_can_be_too_long() -> None:
    with pytest.raises(SyntaxProblem, match="too long"):
        parse_element("tag t " + "a " * 2_100_000)
