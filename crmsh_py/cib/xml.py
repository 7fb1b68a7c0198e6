"""Text to elements and back: the only door through which XML comes in.

Input is hostile until it has passed ``parse``: no document type (and therefore no entities and no
external files), no namespaces, bounded size, bounded depth. Everything behind this module works on
``Element`` values.

Output is written by hand rather than by lxml: it is quicker than building a second tree, keeps
the order of attributes, and escapes tabs and newlines in values so that they survive the way back.
"""

from __future__ import annotations

import re
from sys import intern

from lxml import etree

from crmsh_py.cib.element import COMMENT, Element
from crmsh_py.errors import ConfigError, Diagnostic, SyntaxProblem

MAX_BYTES = 64 * 1024 * 1024  # a CIB of 10,000 resources has about 10 MB
MAX_DEPTH = 200  # a CIB is about 12 deep; keeps every recursion here within Python's stack

_DECLARATION = re.compile(r"""<\?xml\s[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["'][^>]*\?>""")
_PROLOG = re.compile(r"\s+|<\?.*?\?>|<!--.*?-->", re.DOTALL)
_ENCODINGS = {"utf-8": "utf-8", "utf8": "utf-8", "us-ascii": "utf-8", "ascii": "utf-8"}
_ENCODINGS |= {"iso-8859-1": "latin-1", "latin1": "latin-1"}
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def parse(data: str | bytes, *, max_bytes: int = MAX_BYTES) -> Element:
    """Read one XML document.

    White space between elements is dropped; comments inside the document element are kept, the
    other things (processing instructions, comments outside of it) are not.

    Raises:
        SyntaxProblem: it is not well-formed, too large, too deep, or uses what a CIB never needs
            (document types, namespaces, text between elements). The diagnostic has the line.
    """
    text = _decode(data, max_bytes)
    _refuse_document_type(text)
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_pis=True,
    )
    try:
        encoded = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise _problem(f"this text is not Unicode: {error.reason}", text, 0, 0) from error
    try:
        root = etree.fromstring(encoded, parser)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        raise _problem(_plain(error.msg or ""), text, line, column) from error
    return _convert(root, 1, text)


def to_xml(element: Element, *, indent: str | None = "  ", declaration: bool = False) -> str:
    """Write an element; ``indent=None`` puts everything on one line.

    ``--`` cannot stand in an XML comment and is written as ``- -`` there.

    Raises:
        ConfigError: a value holds a character that XML cannot carry (a control character).
    """
    parts: list[str] = ['<?xml version="1.0" ?>\n'] if declaration else []
    _write(element, parts, indent, "")
    if indent is not None:
        parts.append("\n")
    text = "".join(parts)
    if bad := _NOT_XML.search(text):
        around = text[max(0, bad.start() - 20) : bad.start()].rpartition('"')[2]
        raise ConfigError(
            f"the character U+{ord(bad.group()):04X} (after “{around}”) cannot stand in XML",
            hint="control characters cannot be stored in the configuration",
        )
    return text


def canonical(element: Element) -> bytes:
    """The one byte string of an element, whatever the order of its attributes: for digests."""
    parts: list[str] = []
    _write_canonical(element, parts)
    return "".join(parts).encode("utf-8", "surrogatepass")


# ---- reading -----------------------------------------------------------------------------------


def _decode(data: str | bytes, max_bytes: int) -> str:
    if len(data) > max_bytes:
        raise _problem(f"this XML is larger than {max_bytes // 1024} KiB", "", 0, 0)
    if isinstance(data, str):
        return data.removeprefix("\ufeff")
    head = data[:200].decode("latin-1")
    declared = _DECLARATION.match(head.removeprefix("\xef\xbb\xbf"))
    name = declared.group(1).lower() if declared else "utf-8"
    if name not in _ENCODINGS:
        raise _problem(f"the encoding {name} is not supported: use UTF-8", "", 0, 0)
    try:
        return data.decode(_ENCODINGS[name]).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise _problem(f"this is not {name} text: {error.reason}", "", line, 0) from error


def _refuse_document_type(text: str) -> None:
    """Look at the prolog, before libxml2 does: a DTD can do harm while it is read."""
    at = 0
    while skipped := _PROLOG.match(text, at):
        at = skipped.end()
    if text.startswith("<!", at) and not text.startswith("<!--", at):
        raise _problem(
            "a document type (<!DOCTYPE …>) is not allowed here",
            text,
            text.count("\n", 0, at) + 1,
            0,
            hint="remove it: a CIB needs neither DTD nor entities",
        )


