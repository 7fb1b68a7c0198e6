"""Messages as values: how they become plain objects, and how plain objects are held to them.

A message is a ``frozen`` class of this package. What its fields may be is what their annotations
say; those are read here, once for every class that is met, into checks:

    str int bool float              and nothing else for them: a truth value is no number
    Text, Count, …                  names of ``LIMITS``, with the least and the most
    Name, Given, XmlName            texts of which that is not all (``_RULES``)
    a StrEnum                       one of its words
    X | None, list[X], dict[X, Y], tuple[X, Y, Z], and other messages

A message on its own is a map with its class's name as ``type``; inside of another one it has none.
Every field is sent. A map that lacks a field without a default, or has one that nobody knows, is
refused, whoever sent it.
"""

from __future__ import annotations

from crmsh_py.errors import RemoteProtocolError
from crmsh_py.value import Value, field_names, needed_names
from crmsh_py.xml_text import is_attribute_name, is_xml_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    from crmsh_py.wire.packing import Plain

    Check = Callable[[object], object]
    ValueT = TypeVar("ValueT", bound=Value)

# Kinds of text: their longest; kinds of numbers: their least and most; of collections: how many.
Limit = int | tuple[int, int]
LIMITS: dict[str, Limit] = {
    "Name": 1024,
    "XmlName": 1024,
    "Text": 64 * 1024,
    "Given": 64 * 1024,
    "Document": 64 * 1024 * 1024,
    "Count": (0, 2**53),
    "Epoch": (0, 2**31 - 1),
    "Milliseconds": (0, 2**40),
    "Delay": (-1, 2**40),
    "Pause": (0, 60_000),
    "Percent": (0, 100),
    "NodeId": (0, 2**32 - 1),
    "MemberId": (1, 2**32 - 1),
    "Votes": (0, 2**16),
    "Expected": (1, 2**16),
}
_MOST_PAIRS = {"dict": 10_000, "Few": 64}
_checks: dict[type, tuple[dict[str, Check], frozenset[str]]] = {}


class FieldError(RemoteProtocolError):
    """A message of a known kind, with a field that is not what it may be. Tells which, and why."""


def plain(message: Value, *, typed: bool = True) -> dict[str, Plain]:
    """A message as plain objects."""
    found: dict[str, Plain] = {"type": type(message).__name__} if typed else {}
    for name in field_names(message):
        found[name] = _plain(getattr(message, name))
    return found


def _plain(thing: object) -> Plain:
    if isinstance(thing, Value):
        return plain(thing, typed=False)
    if isinstance(thing, list | tuple):
        return [_plain(each) for each in thing]
    return thing  # type: ignore[return-value]  # the packer refuses what it does not know


def typed(kinds: Mapping[str, type[ValueT]], thing: object) -> ValueT:
    """The message of one of these kinds that a plain object is; raises RemoteProtocolError."""
    if not isinstance(thing, dict):
        raise RemoteProtocolError("a message that is no map")
    kind = thing.pop("type", None)
    found = kinds.get(kind) if isinstance(kind, str) else None
    if found is None:
        raise RemoteProtocolError("a message of a kind that is not known here")
    return checked(found, thing)


def checked(kind: type[ValueT], thing: object) -> ValueT:
    """The message of this kind that a plain object is; raises RemoteProtocolError."""
    if not isinstance(thing, dict):
        raise RemoteProtocolError(f"a {kind.__name__} that is no map")
    checks, needed = _checks.get(kind) or _read(kind)
    fields = {}
    for name, value in thing.items():
        check = checks.get(name)
        if check is None:
            raise RemoteProtocolError(f"a {kind.__name__} has no such field")
        try:
            fields[name] = check(value)
        except _RefusedError as error:
            why = str(error) or "it is of another kind"
            raise FieldError(f"a {kind.__name__} with a wrong {name}: {why}") from None
    if not needed <= fields.keys():
        raise RemoteProtocolError(f"a {kind.__name__} that is not whole")
    return kind(**fields)


# ---- checks -------------------------------------------------------------------------------------


class _RefusedError(Exception):
    """It is not what the field may be; says why, if that is not plain."""


