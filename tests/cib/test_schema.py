"""The grammar takes every CIB that Pacemaker takes, and says in plain words what it does not."""

from __future__ import annotations

from pathlib import Path
from time import process_time

import pytest

from crmsh_py.cib.document import Cib
from crmsh_py.cib.schema import known_schemas, validate, validate_text
from crmsh_py.cib.upgrade import upgrade

SHARED = Path(__file__).parents[3] / "shared"

FRAME = """<cib validate-with="pacemaker-3.9" admin_epoch="0" epoch="1" num_updates="0">
<configuration>
<crm_config>{crm_config}</crm_config>
<nodes>{nodes}</nodes>
<resources>
{resources}
</resources>
<constraints>
{constraints}
</constraints>{more}
</configuration>
<status><anything goes="here"/></status>
</cib>"""


def document(
    *,
    crm_config: str = "",
    nodes: str = "",
    resources: str = "",
    constraints: str = "",
    more: str = "",
) -> str:
    return FRAME.format(
        crm_config=crm_config, nodes=nodes, resources=resources, constraints=constraints, more=more
    )


def primitive(inside: str = "", attributes: str = 'class="ocf" type="Dummy"') -> str:
    return f'<primitive id="p" {attributes}>{inside}</primitive>'


def test_new_and_empty_documents_are_valid() -> None:
    assert validate(Cib.new(dc_version="1")) == ()
    assert validate_text(document()) == ()
    assert validate_text(document(resources=primitive())) == ()


@pytest.mark.parametrize("folder", ["scheduler/xml", "cli/load"])
def test_every_public_input_is_valid_also_when_it_is_upgraded(folder: str) -> None:
    inputs = sorted((SHARED / "conformance" / folder).glob("*.xml"))
    if not inputs:
        pytest.skip(f"{SHARED / 'conformance' / folder} is not there")
    assert len(inputs) > 500
    for path in inputs:
        cib = Cib.parse(path.read_bytes())
        assert validate(cib) == (), path.name
        upgraded = upgrade(cib)
        if upgraded.configuration is not cib.configuration:
            assert validate(upgraded) == (), path.name


def test_a_document_may_ask_not_to_be_validated() -> None:
    assert validate(Cib.parse('<cib validate-with="none"><nonsense/></cib>')) == ()


def test_an_unknown_schema_is_named() -> None:
    (finding,) = validate(Cib.parse('<cib validate-with="pacemaker-3.99"/>'))
    assert finding.message == "the schema pacemaker-3.99 is not known"
    assert finding.hint is not None
    assert "pacemaker-3.9" in finding.hint
    assert known_schemas()[0] == "pacemaker-1.0"
    assert known_schemas()[-1] == "pacemaker-4.0"


@pytest.mark.parametrize(
    ("parts", "element", "message"),
    [
        (
            {"resources": primitive(attributes='class="ocf" type="x" foo="1"')},
            "p",
            "line 6: <primitive id=“p”> cannot have foo",
        ),
        (
            {"resources": primitive("<meta_atributes id='m'/>")},
            "p",
            "line 6: <primitive id=“p”> cannot hold <meta_atributes>",
        ),
        (
            {"resources": primitive(attributes='class="ofc" type="x"')},
            "p",
            "class: “ofc” is not one of",
        ),
        ({"resources": primitive(attributes="")}, "p", "it needs a class and a type"),
        (
            {"resources": primitive('<operations><op id="o" name="monitor"/></operations>')},
            "p",
            "<op id=“o”> needs interval",
        ),
        ({"resources": '<primitive id="1p" class="ocf" type="x"/>'}, "1p", "is not an id"),
        ({"resources": '<group id="g"/>'}, "g", "it needs a resource in it"),
        ({"resources": '<clone id="c"><clone id="d"/></clone>'}, "c", "cannot hold <clone>"),
        (
            {"constraints": '<rsc_location id="l" rsc="p" node="n" score="abc"/>'},
            "l",
            "line 9: <rsc_location id=“l”>: score: “abc” is not a score",
        ),
        (
            {"constraints": '<rsc_location id="l" rsc="p"/>'},
            "l",
            "it needs a resource (rsc, rsc-pattern or sets), and a score with a node or else rules",
        ),
        (
            {"constraints": '<rsc_order id="o" first="p" then="q" kind="often"/>'},
            "o",
            "“often” is not one of Mandatory, Optional, Serialize",
        ),
        ({"constraints": '<rsc_order id="o" first="p"/>'}, "o", "it needs first and then"),
        ({"crm_config": '<nvpair id="x" name="y"/>'}, "", "<crm_config> cannot hold <nvpair>"),
        ({"nodes": '<node id="1"/>'}, "1", "<node id=“1”> needs uname"),
        ({"more": "<nodes/>"}, "", "it needs crm_config, nodes, resources and constraints"),
        (
            {"more": '<fencing-topology><fencing-level id="f" index="1" devices="d"/>'
                     "</fencing-topology>"},
            "",
            "it needs one target",
        ),
    ],
)  # fmt: skip
def test_mistakes_are_named_with_element_and_line(
    parts: dict[str, str], element: str, message: str
) -> None:
    (finding,) = validate_text(document(**parts))
    assert finding.is_error
    assert finding.element == element
    assert message in finding.message


def test_a_near_name_is_offered() -> None:
    (finding,) = validate_text(document(resources=primitive("<meta_atributes id='m'/>")))
    assert finding.hint == "did you mean meta_attributes or instance_attributes?"
    assert finding.word == "meta_atributes"


def test_a_document_that_is_something_else_gives_a_bounded_number_of_findings() -> None:
    many = "".join(f'<banana id="b{number}"/>' for number in range(500))
    assert 1 < len(validate_text(document(resources=many))) <= 50


@pytest.mark.parametrize("text", ["", "<cib", "<html/>", "<cib epoch='x'/>"])
def test_what_is_no_cib_at_all_is_one_finding(text: str) -> None:
    (finding,) = validate_text(text)
    assert finding.is_error


def test_a_name_that_no_attribute_has_is_a_finding() -> None:
    cib = Cib.parse(document(resources='<primitive id="p" class="ocf" type="Dummy"/>'))
    resources = cib.section("resources")
    spoilt = resources.map_children(lambda p: p.with_attributes({"1x": "1"}))
    [finding] = validate(cib.with_section("resources", spoilt))
    assert finding.is_error
    assert "cannot be written as XML" in finding.message


ROOT = (
    'crm_feature_set="3.19.0" have-quorum="true" dc-uuid="1" cib-last-written="now" '
    'update-origin="a" update-client="b" update-user="c" execution-date="1" remote-tls-port="1"'
)


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        ('have-quorum="perhaps"', "<cib>: have-quorum: “perhaps” is not true or false"),
        ('have-quorom="true"', "<cib> cannot have have-quorom"),
    ],
)
def test_a_mistake_in_the_root_is_found(attribute: str, message: str) -> None:
    text = document().replace("<cib ", f"<cib {attribute} ")
    (finding,) = validate(Cib.parse(text))
    assert message in finding.message


def test_the_attributes_of_the_root_cost_next_to_nothing() -> None:
    """libxml2 tries all their combinations: sixteen thousand here."""

    def quickest(text: str) -> float:
        cib = Cib.parse(text)
        times = []
        for _ in range(5):
            began = process_time()
            assert validate(cib) == ()
            times.append(process_time() - began)
        return min(times)

    assert quickest(document().replace("<cib ", f"<cib {ROOT} ")) < 10 * quickest(document())