def _convert(node: etree._Element, depth: int, text: str) -> Element:
    if depth > MAX_DEPTH:
        raise _problem(f"more than {MAX_DEPTH} elements inside each other", text, _line(node), 0)
    children = []
    own = node.text or ""
    for child in node:
        tail = child.tail
        if tail and not tail.isspace():
            raise _problem(f"unexpected text “{_short(tail)}”", text, _line(child), 0)
        tag = child.tag
        if isinstance(tag, str):
            children.append(_convert(child, depth + 1, text))
        elif tag is etree.Comment:
            children.append(Element(COMMENT, {}, (), child.text or ""))
        else:  # an entity reference that nothing defines
            raise _problem("an entity reference is not allowed here", text, _line(child), 0)
    tag = node.tag
    if tag[0] == "{":
        raise _problem(f"the namespace of <{tag}> is not allowed here", text, _line(node), 0)
    attrs = {intern(str(name)): str(value) for name, value in node.items()}
    own = own.strip() if children or own.isspace() else own
    return Element(intern(tag), attrs, tuple(children), own)


def _line(node: etree._Element) -> int:
    line = node.sourceline
    return line if isinstance(line, int) else 0


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 30 else text[:29] + "…"


def _plain(message: str) -> str:
    """libxml2's words without its position, which the diagnostic shows in its own way."""
    message = re.sub(r",? \(?(<string>, )?line \d+(, column \d+)?\)?(?= |,|$)", "", message)
    return f"not well-formed XML: {message.strip().rstrip(',')}"


def _problem(
    message: str, text: str, line: int, column: int, *, hint: str | None = None
) -> SyntaxProblem:
    source = ""
    if line > 0:
        source = text.split("\n", line)[line - 1] if text.count("\n") >= line - 1 else ""
    if len(source) > 200:  # one endless line: show what is around the place
        start = max(0, min(column, len(source)) - 100)
        source, column = source[start : start + 200], column - start
    at = max(0, min(column - 1, len(source)))
    where = f"line {line}: " if line else ""
    return SyntaxProblem(
        Diagnostic(where + message, source=source, span=(at, at + 1), hint=hint, line=line)
    )


# ---- writing -----------------------------------------------------------------------------------

_NEEDS_ESCAPE = re.compile(r'[&<>"\t\n\r]')
_ESCAPES = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "\t": "&#9;",
    "\n": "&#10;",
    "\r": "&#13;",
}


def _escape(value: str) -> str:
    if _NEEDS_ESCAPE.search(value) is None:
        return value
    return _NEEDS_ESCAPE.sub(lambda found: _ESCAPES[found.group()], value)


def _escape_text(value: str) -> str:
    value = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return value.replace("\r", "&#13;")


def _comment(text: str) -> str:
    text = re.sub("-(?=-)", "- ", text)
    return f"<!--{text} -->" if text.endswith("-") else f"<!--{text}-->"


def _write(element: Element, parts: list[str], indent: str | None, margin: str) -> None:
    if element.tag == COMMENT:
        parts.append(margin + _comment(element.text))
        return
    parts.append(f"{margin}<{element.tag}")
    for name, value in element.attrs.items():
        parts.append(f' {name}="{_escape(value)}"')
    if not element.children:
        text = element.text
        parts.append(f">{_escape_text(text)}</{element.tag}>" if text else "/>")
        return
    parts.append(f">{_escape_text(element.text)}" if element.text else ">")
    inner = margin if indent is None else margin + indent
    for child in element.children:
        if indent is not None:
            parts.append("\n")
        _write(child, parts, indent, inner)
    parts.append(f"</{element.tag}>" if indent is None else f"\n{margin}</{element.tag}>")


def _write_canonical(element: Element, parts: list[str]) -> None:
    tag = element.tag
    if tag == COMMENT:
        parts.append(_comment(element.text))
        return
    parts.append(f"<{tag}")
    for name, value in sorted(element.attrs.items()):
        parts.append(f' {name}="{_escape(value)}"')
    parts.append(">")
    if element.text:
        parts.append(_escape_text(element.text))
    for child in element.children:
        _write_canonical(child, parts)
    parts.append(f"</{tag}>")
