"""``configure show``: order, filters, secrets, XML."""

from __future__ import annotations

import time

import pytest

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.errors import NotFound
from crmsh_py.lang import difference, load, show
from crmsh_py.lang.listing import objects

TEXT = """node 1: n1
node 2: n2
primitive a ocf:pacemaker:Dummy \\
	params passwd=secret password_file="/x y"
primitive b ocf:pacemaker:Dummy
primitive p10 ocf:pacemaker:Dummy
primitive p9 ocf:pacemaker:Dummy
group g a b
clone c g
tag t p9 n1
colocation c1 inf: p9 c
location l1 p10 100: n1
order o1 Mandatory: c p9
fencing_topology p10
property cib-bootstrap-options: \\
	cluster-infrastructure=corosync
rsc_defaults rsc-options: \\
	resource-stickiness=1
"""


@pytest.fixture(scope="module")
def cib() -> Cib:
    return load(Cib.new(), TEXT)


def names(text: str) -> str:
    heads = (line.split() for line in text.splitlines() if not line.startswith("\t"))
    return " ".join(words[1].rstrip(":") for words in heads if len(words) > 1)


def test_everything_in_its_order_with_secrets_hidden(cib: Cib) -> None:
    assert show(cib) == TEXT.replace("passwd=secret", 'passwd="******"').replace(
        'password_file="/x y"', 'password_file="******"'
    )
    assert show(cib, obscure=()) == TEXT
    assert "state" not in show(cib, obscure=("re*",))
    assert 'resource-stickiness="******"' in show(cib, obscure=("re*",))


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (("a",), "a"),
        (("p*",), "p10 p9"),
        (("type:primitive",), "a b p10 p9"),
        (("type:property",), "cib-bootstrap-options"),
        (("tag:t",), "1 p9 t"),
        (("related:p9",), "p9 t c1 o1"),
        (("related:a",), "a g c"),
        (("type:primitive", "and", "related:p9"), "p9"),
        (("tag:t", "and", "type:primitive"), "p9"),
        (("and", "a"), "a"),
        (("a", "or", "b"), "a b"),
        (("b", "a"), "a b"),
        (("n1",), "1"),
        (("fencing_topology",), "p10"),
        (("x*",), ""),
    ],
)
def test_filters(cib: Cib, filters: tuple[str, ...], found: str) -> None:
    assert names(show(cib, filters)) == found


def test_a_name_that_nothing_has_is_refused_with_a_near_one(cib: Cib) -> None:
    with pytest.raises(NotFound, match="object p11 does not exist") as caught:
        show(cib, ("p11",))
    assert "p10" in caught.value.format_message()


def test_changed_is_what_another_configuration_does_not_have_like_that(cib: Cib) -> None:
    """A group is not changed because a member is."""
    other = Cib.parse(cib.to_xml().replace('value="secret"', 'value="known"'))
    (changed,) = names(show(cib, ("changed",), other=other)).split()
    assert changed not in names(show(cib, ("changed", "and", "type:group"), other=other))
    assert show(cib, ("changed",), other=cib) == ""
    assert changed in names(show(cib, ("changed", "n1"), other=other))


def test_a_difference_hides_what_is_hidden_and_sees_it(cib: Cib) -> None:
    other = Cib.parse(cib.to_xml().replace('value="secret"', 'value="two\nlines"'))
    for xml in (False, True):
        found = difference(cib, other, xml=xml)
        assert any(line.startswith("-") for line in found)
        assert any("******" in line for line in found if line.startswith("+"))
        assert "secret" not in "".join(found)
        assert "two" not in "".join(found)
    assert difference(cib, other, ("type:node",)) == ()


def test_xml_is_the_document_without_its_status(cib: Cib) -> None:
    text = show(cib, xml=True)
    assert text.startswith('<?xml version="1.0" ?>\n<cib ')
    assert "<status" not in text
    assert "secret" not in text
    assert "secret" in show(cib, xml=True, obscure=())
    assert Cib.parse(show(cib, xml=True, obscure=())).configuration == cib.configuration


def test_xml_of_some_objects_has_them_in_their_containers(cib: Cib) -> None:
    part = Cib.parse(show(cib, ("a", "o1"), xml=True))
    assert [e.id for e in part.section("resources").iter("primitive", "group", "clone")] == [
        "c", "g", "a",
    ]  # fmt: skip
    assert [e.id for e in part.section("constraints").children] == ["o1"]
    assert part.section("nodes").children == ()


