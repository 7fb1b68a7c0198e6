"""Values and records with slots, as ``dataclasses`` makes them, but quickly.

``dataclasses`` loads ``inspect`` (10 ms), then compiles six functions for each class and makes
the class twice; ``typing`` takes 4 ms more. A command that a person waits for loads a hundred such
classes and uses half of them, most of these once. Here nothing is compiled before a class is used
some times, and then only what it uses. A test compares the two.

    @frozen                     a value: never changed, compared and hashed by its fields
    @frozen(kw_only=True)       … and made with names only
    @mutable                    a record: its fields may change; compared, not hashed
    field(default_factory=list)

This is for everything that commands load (``tests/tools/test_imports.py``); the engine and the
daemon, which start once, use ``dataclasses``.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, NoReturn, TypeVar, dataclass_transform

    _T = TypeVar("_T")
else:

    def dataclass_transform(**_: object) -> object:
        """Nothing at run time; type checkers know by it what a decorator makes."""
        return lambda function: function


# Instances of a class that are made slowly, before it is worth a compilation.
_UNCOMPILED = 3


class _Missing:
    """The default of a field that has none."""

    __slots__ = ()


_MISSING = _Missing()


class _Field:
    """What ``field`` says of a field."""

    __slots__ = ("compare", "default", "factory", "init", "repr")

    def __init__(
        self, default: object, factory: Callable[[], object] | None, init: bool, compare: bool,
        repr: bool,
    ) -> None:  # fmt: skip
        self.default = default
        self.factory = factory
        self.init = init
        self.compare = compare
        self.repr = repr


def field(
    *,
    default: Any = _MISSING,
    default_factory: Callable[[], Any] | None = None,
    init: bool = True,
    compare: bool = True,
    repr: bool = True,
) -> Any:
    """A field with a default that is made anew for each instance, or otherwise special."""
    return _Field(default, default_factory, init, compare, repr)


_PLAIN = _Field(_MISSING, None, True, True, True)


class _Shape:
    """The fields of a class, in their order, and which of them are given by name alone."""

    __slots__ = ("compared", "fields", "kw_only", "names", "positional", "shown", "uses")

    def __init__(self, fields: dict[str, _Field], kw_only: frozenset[str]) -> None:
        self.fields = fields
        self.kw_only = kw_only
        self.names = tuple(fields)
        self.positional = tuple(n for n, f in fields.items() if f.init and n not in kw_only)
        self.compared = tuple(n for n, f in fields.items() if f.compare)
        self.shown = tuple(n for n, f in fields.items() if f.repr)
        self.uses = 0


class _Fielded:  # noqa: PLW1641 - its two kinds say whether they are hashed
    """What values and records have in common."""

    __slots__ = ()
    __match_args__: tuple[str, ...] = ()
    __shape__ = _Shape({}, frozenset())

    def __eq__(self, other: object) -> bool:
        cls = type(self)
        if cls is not type(other):
            return NotImplemented
        _compile_comparison(cls)
        return self == other

    def __repr__(self) -> str:
        fields = ", ".join(f"{n}={getattr(self, n)!r}" for n in self.__shape__.shown)
        return f"{type(self).__name__}({fields})"

    def __reduce__(self) -> tuple[object, ...]:
        shape = self.__shape__
        things = tuple(getattr(self, n) for n in shape.names)
        return (
            (type(self), things)
            if shape.positional == shape.names
            else (_remade, (type(self), things))
        )


class Value(_Fielded):
    """The base of all values: compared and hashed by their fields, never changed."""

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        own = cls.__dict__
        if "__match_args__" in own and "__shape__" not in own:  # one that is written out
            cls.__shape__ = _Shape(dict.fromkeys(own["__match_args__"], _PLAIN), frozenset())

    __eq__ = _Fielded.__eq__

    def __hash__(self) -> int:
        cls = type(self)
        _compile_comparison(cls)
        return hash(self)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} cannot be changed ({name})")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} cannot be changed ({name})")


class Record(_Fielded):
    """The base of all records: compared by their fields, which may change."""

    __slots__ = ()

    __eq__ = _Fielded.__eq__
    __hash__ = None  # type: ignore[assignment]  # what changes has no place in a set


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: Any = None, /, *, kw_only: bool = False) -> Any:
    """Make a class of annotated fields (with defaults or without) a frozen value."""
    if cls is None:
        return lambda cls: _made(cls, Value, kw_only)
    return _made(cls, Value, kw_only)


@dataclass_transform(field_specifiers=(field,))
def mutable(cls: Any = None, /, *, kw_only: bool = False) -> Any:
    """Make a class of annotated fields one whose instances can be changed."""
    if cls is None:
        return lambda cls: _made(cls, Record, kw_only)
    return _made(cls, Record, kw_only)


def replace(old: _T, **changes: object) -> _T:
    """A copy of a value with some fields changed."""
    shape: _Shape = old.__shape__  # type: ignore[attr-defined]
    fields = {name: getattr(old, name) for name, f in shape.fields.items() if f.init}
    unknown = changes.keys() - fields.keys()
    assert not unknown, f"{type(old).__name__} has no {unknown}"
    fields.update(changes)
    return type(old)(**fields)


def field_names(thing: object) -> tuple[str, ...]:
    """The names of the fields of a value or record, or of such a class, in their order."""
    shape: _Shape = thing.__shape__  # type: ignore[attr-defined]
    return shape.names


def needed_names(thing: object) -> frozenset[str]:
    """The names of the fields that have no default."""
    shape: _Shape = thing.__shape__  # type: ignore[attr-defined]
    return frozenset(
        n for n, f in shape.fields.items() if f.init and f.default is _MISSING and f.factory is None
    )


def has_fields(thing: object) -> bool:
    """Whether this is a value or a record, or such a class."""
    return isinstance(thing, _Fielded) or (isinstance(thing, type) and issubclass(thing, _Fielded))


# ---- making classes -----------------------------------------------------------------------------


def _made(cls: type, base: type, kw_only: bool) -> type:
    own = cls.__dict__
    fields: dict[str, _Field] = {}
    by_name: set[str] = set()
    for above in reversed(cls.__mro__[1:]):
        shape = above.__dict__.get("__shape__")
        if shape is not None:
            fields.update(shape.fields)
            by_name |= shape.kw_only
    slots = []
    namespace = dict(own)
    for name, annotation in own.get("__annotations__", {}).items():
        if annotation.startswith("ClassVar"):
            continue
        given = namespace.pop(name, _MISSING)
        if given is _MISSING:
            fields[name] = _PLAIN
        elif isinstance(given, _Field):
            fields[name] = given
        else:
            fields[name] = _Field(given, None, True, True, True)
        if kw_only:
            by_name.add(name)
        slots.append(name)
    for name in ("__dict__", "__weakref__"):
        namespace.pop(name, None)
    shape = _Shape(fields, frozenset(by_name))
    namespace["__slots__"] = tuple(slots)
    namespace["__shape__"] = shape
    namespace["__match_args__"] = shape.positional
    if "__init__" not in namespace:
        namespace["__init__"] = _first_init
    if "__eq__" not in namespace:  # not that of a base, which compares fewer fields
        namespace["__eq__"] = base.__eq__
        namespace["__hash__"] = base.__hash__
    bases = cls.__bases__
    if bases == (object,):
        bases = (base,)
    elif not issubclass(cls, base):
        bases = (*bases, base)
    return type(cls)(cls.__name__, bases, namespace)


def _first_init(self: object, *args: object, **named: object) -> None:
    cls = type(self)
    shape: _Shape = cls.__shape__  # type: ignore[attr-defined]
    shape.uses += 1
    if shape.uses > _UNCOMPILED or not _filled(self, cls, shape, args, named):
        owner = next(c for c in cls.__mro__ if c.__dict__.get("__shape__") is shape)
        owner.__init__ = _initializer(owner, shape)  # type: ignore[misc]
        owner.__init__(self, *args, **named)  # type: ignore[misc]


def _filled(
    self: object, cls: type, shape: _Shape, args: tuple[object, ...], named: Mapping[str, object]
) -> bool:
    """Set the fields without any compilation; False where something about them is unusual."""
    given = dict(zip(shape.positional, args, strict=False))
    if len(args) > len(shape.positional) or not given.keys().isdisjoint(named):
        return False
    given.update(named)
    missing = []
    for name, each in shape.fields.items():
        if name in given:
            if not each.init:
                return False
        elif each.factory is not None:
            missing.append((name, each.factory))
        elif each.default is not _MISSING:
            given[name] = each.default
        elif each.init:
            return False
    if not given.keys() <= shape.fields.keys():
        return False
    put = object.__setattr__
    for name, thing in given.items():
        put(self, name, thing)
    for name, factory in missing:
        put(self, name, factory())
    if hasattr(cls, "__post_init__"):
        self.__post_init__()  # type: ignore[attr-defined]
    return True


# The texts that are compiled hold nothing but names of fields, which are identifiers of this
# package.


def _initializer(cls: type, shape: _Shape) -> Callable[..., None]:
    scope: dict[str, Any] = {}
    positional: list[str] = []
    named: list[str] = []
    body: list[str] = []
    for name, each in shape.fields.items():
        scope[f"put_{name}"] = getattr(cls, name).__set__
        parameter, given = name, name
        if each.factory is not None:
            scope[f"new_{name}"] = each.factory
            parameter = f"{name}=missing"
            given = f"new_{name}() if {name} is missing else {name}" if each.init else ""
            given = given or f"new_{name}()"
        elif each.default is not _MISSING:
            scope[f"default_{name}"] = each.default
            parameter = f"{name}=default_{name}"
            given = name if each.init else f"default_{name}"
        elif not each.init:
            continue
        body.append(f"\n put_{name}(self, {given})")
        if each.init:
            (named if name in shape.kw_only else positional).append(parameter)
    scope["missing"] = _MISSING
    if hasattr(cls, "__post_init__"):
        body.append("\n self.__post_init__()")
    parameters = ", ".join(["self", *positional, *(["*", *named] if named else [])])
    exec(f"def __init__({parameters}):{''.join(body) or ' pass'}", scope)  # noqa: S102
    made: Callable[..., None] = scope["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    return made


def _compile_comparison(cls: type) -> None:
    """Give a class its own ``__eq__``, and ``__hash__`` if it is a value: at its first use."""
    shape: _Shape = cls.__shape__  # type: ignore[attr-defined]
    mine = "".join(f"self.{n}, " for n in shape.compared)
    theirs = "".join(f"other.{n}, " for n in shape.compared)
    scope: dict[str, Any] = {"cls": cls}
    text = (
        "def __eq__(self, other):\n"
        " if self is other: return True\n"
        " if other.__class__ is not self.__class__: return NotImplemented\n"
        f" return ({mine}) == ({theirs})\n"
        f"def __hash__(self): return hash((cls, {mine}))\n"
    )
    exec(text, scope)  # noqa: S102
    cls.__eq__ = scope["__eq__"]  # type: ignore[method-assign]
    if cls.__dict__.get("__hash__") is Value.__dict__["__hash__"]:
        cls.__hash__ = scope["__hash__"]  # type: ignore[method-assign]


def _remade(cls: type[_T], things: tuple[object, ...]) -> _T:
    made = cls.__new__(cls)
    for name, thing in zip(field_names(cls), things, strict=True):
        object.__setattr__(made, name, thing)
    return made
