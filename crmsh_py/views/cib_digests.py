"""The digests of a CIB that ``cibadmin --md5-sum`` and ``--md5-sum-versioned`` tell.

Facts, compared with Pacemaker 2.1.5: the first is of all that is written to the disk, on one line
with a space before it and a newline behind. The other is of the bare line without what says who
changed something last, so that nodes that took the same changes tell the same; feature sets before
3.0.5 have only the first one. Text between tags does not count, and control characters in values
are written in C's manner.
"""

from __future__ import annotations

from collections.abc import Collection

from crmsh_py.cib.element import COMMENT, Element
from crmsh_py.whole_numbers import is_number

_FIRST_FILTERED = (3, 0, 5)
_WRITERS = ("cib-last-written", "crm-debug-origin", "update-client", "update-origin", "update-user")
_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;", "\n": "\\n",
     "\r": "\\r", "\t": "    "}
)  # fmt: skip


def on_disk(root: Element) -> str:
    """The digest (32 hex digits) of a document as it is stored."""
    return _md5(f" {_line(root, ())}\n")


def versioned(root: Element) -> str:
    """The digest of a document as nodes compare it, in the way of its feature set."""
    numbers = root.get("crm_feature_set").split(".")
    known = all(map(is_number, numbers))
    if not known or tuple(map(int, numbers)) < _FIRST_FILTERED:
        return on_disk(root)
    return _md5(_line(root, _WRITERS))


def _line(element: Element, left_out: Collection[str]) -> str:
    if element.tag == COMMENT:
        return f"<!--{element.text}-->"
    attributes = "".join(
        f' {name}="{value.translate(_ESCAPES)}"'
        for name, value in element.attrs.items()
        if name not in left_out
    )
    if not element.children and not element.text:
        return f"<{element.tag}{attributes}/>"
    inside = "".join(_line(child, left_out) for child in element.children)
    return f"<{element.tag}{attributes}>{inside}</{element.tag}>"


def _md5(text: str) -> str:
    from hashlib import md5

    return md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()
