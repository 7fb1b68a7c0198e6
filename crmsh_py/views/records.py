"""What a command shows, as data: JSON and XML for programs (``--output-as``).

Input: a record, that is a frozen value of strings, numbers, truth values, enumerations, other
records, tuples and mappings of these. JSON: an object with the record's fields; an enumeration is
its value. XML: an element named after the record's class, plain fields as attributes, every record
of a tuple as a child. The names of fields are the stable part: ``docs/commands.md`` lists them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from crmsh_py.regex import regex
from crmsh_py.value import field_names, frozen, has_fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.element import Element

Plain = str | int | float | bool | None
_WORD_START = regex(r"(?<=[a-z0-9])(?=[A-Z])")


@frozen
class Names:
    """A list of names: agents, labs, shadows, templates."""

    names: tuple[str, ...]


@frozen
class Value:
    """One attribute: whose it is, of which kind (``scope``), its name and its value."""

    owner: str
    scope: str
    name: str
    value: str


@frozen
class Text:
    """A text as it stands: a file, a configuration, a difference of two (unified)."""

    name: str
    lines: tuple[str, ...]


def to_json(record: object) -> str:
    """The record as an indented JSON document, with a newline at the end."""
    import json

    text = json.dumps(plain(record), indent=2, ensure_ascii=False) + "\n"
    if not text.replace("\n", "").isprintable():  # what a terminal would obey: only inside strings
        text = "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)
    return text


def plain(value: object) -> object:
    """A record as objects that JSON knows."""
    if has_fields(value):
        return {name: plain(getattr(value, name)) for name in field_names(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(plain(name)): plain(entry) for name, entry in value.items()}
    if isinstance(value, tuple | list):
        return [plain(entry) for entry in value]
    assert value is None or isinstance(value, str | int | float | bool), value
    return value


def to_xml(record: object) -> str:
    """The record as an indented XML document, with a newline at the end."""
    from crmsh_py.cib import xml

    return xml.to_xml(_element(_tag(record), record), declaration=True)


def _element(tag: str, record: object) -> Element:
    from crmsh_py.cib.element import Element

    attrs: dict[str, str] = {}
    children: list[Element] = []
    for field in field_names(record):
        value = getattr(record, field)
        name = field.replace("_", "-")
        if has_fields(value):
            children.append(_element(name, value))
        elif isinstance(value, Mapping):
            entries = tuple(
                Element("entry", {"name": _text(key), "value": _text(entry)})
                for key, entry in value.items()
            )
            children.append(Element(name, {}, entries))
        elif isinstance(value, tuple | list):
            children += [_entry(name, entry) for entry in value]
        elif value is not None:
            attrs[name] = _text(value)
    return Element(tag, attrs, tuple(children))


def _entry(name: str, entry: object) -> Element:
    from crmsh_py.cib.element import Element

    if has_fields(entry):
        return _element(_tag(entry), entry)
    return Element(name, {"value": _text(entry)})


def _tag(record: object) -> str:
    return _WORD_START.sub("-", type(record).__name__).lower()


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    from crmsh_py.cib.xml import carriable

    return carriable(str(value.value if isinstance(value, Enum) else value))
