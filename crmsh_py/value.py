"""Frozen values with slots, as ``@dataclass(frozen=True, slots=True)`` makes them, but quickly.

``dataclasses`` loads ``inspect`` (10 ms), then compiles six functions for each class and makes
the class twice; for what ``crm configure show`` loads that were 30 ms of the 60 that it takes.
Here nothing is compiled before a class is used, and then only its ``__init__``; the rest is
written once. A test compares the two.

This is for the modules that every quick command loads; others use ``dataclasses``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar, dataclass_transform

_T = TypeVar("_T")


class Value:
    """The base of all values: compared and hashed by their fields, never changed."""

    __slots__ = ()
    __match_args__: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(self) is not type(other):
            return NotImplemented
        return all(getattr(self, n) == getattr(other, n) for n in self.__match_args__)

    def __hash__(self) -> int:
        return hash((type(self), *(getattr(self, n) for n in self.__match_args__)))

    def __repr__(self) -> str:
        fields = ", ".join(f"{n}={getattr(self, n)!r}" for n in self.__match_args__)
        return f"{type(self).__name__}({fields})"

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), tuple(getattr(self, n) for n in self.__match_args__)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} cannot be changed ({name})")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} cannot be changed ({name})")


@dataclass_transform(frozen_default=True)
def value(cls: type[_T]) -> type[_T]:
    """Make a class of annotated fields (with defaults or without) a frozen value."""
    names = tuple(cls.__dict__.get("__annotations__", {}))  # noqa: RUF063  # inspect is slow
    defaults = {name: cls.__dict__[name] for name in names if name in cls.__dict__}
    namespace = {
        name: thing
        for name, thing in cls.__dict__.items()
        if name not in defaults and name not in ("__dict__", "__weakref__")
    }
    namespace["__slots__"] = namespace["__match_args__"] = names
    made: Any = type(cls.__name__, cls.__bases__, namespace)

    def first(self: object, *args: object, **fields: object) -> None:
        made.__init__ = _initializer(made, names, defaults)
        made.__init__(self, *args, **fields)

    made.__init__ = first
    return made  # type: ignore[no-any-return]


def _initializer(
    cls: type, names: tuple[str, ...], defaults: dict[str, Any]
) -> Callable[..., None]:
    parameters = ", ".join(f"{n}=defaults['{n}']" if n in defaults else n for n in names)
    body = "".join(f"\n  put_{n}(self, {n})" for n in names) or "\n  pass"
    # The text holds nothing but names of fields, which are identifiers of this package.
    scope: dict[str, Any] = {f"put_{n}": cls.__dict__[n].__set__ for n in names}
    scope["defaults"] = defaults
    exec(f"def __init__(self, {parameters}):{body}", scope)  # noqa: S102
    made: Callable[..., None] = scope["__init__"]
    return made


def replace(old: _T, **changes: object) -> _T:
    """A copy of a value with some fields changed."""
    names: tuple[str, ...] = old.__match_args__  # type: ignore[attr-defined]
    fields = {name: getattr(old, name) for name in names}
    unknown = changes.keys() - fields.keys()
    assert not unknown, f"{type(old).__name__} has no {unknown}"
    return type(old)(**fields | changes)
