"""Valid encodings made invalid: by bytes, by the structure of MessagePack, of XML and of lines.

Everything is drawn from a ``random.Random``, so an input is named by its seed. A mutation of the
structure keeps the encoding well-formed and breaks its sense, which bytes seldom do.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from crmsh_py.cib.element import COMMENT, Element

_NUMBERS = (0, 1, -1, 127, 128, 255, 256, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**53, 2**63 - 1)
_TEXTS = (
    *("", "x", "id", "true", "INFINITY", "-1", "0x10", "é", "\u202e", "a" * 70_000, "\ud7ff"),
    *("%s%n", "../../etc/passwd", "'", '"', "]]>", "&amp;", "<a>", "//*", "\n", "\t", "٣", "²"),
)


def bytes_of(chance: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Some bytes changed, lost, repeated, or joined with another encoding."""
    changed = bytearray(data)
    for _ in range(1 + chance.randrange(4)):
        place = chance.randrange(len(changed) + 1)
        length = min(chance.choice((1, 1, 2, 4, 16, 200)), len(changed) - place)
        match chance.randrange(6):
            case 0:
                changed[place : place + length] = chance.randbytes(length)
            case 1:
                del changed[place : place + length]
            case 2:
                changed[place:place] = changed[place : place + length] * chance.choice((1, 2, 50))
            case 3:
                del changed[place:]
            case 4:
                other = chance.choice(others)
                changed[place:] = other[chance.randrange(len(other) + 1) :]
            case _:
                changed[place:place] = bytes([chance.choice((0, 0x7F, 0x80, 0xC1, 0xDD, 0xFF))])
    return bytes(changed[: 2 * len(data) + 200_000])


def packed(chance: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """The same message with some of its values replaced, dropped or doubled."""
    try:
        value = msgspec.msgpack.decode(data)
    except msgspec.MsgspecError:
        return bytes_of(chance, data, others)
    for _ in range(1 + chance.randrange(3)):
        value = _changed(chance, value, 0)
    return msgspec.msgpack.encode(value)


def _changed(chance: random.Random, value: Any, depth: int) -> Any:
    """Go down at random and change what is there."""
    inside = chance.random() < 0.7 and depth < 12
    if isinstance(value, list) and value and inside:
        place = chance.randrange(len(value))
        return [*value[:place], _changed(chance, value[place], depth + 1), *value[place + 1 :]]
    if isinstance(value, dict) and value and inside:
        key = chance.choice(list(value))
        return {**value, key: _changed(chance, value[key], depth + 1)}
    if isinstance(value, list) and value and chance.random() < 0.5:
        place = chance.randrange(len(value))
        return chance.choice((value[:place], value * 2, value[:place] + value[place + 1 :]))
    if isinstance(value, dict) and value and chance.random() < 0.5:
        key = chance.choice(list(value))
        rest = {each: inner for each, inner in value.items() if each != key}
        return chance.choice((rest, {**rest, chance.choice(_TEXTS): value[key]}))
    return _leaf(chance)


def _leaf(chance: random.Random) -> Any:
    match chance.randrange(8):
        case 0:
            return None
        case 1:
            return chance.random() < 0.5
        case 2:
            return chance.choice((float("nan"), float("inf"), -0.0, 1e308))
        case 3:
            return chance.randbytes(chance.choice((0, 1, 40, 3000)))
        case 4:
            nested: Any = []
            for _ in range(chance.choice((1, 30, 400))):
                nested = [nested]
            return nested
        case 5:
            return [chance.choice(_NUMBERS)] * chance.choice((0, 1, 70, 2000))
        case 6:
            return chance.choice(_NUMBERS)
        case _:
            return chance.choice(_TEXTS)


def lines(chance: random.Random, text: str, others: Sequence[str]) -> str:
    """Some lines, words and numbers of a text changed, lost, repeated or moved."""
    found = text.splitlines()
    for _ in range(1 + chance.randrange(4)):
        place = chance.randrange(len(found) + 1)
        match chance.randrange(6):
            case 0 if place < len(found):
                words = found[place].split(" ")
                words[chance.randrange(len(words))] = str(chance.choice((*_TEXTS, *_NUMBERS)))
                found[place] = " ".join(words)
            case 1:
                del found[place : place + chance.choice((1, 1, 5))]
            case 2:
                found[place:place] = found[place : place + chance.choice((1, 3, 10))]
            case 3:
                found[place:place] = chance.choice(others).splitlines()[:20]
            case 4:
                found.insert(place, chance.choice(("}", "{", "a {", ": x", "node {", "#", "\0")))
            case _:
                chance.shuffle(found)
    return "\n".join(found)


def tree(chance: random.Random, root: Element) -> Element:
    """The same document with elements and attributes replaced, dropped, doubled or moved."""
    for _ in range(1 + chance.randrange(4)):
        root = _grafted(chance, root, 0)
    return root


def _grafted(chance: random.Random, element: Element, depth: int) -> Element:
    children = element.children
    if children and depth < 30 and chance.random() < 0.8:
        place = chance.randrange(len(children))
        inner = _grafted(chance, children[place], depth + 1)
        return element.with_children((*children[:place], inner, *children[place + 1 :]))
    if element.tag == COMMENT:
        return element
    change: Callable[[], Element] = chance.choice(
        (
            lambda: element.with_children(children * 2),
            lambda: element.with_children(children[1:]),
            lambda: element.append(element),
            lambda: Element(chance.choice(("x", "nvpair", "cib", "rule")), element.attrs, children),
            lambda: _attributes_changed(chance, element),
            lambda: _attributes_changed(chance, element),
            lambda: _attributes_changed(chance, element),
        )
    )
    return change()


def _attributes_changed(chance: random.Random, element: Element) -> Element:
    names = [*element.attrs, "id", "value", "path", "operation", "position"]
    name = chance.choice(names)
    words = [text for text in _TEXTS if len(text) < 100]
    value = chance.choice((None, str(chance.choice(_NUMBERS)), chance.choice(words)))
    return element.with_attributes({name: value})