def test_objects_have_kinds_and_names(cib: Cib) -> None:
    found = {(one.kind, one.name) for one in objects(cib)}
    assert {("node", "n1"), ("clone", "c"), ("fencing_topology", "fencing_topology"),
            ("property", "cib-bootstrap-options")} <= found  # fmt: skip


def test_what_cannot_be_said_is_shown_as_xml_that_can_be_loaded() -> None:
    xml = """<cib validate-with="pacemaker-3.9" admin_epoch="0" epoch="1" num_updates="0">
<configuration><crm_config/><nodes/><resources/><constraints>
<rsc_location id="l" rsc="p"><rule id="r" score="1"><rule id="r2" score="2">
<expression id="e" attribute="a" operation="defined"/></rule></rule></rsc_location>
</constraints></configuration><status/></cib>"""
    cib = Cib.parse(xml)
    assert show(cib) == (
        'xml <rsc_location id="l" rsc="p"> \\\n'
        '  <rule id="r" score="1"> \\\n'
        '    <rule id="r2" score="2"> \\\n'
        '      <expression id="e" attribute="a" operation="defined"/> \\\n'
        "    </rule> \\\n"
        "  </rule> \\\n"
        "</rsc_location>\n"
    )
    assert load(Cib.new(), show(cib)).find_id("l") == cib.find_id("l")


def test_time_grows_with_the_configuration_and_no_faster() -> None:
    def seconds(count: int) -> float:
        text = "".join(
            f"primitive p{n} ocf:pacemaker:Dummy params a={n} op monitor interval=10s\n"
            f"order o{n} p{n} p{n + 1}\n"
            for n in range(count)
        )
        started = time.process_time()
        cib = load(Cib.new(), text)
        show(cib)
        return time.process_time() - started

    seconds(10)  # tables and patterns
    small, large = min(seconds(250) for _ in range(3)), seconds(2500)
    assert large < 30 * small
    assert large < 4.0


def test_what_something_refers_to_keeps_its_id() -> None:
    """crmsh hides the ids of sets; then its text, loaded elsewhere, refers to nothing."""
    text = (
        "primitive a Dummy \\\n\tparams $id=shared $it:fake=1 state=2\n"
        "primitive b Dummy \\\n\tparams $id-ref=shared\n"
        "primitive c Dummy \\\n\tparams @it\n"
    )
    assert show(load(Cib.new(), text)).startswith(text)


def test_an_id_that_comes_out_again_by_itself_is_not_said() -> None:
    text = (
        "primitive a Dummy \\\n\tparams fake=1\n"
        "primitive b Dummy \\\n\tparams @a-instance_attributes-fake\n"
    )
    assert show(load(Cib.new(), text)).startswith(text)


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        (("type:primitiv",), "type primitiv does not exist"),
        (("tag:nosuch",), "tag nosuch does not exist"),
        (("related:nosuch",), "object nosuch does not exist"),
    ],
)
def test_a_filter_by_an_unknown_name_is_told(
    cib: Cib, filters: tuple[str, ...], message: str
) -> None:
    with pytest.raises(NotFound, match=message):
        show(cib, filters)


@pytest.mark.parametrize("word", ["type:bundle", "type:user", "tag:no*", "type:fencing-topology"])
def test_a_known_kind_without_objects_is_silent(word: str) -> None:
    assert show(load(Cib.new(), "primitive p ocf:pacemaker:Dummy"), (word,)) == ""


def test_what_refers_to_nothing_is_related_to_it() -> None:
    before = load(Cib.new(), "location l gone 5: n1")
    assert "location l" in show(before, ("related:gone",))
    assert show(Cib.new(), ("related:gone",), other=before) == ""


@pytest.mark.parametrize(
    ("nodes", "wanted"),
    [
        ("n1 n2", "fencing_topology s1 s2\n"),
        ("n1", "fencing_topology \\\n\tn1: s1 s2 \\\n\tn2: s1 s2\n"),
    ],
)
def test_a_topology_names_its_nodes_where_they_are_others(nodes: str, wanted: str) -> None:
    made = load(Cib.new(), "fencing_topology s1 s2\nnode n1\nnode n2")
    section = Element("nodes", {}, tuple(
        Element("node", {"id": n, "uname": n}) for n in nodes.split()
    ))  # fmt: skip
    text = show(made.with_section("nodes", section), ("fencing_topology",))
    assert text == wanted
    again = load(made.with_section("fencing-topology", Element("fencing-topology")), text)
    levels = [(e.get("target"), e.get("index")) for e in again.section("fencing-topology").children]
    assert levels == [("n1", "1"), ("n1", "2"), ("n2", "1"), ("n2", "2")]
