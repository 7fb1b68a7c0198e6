"""What the DC writes into the list of nodes."""

from __future__ import annotations

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.engine.bootstrap import is_listed_remote, left_over, missing_facts, pristine, unlisted

FAR = Element("node", {"id": "far", "uname": "far", "type": "remote"})


def with_nodes(cib: Cib, *entries: Element) -> Cib:
    return cib.with_section("nodes", Element("nodes", {}, entries))


def with_connection(cib: Cib) -> Cib:
    agent = {"class": "ocf", "provider": "pacemaker", "type": "remote"}
    primitive = Element("primitive", {"id": "far", **agent})
    return cib.with_section("resources", Element("resources", {}, (primitive,)))


def listed(cib: Cib | None) -> list[tuple[str, str, str]]:
    assert cib is not None
    entries = cib.section("nodes").findall("node")
    return [(each.id, each.get("uname"), each.get("type")) for each in entries]


def test_a_remote_node_is_listed_once_it_is_connected() -> None:
    cib = with_connection(pristine())
    assert unlisted(cib, ()) == []
    assert unlisted(cib, {"far"}) == ["far"]
    written = missing_facts(cib, {1: "one"}, connected={"far"})
    assert listed(written) == [("1", "one", ""), ("far", "far", "remote")]
    assert written is not None
    assert is_listed_remote(written, "far")
    assert unlisted(written, {"far"}) == []


def test_a_guest_is_not_listed() -> None:
    """Nothing configured connects with it: its machine is looked for on the members."""
    assert unlisted(pristine(), {"guest"}) == []


def test_what_nothing_connects_with_is_left_over_unless_somebody_wrote_into_it() -> None:
    assert left_over(with_nodes(pristine(), FAR)) == ["far"]
    assert left_over(with_connection(with_nodes(pristine(), FAR))) == []
    written = FAR.append(Element("instance_attributes", {"id": "far-written"}))
    assert left_over(with_nodes(pristine(), written)) == []


def test_a_member_that_takes_the_name_of_a_former_remote_node_stands_for_it() -> None:
    """Two nodes of one name would make every later change an error."""
    cib = with_nodes(pristine(), FAR)
    assert listed(missing_facts(cib, {1: "far"}, gone={"far"})) == [("1", "far", "")]
