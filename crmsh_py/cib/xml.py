"""Text to elements and back: the only door through which XML comes in.

Input is hostile until it has passed ``parse``: no document type (and therefore no entities and no
external files), no namespaces, bounded size, bounded depth. Everything behind this module works on
``Element`` values.

Reading is done by expat, which comes with Python: it hands over what it reads without building a
tree of its own first, twice as fast as lxml, whose import alone takes longer than most commands
need for everything else. (The schema is lxml's business: see ``schema``.)

Output is written by hand rather than by lxml: it is quicker than building a second tree, keeps
the order of attributes, and escapes tabs and newlines in values so that they survive the way back.
"""

from __future__ import annotations

import re
from xml.parsers import expat

from crmsh_py.cib.element import COMMENT, Element
from crmsh_py.errors import ConfigError, Diagnostic, SyntaxProblem
from crmsh_py.regex import regex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


MAX_BYTES = 64 * 1024 * 1024  # a CIB of 10,000 resources has about 10 MB
MAX_DEPTH = 200  # a CIB is about 12 deep; keeps every recursion here within Python's stack

_DECLARATION = regex(r"""<\?xml\s[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["'][^>]*\?>""")
_ENCODINGS = {"utf-8": "utf-8", "utf8": "utf-8", "us-ascii": "utf-8", "ascii": "utf-8"}
_ENCODINGS |= {"iso-8859-1": "latin-1", "latin1": "latin-1"}
_NOT_XML = regex("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def parse(data: str | bytes, *, max_bytes: int = MAX_BYTES) -> Element:
    """Read one XML document.

    White space between elements is dropped; comments inside the document element are kept, the
    other things (processing instructions, comments outside of it) are not.

    Raises:
        SyntaxProblem: it is not well-formed, too large, too deep, or uses what a CIB never needs
            (document types, namespaces, text between elements). The diagnostic has the line.
    """
    text = _decode(data, max_bytes)
    try:
        encoded = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise _problem(f"this text is not Unicode: {error.reason}", text, 0, 0) from error
    return _Reader(text).read(encoded)


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
        place = f" (after “{around}”)" if around else ""
        code = ord(bad.group())
        if 0xDC80 <= code <= 0xDCFF:  # how Python keeps a byte that it could not read
            raise ConfigError(f"the byte {code - 0xDC00:#x}{place} is no text (UTF-8)")
        raise ConfigError(
            f"the character U+{code:04X}{place} cannot stand in XML",
            hint="control characters cannot be stored in the configuration",
        )
    return text


def carriable(text: str) -> str:
    """A text that XML can carry: control characters, which it cannot, become ``?``."""
    return _NOT_XML.sub("?", text)


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


class _Reader:
    """Builds elements while expat reads one document."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._parser = parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.CommentHandler = self._comment
        parser.StartDoctypeDeclHandler = self._document_type
        # Of every open element: its tag, its attributes, its own text, and its children so far.
        self._open: list[tuple[str, dict[str, str], list[str], list[Element]]] = []
        self._root: Element | None = None

    def read(self, data: bytes) -> Element:
        """The document element of these bytes. Raises SyntaxProblem."""
        try:
            self._parser.Parse(data, True)
        except expat.ExpatError as error:
            lines = data.splitlines()[error.lineno - 1 :]  # a lone \r ends a line for expat too
            before = lines[0][: error.offset] if lines else b""
            column = len(before.decode("utf-8", "ignore")) + 1
            message = f"not well-formed XML: {self._plain(error)}"
            raise _problem(message, self._text, error.lineno, column) from None
        finally:
            del self._parser  # it knows this object, which could not be freed otherwise
        assert self._root is not None
        return self._root

    def _plain(self, error: expat.ExpatError) -> str:
        """What is wrong, with the name of the element that is open there."""
        name = f"<{self._open[-1][0]}>" if self._open else ""
        if expat.errors.codes[expat.errors.XML_ERROR_TAG_MISMATCH] == error.code:
            return f"{name} is still open here"
        if expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS] == error.code:
            return f"{name} is never closed" if name else "there is no element in it"
        return expat.ErrorString(error.code)

    # ---- what expat calls ----------------------------------------------------------------------

    def _start(self, tag: str, attrs: dict[str, str]) -> None:
        if len(self._open) >= MAX_DEPTH:
            self._refuse(f"more than {MAX_DEPTH} elements inside each other")
        if ":" in tag or any(":" in name or name == "xmlns" for name in attrs):
            self._refuse(f"the namespace of <{tag}> is not allowed here")
        self._open.append((tag, attrs, [], []))

    def _end(self, tag: str) -> None:
        tag, attrs, texts, children = self._open.pop()
        text = "".join(texts) if texts else ""
        if text and (children or text.isspace()):
            text = text.strip()
        element = Element(tag, attrs, tuple(children), text)
        if self._open:
            self._open[-1][3].append(element)
        else:
            self._root = element

    def _characters(self, text: str) -> None:
        _, _, texts, children = self._open[-1]
        if not children:
            texts.append(text)
        elif not text.isspace():
            self._refuse(f"unexpected text “{_short(text)}”")

    def _comment(self, text: str) -> None:
        if self._open:
            self._open[-1][3].append(Element(COMMENT, {}, (), text))

    def _document_type(self, *_: object) -> None:
        self._refuse(
            "a document type (<!DOCTYPE …>) is not allowed here",
            hint="remove it: a CIB needs neither DTD nor entities",
        )

    def _refuse(self, message: str, *, hint: str | None = None) -> NoReturn:
        raise _problem(message, self._text, self._parser.CurrentLineNumber, 0, hint=hint)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 30 else text[:29] + "…"


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

_NEEDS_ESCAPE = regex(r'[&<>"\t\n\r]')
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


def _legible(value: str) -> str:
    """The same with what a terminal would not print, or would obey, as references."""
    escaped = _escape(value)
    if escaped.isprintable() or _NOT_XML.search(escaped):
        return escaped
    return "".join(char if char.isprintable() else f"&#{ord(char)};" for char in escaped)


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
        parts.append(f' {name}="{_legible(value)}"')
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
