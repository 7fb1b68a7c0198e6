"""Generated CIBs for properties: small, but with everything that makes patches hard."""

from __future__ import annotations

from hypothesis import strategies as st

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import COMMENT, Element

_VALUES = st.sampled_from(["", "1", "2", "a'b", 'say "x"', "a b", "<&>"])
_IDS = st.sampled_from(["a", "b", "c", "d", "e'e", "f/[g]"])
_ATTRS = st.dictionaries(st.sampled_from(["name", "value", "description"]), _VALUES, max_size=2)
_COMMENTS = st.sampled_from([" one", " two "]).map(lambda text: Element(COMMENT, {}, (), text))


def _with_id(
    tag: str, children: st.SearchStrategy[tuple[Element, ...]]
) -> st.SearchStrategy[Element]:
    return st.builds(
        lambda name, attrs, inner: Element(tag, {"id": name, **attrs}, inner),
        _IDS,
        _ATTRS,
        children,
    )


def _some(
    *kinds: st.SearchStrategy[Element], most: int = 5
) -> st.SearchStrategy[tuple[Element, ...]]:
    return st.lists(st.one_of(*kinds), max_size=most).map(tuple)


_PAIRS = _some(
    _with_id("nvpair", st.just(())),
    st.builds(lambda name: Element("nvpair", {"id-ref": name}), _IDS),
    _COMMENTS,
    st.just(Element("note", {}, (), "text")),
    st.just(Element("note", {}, (), "other text")),
)
_SETS = _some(
    _with_id("meta_attributes", _PAIRS),
    st.builds(lambda pairs: Element("operations", {}, pairs), _PAIRS),
    most=3,
)
_RESOURCES = _some(
    _with_id("primitive", _SETS),
    _with_id("group", _some(_with_id("primitive", _SETS), _COMMENTS)),
    _COMMENTS,
    most=6,
)


def cibs() -> st.SearchStrategy[Cib]:
    """A document; ids may be doubled, as hostile or broken documents have them."""
    return st.builds(
        lambda resources, extra, version: Cib(
            Element(
                "cib",
                {"admin_epoch": "0", "epoch": str(version), "num_updates": "0"},
                (
                    Element("configuration", {}, (Element("resources", {}, resources), *extra)),
                    Element("status"),
                ),
            )
        ),
        _RESOURCES,
        st.sampled_from([(), (Element("tags"),), (Element(COMMENT, {}, (), "x"), Element("acls"))]),
        st.integers(0, 3),
    )
