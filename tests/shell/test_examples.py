"""Every example of the help is run, and does what it says: on a configuration in a file.

Those that need daemons are run on a lab by ``tests/e2e/test_commands.py``; together they are all,
which a test here checks.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from pathlib import Path

import pytest
from shell.person import Person

from crmsh_py.cib.document import Cib
from crmsh_py.lang.parser import parse_command
from crmsh_py.shell import manual
from crmsh_py.shell.declarations import ALL, Declaration
from crmsh_py.shell.details import DETAILS
from crmsh_py.shell.dispatch import run_line, single_line
from crmsh_py.shell.shapes import SHAPES, shape_of
from crmsh_py.shell.waiting import under_way
from crmsh_py.value import field_names

ROOT = Path(__file__).resolve().parents[2]

SITE = """\
primitive ClusterIP ocf:heartbeat:IPaddr2 params ip=192.168.100.100 op monitor interval=30s
primitive WebSite ocf:heartbeat:apache params configfile=/etc/httpd/conf/httpd.conf \\
    op monitor interval=60s
primitive WebA ocf:pacemaker:Dummy params state=/run/a fake=x
primitive WebB ocf:pacemaker:Dummy params state=/run/a fake=x
primitive mail ocf:pacemaker:Dummy
primitive dummy ocf:pacemaker:Dummy
primitive db ocf:pacemaker:Stateful
primitive db2 ocf:pacemaker:Stateful
primitive fence1 stonith:fence_dummy
clone main db meta promotable=true
group site2 WebA WebB
location loc-web WebSite 50: pacemaker01
role watcher read xpath:/cib
"""
NODES = ("pacemaker01", "pacemaker02", "pacemaker03")

# What has to be typed before an example can work.
BEFORE: dict[str, tuple[str, ...]] = {
    "crm configure group site ClusterIP WebSite": (),
    "crm configure modgroup site add mail after WebSite": (
        "configure group site ClusterIP WebSite",
    ),
    "crm configure ms main db": ("configure delete main",),
    "crm configure user bob role:watcher": ("configure schema pacemaker-1.2",),
    "crm configure show tag:web and type:primitive": ("configure tag web WebA WebB",),
    "crm cib diff": ("cib new trial",),
    "crm cib commit trial": ("cib new trial", "cib use live"),
    "crm cib delete trial": ("cib new trial", "cib use live"),
    "crm cib reset trial": ("cib new trial", "cib use live"),
    "crm configure template delete site": (
        "configure template new site website params ip=192.168.100.9",
        "configure template new other virtual-ip params ip=192.168.100.8",
    ),
    "crm configure template edit site": (
        "configure template new site website params ip=192.168.100.9",
    ),
    "crm configure template load site": (
        "configure template new site website params ip=192.168.100.9",
    ),
    "crm configure template show site": (
        "configure template new site website params ip=192.168.100.9",
    ),
    "crm configure template apply site": (
        "configure template new site website params ip=192.168.100.9",
    ),
    "crm resource clear WebSite": ("resource move WebSite pacemaker02",),
    "crm resource untrace WebSite monitor": ("resource trace WebSite monitor",),
    "crm node online pacemaker01": ("node standby pacemaker01",),
    "crm node attribute pacemaker01 show rack": ("node attribute pacemaker01 set rack a",),
}
# Commands that say what to do instead, and end with 1.
ELSEWHERE = {
    "root_sbd", "cluster_crash_test", "cluster_init", "cluster_join", "cluster_geo_init",
    "cluster_geo_join", "cluster_geo_init_arbitrator",
}  # fmt: skip
# Levels and commands whose examples need a lab.
ON_A_LAB_LEVELS = {"cluster", "corosync", "lab", "history"}
ON_A_LAB = {
    "node_fence", "resource_fail", "resource_secret", "maintenance_action", "configure_revisions",
    "configure_diff", "configure_rollback",
}  # fmt: skip
# Commands whose exit code is an answer about this configuration, or this machine.
ANSWERING = {"root_verify": (0, 78), "configure_validate_all": (0, 1), "ra_validate": (0, 1)}
# Those that ask a person to edit: without a terminal they say what to type instead.
EDITING = {"configure_edit", "template_edit", "corosync_edit"}


def examples() -> list[tuple[str, str]]:
    """All examples: rule and line."""
    return [
        (declaration.rule.removeprefix("cmd_"), example)
        for declaration in ALL
        for example in manual.help_of(declaration).examples
    ]


def needs_a_lab(rule: str) -> bool:
    level = rule.partition("_")[0]
    return (level in ON_A_LAB_LEVELS or rule in ON_A_LAB) and rule not in ELSEWHERE


@pytest.fixture(scope="module")
def website(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The CIB of a web site, made by the commands that the help is about."""
    person = Person(tmp_path_factory.mktemp("site"))
    person.session.options = person.session.options.__class__(force=True)
    for name in NODES:
        person.types(f"configure node {name}")
    assert "ERROR" not in person.types("configure erase")
    said = person.runs_script(f"configure\n{SITE}up\n")
    assert person.code == 0, said
    cib = person.saved()
    assert cib.find_id("WebSite") is not None
    return cib.to_xml()


