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
    from collections.abc import Mapping, Sequence

    Plain = None | bool | int | float | str | Sequence["Plain"] | Mapping[str, "Plain"]

MAX_DEPTH = 16
MAX_PARTS = 1_000_000  # of all lists and maps together


def pack(thing: Plain) -> bytes:
    """The bytes of a value; raises LocalProtocolError for what cannot be said."""
    out: list[bytes] = []
    _pack_into(out, thing)
    return b"".join(out)


def _pack_into(out: list[bytes], thing: Plain) -> None:
    if isinstance(thing, str):
        try:
            data = thing.encode()
        except UnicodeEncodeError:
            raise LocalProtocolError(f"{thing[:64]!a} is no text that can be sent") from None
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


def unpack(data: bytes, parts: int = MAX_PARTS) -> Plain:
    """The value that these bytes are, all of them; it may have ``parts`` in its lists and maps.

    Raises:
        RemoteProtocolError: they are none.
    """
    reader = _Reader(data, parts)
    try:
        thing = reader.value(MAX_DEPTH)
    except IndexError:
        raise RemoteProtocolError("it ends too early") from None
    except UnicodeDecodeError:
        raise RemoteProtocolError("a text that is no UTF-8") from None
    if reader.at != len(data):
        raise RemoteProtocolError("something comes after its end")
    return thing


class _Reader:
    """Bytes, and how far they have been read. Raises IndexError at their end."""

    def __init__(self, data: bytes, parts: int) -> None:
        self._data = data
        self._parts = parts
        self.at = 0

    def value(self, depth: int) -> Plain:
        """The next value, with at most ``depth`` more inside each other."""
        code = self._data[self.at]
        self.at += 1
        if code <= 0x7F:
            return code
        if code >= 0xE0:
            return code - 0x100
        if 0xA0 <= code <= 0xBF:
            return self._text(code & 0x1F)
        if code <= 0x8F:
            return self._map(code & 0x0F, depth)
        if code <= 0x9F:
            return self._list(code & 0x0F, depth)
        if code in _WORDS:
            return _WORDS[code]
        if code in _NUMBERS:
            size, signed = _NUMBERS[code]
            return int.from_bytes(self._part(size), "big", signed=signed)
        if code in _TEXTS:
            return self._text(self._length(_TEXTS[code]))
        if code in _LISTS:
            return self._list(self._length(_LISTS[code]), depth)
        if code in _MAPS:
            return self._map(self._length(_MAPS[code]), depth)
        if code in _FLOATS:
            import struct

            form, size = _FLOATS[code]
            return struct.unpack(form, self._part(size))[0]  # type: ignore[no-any-return]
        raise RemoteProtocolError(f"something of a kind that is not used here ({code:#x})")

    def _part(self, length: int) -> bytes:
        end = self.at + length
        if end > len(self._data):
            raise IndexError
        part = self._data[self.at : end]
        self.at = end
        return part

    def _length(self, size: int) -> int:
        return int.from_bytes(self._part(size), "big")

    def _text(self, length: int) -> str:
        return self._part(length).decode()

    def _room_for(self, parts: int, depth: int) -> None:
        # Every part has at least one byte: a length is never believed before there are as many.
        # And a byte becomes up to a hundred in memory.
        if not depth or parts > len(self._data) - self.at:
            raise IndexError
        self._parts -= parts
        if self._parts < 0:
            raise RemoteProtocolError("lists and maps of too many parts")

    def _list(self, length: int, depth: int) -> list[Plain]:
        self._room_for(length, depth)
        return [self.value(depth - 1) for _ in range(length)]

    def _map(self, length: int, depth: int) -> dict[str, Plain]:
        self._room_for(2 * length, depth)
        found: dict[str, Plain] = {}
        for _ in range(length):
            name = self.value(0)
            if not isinstance(name, str):
                raise RemoteProtocolError("a name that is no text")
            found[name] = self.value(depth - 1)
        return found


_WORDS = {0xC0: None, 0xC2: False, 0xC3: True}
_NUMBERS = {
    0xCC: (1, False), 0xCD: (2, False), 0xCE: (4, False), 0xCF: (8, False),
    0xD0: (1, True), 0xD1: (2, True), 0xD2: (4, True), 0xD3: (8, True),
}  # fmt: skip
_FLOATS = {0xCA: (">f", 4), 0xCB: (">d", 8)}
# Codes that a length follows: of how many bytes that is.
_TEXTS = {0xD9: 1, 0xDA: 2, 0xDB: 4}
_LISTS = {0xDC: 2, 0xDD: 4}
_MAPS = {0xDE: 2, 0xDF: 4}
