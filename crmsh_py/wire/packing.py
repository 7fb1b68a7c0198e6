"""MessagePack, as much of it as the control socket speaks: nil, truth, numbers, text, lists, maps.

Pure Python: what a client sends and gets is a few short values, or one long text, which is copied
as a whole. A library that does it in C takes 30 ms to load, more than most commands take for the
rest. Binary data, extensions and keys that are no text are refused, and so is what is nested
deeper than any message.

Source: https://github.com/msgpack/msgpack/blob/master/spec.md
"""

from __future__ import annotations

from crmsh_py.errors import LocalProtocolError, RemoteProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Plain = None | bool | int | float | str | Sequence["Plain"] | Mapping[str, "Plain"]

MAX_DEPTH = 16


def pack(thing: Plain) -> bytes:
    """The bytes of a value; raises LocalProtocolError for what cannot be said."""
    out: list[bytes] = []
    _pack_into(out, thing)
    return b"".join(out)


def _pack_into(out: list[bytes], thing: Plain) -> None:
    if isinstance(thing, str):
        data = thing.encode()
        out.append(_head(len(data), 0xA0, 31, (0xD9, 0xDA, 0xDB)))
        out.append(data)
    elif thing is None:
        out.append(b"\xc0")
    elif isinstance(thing, bool):
        out.append(b"\xc3" if thing else b"\xc2")
    elif isinstance(thing, int):
        out.append(_int(thing))
    elif isinstance(thing, float):
        import struct

        out.append(struct.pack(">Bd", 0xCB, thing))
    elif isinstance(thing, list | tuple):
        out.append(_head(len(thing), 0x90, 15, (0, 0xDC, 0xDD)))
        for each in thing:
            _pack_into(out, each)
    elif isinstance(thing, dict):
        out.append(_head(len(thing), 0x80, 15, (0, 0xDE, 0xDF)))
        for name, each in thing.items():
            _pack_into(out, name)
            _pack_into(out, each)
    else:
        raise LocalProtocolError(f"a {type(thing).__name__} cannot be sent")


def _head(length: int, small: int, most: int, codes: tuple[int, int, int]) -> bytes:
    if length <= most:
        return bytes((small | length,))
    if length <= 0xFF and codes[0]:
        return bytes((codes[0], length))
    if length <= 0xFFFF:
        return bytes((codes[1], length >> 8, length & 0xFF))
    return bytes((codes[2],)) + length.to_bytes(4, "big")


def _int(number: int) -> bytes:
    if 0 <= number <= 0x7F:
        return bytes((number,))
    if -0x20 <= number < 0:
        return bytes((0x100 + number,))
    try:
        code = b"\xcf" if number > 0 else b"\xd3"
        return code + number.to_bytes(8, "big", signed=number < 0)
    except OverflowError:
        raise LocalProtocolError(f"{number} is too large a number to be sent") from None


def unpack(data: bytes) -> Plain:
    """The value that these bytes are, all of them.

    Raises:
        RemoteProtocolError: they are none.
    """
    try:
        thing, end = _unpack(data, 0, MAX_DEPTH)
    except IndexError:
        raise RemoteProtocolError("it ends too early") from None
    except UnicodeDecodeError:
        raise RemoteProtocolError("a text that is no UTF-8") from None
    if end != len(data):
        raise RemoteProtocolError("something comes after its end")
    return thing


def _unpack(data: bytes, at: int, depth: int) -> tuple[Plain, int]:
    code = data[at]
    at += 1
    if code <= 0x7F:
        return code, at
    if code >= 0xE0:
        return code - 0x100, at
    if 0xA0 <= code <= 0xBF:
        return _text(data, at, code & 0x1F)
    if code <= 0x8F:
        return _map(data, at, code & 0x0F, depth)
    if code <= 0x9F:
        return _list(data, at, code & 0x0F, depth)
    if code in _WORDS:
        return _WORDS[code], at
    if code in _NUMBERS:
        size, signed = _NUMBERS[code]
        return int.from_bytes(_part(data, at, size), "big", signed=signed), at + size
    if code in _SIZED:
        size, read = _SIZED[code]
        length = int.from_bytes(_part(data, at, size), "big")
        return read(data, at + size, length, depth)
    if code in _FLOATS:
        import struct

        form, size = _FLOATS[code]
        return struct.unpack(form, _part(data, at, size))[0], at + size
    raise RemoteProtocolError(f"something of a kind that is not used here ({code:#x})")


def _part(data: bytes, at: int, length: int) -> bytes:
    if at + length > len(data):
        raise IndexError
    return data[at : at + length]


def _text(data: bytes, at: int, length: int, _depth: int = 0) -> tuple[Plain, int]:
    return _part(data, at, length).decode(), at + length


def _list(data: bytes, at: int, length: int, depth: int) -> tuple[Plain, int]:
    # Every entry has at least one byte: a length is never believed before there are as many.
    if not depth or length > len(data) - at:
        raise IndexError
    found: list[Plain] = []
    for _ in range(length):
        thing, at = _unpack(data, at, depth - 1)
        found.append(thing)
    return found, at


def _map(data: bytes, at: int, length: int, depth: int) -> tuple[Plain, int]:
    if not depth or 2 * length > len(data) - at:
        raise IndexError
    found: dict[str, Plain] = {}
    for _ in range(length):
        name, at = _unpack(data, at, 0)
        if not isinstance(name, str):
            raise RemoteProtocolError("a name that is no text")
        found[name], at = _unpack(data, at, depth - 1)
    return found, at


_WORDS = {0xC0: None, 0xC2: False, 0xC3: True}
_NUMBERS = {
    0xCC: (1, False), 0xCD: (2, False), 0xCE: (4, False), 0xCF: (8, False),
    0xD0: (1, True), 0xD1: (2, True), 0xD2: (4, True), 0xD3: (8, True),
}  # fmt: skip
_FLOATS = {0xCA: (">f", 4), 0xCB: (">d", 8)}
if TYPE_CHECKING:
    _Reader = Callable[[bytes, int, int, int], tuple[Plain, int]]
_SIZED: dict[int, tuple[int, _Reader]] = {
    0xD9: (1, _text), 0xDA: (2, _text), 0xDB: (4, _text),
    0xDC: (2, _list), 0xDD: (4, _list),
    0xDE: (2, _map), 0xDF: (4, _map),
}  # fmt: skip
