"""Whatever a valid document holds: shown and loaded again it is the same, if need be as XML.

Documents are made from the examples of docs/configure.md by changes that the language may have no
words for: attributes that are new, odd or gone, comments anywhere, children in another order.
"""

from __future__ import annotations

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import COMMENT, Element
from crmsh_py.cib.schema import validate
from crmsh_py.errors import ConfigError
from crmsh_py.lang import load, show
from tests.lang.test_reference import EXAMPLES

VALUES = [
    *("true", "false", "TRUE", "INFINITY", "-INFINITY", "inf", "1", "0", "10s", "x y", "é", 'a"b'),
    *("a'b", "a=b", "a:b", "#x", "a\\b", "a\\", "\\", "{", "(a)", "$x", "@x", "", "and", "rule"),
    *("Started", "Master", "start", "string", "integer", "version", "param", "literal", "meta{x}"),
    *("a\tb", "a\nb", " a", "a ", "params", "op", "alpha", "ip", "web"),
]
NAMES = [
    *("name", "value", "score", "score-attribute", "role", "operation", "type", "attribute"),
    *("value-source", "boolean-op", "sequential", "require-all", "kind", "symmetrical", "node"),
    *("node-attribute", "resource-discovery", "loss-policy", "interval", "timeout", "enabled"),
    *("on-fail", "record-pending", "start-delay", "id-ref", "description", "influence", "action"),
    *("target", "target-pattern", "devices", "index", "reference", "xpath", "object-type", "path"),
    *("start", "end", "hours", "years", "weekyears", "image", "options", "port", "uname", "class"),
]
COMMENTS = [" why", "# hash", "x", " - ", " two words "]


def changed(element: Element, chance: random.Random, rate: float) -> Element:
    """The element with some of its attributes and children changed, deep inside as well."""
    if element.tag == COMMENT:
        return element
    attrs = dict(element.attrs)
    children = [changed(child, chance, rate) for child in element.children]
    if chance.random() < rate:
        attrs[chance.choice(NAMES)] = chance.choice(VALUES)
    if chance.random() < rate and len(attrs) > 1:
        name = chance.choice([*attrs])
        if name != "id":
            del attrs[name]
    if chance.random() < rate / 3:
        place = chance.randint(0, len(children))
        children.insert(place, Element(COMMENT, {}, (), chance.choice(COMMENTS)))
    if element.tag != "fencing-topology" and chance.random() < rate / 3:  # levels have an index
        chance.shuffle(children)
    # An empty description says nothing, and a blank beside a comma separates no devices.
    if attrs.get("description") == "" or attrs.get("devices") != attrs.get("devices", "").strip():
        attrs = dict(element.attrs)
    return Element(element.tag, attrs, tuple(children), element.text)


BASE = load(Cib.new(), EXAMPLES)


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), rate=st.sampled_from([0.002, 0.01, 0.05]))
def test_a_document_that_is_shown_and_loaded_is_the_same(seed: int, rate: float) -> None:
    chance = random.Random(seed)  # chance, not secrecy
    configuration = changed(BASE.configuration, chance, rate)
    cib = BASE.with_section("configuration", configuration)
    text = show(cib, obscure=())  # whatever is in it, it can be shown
    if validate(cib):
        return
    try:
        again = load(cib, text)
    except ConfigError as error:
        raise AssertionError(f"refused: {error.format_message()}\n{text}") from error
    assert again.configuration == configuration
