"""The levels ``assist`` and ``template``, and the commands that ask other programs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from shell.person import Person

from crmsh_py import lang
from crmsh_py.errors import ConfigError
from crmsh_py.lang.templates import Template, combined
from crmsh_py.lang.words import quote_word
from crmsh_py.resources import templates_directory

SHIPPED = sorted(path.stem for path in templates_directory().glob("*.crm"))
VALUES = "ip_id=address ip=10.0.0.9 device=/dev/sdb directory=/srv fstype=ext4 rsc=vip"


# ---- templates -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_template_can_be_filled_in_and_applied(person: Person, name: str) -> None:
    """Its text is of the language, its agents know all that it says, and it is committed."""
    parameters = {p.name for p in Template.parse(text_of(name)).parameters}
    given = [v for v in VALUES.split() if v.partition("=")[0] in parameters]
    given += ["hosts='10.0.0.1 10.0.0.2'"] if "hosts" in parameters else []
    params = f"params {' '.join(given)}" if given else ""
    person.types(f"configure template new begun {name} {params}")
    before = person.saved()
    said = person.types("configure template apply begun")
    assert person.code == 0, said
    assert "ERROR" not in said
    assert len(person.saved().ids()) > len(before.ids()) + 2


def text_of(name: str) -> str:
    return (templates_directory() / f"{name}.crm").read_text("utf-8")


def test_a_template_says_what_is_missing(person: Person) -> None:
    said = person.types("configure template new a virtual-ip")
    assert "still to be filled in: ip: the address" in said
    said = person.types("configure template apply a")
    assert "not filled in yet: ip" in said
    assert person.code == 1


def test_a_value_that_no_template_has_is_refused(person: Person) -> None:
    said = person.types("configure template new a virtual-ip params ipp=1")
    assert "no parameter ipp" in said
    assert "did you mean" in said


def test_what_was_begun_is_listed_and_deleted(person: Person) -> None:
    person.types("configure template new mine virtual-ip params ip=10.0.0.9")
    assert "* mine" in person.types("configure template list configs")
    assert "worked on" in person.types("configure template delete mine")
    person.types("configure template delete mine force")
    assert person.types("configure template list configs") == ""
    assert "virtual-ip" in person.types("configure template list templates")


def test_nothing_is_overwritten_by_mistake(person: Person) -> None:
    person.types("configure template new mine virtual-ip params ip=10.0.0.9")
    assert "already" in person.types("configure template new mine website")
    assert "cannot hold" not in person.types("configure template show mine")


def test_a_mistake_in_an_edited_template_can_be_mended(editing: Person) -> None:
    """What was typed is there again, and what could not be read before can be edited."""
    editing.types("template new mine virtual-ip params ip=10.0.0.9")
    kept = editing.directory / ".config" / "crmsh-py" / "templates" / "mine.crm"
    kept.write_text(kept.read_text() + "primitive more Dummy state=$(mroe)\n", encoding="utf-8")
    assert "does not declare" in editing.types("template show mine")
    editing.edits_by(
        "#!/bin/sh\nif grep -q typed $1; then sed -i s/mroe/ip/ $1; else echo '# typed' >> $1; fi\n"
    )
    editing.console.answers = [True]
    assert "does not declare" in editing.types("template edit mine")
    assert editing.code == 0
    assert "state=10.0.0.9" in editing.types("template show mine")
    assert "typed" in kept.read_text()


def test_a_template_without_elements_replaces_nothing(person: Person) -> None:
    person.types("configure template new mine virtual-ip params ip=10.0.0.9")
    kept = person.directory / ".config" / "crmsh-py" / "templates" / "mine.crm"
    kept.write_text("# nothing yet\n", encoding="utf-8")
    assert "has no elements" in person.types("configure template apply replace mine")
    assert person.has("vip")


def test_a_template_that_cannot_be_read_can_be_deleted(person: Person) -> None:
    person.types("configure template new mine virtual-ip params ip=10.0.0.9")
    kept = person.directory / ".config" / "crmsh-py" / "templates" / "mine.crm"
    kept.write_text("primitive more Dummy state=$(mroe)\n", encoding="utf-8")
    person.types("configure template delete mine force")
    assert person.code == 0
    assert not kept.exists()


def test_two_templates_share_a_parameter() -> None:
    both = combined([Template.parse(text_of("virtual-ip")), Template.parse(text_of("website"))])
    assert [p.name for p in both.missing] == ["ip"]


def test_a_value_stays_one_value() -> None:
    template = Template.parse("#: a  what\n#: b=\nprimitive x y params a=$(a) b=$(b) c=1\n")
    assert template.with_values({"a": "1 op stop"}).filled() == (
        "primitive x y params a='1 op stop' c=1\n"
    )
    with pytest.raises(ConfigError):
        template.with_values({"a": "1\nproperty x=y"})


@pytest.mark.parametrize("value", ["a b", "it's", "(x) #y", "back\\", "plain", "k=v w"])
@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("s=$(v)", "{}"),
        ('s="$(v)"', "{}"),
        ("s='<$(v)>'", "<{}>"),
        ('s="my $(v) here"', "my {} here"),
        ("s=/run/$(v)-1", "/run/{}-1"),
    ],
)
def test_a_value_is_quoted_as_its_place_needs_it(word: str, meant: str, value: str) -> None:
    template = Template.parse(f"#: v\nprimitive x y params {word} \\\n  z=1")
    element = lang.parse_element(template.with_values({"v": value}).filled())
    written = lang.parse_element(
        f"primitive x y params {quote_word('s=' + meant.format(value))} z=1"
    )
    assert element == written


def test_what_is_kept_is_a_template_again() -> None:
    template = Template.parse(text_of("website")).with_values({"ip": "10.0.0.9"})
    assert Template.parse(template.text()) == template


def test_an_undeclared_place_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match="does not declare"):
        Template.parse("primitive $(x) Dummy")


# ---- assist --------------------------------------------------------------------------------------

ALIKE = """\
configure
primitive a ocf:pacemaker:Dummy params state=/a fake=x op monitor interval=10s timeout=20s
primitive b ocf:pacemaker:Dummy params state=/b fake=x op monitor interval=10s timeout=20s \
op start interval=0 timeout=30s
"""


def test_a_template_takes_what_primitives_have_in_common(person: Person) -> None:
    person.runs_script(ALIKE + "assist template a b\n")
    assert person.types("show a b Dummy-template").splitlines() == [
        "rsc_template Dummy-template ocf:pacemaker:Dummy \\",
        "\tparams fake=x \\",
        "\top monitor interval=10s timeout=20s",
        "primitive a @Dummy-template \\",
        '\tparams state="/a"',
        "primitive b @Dummy-template \\",
        '\tparams state="/b" \\',
        "\top start interval=0s timeout=30s",
    ]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("assist template one", "two primitives or more"),
        ("assist template one vip", "different agents"),
        ("assist template one site", "there is no primitive site"),
        ("assist weak-bond one", "something is missing"),
        ("assist weak-bond one nobody", "nobody"),
    ],
)
def test_assistance_says_what_it_cannot_do(person: Person, line: str, wanted: str) -> None:
    said = person.types(f"configure {line}")
    assert wanted in said
    assert person.code == 1


def test_a_weak_bond_lets_nobody_follow_another(person: Person) -> None:
    person.types("configure assist weak-bond vip site")
    shown = person.types("configure show bond-vip-site-colocation")
    assert shown.strip().endswith("inf: ( vip site ) bond-vip-site")


# ---- other programs ------------------------------------------------------------------------------


def test_a_graph_is_drawn_where_graphviz_is(person: Person) -> None:
    picture = person.directory / "graph.svg"
    said = person.types(f"configure graph svg {picture}")
    if shutil.which("dot"):
        assert picture.read_text("utf-8").count("<g ") > 2
    else:
        assert "install graphviz" in said
    assert '"site" -> "vip"' in person.types("configure graph dot")
    assert "site runs with vip" in person.types("configure graph")


AGENT = """\
#!/bin/sh
case "$1" in
meta-data) cat <<'XML'
<resource-agent name="Picky" version="1"><parameters><parameter name="a"/></parameters>
<actions><action name="start" timeout="20"/><action name="stop" timeout="20"/>
<action name="validate-all" timeout="5"/></actions></resource-agent>
XML
;;
validate-all) [ "$OCF_RESKEY_a" = good ] || { echo "a is $OCF_RESKEY_a" >&2; exit 6; };;
esac
"""


@pytest.fixture
def picky(person: Person, tmp_path: Path) -> Person:
    """Somebody on a machine that has an agent which looks at its parameters."""
    agent = tmp_path / "ocf" / "resource.d" / "test" / "Picky"
    agent.parent.mkdir(parents=True)
    agent.write_text(AGENT, encoding="utf-8")
    agent.chmod(0o755)
    person.session.environ["OCF_ROOT"] = str(tmp_path / "ocf")
    return person


def test_an_installed_agent_validates_by_itself(picky: Person) -> None:
    picky.types("configure primitive p ocf:test:Picky params a=good")
    assert picky.types("configure validate-all p") == ""
    assert picky.code == 0
    picky.types("configure set p.a bad")
    said = picky.types("configure validate-all p")
    assert "a is bad" in said
    assert "it is not configured rightly" in said
    assert picky.code == 1


def test_parameters_without_a_resource_are_shown_to_the_agent_too(picky: Person) -> None:
    assert picky.types("ra validate ocf:test:Picky a=good") == ""
    assert picky.code == 0
    assert "a is bad" in picky.types("ra validate ocf:test:Picky a=bad")
    assert picky.code == 1


def test_what_an_agent_cannot_be_asked_is_said(person: Person) -> None:
    person.session.environ["OCF_ROOT"] = str(person.directory)
    assert "is not installed here" in person.types("configure validate-all one")


def test_help_takes_abbreviations_and_tells_of_several(person: Person) -> None:
    assert person.types("configure help coloc").startswith("crm configure colocation")
    said = person.types("configure help lo")
    assert "it could be location, load" in said


@pytest.mark.parametrize(
    ("part", "option"),
    [("pacemaker-schedulerd", "no-quorum-policy"), ("pacemaker-fenced", "pcmk_host_map")],
)
def test_what_the_manager_s_parts_take_is_described_as_agents_are(
    person: Person, part: str, option: str
) -> None:
    said = person.types(f"ra info {part}")
    assert person.code == 0
    assert f"\n{option} (" in said