@pytest.fixture
def user(website: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Person:
    (tmp_path / "cib.xml").write_text(website, encoding="utf-8")
    person = Person(tmp_path)
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "CRM_LAB"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    # Files that examples read.
    (tmp_path / "site.crm").write_text("primitive more ocf:pacemaker:Dummy\n", encoding="utf-8")
    shutil.copy(tmp_path / "cib.xml", tmp_path / "import.xml")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    return person


def typed(example: str) -> str:
    """The line at the root that an example of the system's shell is."""
    line = example.removeprefix("crm ").removeprefix("-w ")
    line = line.replace("/tmp/report", "report")
    return line.replace("cib import cib.xml", "cib import import.xml")


@pytest.mark.parametrize(
    ("rule", "example"),
    [(r, e) for r, e in examples() if not needs_a_lab(r)],
    ids=lambda value: value,
)
def test_every_example_works(rule: str, example: str, user: Person) -> None:
    for line in BEFORE.get(example, ()):
        assert "ERROR" not in user.types(line), line
    user.console.answer = True  # of somebody who means it
    said = user.types(typed(example))
    if rule in ELSEWHERE:
        assert user.code == 1
        assert len(said.splitlines()) <= 3
    elif example == "crm status simple":
        assert user.code == 1  # the nodes are offline
    elif rule in EDITING:
        assert user.code == 2
        assert "batch" in said
    elif rule == "root_up":
        assert user.code == 2  # the example is for a level; the root has nothing above it
    elif rule in ANSWERING:
        assert user.code in ANSWERING[rule], said
    else:
        assert user.code == 0, said
        assert "ERROR" not in said


def test_every_example_is_run_somewhere() -> None:
    from e2e.test_commands import EXAMPLES

    assert {e for r, e in examples() if needs_a_lab(r)} == set(EXAMPLES)


def test_details_are_of_commands_that_exist() -> None:
    rules = {declaration.rule.removeprefix("cmd_") for declaration in ALL}
    assert set(DETAILS) <= rules
    assert set(SHAPES) <= rules
    assert set(manual.ALIASES) <= rules


@pytest.mark.parametrize("rule", manual.ALIASES)
def test_aliases_are_those_of_the_grammar(rule: str) -> None:
    """Each of them parses to its command."""
    declaration = next(d for d in ALL if d.rule == f"cmd_{rule}")
    place = manual.help_of(declaration).place
    rest = declaration.example.removeprefix(f"crm {place}{declaration.name}")
    for alias in manual.ALIASES[rule]:
        call = parse_command(f"{place}{alias}{rest}", "root")
        assert f"{call.level}_{call.name.replace('-', '_')}" == rule


@pytest.mark.parametrize("declaration", ALL, ids=lambda d: d.rule)
def test_every_command_has_help(declaration: Declaration, person: Person) -> None:
    words = (manual.help_of(declaration).place + declaration.name).split()
    said = person.types(" ".join(words) + " --help")
    assert person.code == 0
    assert said.startswith(f"crm {' '.join(words)}")
    assert declaration.example in said


@pytest.mark.parametrize(("name", "made"), [("commands.md", "markdown"), ("crm.8", "page")])
def test_manual_and_docs_are_in_step(name: str, made: str) -> None:
    """Made by `make docs` from the same declarations."""
    assert (ROOT / "docs" / name).read_text("utf-8") == getattr(manual, made)()


@pytest.mark.parametrize(
    "rule", [rule for rule in SHAPES if not needs_a_lab(rule) and rule != "resource_secret"]
)
def test_json_has_the_fields_that_are_documented(rule: str, user: Person) -> None:
    declaration = next(d for d in ALL if d.rule == f"cmd_{rule}")
    shape = shape_of(rule)
    assert shape is not None
    shown = [e for e in manual.help_of(declaration).examples if _shows(rule, e)]
    line = typed(_JSON_EXAMPLE.get(rule) or shown[0]).partition(" --output-as")[0]
    before = _JSON_BEFORE.get(rule) or BEFORE.get(f"crm {line}", ())
    for step in before:
        user.types(step)
    with contextlib.redirect_stdout(io.StringIO()) as stdout:
        said = user.types(f"{line} --output-as json")
    text = stdout.getvalue() + said
    start = text.index("{")
    data, _ = json.JSONDecoder().raw_decode(text[start:])
    assert list(data) == list(field_names(shape))


_JSON_EXAMPLE = {
    "resource_param": "crm resource param ClusterIP show ip",
    "resource_meta": "crm resource meta WebSite show priority",
    "resource_utilization": "crm resource utilization WebSite show cpu",
    "node_attribute": "crm node attribute pacemaker01 show rack",
    "node_utilization": "crm node utilization pacemaker01 show cpu",
    "node_status_attr": "crm node status-attr pacemaker01 show pingd",
    "site_ticket": "crm site ticket show",
}
_JSON_BEFORE = {
    "resource_meta": ("resource meta WebSite set priority 5",),
    "resource_utilization": ("resource utilization WebSite set cpu 1",),
    "node_attribute": ("node attribute pacemaker01 set rack a",),
    "node_utilization": ("node utilization pacemaker01 set cpu 4",),
    "node_status_attr": ("node status-attr pacemaker01 set pingd 100",),
    "site_ticket": ("site ticket grant site-a",),
}


def _shows(rule: str, example: str) -> bool:
    return " set " not in example and not example.startswith("crm -w")


def test_what_is_under_way_is_told(user: Person) -> None:
    """Progress names the planned actions where nothing runs yet."""
    cib = Cib.parse((user.directory / "cib.xml").read_bytes())
    assert cib is not None
    assert under_way(user.session) == []  # no node is online: nothing is planned


def test_run_line_is_what_a_person_uses(user: Person) -> None:
    assert run_line(user.session, single_line("ls")) == 0