def _read(kind: type[Value]) -> tuple[dict[str, Check], frozenset[str]]:
    """The checks of a class's fields, and the fields that must be there."""
    module = __import__(kind.__module__, fromlist=["_"]).__dict__
    annotations: dict[str, str] = {}
    for cls in reversed(kind.__mro__):
        annotations.update(cls.__dict__.get("__annotations__", {}))  # noqa: RUF063  # inspect is slow
    checks = {name: _check(annotations[name], module) for name in field_names(kind)}
    made = _checks[kind] = checks, needed_names(kind)
    return made


def _check(annotation: str, module: Mapping[str, object]) -> Check:
    if annotation in _PLAIN:
        return _exactly(_PLAIN[annotation])
    if annotation in LIMITS:
        return _limited(LIMITS[annotation], _RULES.get(annotation))
    choices = _split(annotation, "|")
    if len(choices) == 2 and choices[1] == "None":
        inner = _check(choices[0], module)
        return lambda thing: None if thing is None else inner(thing)
    outer, _, rest = annotation.partition("[")
    parts = _split(rest.removesuffix("]"), ",")
    if outer == "list":
        return _list_of(_check(parts[0], module))
    if outer in _MOST_PAIRS:
        checks = (_check(part, module) for part in parts)
        return _map_of(*checks, most=_MOST_PAIRS[outer])
    if outer == "tuple":
        return _tuple_of([_check(part, module) for part in parts])
    kind = module[annotation]
    assert isinstance(kind, type)
    if issubclass(kind, str) and kind is not str:  # a StrEnum, which is asked without enum
        return _one_of(kind)
    assert issubclass(kind, Value)
    return lambda thing: checked(kind, thing)


_RULES: dict[str, Callable[[str], bool]] = {
    "Name": str.isprintable,  # it is shown in the lines of tables
    "Given": is_xml_text,
    "XmlName": is_attribute_name,
}
_PLAIN: dict[str, type] = {"str": str, "int": int, "bool": bool, "float": float}


def _split(text: str, mark: str) -> list[str]:
    """The parts of an annotation, but not those inside of brackets."""
    parts, depth = [""], 0
    for char in text:
        depth += (char == "[") - (char == "]")
        if char == mark and not depth:
            parts.append("")
        else:
            parts[-1] += char
    return [part.strip() for part in parts]


def _exactly(kind: type) -> Check:
    def check(thing: object) -> object:
        if type(thing) is not kind:
            raise _RefusedError
        return thing

    return check


def _limited(limit: Limit, rule: Callable[[str], bool] | None = None) -> Check:
    def number(thing: object) -> object:
        if type(thing) is not int:
            raise _RefusedError
        if not least <= thing <= most:
            raise _RefusedError(f"{thing} is not from {least} to {most}")
        return thing

    def text(thing: object) -> object:
        if type(thing) is not str:
            raise _RefusedError
        if len(thing) > most:
            raise _RefusedError(f"it has {len(thing)} characters; {most} are allowed")
        if rule is not None and not rule(thing):
            raise _RefusedError(f"{thing[:64]!a} has a character that cannot stand there")
        return thing

    if isinstance(limit, tuple):
        least, most = limit
        return number
    most = limit
    return text


def _one_of(words: type[str]) -> Check:
    def check(thing: object) -> object:
        if type(thing) is not str:
            raise _RefusedError
        try:
            return words(thing)
        except ValueError:
            raise _RefusedError(f"{thing[:64]!a} is none of its words") from None

    return check


def _list_of(check: Check) -> Check:
    def all_of(thing: object) -> object:
        if type(thing) is not list:
            raise _RefusedError
        return [check(each) for each in thing]

    return all_of


def _tuple_of(checks: list[Check]) -> Check:
    def all_of(thing: object) -> object:
        if type(thing) is not list or len(thing) != len(checks):
            raise _RefusedError
        return tuple(check(each) for check, each in zip(checks, thing, strict=True))

    return all_of


def _map_of(name_check: Check, check: Check, *, most: int) -> Check:
    def all_of(thing: object) -> object:
        if type(thing) is not dict or len(thing) > most:
            raise _RefusedError
        return {name_check(name): check(each) for name, each in thing.items()}

    return all_of
