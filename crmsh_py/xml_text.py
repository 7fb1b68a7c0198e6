"""What XML can hold: for layers that write none, but whose texts will stand in it.

Without a pattern, since what a process asks first should load none.

Source: XML 1.0, productions 2 (Char) and 4 (NameStartChar), the latter as far as a CIB uses it.
"""

from __future__ import annotations


def is_xml_text(text: str) -> bool:
    """Whether a text can be a value: not with most control characters."""
    return text.isprintable() or not any(
        (char < " " and char not in "\t\n\r")
        or "\ud800" <= char <= "\udfff"
        or char in "\ufffe\uffff"
        for char in text
    )


def is_attribute_name(name: str) -> bool:
    """Whether an attribute may be called so: as any of a CIB, without a namespace."""
    plain = name.replace("-", "_").replace(".", "_")
    return (
        plain.isascii()
        and plain.isidentifier()
        and name[:1].isidentifier()
        and not name.lower().startswith("xml")
    )
